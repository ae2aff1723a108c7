"""LeRobot's calibration files: its own formulas, written out, give the same values as ours."""

import json
import re
from dataclasses import replace
from math import tau
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers

from drivers.arms import ARMS, GELLO, KOCH_FOLLOWER, KOCH_LEADER, OMX_FOLLOWER, OMX_LEADER, VX300S
from drivers.arms.calibration_file import (
    ArmCalibration,
    JointCalibration,
    calibrated,
    lerobot_calibration_folder,
    read_calibration,
    write_calibration,
)
from drivers.arms.model import (
    CURRENT_BASED_POSITION_MODE,
    EXTENDED_POSITION_MODE,
    POSITION_MODE,
    ArmModel,
)
from drivers.dynamixel.calibration import Calibration
from drivers.errors import DriverError, NotCalibrated

LEROBOT_ARMS = [KOCH_FOLLOWER, KOCH_LEADER, OMX_FOLLOWER, OMX_LEADER]
# As lerobot-calibrate leaves a Koch follower: pan and roll turn all the way, the rest was swept by hand.
SWEPT = ((0, 4095), (812, 3104), (905, 3187), (790, 3150), (0, 4095), (2008, 3301))


def calibration_of(model: ArmModel, ranges: tuple[tuple[int, int], ...] = SWEPT, homing: int = -37) -> ArmCalibration:
    return {
        joint.name: JointCalibration(joint.servo_id, joint.drive_mode & 1, homing, low, high)
        for joint, (low, high) in zip(model.joints, ranges, strict=True)
    }


def lerobot_normalised(ticks: int, low: int, high: int, gripper: bool) -> float:
    """lerobot 0.6.1, motors/motors_bus.py, `_normalize`: RANGE_M100_100 for hinges, RANGE_0_100 for the gripper."""
    bounded = min(high, max(low, ticks))
    return 100 * (bounded - low) / (high - low) if gripper else 200 * (bounded - low) / (high - low) - 100


def lerobot_unnormalised(value: float, low: int, high: int, gripper: bool) -> int:
    bounded = min(100.0, max(0.0 if gripper else -100.0, value))
    share = bounded / 100 if gripper else (bounded + 100) / 200
    return int(share * (high - low) + low)


@pytest.mark.parametrize("model", LEROBOT_ARMS, ids=lambda model: model.name)
@given(ticks=integers(0, 4095))
def test_a_raw_position_means_what_it_means_to_lerobot(model: ArmModel, ticks: int) -> None:
    arm = calibrated(model, calibration_of(model))
    values = Calibration(arm).to_radians(np.full(6, ticks, np.int32))
    for joint, value, (low, high) in zip(arm.joints, values, SWEPT, strict=True):
        if low <= ticks <= high:  # beyond, LeRobot clips silently and we do not
            gripper = joint.name == "gripper"
            share = (value - joint.lower) / (joint.upper - joint.lower)
            ours = 100 * share if gripper else 200 * share - 100
            assert ours == pytest.approx(lerobot_normalised(ticks, low, high, gripper), abs=1e-9)


@pytest.mark.parametrize("model", LEROBOT_ARMS, ids=lambda model: model.name)
@given(hundredths=integers(0, 10_000))
def test_a_goal_is_the_tick_that_lerobot_sends_or_the_next_one(model: ArmModel, hundredths: int) -> None:
    arm = calibrated(model, calibration_of(model))
    share = hundredths / 10_000
    goals = Calibration(arm).to_ticks(arm.lower + share * (arm.upper - arm.lower))
    for joint, goal, (low, high) in zip(arm.joints, goals, SWEPT, strict=True):
        gripper = joint.name == "gripper"
        value = 100 * share if gripper else 200 * share - 100
        assert abs(int(goal) - lerobot_unnormalised(value, low, high, gripper)) <= 1  # LeRobot truncates, we round


def test_the_middle_pose_of_half_turn_homing_is_zero_on_both_koch_arms() -> None:
    for model in (KOCH_FOLLOWER, KOCH_LEADER):
        arm = calibrated(model, calibration_of(model))
        assert np.all(Calibration(arm).to_radians(np.full(6, 2047, np.int32))[:-1] == 0.0)


def test_limits_are_the_swept_range_and_registers_those_of_the_file() -> None:
    arm = calibrated(KOCH_LEADER, calibration_of(KOCH_LEADER))
    lift, elbow, gripper = arm.joints[1], arm.joints[2], arm.joints[-1]
    assert (lift.lower, lift.upper) == pytest.approx(((812 - 2047) * tau / 4096, (3104 - 2047) * tau / 4096))
    assert (elbow.drive_mode, elbow.homing_offset) == (1, -37)
    assert (gripper.home_ticks, gripper.servo_rad_per_unit) == (2008, pytest.approx(1293 * tau / 4096))
    assert not arm.needs_calibration
    assert np.all((np.array(arm.home) >= arm.lower) & (np.array(arm.home) <= arm.upper))


@pytest.mark.parametrize(
    ("ranges", "homing", "mode"),
    [
        ((100, 3000), 1024, POSITION_MODE),
        ((100, 3000), -1500, EXTENDED_POSITION_MODE),  # position mode would ignore the offset
        ((-212, 3000), 0, EXTENDED_POSITION_MODE),  # LeRobot issue 1489
        ((100, 4300), 0, EXTENDED_POSITION_MODE),
    ],
)
def test_a_joint_that_position_mode_can_not_hold_runs_in_extended_position_mode(
    ranges: tuple[int, int], homing: int, mode: int
) -> None:
    arm = calibrated(KOCH_FOLLOWER, calibration_of(KOCH_FOLLOWER, (ranges, *SWEPT[1:]), homing))
    assert arm.joints[0].operating_mode == mode
    assert arm.joints[-1].operating_mode == CURRENT_BASED_POSITION_MODE
    Calibration(arm)  # accepts the limits


