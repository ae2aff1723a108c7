"""A Koch arm on an emulated line whose servos hold what LeRobot's calibration file of it says."""

import json
from math import tau
from pathlib import Path

from tests.drivers.lerobot.servo_lines import ServoLines, Servos

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
KOCH_FOLLOWER: Servos = [(servo, "xl430-w250" if servo < 3 else "xl330-m288") for servo in range(1, 7)]
KOCH_LEADER: Servos = [(servo, "xl330-m077") for servo in range(1, 7)]
OMX_FOLLOWER: Servos = [(servo, "xl430-w250" if servo < 14 else "xl330-m288") for servo in range(11, 17)]
OMX_LEADER: Servos = [(servo, "xl330-m288" if servo < 6 else "xl330-m077") for servo in range(1, 7)]
LOWEST, HIGHEST = 1048, 3048  # ticks of each joint's range, middle at 2048
RAD_PER_VALUE = (HIGHEST - LOWEST) / 200 * tau / 4096  # of LeRobot's -100..100


def calibrate(lines: ServoLines, line: int, servos: Servos, path: Path) -> None:
    """Give the servos a range of motion and write LeRobot's calibration file of it."""
    entry = {"drive_mode": 0, "homing_offset": 0, "range_min": LOWEST, "range_max": HIGHEST}
    content = {name: {"id": servo, **entry} for name, (servo, _) in zip(JOINTS, servos, strict=True)}
    path.write_text(json.dumps(content, indent=4))
    lines.poke(line, "min_position_limit", {servo: LOWEST for servo, _ in servos})
    lines.poke(line, "max_position_limit", {servo: HIGHEST for servo, _ in servos})
