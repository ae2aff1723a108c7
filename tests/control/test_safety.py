"""The gate lets nothing through that could make the arm jump, whatever it is asked for."""

import re
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.arms import STUDIO_FOLLOWER as ARM
from drivers.samples import JointState
from teleop_studio.control.safety import SafetyGate, SafetyLimits, Verdict
from tests.control.arms import HOME, D, reading

Vector = NDArray[np.float64]
DT_S = 0.01
EPS = 1e-9


@dataclass
class Ride:
    """Feeds a gate and keeps what came out; checks the promise of every single command."""

    gate: SafetyGate = field(default_factory=lambda: SafetyGate(ARM))
    commands: list[NDArray[np.float64]] = field(default_factory=list)
    speed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(D))
    verdict: Verdict | None = None

    def start(self, pose: NDArray[np.float64] = HOME) -> "Ride":
        self.gate.engage(pose)
        assert self.gate.command is not None
        self.commands = [self.gate.command]
        self.speed = np.zeros(D)
        return self

    def aligned(self, pose: NDArray[np.float64] = HOME) -> "Ride":
        self.start(pose).ask(pose)
        assert not self.gate.aligning
        return self

    def ask(self, request: NDArray[np.float64] | None, dt_s: float = DT_S, lead: JointState | None = None) -> Verdict:
        self.verdict = self.gate.limit(request, lead, now_ns=0, dt_s=dt_s)
        command = self.verdict.action
        speed = (command - self.commands[-1]) / dt_s
        assert np.all(np.isfinite(command))
        assert np.all(command >= ARM.lower - EPS)
        assert np.all(command <= ARM.upper + EPS)
        assert np.all(np.abs(speed) <= ARM.max_speed + 1e-6), f"speed {speed}"
        assert np.all(np.abs(speed - self.speed) <= ARM.max_acceleration * dt_s + 1e-6), f"change {speed - self.speed}"
        self.commands.append(command)
        self.speed = speed
        return self.verdict

    @property
    def path(self) -> NDArray[np.float64]:
        """(T + 1, D) commands so far, the pose of `start` first."""
        return np.array(self.commands)


in_reach = st.lists(st.floats(0, 1), min_size=D, max_size=D).map(
    lambda x: ARM.lower + np.array(x) * (ARM.upper - ARM.lower)
)
numbers = st.one_of(st.floats(-10, 10), st.floats(allow_nan=True, allow_infinity=True))
anything = st.one_of(
    st.none(),
    in_reach,
    st.lists(numbers, min_size=D, max_size=D).map(np.array),
    st.lists(numbers, min_size=0, max_size=D + 2).map(np.array),
    st.just(np.zeros((D, 1))),
)


class TestNothingJumps:
    @settings(deadline=None, max_examples=60)
    @given(
        pose=in_reach,
        steps=st.lists(
            st.tuples(
                anything, st.integers(1, 25), st.floats(0.0005, 0.05), st.sampled_from(["", "engage", "hand over"])
            ),
            max_size=14,
        ),
    )
    def test_no_request_and_no_timing_breaks_a_limit(self, pose, steps):
        ride = Ride().start(pose)
        for request, ticks, dt_s, event in steps:
            if event == "engage":
                ride.start(ride.commands[-1])
            elif event == "hand over":
                ride.gate.hand_over()
            for _ in range(ticks):
                ride.ask(request, dt_s)

    @settings(deadline=None, max_examples=30)
    @given(pose=in_reach, goal=in_reach, jitter=st.lists(st.floats(0.005, 0.05), min_size=1, max_size=7))
    def test_a_standing_goal_is_reached_at_full_speed_without_passing_it(
        self, pose: Vector, goal: Vector, jitter: list[float]
    ) -> None:
        ride = Ride().aligned(pose)
        elapsed_s = 0.0
        for dt_s in cycle(jitter):
            ride.ask(goal, dt_s)
            elapsed_s += dt_s
            if elapsed_s > 3.0:
                break
        distance = (goal - ride.path) * np.sign(goal - pose)
        assert np.all(distance >= -EPS), "passed the goal"
        assert np.all(np.diff(distance, axis=0) <= EPS), "went back"
        np.testing.assert_allclose(ride.path[-1], goal, atol=1e-6)

    def test_a_pose_outside_the_limits_starts_at_the_nearest_one_inside(self):
        gate = SafetyGate(ARM)
        gate.engage(ARM.upper + 1)
        np.testing.assert_array_equal(gate.command, ARM.upper)

    def test_a_goal_beyond_the_limits_is_approached_to_the_limit(self):
        ride = Ride().aligned()
        for _ in range(1500):
            ride.ask(np.full(D, 100.0))
        np.testing.assert_allclose(ride.path[-1], ARM.upper, atol=1e-6)

    def test_a_request_is_followed_closely_once_aligned(self):
        ride = Ride().aligned()
        for k in range(200):
            goal = HOME + np.array([0.3, 0, 0, 0, 0, 0, 0]) * np.sin(k * DT_S * 3)
            ride.ask(goal)
            assert np.max(np.abs(goal - ride.path[-1])) < 0.02


