"""LeRobot's calibration files: read, written, and laid over an `ArmModel`.

A file is a JSON object: joint name -> id, drive_mode, homing_offset, range_min, range_max (registers 7, 10, 20 and the
swept Present Position, which includes the homing offset), indented by 4. `lerobot-calibrate` writes the same, so an arm
that was calibrated there needs no second calibration here, and the other way round.

Source: lerobot 0.6.1, `motors/motors_bus.py` (MotorCalibration), `robots/robot.py` (place of the files).
"""

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from math import tau
from pathlib import Path

from drivers.arms.model import EXTENDED_POSITION_MODE, POSITION_MODE, ArmModel, JointModel
from drivers.dynamixel.control_table import TICKS_PER_TURN
from drivers.errors import DriverError, NotCalibrated

SHADOW = "_shadow"  # the second servo of a joint has an entry of its own, as in Interbotix' files
_RAD_PER_TICK = tau / TICKS_PER_TURN
# A servo in position mode ignores a homing offset beyond this (ROBOTIS e-manual, 'Homing Offset').
_OFFSET_IN_POSITION_MODE = 1024
_HOMING_LIMIT = 1_044_479
_RANGE_LIMIT = 1_048_575  # extended position mode: 256 turns either way
_REVERSED = 1


@dataclass(frozen=True)
class JointCalibration:
    """What LeRobot writes down for one servo. Field names are those of the file."""

    id: int
    drive_mode: int
    homing_offset: int
    range_min: int
    range_max: int


type ArmCalibration = dict[str, JointCalibration]
"""Joint name -> its servo; "<joint>_shadow" for the second servo of a joint."""


