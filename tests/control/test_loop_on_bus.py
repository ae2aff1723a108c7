"""The loop on emulated servos: everything between its tick and the registers is the real thing, time is by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.arms import STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.clock import ManualClock
from drivers.errors import PortLost
from teleop_studio.control.loop import ControlLoop, Tick
from teleop_studio.control.safety import SafetyGate
from teleop_studio.control.sources import HOLD, HoldSource, LeaderSource
from tests.control.arms import HOME, LOST_TICKS
from tests.control.side import Side


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.leader = Side.connected(STUDIO_LEADER, self.clock)
        self.follower = Side.connected(STUDIO_FOLLOWER, self.clock)
        self.loop = ControlLoop(self.leader.arm, self.follower.arm, SafetyGate(STUDIO_FOLLOWER), self.clock, 100.0)

    def run(self, ticks: int = 1) -> Tick:
        for _ in range(ticks):
            tick = self.loop.tick(self.loop.wait())
        assert tick is not None
        return tick

    def copying(self) -> "Bench":
        self.loop.engage(LeaderSource())
        assert not self.run().aligning
        return self

    def lead(self, joint: int, by: float) -> None:
        """The hand moves one joint of the leader away from home, at 3 rad/s."""
        for moved in np.linspace(0, by, 1 + round(abs(by) / 0.03)):
            self.leader.put(away(joint, float(moved)))
            self.run()


@pytest.fixture
def bench() -> Bench:
    return Bench().copying()


def away(joint: int, by: float) -> NDArray[np.float64]:
    pose = HOME.copy()
    pose[joint] += by
    return pose


def test_the_follower_copies_the_leader_and_only_it_has_torque(bench: Bench) -> None:
    bench.lead(0, 0.5)
    tick = bench.run(60)
    np.testing.assert_allclose(bench.follower.position, away(0, 0.5), atol=2e-3)  # a tick is 1.5 mrad
    assert all(bench.follower.torque)
    assert not any(bench.leader.torque)
    assert tick.reason == ""
    assert tick.missed_deadlines == 0


def test_one_dropped_reply_is_no_fault(bench: Bench) -> None:
    bench.follower.line.faults.drop_replies(3)
    for _ in range(5):
        bench.run()
        assert bench.loop.fault == ""
    assert bench.loop.driving


def test_a_servo_that_falls_silent_is_named_and_the_arm_is_left_holding(bench: Bench) -> None:
    bench.lead(0, 0.5)
    bench.follower.line.faults.silence(3)
    bench.run(LOST_TICKS + 5)
    assert "servo 3 (elbow)" in bench.loop.fault
    assert not bench.loop.driving
    assert all(bench.follower.torque)
    goals = bench.follower.goals
    bench.leader.put(away(0, -0.5))
    bench.run(10)
    assert bench.follower.goals == goals


def test_a_servo_that_was_away_and_lost_its_torque_gets_it_back_only_by_engage(bench: Bench) -> None:
    line = bench.follower.line
    line.faults.silence(2)
    bench.run(LOST_TICKS + 5)
    line.servo(2).reboot()
    bench.clock.advance_ns(1_000_000_000)
    line.faults.revive(2)
    bench.run(10)
    assert bench.follower.torque == [True, False, True, True, True, True, True]
    assert "shoulder" in bench.loop.fault
    bench.loop.engage(HoldSource())
    bench.run(3)
    assert all(bench.follower.torque)
    assert bench.loop.fault == ""


def test_an_unplugged_follower_is_taken_up_where_it_stands_when_it_is_back(bench: Bench) -> None:
    faults = bench.follower.line.faults
    faults.unplug()
    bench.run(LOST_TICKS)
    assert "studio-follower" in bench.loop.fault
    assert not bench.loop.driving
    with pytest.raises(PortLost, match="studio-follower"):
        bench.loop.engage(HoldSource())
    assert not bench.loop.driving
    assert bench.loop.release() == list(STUDIO_FOLLOWER.names)

    faults.plug_in()
    bench.follower.put(away(0, 0.7))  # somebody turned it meanwhile
    bench.loop.engage(LeaderSource())
    tick = bench.run(10)
    assert tick.aligning
    assert tick.action[0] == pytest.approx(HOME[0] + 0.7, abs=0.06)
    assert bench.loop.fault == ""


def test_an_unplugged_leader_makes_the_follower_hold_with_torque(bench: Bench) -> None:
    bench.lead(0, 1.5)
    bench.leader.line.faults.unplug()
    bench.run(40)
    stands = bench.follower.position
    bench.run(20)
    np.testing.assert_array_equal(bench.follower.position, stands)
    assert stands[0] - HOME[0] == pytest.approx(1.5, abs=0.15)
    assert all(bench.follower.torque)
    assert bench.loop.driving
    assert bench.loop.fault != ""


def test_release_reaches_every_servo_that_still_answers_and_names_the_others(bench: Bench) -> None:
    bench.follower.line.faults.silence(5)
    assert bench.loop.release() == ["wrist_yaw"]
    assert bench.follower.torque[:4] == [False] * 4
    assert bench.follower.torque[5:] == [False] * 2
    bench.run()
    assert bench.run().source == HOLD


def test_a_servo_that_protects_itself_is_a_fault_that_names_its_joint(bench: Bench) -> None:
    bench.follower.line.servo(2).fail(bit=5)  # overload
    bench.run(3)
    assert "shoulder protects itself" in bench.loop.fault
    assert bench.loop.driving  # the other joints go on holding
