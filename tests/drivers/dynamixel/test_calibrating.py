"""Calibrating an emulated arm by hand: what LeRobot would have written, and how a hand can get it wrong."""

from pathlib import Path

import numpy as np
import pytest

from drivers.arms import ARMS
from drivers.arms.calibration_file import calibrated, read_calibration, write_calibration
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.calibrating import MIDDLE, SWEEP, VERIFY, Calibrating
from drivers.dynamixel.fingerprint import fingerprint
from drivers.errors import DriverError, ServoSilent, WrongServo
from tests.drivers.dynamixel.set_up_bench import SetUpBench


def odd_mount(bench: SetUpBench) -> dict[str, float]:
    """Horns put on anyhow: where each joint's middle is, rad from where the model has it."""
    middles = dict(zip(bench.model.names, (0.4, -0.3, 0.2, -0.6, 0.5, 0.2), strict=True))
    for joint, middle in middles.items():
        bench.line.hand(joint).hold(middle)
    return middles


def sweep(bench: SetUpBench, running: Calibrating, joint: str, middle: float, reach: float = 1.2) -> None:
    for value in (middle - reach, middle + reach, middle):
        bench.line.hand(joint).hold(value)
        running.look()


def calibrate(bench: SetUpBench) -> Calibrating:
    running = Calibrating(bench.model, bench.bus(), bench.clock)
    middles = odd_mount(bench)
    running.begin()
    running.next()
    for joint, middle in middles.items():
        sweep(bench, running, joint, middle, 0.5 if joint == "gripper" else 1.2)
    running.next()
    return running


@pytest.mark.parametrize("arm", ["koch-leader", "koch-follower"])
def test_a_calibrated_arm_reads_zero_in_its_middle_pose_and_opens_with_its_file(arm: str, tmp_path: Path) -> None:
    bench = SetUpBench.of(arm)
    running = calibrate(bench)
    path = tmp_path / "arm.json"
    write_calibration(path, running.calibration)
    values = {joint.joint: joint.value for joint in running.look()}
    assert [values[name] for name in bench.model.names[:-1]] == pytest.approx([0.0] * 5, abs=0.002)
    assert values["gripper"] == pytest.approx(0.5, abs=0.01)
    opened = DynamixelArm(calibrated(bench.model, read_calibration(path)), bench.bus(), bench.clock)
    opened.connect()
    np.testing.assert_allclose(opened.read().position, [values[name] for name in bench.model.names], atol=0.002)


def test_directions_stand_before_the_homing_and_the_elbow_of_a_koch_leader_counts_the_other_way() -> None:
    bench = SetUpBench.of("koch-leader")
    bench.line.servo(3).poke("drive_mode", 0)  # as from the factory; LeRobot never writes it again (its issue 1489)
    running = calibrate(bench)
    assert running.calibration["elbow_flex"].drive_mode == 1
    assert bench.line.servo(3).peek("drive_mode") == 1
    assert bench.line.servo(3).peek("present_position") == pytest.approx(2047, abs=1)


def test_a_second_calibration_in_the_same_pose_writes_the_same_and_keeps_the_fingerprint() -> None:
    bench = SetUpBench.of("koch-follower")
    first = calibrate(bench).calibration
    before = fingerprint(bench.bus(), range(1, 7))
    assert calibrate(bench).calibration == first
    assert fingerprint(bench.bus(), range(1, 7)) == before


def test_turns_counted_before_do_not_get_into_the_homing() -> None:
    bench = SetUpBench.of("koch-follower")
    bench.line.servo(5).jump_turns(1)
    running = calibrate(bench)
    assert abs(running.calibration["wrist_roll"].homing_offset) < 4096


def test_a_holding_arm_goes_limp_and_is_named() -> None:
    bench = SetUpBench.of("koch-follower")
    for servo in bench.line.servos:
        servo.poke("torque_enable", 1)
    assert Calibrating(bench.model, bench.bus(), bench.clock).begin() == [1, 2, 3, 4, 5, 6]
    assert not any(servo.torque_on for servo in bench.line.servos)