class TestSoftStart:
    @settings(deadline=None, max_examples=40)
    @given(pose=in_reach, goal=in_reach)
    def test_no_joint_is_faster_than_the_soft_start_until_aligned(self, pose, goal):
        ride = Ride().start(pose)
        for _ in range(1100):
            verdict = ride.ask(goal)
            if not verdict.aligning:
                break
            assert np.max(np.abs(ride.speed)) <= ride.gate.limits.soft_start_speed + 1e-9
        assert not ride.gate.aligning
        assert np.max(np.abs(goal - ride.path[-2])) < ride.gate.limits.aligned_gap

    def test_the_gap_tells_how_far_the_source_is(self):
        goal = HOME.copy()
        goal[0] += 0.5
        assert Ride().start().ask(goal).gap == pytest.approx(0.5)

    def test_holding_does_not_count_as_aligned(self):
        ride = Ride().start()
        ride.ask(None)
        assert ride.gate.aligning

    def test_a_hand_over_at_full_speed_brakes_instead_of_stopping_dead(self):
        ride = Ride().aligned(np.array([*ARM.lower[:-1], 0.0]))
        far = ARM.upper
        for _ in range(30):
            ride.ask(far)
        assert ride.speed[0] == pytest.approx(ARM.max_speed[0])
        ride.gate.hand_over()
        assert ride.gate.aligning
        ride.ask(far)
        assert ride.speed[0] == pytest.approx(ARM.max_speed[0] - ARM.max_acceleration[0] * DT_S)
        for _ in range(20):
            ride.ask(far)
        assert ride.speed[0] == pytest.approx(ride.gate.limits.soft_start_speed)

    @pytest.mark.parametrize("broken", [np.full(D, np.nan), np.zeros(D - 1)])
    def test_after_a_refused_request_the_source_is_approached_softly_again(self, broken):
        ride = Ride().aligned()
        ride.ask(broken)
        assert ride.gate.aligning
        goal = HOME.copy()
        goal[0] += 1.0
        ride.ask(goal)
        assert ride.gate.aligning
        for _ in range(50):
            ride.ask(goal)
        assert ride.speed[0] == pytest.approx(ride.gate.limits.soft_start_speed)


