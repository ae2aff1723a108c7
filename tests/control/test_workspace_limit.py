"""The gripper's tip and its box: what is inside stays inside, what is outside only comes back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.arms import ARMS
from drivers.arms import STUDIO_FOLLOWER as ARM
from drivers.kinematics import Chain
from teleop_studio.control.first_motion import Waiting
from teleop_studio.control.safety import SafetyGate, Verdict
from teleop_studio.control.workspace_limit import reach_of, workspace_limit
from tests.control.arms import HOME, D
from tests.control.test_safety import in_reach

Vector = NDArray[np.float64]
CHAIN = Chain(ARM)
ANYWHERE = np.full(3, np.inf)
TIP = CHAIN.forward(HOME)


def gate_in(lower: Vector, upper: Vector, pose: Vector = HOME) -> SafetyGate:
    gate = SafetyGate(ARM, box=workspace_limit(ARM, lower, upper))
    gate.engage(pose)
    gate.limit(pose, None, 0, 0.01)
    assert not gate.aligning
    return gate


def drive(gate: SafetyGate, goal: Vector | None, ticks: int, dt_s: float = 0.01) -> tuple[Vector, Verdict]:
    """(tips (ticks, 3), the last verdict)."""
    joints = []
    for _ in range(ticks):
        verdict = gate.limit(goal, None, 0, dt_s)
        joints.append(verdict.action)
    return CHAIN.forward(np.array(joints)), verdict


def wall(axis: int, at: float, low: bool = True) -> tuple[Vector, Vector]:
    lower, upper = -ANYWHERE, ANYWHERE.copy()
    (lower if low else upper)[axis] = at
    return lower, upper


def test_a_table_is_not_touched_however_fast_the_arm_comes_and_it_says_that_it_waits() -> None:
    gate = gate_in(*wall(2, TIP[2] - 0.05))
    down = HOME.copy()
    down[1:3] += 0.7
    assert CHAIN.forward(down)[2] < TIP[2] - 0.1
    tips, verdict = drive(gate, down, 200)
    assert tips[:, 2].min() >= TIP[2] - 0.05
    assert tips[-1, 2] == pytest.approx(TIP[2] - 0.05, abs=2e-3)  # and it comes close
    assert verdict.waiting is Waiting.BOX
    np.testing.assert_allclose(gate.speed, 0, atol=1e-2)


def test_away_from_the_wall_the_arm_moves_as_without_it() -> None:
    gate, free = gate_in(*wall(2, TIP[2] - 0.05)), gate_in(-ANYWHERE, ANYWHERE)
    drive(gate, np.array([*HOME[:1], HOME[1] + 0.7, *HOME[2:]]), 100)
    up = HOME.copy()
    up[0] += 1.5
    for one in (gate, free):
        one.engage(HOME)
        one.limit(HOME, None, 0, 0.01)
    there, alike = drive(gate, up, 100), drive(free, up, 100)
    np.testing.assert_allclose(there[0], alike[0], atol=1e-12)
    assert there[1].waiting is Waiting.NOTHING


def test_from_outside_the_tip_only_comes_back_and_then_stays() -> None:
    gate = gate_in(*wall(2, TIP[2] + 0.05))
    down = HOME.copy()
    down[1] += 0.5
    tips, _ = drive(gate, down, 100)
    assert tips[:, 2].min() >= TIP[2] - 1e-9
    lifted = HOME.copy()
    lifted[1] -= 0.35
    lifted[2] -= 0.4
    assert CHAIN.forward(lifted)[2] > TIP[2] + 0.06
    tips, _ = drive(gate, lifted, 300)
    assert np.diff(tips[:, 2]).min() > -1e-4
    assert tips[-1, 2] > TIP[2] + 0.06
    tips, _ = drive(gate, HOME, 300)
    assert tips[:, 2].min() >= TIP[2] + 0.05 - 1e-9


@settings(deadline=None, max_examples=60)
@given(
    pose=in_reach,
    goals=st.lists(st.tuples(in_reach, st.integers(1, 40), st.floats(0.001, 0.1), st.booleans()), max_size=6),
    corner=st.lists(st.floats(0.0, 0.12), min_size=6, max_size=6),
)
def test_no_goal_and_no_timing_leads_out_of_the_box_hold_and_hand_over_included(pose, goals, corner) -> None:
    tip = CHAIN.forward(pose)
    lower, upper = tip - corner[:3], tip + corner[3:]
    gate = gate_in(lower, upper, pose)
    for goal, ticks, dt_s, hold in goals:
        for asked in (goal, None) if hold else (goal,):
            tips, _ = drive(gate, asked, ticks, dt_s)
            assert np.all(tips >= lower - 1e-9)
            assert np.all(tips <= upper + 1e-9)
            assert np.all(np.abs(gate.speed) <= ARM.max_speed + 1e-9)
        gate.hand_over()


@settings(deadline=None, max_examples=100)
@given(pose=in_reach, other=in_reach)
def test_no_tip_moves_further_than_its_reach_says(pose: Vector, other: Vector) -> None:
    for arm in (arm for arm in ARMS.values() if arm.links):
        chain, size = Chain(arm), len(arm.joints)
        start, end = np.resize(pose, size), np.resize(other, size)
        way = np.linalg.norm(chain.forward(end) - chain.forward(start))
        assert way <= reach_of(arm) @ np.abs(end - start) + 1e-12


def test_a_box_for_an_arm_without_lengths_is_refused_with_what_to_do() -> None:
    unknown = next(arm for arm in ARMS.values() if not arm.links)
    with pytest.raises(ValueError, match=r"no known link lengths.*Take the box out of the rig file"):
        workspace_limit(unknown, -ANYWHERE, ANYWHERE)


def test_the_gripper_does_not_count() -> None:
    assert reach_of(ARM)[D - 1] == 0