def test_the_sweep_ends_only_when_every_joint_has_been_moved_far_enough() -> None:
    bench = SetUpBench.of("koch-leader")
    running = Calibrating(bench.model, bench.bus(), bench.clock)
    middles = odd_mount(bench)
    running.begin()
    assert running.step == MIDDLE
    running.next()
    assert running.step == SWEEP
    assert running.why_not.startswith("Still to be moved to both ends: shoulder_pan, shoulder_lift, elbow_flex")
    for joint in bench.model.names[:-2]:
        sweep(bench, running, joint, middles[joint])
    sweep(bench, running, "wrist_roll", middles["wrist_roll"], reach=0.1)
    looks = {look.joint: look for look in running.joints}
    assert looks["shoulder_pan"].ok
    assert looks["wrist_roll"].note.endswith("ticks only: go to both of its ends.")
    assert looks["gripper"].note == "Not moved yet."
    with pytest.raises(DriverError, match="Still to be moved to both ends: wrist_roll, gripper"):
        running.next()
    sweep(bench, running, "wrist_roll", middles["wrist_roll"])
    sweep(bench, running, "gripper", middles["gripper"], reach=0.5)
    running.next()
    assert running.step == VERIFY


def test_a_range_over_the_seam_is_refused_and_a_whole_turn_is_not() -> None:
    bench = SetUpBench.of("koch-leader")
    running = Calibrating(bench.model, bench.bus(), bench.clock)
    odd_mount(bench)
    bench.line.hand("wrist_roll").hold(2.5)  # far from its middle
    running.begin()
    running.next()
    for value in (2.5, -3.1, 0.0):
        bench.line.hand("wrist_roll").hold(value)
        running.look()
    look = next(look for look in running.joints if look.joint == "wrist_roll")
    assert not look.ok
    assert look.note.startswith("Its range runs over the servo's seam")
    bench.line.hand("wrist_roll").hold(3.3)
    running.look()
    look = next(look for look in running.joints if look.joint == "wrist_roll")
    assert (look.ok, look.note) == (True, "Turns all the way round.")


def test_another_arm_or_a_silent_servo_is_refused_before_anything_is_written() -> None:
    bench = SetUpBench.of("koch-follower")
    with pytest.raises(
        WrongServo, match=r"servo 1 \(shoulder_pan\) on bench has model number 1060, shoulder_pan of Koch"
    ):
        Calibrating(ARMS["koch-leader"], bench.bus(), bench.clock).begin()
    bench.line.faults.silence(4)
    with pytest.raises(ServoSilent, match=r"servo 4 \(wrist_flex\) on bench do not answer"):
        Calibrating(bench.model, bench.bus(), bench.clock).begin()
    assert all(servo.peek("operating_mode") != 4 for servo in bench.line.servos[:5])


def test_both_servos_of_a_paired_joint_are_homed_and_a_wrong_direction_is_told() -> None:
    bench = SetUpBench.of("vx300s")
    paired = next(joint for joint in bench.model.joints if joint.second_id is not None)
    running = Calibrating(bench.model, bench.bus(), bench.clock)
    for joint in bench.model.joints:
        bench.line.hand(joint.name).hold((joint.lower + joint.upper) / 2)
    running.begin()
    running.next()
    assert bench.line.servo(paired.second_id).peek("present_position") == pytest.approx(paired.home_ticks, abs=1)
    bench.line.servo(paired.second_id).poke("drive_mode", paired.second_drive_mode ^ 1)
    bench.line.hand(paired.name).hold((paired.lower + paired.upper) / 2 + 0.5)
    look = next(look for look in running.look() if look.joint == paired.name)
    assert look.note.startswith("Its two servos differ by")