class TestHolding:
    def test_a_hold_at_full_speed_brakes_at_the_joint_limit_of_acceleration_and_stays(self):
        ride = Ride().aligned(ARM.lower)
        for _ in range(30):
            ride.ask(ARM.upper)
        speeds = []
        for _ in range(40):
            ride.ask(None)
            speeds.append(ride.speed[0])
        step = ARM.max_acceleration[0] * DT_S
        ticks = round(ARM.max_speed[0] / step)
        np.testing.assert_allclose(speeds[:ticks], ARM.max_speed[0] - step * np.arange(1, ticks + 1), atol=1e-9)
        np.testing.assert_allclose(speeds[ticks:], 0, atol=1e-12)

    @settings(deadline=None, max_examples=40)
    @given(ticks=st.integers(1, 200), up=st.booleans())
    def test_a_hold_close_to_a_joint_limit_still_stops_in_front_of_it(self, ticks, up):
        goal = ARM.upper if up else ARM.lower
        ride = Ride().aligned(HOME)
        for _ in range(ticks):
            ride.ask(goal)
        for _ in range(60):
            ride.ask(None)
        np.testing.assert_allclose(ride.speed, 0, atol=1e-9)

    @pytest.mark.parametrize(
        ("request_", "reason"),
        [
            (np.array([0, 0, np.nan, 0, 0, 0, 0]), r"not a number for elbow: holding"),
            (np.array([np.inf, 0, 0, 0, 0, 0, -np.inf]), r"not a number for waist, gripper: holding"),
            (np.zeros(6), r"request has \(6,\) values, the follower has 7 joints: holding"),
            (np.zeros((7, 7)), r"request has \(7, 7\) values"),
        ],
    )
    def test_a_broken_request_holds_and_says_why(self, request_, reason):
        ride = Ride().aligned()
        verdict = ride.ask(request_)
        assert re.search(reason, verdict.reason)
        np.testing.assert_array_equal(verdict.action, HOME)

    def test_a_stale_leader_holds(self):
        gate = SafetyGate(ARM, SafetyLimits(stale_ms=100.0))
        gate.engage(HOME)
        goal = HOME + 0.01
        assert gate.limit(goal, reading(goal, 0), now_ns=100_000_000, dt_s=DT_S).reason == ""
        verdict = gate.limit(goal, reading(goal, 0), now_ns=101_000_000, dt_s=DT_S)
        assert verdict.reason == "the leader's reading is 101 ms old (limit 100 ms): holding"

    def test_one_silent_joint_of_the_leader_makes_its_reading_stale(self):
        gate = SafetyGate(ARM)
        gate.engage(HOME)
        stale = reading(HOME, stamp_ns=0, age_ns=95_000_000)
        assert "115 ms old" in gate.limit(HOME, stale, now_ns=20_000_000, dt_s=DT_S).reason

    def test_a_leader_that_comes_back_from_far_away_is_approached_softly(self):
        gate = SafetyGate(ARM)
        gate.engage(HOME)
        gate.limit(HOME, reading(HOME, 0), 0, DT_S)
        assert not gate.aligning
        gate.limit(HOME, reading(HOME, 0), 500_000_000, DT_S)
        moved = HOME.copy()
        moved[0] += 1.0
        assert gate.limit(moved, reading(moved, 510_000_000), 510_000_000, DT_S).aligning


class TestMisuse:
    def test_a_command_before_engage_is_a_programming_error(self):
        with pytest.raises(RuntimeError, match="before it was engaged"):
            SafetyGate(ARM).limit(HOME, None, 0, DT_S)

    @pytest.mark.parametrize("dt_s", [0.0, -0.01, np.nan])
    def test_time_must_pass_between_commands(self, dt_s):
        gate = SafetyGate(ARM)
        gate.engage(HOME)
        with pytest.raises(ValueError, match="dt_s = "):
            gate.limit(HOME, None, 0, dt_s)

    @pytest.mark.parametrize("pose", [np.full(D, np.nan), np.zeros(D - 1)])
    def test_a_pose_that_is_none_can_not_be_engaged(self, pose):
        with pytest.raises(ValueError, match="can not start from"):
            SafetyGate(ARM).engage(pose)

    def test_what_came_out_can_not_be_changed_from_outside(self):
        gate = SafetyGate(ARM)
        gate.engage(HOME)
        gate.limit(None, None, 0, DT_S).action[:] = 99
        assert gate.command is not None
        gate.command[:] = 99
        np.testing.assert_array_equal(gate.limit(None, None, 0, DT_S).action, HOME)
