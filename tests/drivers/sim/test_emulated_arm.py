from dataclasses import replace

import numpy as np
import pytest

from drivers.arms import ARMS, STUDIO_FOLLOWER
from drivers.arms.model import ArmModel
from drivers.clock import ManualClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import MemoryTransport
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.emulated_bus import EmulatedBus

TWO_TICKS = 2 * 2 * np.pi / 4096


class Bench:
    def __init__(self, model: ArmModel, factory: bool = False) -> None:
        self.clock = ManualClock()
        self.line: EmulatedBus = emulated_arm(model, self.clock, factory, wire_time=True)
        self.bus = DynamixelBus(MemoryTransport(self.line, self.clock, "bench"), self.clock, baud=model.baud)
        self.arm = DynamixelArm(model, self.bus, self.clock)

    def wait(self, seconds: float) -> None:
        self.clock.advance_ns(round(seconds * 1e9))


@pytest.mark.parametrize("name", ARMS)
def test_every_servo_of_every_arm_reads_as_the_model_says(name: str) -> None:
    model = ARMS[name]
    line = emulated_arm(model, ManualClock())
    for joint in model.joints:
        for value in (joint.lower, joint.upper):
            line.hand(joint.name).put(value)
            ticks = joint.home_ticks + joint.sign * joint.servo_rad_per_unit * value * 4096 / (2 * np.pi)
            servos = line.servos_of(joint.name)
            assert len(servos) == (2 if joint.second_id else 1)
            for servo in servos:
                assert servo.peek("present_position") == pytest.approx(ticks, abs=1)
                assert servo.peek("drive_mode") == (joint.drive_mode if servo is servos[0] else joint.second_drive_mode)


@pytest.mark.parametrize("name", ARMS)
def test_our_driver_connects_to_every_arm_and_reads_where_a_hand_puts_it(name: str) -> None:
    model = ARMS[name]
    bench = Bench(model)
    bench.arm.connect()
    np.testing.assert_allclose(bench.arm.read().position, model.home, atol=TWO_TICKS)
    pose = model.lower + 0.4 * (model.upper - model.lower)
    for joint, value in zip(model.joints, pose, strict=True):
        bench.line.hand(joint.name).put(float(value))
    scale = np.array([min(1.0, joint.servo_rad_per_unit) for joint in model.joints])
    assert np.abs((bench.arm.read().position - pose) * scale).max() < TWO_TICKS


def test_a_powered_joint_follows_its_goal_in_the_time_a_servo_needs() -> None:
    bench = Bench(STUDIO_FOLLOWER)
    bench.arm.connect()
    bench.arm.torque_on()
    goal = np.array(STUDIO_FOLLOWER.home)
    goal[0] = 0.5
    bench.arm.command(goal)
    bench.wait(0.02)
    on_the_way = bench.arm.read()
    assert 0.05 < on_the_way.position[0] < 0.2
    assert on_the_way.velocity[0] > 2.0
    bench.wait(1.0)
    assert bench.arm.read().position[0] == pytest.approx(0.5, abs=TWO_TICKS)


def test_a_weight_lets_a_powered_joint_sag_a_little_and_a_limp_one_fall_to_its_stop() -> None:
    bench = Bench(STUDIO_FOLLOWER)
    bench.arm.connect()
    bench.arm.torque_on()
    bench.line.hand("shoulder").pull(0.3)
    bench.wait(1.0)
    state = bench.arm.read()
    assert -1.32 < state.position[1] < -1.26 - 0.02
    assert state.effort[1] == pytest.approx(300, abs=2)
    bench.arm.torque_off()
    bench.wait(2.0)
    assert bench.line.hand("shoulder").value == pytest.approx(-1.75 - 0.35)


def test_a_hand_that_holds_a_joint_feels_its_servo_and_wins() -> None:
    bench = Bench(STUDIO_FOLLOWER)
    bench.arm.connect()
    bench.arm.torque_on()
    bench.line.hand("gripper").hold(0.2)
    bench.wait(0.2)
    state = bench.arm.read()
    assert state.position[6] == pytest.approx(0.2, abs=TWO_TICKS)
    assert state.effort[6] == pytest.approx(600, abs=2)  # the current limit: it wants back to .93
    bench.line.hand("gripper").let_go()
    bench.wait(1.0)
    assert bench.arm.read().position[6] == pytest.approx(0.93, abs=0.01)


def test_a_factory_arm_answers_only_by_the_servo_that_is_plugged_in() -> None:
    bench = Bench(STUDIO_FOLLOWER, factory=True)
    bench.bus.baud = 57_600
    bench.line.plug_only("elbow")
    assert bench.bus.ping(1).model_number == 1060
    bench.line.plug_only("gripper")
    assert bench.bus.ping(1).model_number == 1200
    with pytest.raises(KeyError, match="no joint 'knee' on this line; there are"):
        bench.line.plug_only("knee")


def test_both_servos_of_a_joint_turn_with_it() -> None:
    joints = (STUDIO_FOLLOWER.joints[0], replace(STUDIO_FOLLOWER.joints[1], second_id=12), *STUDIO_FOLLOWER.joints[2:])
    line = emulated_arm(replace(STUDIO_FOLLOWER, joints=joints), ManualClock())
    line.hand("shoulder").put(0.5)
    assert line.servo(2).peek("present_position") == line.servo(12).peek("present_position") == 2374