def test_the_second_servo_of_a_joint_has_an_entry_of_its_own_and_may_lack_it() -> None:
    ranges = ((0, 4095), (841, 2867), (898, 3094), (0, 4095), (830, 3504), (0, 4095), (2452, 3105))
    calibration = calibration_of(VX300S, ranges, homing=0)
    assert calibrated(VX300S, calibration).joints[1].second_drive_mode == 0
    calibration["shoulder_shadow"] = JointCalibration(3, 1, 12, 841, 2867)
    assert calibrated(VX300S, calibration).joints[1].second_drive_mode == 1
    calibration["shoulder_shadow"] = JointCalibration(4, 1, 12, 841, 2867)
    with pytest.raises(NotCalibrated, match="shoulder_shadow of vx300s is for servo 4, the arm has servo 3 there"):
        calibrated(VX300S, calibration)


def test_a_leader_that_crosses_the_seam_keeps_its_mode() -> None:
    arm = calibrated(GELLO, calibration_of(GELLO, ((-900, 3000),) * 6 + ((1800, 2300),), homing=0))
    assert {joint.operating_mode for joint in arm.joints} == {EXTENDED_POSITION_MODE}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": 3}, "shoulder_lift of koch-follower is for servo 3, the arm has servo 2 there"),
        ({"drive_mode": 4}, "shoulder_lift of koch-follower has drive_mode = 4, it can be 0 or 1"),
        ({"homing_offset": 2_000_000}, "homing_offset = 2000000, a servo takes 1044479"),
        ({"range_min": 2000, "range_max": 2000}, r"the range 2000 .. 2000; the first must be smaller"),
        ({"range_max": 9_999_999}, r"the range 812 .. 9999999"),
    ],
)
def test_an_entry_that_can_not_be_is_refused(changes: dict[str, int], message: str) -> None:
    calibration = calibration_of(KOCH_FOLLOWER)
    calibration["shoulder_lift"] = replace(calibration["shoulder_lift"], **changes)
    with pytest.raises(NotCalibrated, match=re.escape(message)):
        calibrated(KOCH_FOLLOWER, calibration)


def test_a_calibration_of_another_arm_is_refused_by_its_joints() -> None:
    with pytest.raises(NotCalibrated, match=r"not one of ViperX-300 6DOF.*it lacks waist, shoulder"):
        calibrated(VX300S, calibration_of(KOCH_FOLLOWER))
    extra = calibration_of(KOCH_FOLLOWER) | {"elbow_shadow": JointCalibration(9, 0, 0, 0, 4095)}
    with pytest.raises(NotCalibrated, match="it has elbow_shadow too"):
        calibrated(KOCH_FOLLOWER, extra)


@pytest.mark.parametrize("name", ARMS)
def test_a_written_calibration_is_read_back_equal(tmp_path: Path, name: str) -> None:
    model = ARMS[name]
    calibration = calibration_of(model, ((5, 4090),) * len(model.joints))
    path = tmp_path / "below" / "arm.json"
    write_calibration(path, calibration)
    assert read_calibration(path) == calibration
    assert [p.name for p in path.parent.iterdir()] == ["arm.json"]


def test_the_file_is_lerobots_own_json(tmp_path: Path) -> None:
    path = tmp_path / "koch.json"
    write_calibration(path, {"elbow_flex": JointCalibration(3, 1, -512, 700, 3300)})
    # draccus.dump of lerobot's dict[str, MotorCalibration], indent=4
    entry = {"id": 3, "drive_mode": 1, "homing_offset": -512, "range_min": 700, "range_max": 3300}
    assert path.read_text() == json.dumps({"elbow_flex": entry}, indent=4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "names no joints"),
        ("{}", "names no joints"),
        ('{"a": 3}', "gives 3 for a, a joint needs id, drive_mode, homing_offset, range_min, range_max"),
        ('{"a": {"id": 1}}', "gives id for a"),
        (
            '{"a": {"id": 1, "drive_mode": true, "homing_offset": 0, "range_min": 0, "range_max": 9}}',
            "drive_mode = True for a, no number",
        ),
    ],
)
def test_a_file_that_is_no_calibration_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "arm.json"
    path.write_text(text)
    with pytest.raises(NotCalibrated, match=re.escape(message)):
        read_calibration(path)


def test_a_missing_file_and_a_folder_that_can_not_be_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotCalibrated, match=r"arm.json can not be read: No such file"):
        read_calibration(tmp_path / "arm.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(DriverError, match=r"can not be written: (Not a directory|File exists)"):
        write_calibration(tmp_path / "file" / "arm.json", calibration_of(KOCH_FOLLOWER))


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"HF_LEROBOT_CALIBRATION": "/lab/calibrations"}, "/lab/calibrations"),
        ({"HF_LEROBOT_HOME": "/lab/lerobot"}, "/lab/lerobot/calibration"),
        ({"HF_HOME": "/lab/hf"}, "/lab/hf/lerobot/calibration"),
        ({"XDG_CACHE_HOME": "/lab/cache"}, "/lab/cache/huggingface/lerobot/calibration"),
        ({}, str(Path("~/.cache/huggingface/lerobot/calibration").expanduser())),
    ],
)
def test_lerobots_calibrations_are_looked_for_where_it_keeps_them(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], folder: str
) -> None:
    for name in ("HF_LEROBOT_CALIBRATION", "HF_LEROBOT_HOME", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert lerobot_calibration_folder() == Path(folder)
