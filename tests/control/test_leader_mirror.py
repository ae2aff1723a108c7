"""The leader is led to the follower before it drives, weakly and slowly, and whoever pushes it wins."""

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.arms import KOCH_FOLLOWER, KOCH_LEADER
from drivers.arms.model import ArmModel
from drivers.clock import ManualClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.control_table import FULL_PWM
from drivers.dynamixel.transport import MemoryTransport
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.emulated_bus import EmulatedBus
from teleop_studio.control.first_motion import Waiting
from teleop_studio.control.leader_mirror import EFFORT_SHARE, LeaderMirror
from teleop_studio.control.loop import ControlLoop, Tick
from teleop_studio.control.safety import SafetyGate
from teleop_studio.control.sources import LEADER, HoldSource, LeaderSource

HOME = np.array(KOCH_FOLLOWER.home)


class Bench:
    """A Koch pair with motors, weight and hands; the follower holds at home, the leader is somewhere else."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.leader_line, self.leader = self._arm(KOCH_LEADER)
        self.follower_line, self.follower = self._arm(KOCH_FOLLOWER)
        self.mirror = LeaderMirror(self.leader, KOCH_LEADER)
        self.loop = ControlLoop(
            self.leader, self.follower, SafetyGate(KOCH_FOLLOWER), self.clock, 100.0, mirror=self.mirror
        )
        self.leader.power_springs()
        self.loop.engage(HoldSource())
        self.run(3)

    def _arm(self, model: ArmModel) -> tuple[EmulatedBus, DynamixelArm]:
        line = emulated_arm(model, self.clock)
        arm = DynamixelArm(model, DynamixelBus(MemoryTransport(line, self.clock, model.name), self.clock), self.clock)
        arm.connect()
        return line, arm

    def run(self, ticks: int = 1) -> Tick:
        for _ in range(ticks):
            tick = self.loop.tick(self.loop.wait())
        assert tick is not None
        return tick

    def put_leader(self, **joints: float) -> None:
        for name, value in joints.items():
            self.leader_line.hand(name).put(value)
        self.run(1)

    def leader_pose(self) -> NDArray[np.float64]:
        return self.leader.read().position

    def torque(self) -> list[bool]:
        return [servo.torque_on for servo in self.leader_line.servos]

    def take_over(self) -> None:
        self.loop.engage(LeaderSource())

    def until_led(self, limit: int = 1000) -> int:
        for tick in range(limit):
            if not self.loop.mirroring:
                return tick
            self.run()
        raise AssertionError("the leader is still being led")


FAR = {"shoulder_pan": 0.9, "elbow_flex": HOME[2] - 0.6, "wrist_roll": -0.7}
SPRING_ONLY = [False] * 5 + [True]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.put_leader(**FAR)
    return bench


def test_the_leader_comes_to_the_follower_which_stands_still_and_then_the_leader_drives_at_once(bench: Bench) -> None:
    before = bench.follower.read().position
    bench.take_over()
    tick = bench.run()
    assert bench.loop.mirroring
    assert (tick.source, tick.aligning, tick.waiting) == (LEADER, True, Waiting.MIRRORING)
    assert tick.gap == pytest.approx(0.9, abs=0.05)
    bench.until_led()
    np.testing.assert_allclose(bench.follower.read().position, before, atol=5e-3)
    np.testing.assert_allclose(bench.leader_pose()[:5], before[:5], atol=0.06)
    assert bench.torque() == SPRING_ONLY
    assert not bench.mirror.pushed
    assert bench.loop.news == []
    tick = bench.run(3)
    assert (tick.aligning, tick.waiting) == (False, Waiting.NOTHING)


def test_it_is_led_weakly_and_slowly(bench: Bench) -> None:
    bench.take_over()
    last, top_speed = bench.leader_pose(), 0.0
    while bench.loop.mirroring:
        bench.run()
        pose = bench.leader_pose()
        top_speed = max(top_speed, float(np.abs(pose - last)[:5].max()) / 0.01)
        last = pose
        for servo in bench.leader_line.servos[:5]:
            assert not servo.torque_on or servo.peek("goal_pwm") <= round(EFFORT_SHARE * FULL_PWM)
    assert top_speed < 0.75  # 0.6 rad/s and what a tick of 1.5 mrad hides


def test_a_firm_push_wins_within_a_few_ticks_and_the_follower_does_not_move(bench: Bench) -> None:
    bench.take_over()
    bench.run(110)
    assert all(bench.torque())
    pose = bench.leader_pose()
    bench.leader_line.hand("shoulder_pan").hold(float(pose[0]) + 0.3)
    bench.run(5)
    assert not bench.loop.mirroring
    assert bench.mirror.pushed
    assert bench.torque() == SPRING_ONLY
    assert "pushed" in bench.loop.news[0]
    tick = bench.run()
    assert tick.source == LEADER
    assert tick.waiting is Waiting.TOO_FAR


def test_stop_makes_the_leader_limp_at_once(bench: Bench) -> None:
    bench.take_over()
    bench.run(100)
    bench.loop.hold()
    assert bench.torque() == SPRING_ONLY
    assert not bench.loop.mirroring
    np.testing.assert_allclose(bench.run(5).action, HOME, atol=5e-3)


def test_torque_off_makes_both_arms_limp(bench: Bench) -> None:
    bench.take_over()
    bench.run(100)
    assert bench.loop.release() == []
    assert not any(servo.torque_on for servo in bench.follower_line.servos)
    assert bench.torque() == SPRING_ONLY


def test_a_leader_that_is_there_already_is_not_moved() -> None:
    bench = Bench()
    bench.put_leader(gripper=float(HOME[-1]))
    bench.take_over()
    assert not bench.loop.mirroring
    assert not bench.run(2).aligning


@pytest.mark.parametrize("when", [1, 60, 150])
def test_a_leader_that_is_unplugged_meanwhile_leaves_the_follower_holding(bench: Bench, when: int) -> None:
    bench.take_over()
    bench.run(when)
    bench.leader_line.faults.unplug()
    bench.run(20)
    assert not bench.loop.mirroring
    assert bench.loop.leader_lost
    assert bench.loop.fault != ""
    np.testing.assert_allclose(bench.follower.read().position, HOME, atol=5e-3)


def test_a_leader_too_weak_to_get_there_is_let_go_and_approached_softly() -> None:
    bench = Bench()
    bench.put_leader(shoulder_lift=float(HOME[1]) - 0.4)
    bench.take_over()
    bench.run(30)
    bench.leader_line.hand("shoulder_lift").block()
    bench.until_led()
    assert bench.torque() == SPRING_ONLY
    tick = bench.run(20)
    assert (tick.source, tick.aligning) == (LEADER, True)


def test_no_step_of_it_waits_for_a_servo(bench: Bench) -> None:
    bench.take_over()
    longest_ns = 0
    while bench.loop.mirroring:
        bench.loop.wait()
        before_ns = bench.clock.now_ns()
        bench.loop.tick()
        longest_ns = max(longest_ns, bench.clock.now_ns() - before_ns)
    assert longest_ns < 10_000_000
