"""A Koch arm on an emulated line whose servos hold what LeRobot's calibration file of it says."""

from math import tau
from pathlib import Path

from drivers.arms.calibration_file import ArmCalibration, JointCalibration, write_calibration
from drivers.arms.model import ArmModel
from tests.drivers.lerobot.servo_lines import ServoLines, Servos

LOWEST, HIGHEST = 1048, 3048  # ticks of each joint's range, middle at 2048
RAD_PER_VALUE = (HIGHEST - LOWEST) / 200 * tau / 4096  # of LeRobot's -100..100


def servos_of(model: ArmModel) -> Servos:
    return [(joint.servo_id, joint.servo) for joint in model.joints]


def calibration_of(model: ArmModel, homing_offset: int = 0) -> ArmCalibration:
    return {
        joint.name: JointCalibration(joint.servo_id, joint.drive_mode, homing_offset, LOWEST, HIGHEST)
        for joint in model.joints
    }


def calibrate(lines: ServoLines, line: int, model: ArmModel, path: Path) -> None:
    """Give the servos a range of motion and write LeRobot's calibration file of it."""
    calibration = calibration_of(model)
    write_calibration(path, calibration)
    for register, values in (
        ("drive_mode", {entry.id: entry.drive_mode for entry in calibration.values()}),
        ("min_position_limit", {entry.id: entry.range_min for entry in calibration.values()}),
        ("max_position_limit", {entry.id: entry.range_max for entry in calibration.values()}),
    ):
        lines.poke(line, register, values)
