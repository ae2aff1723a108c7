"""One tick after another: what the loop reads, sends, counts and says, also when things fail."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drivers.arms import STUDIO_FOLLOWER as ARM
from drivers.clock import ManualClock
from drivers.errors import ServoSilent
from drivers.samples import JointState
from teleop_studio.control.loop import ControlLoop, Tick
from teleop_studio.control.safety import SafetyGate
from teleop_studio.control.sources import HOLD, LEADER, HoldSource, LeaderSource
from tests.control.arms import HOME, LOST_TICKS, SILENT, D, MemoryFollower, MemoryLeader

PERIOD_NS = 10_000_000


@dataclass
class Bench:
    """Both arms, the loop between them and every tick it told."""

    clock: ManualClock = field(default_factory=ManualClock)
    ticks: list[Tick] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leader, self.follower = MemoryLeader(self.clock), MemoryFollower(self.clock)
        self.gate = SafetyGate(ARM)
        self.loop = ControlLoop(self.leader, self.follower, self.gate, self.clock, 100.0)
        self.loop.listen(self.ticks.append)

    def run(self, ticks: int = 1) -> Tick | None:
        """That many periods; returns the last tick."""
        tick = None
        for _ in range(ticks):
            tick = self.loop.tick(self.loop.wait())
        return tick

    def copying(self) -> "Bench":
        """The follower copies the leader, alignment is over."""
        self.loop.engage(LeaderSource())
        tick = self.run()
        assert tick is not None
        assert not tick.aligning
        return self

    def at_full_speed(self) -> "Bench":
        """As `copying`, and the waist moves as fast as it may."""
        self.copying()
        for _ in range(25):
            # As far ahead as a hand may be before it counts as a jump.
            ahead = self.gate.command[0] + 0.55
            self.leader.position = np.array([min(self.leader.position[0] + 0.2, ahead), *HOME[1:]])
            self.run()
        assert self.speed == pytest.approx(ARM.max_speed[0])
        return self

    @property
    def speed(self) -> float:
        """Of the commanded waist, rad/s."""
        return float((self.follower.commands[-1] - self.follower.commands[-2])[0] / 0.01)


@pytest.fixture
def bench() -> Bench:
    return Bench()


class Source:
    """Says what `answer` gives."""

    name = "policy"

    def __init__(self, answer: Callable[[], NDArray[np.float64] | None]) -> None:
        self.answer = answer

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        return self.answer()


class TestDriving:
    def test_a_new_loop_only_reads(self, bench: Bench) -> None:
        tick = bench.run(3)
        assert bench.follower.calls == ["read"] * 3
        assert tick is not None
        assert np.all(np.isnan(tick.action))
        assert np.all(np.isnan(tick.requested))
        assert tick.source == HOLD
        assert bench.loop.limp

    def test_engage_puts_torque_on_before_anything_is_commanded(self, bench: Bench) -> None:
        bench.loop.engage(HoldSource())
        bench.run()
        assert bench.follower.calls == ["torque on", "read", "command"]
        np.testing.assert_array_equal(bench.follower.commands[0], HOME)
        assert not bench.loop.limp

    def test_the_follower_copies_the_leader(self, bench: Bench) -> None:
        bench.copying()
        bench.leader.position = HOME + 0.05
        tick = bench.run(50)
        assert tick is not None
        np.testing.assert_allclose(bench.follower.position, HOME + 0.05, atol=1e-6)
        np.testing.assert_array_equal(tick.requested, HOME + 0.05)
        assert (tick.source, tick.reason, tick.index) == (LEADER, "", 50)

    def test_a_leader_far_away_is_approached_softly_and_the_tick_says_so(self, bench: Bench) -> None:
        bench.leader.position = HOME + np.array([0.7, 0, 0, 0, 0, 0, 0])
        bench.loop.engage(LeaderSource())
        tick = bench.run(50)
        assert tick is not None
        assert tick.aligning
        assert 0.4 < tick.gap < 0.5
        assert bench.speed == pytest.approx(0.6)

    def test_a_second_source_takes_over_where_the_first_one_is_without_new_torque(self, bench: Bench) -> None:
        bench.copying()
        bench.follower.position = HOME - 0.01  # sags under its weight
        bench.loop.engage(HoldSource())
        bench.run()
        assert bench.follower.calls.count("torque on") == 1
        np.testing.assert_array_equal(bench.follower.commands[-1], HOME)

    def test_a_hand_over_at_full_speed_brakes_instead_of_stopping_dead(self, bench: Bench) -> None:
        bench.at_full_speed()
        bench.loop.engage(Source(lambda: HOME))
        bench.run()
        assert bench.speed == pytest.approx(ARM.max_speed[0] - ARM.max_acceleration[0] * 0.01)
        bench.run(300)
        np.testing.assert_allclose(bench.follower.position, HOME, atol=1e-6)

    def test_a_hold_at_full_speed_brakes_and_then_stands(self, bench: Bench) -> None:
        bench.at_full_speed()
        bench.loop.hold()
        bench.run()
        assert bench.speed == pytest.approx(ARM.max_speed[0] - ARM.max_acceleration[0] * 0.01)
        bench.run(20)
        assert bench.speed == 0
        assert bench.ticks[-1].source == HOLD

    def test_a_paused_loop_leaves_goal_and_torque_alone(self, bench: Bench) -> None:
        bench.copying().loop.pause()
        bench.run(3)
        assert bench.follower.calls[-3:] == ["read"] * 3
        assert bench.follower.torque
        assert not bench.loop.limp

    def test_after_a_pause_the_arm_starts_from_where_it_is(self, bench: Bench) -> None:
        bench.copying().loop.pause()
        bench.follower.position = HOME + 0.3
        bench.loop.engage(HoldSource())
        bench.run()
        np.testing.assert_array_equal(bench.follower.commands[-1], np.clip(HOME + 0.3, ARM.lower, ARM.upper))

    def test_release_takes_the_torque_off_and_nothing_is_commanded_any_more(self, bench: Bench) -> None:
        bench.copying()
        assert bench.loop.release() == []
        bench.run(2)
        assert not bench.follower.torque
        assert bench.loop.limp
        assert bench.follower.calls[-3:] == ["torque off", "read", "read"]

    def test_release_names_the_joints_it_could_not_reach(self, bench: Bench) -> None:
        bench.copying()
        bench.follower.error = SILENT
        assert bench.loop.release() == list(ARM.names)
        assert not bench.loop.driving

    @pytest.mark.parametrize("state", ["new", "copying", "paused", "limp", "lost", "holding"])
    def test_hold_and_release_work_in_every_state(self, bench: Bench, state: str) -> None:
        if state != "new":
            bench.copying()
        match state:
            case "paused":
                bench.loop.pause()
            case "limp":
                bench.loop.release()
            case "lost":
                bench.follower.error = SILENT
                bench.run(LOST_TICKS)
            case "holding":
                bench.loop.hold()
        bench.loop.hold()
        bench.run(30)
        assert bench.loop.source.name == HOLD
        assert len(bench.follower.commands) < 2 or bench.speed == 0
        bench.follower.error = None
        bench.loop.release()
        bench.run()
        assert not bench.follower.torque
        assert bench.follower.calls[-1] == "read"


class TestFaults:
    def test_a_silent_leader_is_named_and_after_a_tenth_of_a_second_the_follower_holds(self, bench: Bench) -> None:
        bench.at_full_speed()
        bench.leader.error = ServoSilent("servo 2 (shoulder) of the leader did not answer.")
        bench.run(7)
        assert bench.loop.fault == "servo 2 (shoulder) of the leader did not answer."
        assert bench.speed == pytest.approx(ARM.max_speed[0])
        bench.run(17)
        assert bench.speed == 0
        assert bench.follower.position[0] < bench.leader.position[0] - 0.01  # it did not get there
        assert bench.loop.driving

    def test_a_leader_that_comes_back_elsewhere_is_approached_softly(self, bench: Bench) -> None:
        bench.copying()
        bench.leader.error = SILENT
        bench.run(20)
        bench.leader.error = None
        bench.leader.position = HOME + np.array([0.7, 0, 0, 0, 0, 0, 0])
        tick = bench.run(40)
        assert bench.loop.fault == ""
        assert tick is not None
        assert tick.aligning
        assert bench.speed == pytest.approx(0.6)

    def test_one_lost_answer_of_the_follower_only_brakes_and_then_goes_on(self, bench: Bench) -> None:
        bench.at_full_speed()
        bench.follower.error = SILENT
        bench.run()
        assert bench.loop.fault == str(SILENT)
        bench.follower.error = None
        tick = bench.run()
        assert tick is not None
        assert bench.loop.fault == ""
        assert bench.loop.driving
        assert tick.aligning

    def test_a_follower_that_stays_silent_is_only_read_until_it_is_engaged_again(self, bench: Bench) -> None:
        bench.copying()
        bench.follower.error = SILENT
        bench.run(LOST_TICKS)
        assert not bench.loop.driving
        bench.follower.error = None
        bench.follower.torque = False  # its power was gone
        bench.follower.position = HOME - 0.1
        bench.follower.calls.clear()
        bench.leader.position = HOME + 0.5
        tick = bench.run(3)
        assert bench.follower.calls == ["read"] * 3
        assert tick is not None
        assert tick.source == HOLD
        bench.loop.engage(HoldSource())
        bench.run()
        assert bench.follower.torque
        np.testing.assert_allclose(bench.follower.commands[-1], HOME - 0.1)

    def test_no_goal_runs_away_from_a_follower_that_does_not_answer(self, bench: Bench) -> None:
        bench.at_full_speed()
        before = bench.follower.commands[-1]
        bench.follower.error = SILENT
        bench.run(LOST_TICKS - 1)
        bench.follower.error = None
        bench.run()
        braking_way = ARM.max_speed[0] ** 2 / (2 * ARM.max_acceleration[0])
        assert np.max(np.abs(bench.follower.commands[-1] - before)) <= braking_way + ARM.max_speed[0] * 0.01

    def test_while_the_follower_is_silent_its_goal_stands_still(self, bench: Bench) -> None:
        bench.leader.position = HOME + np.array([0.7, 0, 0, 0, 0, 0, 0])
        bench.loop.engage(LeaderSource())
        bench.run(20)
        bench.follower.error = SILENT
        bench.run(3)
        before = bench.gate.command
        bench.run()
        np.testing.assert_array_equal(bench.gate.command, before)

    def test_silence_before_engage_does_not_count_afterwards(self, bench: Bench) -> None:
        bench.follower.error = SILENT
        bench.run(LOST_TICKS + 2)
        bench.follower.error = None
        bench.loop.engage(HoldSource())
        bench.follower.error = SILENT
        bench.run()
        assert bench.loop.driving

    def test_engage_on_a_dead_line_raises_and_nothing_is_driven(self, bench: Bench) -> None:
        bench.follower.error = SILENT
        with pytest.raises(ServoSilent, match=r"servo 3 \(elbow\)"):
            bench.loop.engage(LeaderSource())
        assert not bench.loop.driving
        assert bench.run() is None
        assert bench.loop.fault == str(SILENT)

    def test_no_tick_is_told_before_both_arms_have_answered(self, bench: Bench) -> None:
        bench.leader.error = SILENT
        bench.loop.engage(LeaderSource())
        assert bench.run(3) is None
        assert bench.ticks == []
        np.testing.assert_array_equal(bench.follower.commands[-1], HOME)  # held meanwhile
        bench.leader.error = None
        assert bench.run() is not None
        assert [tick.index for tick in bench.ticks] == [0]

    @pytest.mark.parametrize(
        ("answer", "fault"),
        [
            (lambda: np.full(D, np.nan), "the request is not a number for waist"),
            (lambda: np.zeros(3), r"the request has (3,) values"),
            (lambda: [[1.0], [2.0, 3.0]], "the source 'policy' failed: ValueError"),
            (lambda: 1 / 0, "the source 'policy' failed: ZeroDivisionError: division by zero: holding"),
        ],
    )
    def test_a_source_that_talks_nonsense_becomes_a_hold(self, bench: Bench, answer, fault: str) -> None:
        bench.at_full_speed()
        bench.loop.engage(Source(answer))
        tick = bench.run(15)
        assert bench.loop.fault.startswith(fault)
        assert tick is not None
        assert tick.reason == bench.loop.fault
        assert np.all(np.isnan(tick.requested))
        assert tick.requested.shape == (D,)
        assert bench.speed == 0

    def test_a_source_with_nothing_to_say_is_no_fault(self, bench: Bench) -> None:
        bench.loop.engage(Source(lambda: None))
        bench.run(5)
        assert bench.loop.fault == ""
        np.testing.assert_array_equal(bench.follower.commands[-1], HOME)

    @settings(deadline=None, max_examples=60)
    @given(
        events=st.lists(
            st.sampled_from(
                [
                    "leader fails",
                    "leader answers",
                    "follower fails",
                    "follower answers",
                    "copy",
                    "hold",
                    "pause",
                    "release",
                    "far",
                    "near",
                    "nan",
                    "run",
                ]
            ),
            max_size=40,
        )
    )
    def test_whatever_happens_the_tick_does_not_raise_and_commands_do_not_jump(self, events: list[str]) -> None:
        bench = Bench()
        for event in events:
            _stir(bench, event)
            sent = len(bench.follower.commands)
            engaged = bench.follower.calls.count("torque on")
            bench.run(3)
            new = bench.follower.commands[max(0, sent - 1) :]
            # A fresh engage starts from the pose, not from the last command.
            if engaged == bench.follower.calls.count("torque on") and event != "copy" and len(new) > 1:
                assert np.all(np.abs(np.diff(new, axis=0)) <= ARM.max_speed * 0.01 * (1 + LOST_TICKS) + 1e-9)
            if new:
                assert np.all(new[-1] >= ARM.lower)
                assert np.all(new[-1] <= ARM.upper)


def _stir(bench: Bench, event: str) -> None:
    side = bench.leader if event.startswith("leader") else bench.follower
    match event.split()[-1]:
        case "fails":
            side.error = SILENT
        case "answers":
            side.error = None
        case "copy" if bench.follower.error is None:
            bench.loop.engage(LeaderSource())
        case "nan" if bench.follower.error is None:
            bench.loop.engage(Source(lambda: np.full(D, np.nan)))
        case "hold":
            bench.loop.hold()
        case "pause":
            bench.loop.pause()
        case "release":
            bench.loop.release()
        case "far":
            bench.leader.position = ARM.upper + 1
        case "near":
            bench.leader.position = HOME.copy()


class TestTime:
    def test_deadlines_are_absolute(self, bench: Bench) -> None:
        bench.loop.wait()
        start_ns = bench.clock.now_ns()
        for k in range(1, 6):
            bench.clock.advance_ns(7_000_000)  # work
            assert bench.loop.wait() == 0
            assert bench.clock.now_ns() == start_ns + k * PERIOD_NS

    @pytest.mark.parametrize(
        ("work_ms", "missed", "late_ms", "next_ms"),
        [
            (10, 0, 0, 20),  # ended exactly at the deadline
            (13, 1, 3, 20),
            (20, 1, 0, 30),  # the second deadline is met, the first was not
            (37, 3, 7, 40),
            (100, 9, 0, 110),
        ],
    )
    def test_missed_deadlines_are_counted_and_only_the_newest_is_served(
        self, bench: Bench, work_ms: int, missed: int, late_ms: int, next_ms: int
    ) -> None:
        bench.loop.wait()
        start_ns = bench.clock.now_ns()
        bench.clock.advance_ns(work_ms * 1_000_000)
        assert bench.loop.wait() == late_ms * 1_000_000
        bench.loop.tick()
        assert bench.ticks[-1].missed_deadlines == missed
        bench.loop.wait()
        assert bench.clock.now_ns() - start_ns == next_ms * 1_000_000

    @settings(deadline=None)
    @given(works=st.lists(st.integers(0, 60_000_000), min_size=1, max_size=30))
    def test_every_period_is_either_served_in_time_or_counted(self, works: list[int]) -> None:
        bench = Bench()
        bench.loop.wait()
        start_ns, in_time = bench.clock.now_ns(), 0
        for work_ns in works:
            bench.clock.advance_ns(work_ns)
            in_time += bench.loop.wait() == 0
        bench.loop.tick()
        periods = (bench.clock.now_ns() - start_ns) // PERIOD_NS
        assert in_time + bench.ticks[-1].missed_deadlines == periods

    def test_a_late_tick_takes_no_longer_step(self, bench: Bench) -> None:
        bench.at_full_speed()
        bench.clock.advance_ns(45_000_000)
        before = bench.follower.commands[-1][0]
        bench.run()
        assert bench.follower.commands[-1][0] - before == pytest.approx(ARM.max_speed[0] * 0.01)

    def test_the_tick_carries_how_late_it_was(self, bench: Bench) -> None:
        tick = bench.loop.tick(late_ns=123)
        assert tick is not None
        assert tick.late_ns == 123
