"""The guard at each start: close enough drives, further away is approached softly, too far is refused by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.arms import STUDIO_FOLLOWER as ARM
from teleop_studio.control.first_motion import Waiting
from teleop_studio.control.safety import SafetyGate, Verdict
from tests.control.arms import HOME, D, reading
from tests.control.test_safety import DT_S, in_reach

GRIPPER = D - 1


class Lead:
    """A leader and its gate, tick by tick."""

    def __init__(self) -> None:
        self.gate = SafetyGate(ARM)
        self.gate.engage(HOME)
        self.now_ns = 0
        self.news: list[str] = []

    def ask(self, pose: np.ndarray, ticks: int = 1, led: bool = True) -> Verdict:
        for _ in range(ticks):
            self.now_ns += round(DT_S * 1e9)
            verdict = self.gate.limit(pose, reading(pose, self.now_ns) if led else None, self.now_ns, DT_S)
            self.news += [verdict.news] if verdict.news else []
        return verdict


def away(**by: float) -> np.ndarray:
    pose = HOME.copy()
    for joint, value in by.items():
        pose[ARM.names.index(joint)] += value
    return pose


def test_a_leader_too_far_away_is_refused_and_every_far_joint_is_named() -> None:
    lead = Lead()
    far = away(waist=-1.2, shoulder=0.5, elbow=0.81)
    verdict = lead.ask(far, 100)
    assert verdict.waiting is Waiting.TOO_FAR
    assert verdict.reason == ""
    np.testing.assert_array_equal(verdict.action, HOME)
    assert lead.gate.too_far(far) == "waist by 1.20 rad, elbow by 0.81 rad"


def test_a_refused_leader_is_approached_softly_as_soon_as_it_has_come_closer() -> None:
    lead = Lead()
    lead.ask(away(waist=1.2), 10)
    for by in np.arange(1.2, 0.75, -0.01):
        lead.ask(away(waist=float(by)))
    verdict = lead.ask(away(waist=0.75), 50)
    assert (verdict.waiting, verdict.aligning) == (Waiting.NOTHING, True)
    assert verdict.action[0] - HOME[0] > 0.15
    assert lead.gate.speed[0] == pytest.approx(0.6)
    assert lead.news == []


@pytest.mark.parametrize("led", [True, False])
def test_only_a_leader_is_refused_a_policy_or_a_replay_is_approached_slowly_from_any_distance(led: bool) -> None:
    verdict = Lead().ask(away(waist=1.5), 20, led)
    assert (verdict.waiting is Waiting.TOO_FAR) == led
    assert (verdict.action[0] > HOME[0]) == (not led)


def test_a_gripper_is_never_too_far_away() -> None:
    verdict = Lead().ask(away(gripper=-0.93), 20)
    assert verdict.waiting is Waiting.NOTHING
    assert verdict.aligning
    assert verdict.action[GRIPPER] < HOME[GRIPPER]


def test_a_leader_beyond_the_followers_limits_counts_with_all_of_its_distance() -> None:
    """A servo that lost its turn count shows a joint whole turns away, which lies close once it is cut to the limit."""
    lead = Lead()
    lead.gate.engage(np.array([2.3, *HOME[1:]]))
    verdict = lead.ask(away(waist=2.3 + 2 * np.pi - HOME[0]), 20)
    assert verdict.waiting is Waiting.TOO_FAR
    assert verdict.action[0] == 2.3


def test_a_source_that_runs_away_from_its_soft_start_is_not_chased() -> None:
    lead = Lead()
    lead.ask(away(waist=0.3), 5)
    stood = []
    for tick in range(120):
        verdict = lead.ask(away(waist=min(1.0, 0.3 + 0.016 * tick)))
        stood.append(verdict.waiting is Waiting.SETTLING)
    assert any(stood)
    first = stood.index(True)
    assert not any(stood[:first])
    assert sum(stood) >= 0.3 / DT_S - 1


@settings(deadline=None, max_examples=40)
@given(pose=in_reach, goal=in_reach)
def test_whatever_the_distance_the_first_motion_is_slow_or_none(pose: np.ndarray, goal: np.ndarray) -> None:
    lead = Lead()
    lead.gate.engage(pose)
    too_far = bool((np.abs(goal - pose)[:-1] > 0.8).any())
    for _ in range(400):
        verdict = lead.ask(goal)
        if not verdict.aligning:
            break
        assert np.abs(lead.gate.speed).max() <= 0.6 + 1e-9
    np.testing.assert_equal(verdict.waiting is Waiting.TOO_FAR, too_far)
    if too_far:
        np.testing.assert_array_equal(lead.gate.command, pose)
    else:
        assert np.abs(lead.gate.command - goal).max() < 0.07


class TestJumps:
    def aligned(self) -> Lead:
        lead = Lead()
        assert not lead.ask(HOME).aligning
        return lead

    @pytest.mark.parametrize("by", [0.4, -0.4])
    def test_a_bumped_leader_stops_the_follower_for_a_moment_in_both_directions(self, by: float) -> None:
        lead = self.aligned()
        verdict = lead.ask(away(elbow=by))
        assert (verdict.aligning, verdict.waiting) == (True, Waiting.SETTLING)
        assert lead.news == [
            f"The leader jumped: elbow by {by:+.2f} rad. The follower holds for a moment, then comes to it slowly."
        ]
        held = lead.ask(away(elbow=by), 48)
        np.testing.assert_array_equal(held.action, HOME)
        lead.ask(away(elbow=by), 40)
        assert lead.gate.speed[2] == pytest.approx(np.sign(by) * 0.6)

    def test_a_servo_that_lost_its_turn_count_is_never_followed(self) -> None:
        lead = self.aligned()
        verdict = lead.ask(away(wrist_roll=2 * np.pi), 500)
        assert "wrist_roll by +6.28 rad" in lead.news[0]
        assert verdict.waiting is Waiting.TOO_FAR
        np.testing.assert_array_equal(verdict.action, HOME)

    def test_a_leader_that_falls_faster_than_the_follower_may_go_is_let_go(self) -> None:
        lead = self.aligned()
        for tick in range(1, 60):
            lead.ask(away(waist=min(2.0, 0.08 * tick)))
        assert "waist" in lead.news[0]
        verdict = lead.ask(away(waist=2.0), 20)
        assert verdict.waiting is Waiting.TOO_FAR

    def test_fast_hands_are_no_jump(self) -> None:
        lead = self.aligned()
        for tick in range(300):
            # 3.9 rad/s at most: as fast as the follower may go.
            lead.ask(away(waist=1.3 * np.sin(3 * tick * DT_S), wrist_roll=1.9 * np.sin(2 * tick * DT_S)))
        assert lead.news == []
        assert not lead.gate.aligning

    def test_a_trigger_that_springs_open_is_no_jump(self) -> None:
        lead = self.aligned()
        lead.ask(away(gripper=-0.9), 100)
        verdict = lead.ask(HOME, 10)
        assert lead.news == []
        assert not verdict.aligning

    def test_a_few_lost_readings_give_the_hand_the_time_to_move(self) -> None:
        lead = self.aligned()
        lead.now_ns += 60_000_000
        lead.ask(away(waist=0.5))
        assert lead.news == []

    @settings(deadline=None, max_examples=60)
    @given(joint=st.integers(0, D - 2), by=st.floats(0.3, 20), up=st.booleans())
    def test_every_jump_of_every_hinge_is_seen_at_once(self, joint: int, by: float, up: bool) -> None:
        lead = self.aligned()
        pose = HOME.copy()
        pose[joint] += by if up else -by
        assert lead.ask(pose).aligning
        assert ARM.names[joint] in lead.news[0]
        np.testing.assert_allclose(lead.gate.command, HOME, atol=1e-12)


def test_a_followers_old_reading_holds_and_says_whose_it_is() -> None:
    gate = SafetyGate(ARM)
    gate.engage(HOME)
    old = reading(HOME, 0)
    verdict = gate.limit(HOME + 0.05, reading(HOME, 150_000_000), 150_000_000, DT_S, old)
    assert verdict.reason == "the follower's reading is 150 ms old (limit 100 ms): holding"


def test_a_reading_from_the_future_is_not_fresh() -> None:
    gate = SafetyGate(ARM)
    gate.engage(HOME)
    verdict = gate.limit(HOME, reading(HOME, 500_000_000), 0, DT_S)
    assert verdict.reason == "the leader's reading comes from 500 ms in the future: holding"