def lerobot_calibration_folder() -> Path:
    """Where LeRobot keeps its calibrations: robots/<type>/<id>.json and teleoperators/<type>/<id>.json below it."""
    if folder := os.environ.get("HF_LEROBOT_CALIBRATION"):
        return Path(folder).expanduser()
    lerobot = os.environ.get("HF_LEROBOT_HOME")
    hub = os.environ.get("HF_HOME", Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface")
    return (Path(lerobot) if lerobot else Path(hub) / "lerobot").expanduser() / "calibration"


def read_calibration(path: Path) -> ArmCalibration:
    """The calibration in a file. Raises `NotCalibrated` when it is missing, unreadable or no calibration."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotCalibrated(
            f"The calibration file {path} can not be read: {error.strerror or error}. "
            "Calibrate the arm, or correct the file's name in the rig file."
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NotCalibrated(f"The calibration file {path} is no JSON: {error}. {_AGAIN}") from error
    if not isinstance(content, dict) or not content:
        raise NotCalibrated(f"The calibration file {path} names no joints. {_AGAIN}")
    return {name: _joint(path, name, entry) for name, entry in content.items()}


def write_calibration(path: Path, calibration: ArmCalibration) -> None:
    """Write a file that LeRobot reads too; a kill leaves the old file or the new one. Raises `DriverError`."""
    text = json.dumps({name: asdict(joint) for name, joint in calibration.items()}, indent=4)
    unfinished = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        raise DriverError(
            f"The calibration file {path} can not be written: {error.strerror or error}. "
            "Choose a folder that you may write to."
        ) from error


def calibrated(model: ArmModel, calibration: ArmCalibration) -> ArmModel:
    """`model` with one arm's own homes, limits and directions.

    A hinge keeps its home (Present Position at joint value 0; LeRobot's half-turn homing made it the same for every
    arm) and gets the swept range as limits. A gripper is 0 at one end of its range and 1 at the other, so that its
    value is LeRobot's RANGE_0_100 divided by 100. A joint that does not fit into one turn, or whose homing offset
    position mode would ignore, runs in extended position mode, as in LeRobot.
    Raises `NotCalibrated` naming the joint.
    """
    _check_names(model, calibration)
    joints = []
    for joint in model.joints:
        entry = calibration[joint.name]
        _check_entry(model, joint.name, joint.servo_id, entry)
        if joint.second_id is not None and (shadow := calibration.get(joint.name + SHADOW)):
            _check_entry(model, joint.name + SHADOW, joint.second_id, shadow)
            joint = replace(joint, second_drive_mode=shadow.drive_mode)
        joints.append(_gripper(joint, entry) if _is_gripper(joint) else _hinge(joint, entry))
    pairs = list(zip(joints, model.home, model.rest, strict=True))
    return replace(
        model,
        joints=tuple(joints),
        home=tuple(_inside(joint, home) for joint, home, _ in pairs),
        rest=tuple(_inside(joint, rest) for joint, _, rest in pairs),
        needs_calibration=False,
    )


_AGAIN = "Calibrate the arm again, or choose another file."
_FIELDS = tuple(field.name for field in fields(JointCalibration))


def _joint(path: Path, name: str, entry: object) -> JointCalibration:
    if not isinstance(entry, dict) or set(entry) != set(_FIELDS):
        given = ", ".join(map(str, entry)) if isinstance(entry, dict) else repr(entry)
        raise NotCalibrated(
            f"The calibration file {path} gives {given or 'nothing'} for {name}, a joint needs {', '.join(_FIELDS)}. "
            f"{_AGAIN}"
        )
    for field, value in entry.items():
        if type(value) is not int:
            raise NotCalibrated(f"The calibration file {path} has {field} = {value!r} for {name}, no number. {_AGAIN}")
    return JointCalibration(**entry)


def _check_names(model: ArmModel, calibration: ArmCalibration) -> None:
    shadows = {joint.name + SHADOW for joint in model.joints if joint.second_id is not None}
    missing = [name for name in model.names if name not in calibration]
    unknown = [name for name in calibration if name not in model.names and name not in shadows]
    if missing or unknown:
        raise NotCalibrated(
            f"The calibration is not one of {model.title or model.name}: "
            f"{'it lacks ' + ', '.join(missing) if missing else 'it has ' + ', '.join(unknown) + ' too'}. "
            f"The joints of {model.name} are {', '.join(model.names)}."
        )


def _check_entry(model: ArmModel, name: str, servo_id: int, entry: JointCalibration) -> None:
    where = f"The calibration of {name} of {model.name}"
    if entry.id != servo_id:
        raise NotCalibrated(f"{where} is for servo {entry.id}, the arm has servo {servo_id} there. {_AGAIN}")
    if entry.drive_mode not in (0, _REVERSED):
        raise NotCalibrated(f"{where} has drive_mode = {entry.drive_mode}, it can be 0 or 1. {_AGAIN}")
    if abs(entry.homing_offset) > _HOMING_LIMIT:
        raise NotCalibrated(
            f"{where} has homing_offset = {entry.homing_offset}, a servo takes {_HOMING_LIMIT}. {_AGAIN}"
        )
    if not -_RANGE_LIMIT <= entry.range_min < entry.range_max <= _RANGE_LIMIT:
        raise NotCalibrated(
            f"{where} has the range {entry.range_min} .. {entry.range_max}; the first must be smaller. "
            "Calibrate again and move the joint to both of its ends."
        )


def _is_gripper(joint: JointModel) -> bool:
    return joint.name == "gripper"


def _hinge(joint: JointModel, entry: JointCalibration) -> JointModel:
    unit_per_tick = joint.sign * _RAD_PER_TICK / joint.servo_rad_per_unit
    ends = sorted((ticks - joint.home_ticks) * unit_per_tick for ticks in (entry.range_min, entry.range_max))
    mode = joint.operating_mode
    if mode == POSITION_MODE and not _fits_one_turn(entry):
        mode = EXTENDED_POSITION_MODE
    return replace(_registers(joint, entry), lower=ends[0], upper=ends[1], operating_mode=mode)


def _gripper(joint: JointModel, entry: JointCalibration) -> JointModel:
    closed = entry.range_min if joint.sign > 0 else entry.range_max
    travel = (entry.range_max - entry.range_min) * _RAD_PER_TICK
    mode = joint.operating_mode
    if mode == POSITION_MODE and not _fits_one_turn(entry):
        mode = EXTENDED_POSITION_MODE
    return replace(_registers(joint, entry), home_ticks=closed, servo_rad_per_unit=travel, operating_mode=mode)


def _registers(joint: JointModel, entry: JointCalibration) -> JointModel:
    # The file knows the direction only; how a profile is timed stays as the model says.
    drive_mode = (joint.drive_mode & ~_REVERSED) | entry.drive_mode
    return replace(joint, drive_mode=drive_mode, homing_offset=entry.homing_offset)


def _fits_one_turn(entry: JointCalibration) -> bool:
    inside = entry.range_min >= 0 and entry.range_max < TICKS_PER_TURN
    return inside and abs(entry.homing_offset) <= _OFFSET_IN_POSITION_MODE


def _inside(joint: JointModel, value: float) -> float:
    return min(max(value, joint.lower), joint.upper)
