"""A rig as a TOML file: written whole or not at all, read back equal, every wrong setting named."""

import dataclasses
import json
import math
import os
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from drivers.arms import ARMS
from drivers.errors import DriverError
from teleop_studio.rig import (
    LEROBOT,
    ArmConfig,
    CameraConfig,
    LerobotDevice,
    LerobotJoint,
    RigConfig,
    RigError,
    WorkspaceBox,
)

_NUMBER = (int, float)
_RIG = {
    "name": str,
    "control_hz": _NUMBER,
    "scene": str,
    "link": str,
    "realtime": bool,
    "mirror": bool,
    "on_close": str,
    "stop_device": str,
    "shift": str,
}
_ARM = {"arm": str, "port": str, "baud": int, "calibration": str, "fingerprint": str, "names": list, "lerobot": dict}
_LEROBOT = {"type": str, "options": dict, "joints": list, "rate_hz": _NUMBER}
_LEROBOT_JOINT = {
    "name": str,
    "lower": _NUMBER,
    "upper": _NUMBER,
    "scale": _NUMBER,
    "offset": _NUMBER,
    "max_speed": _NUMBER,
}
_CAMERA = {
    "name": str,
    "kind": str,
    "width": int,
    "height": int,
    "fps": _NUMBER,
    "codec": str,
    "quality": int,
    "device": str,
    "passthrough": bool,
    "exposure": int,
    "white_balance": int,
    "focus": int,
    "options": dict,
}
_BOX = {"x": list, "y": list, "z": list}


def load_rig(path: Path) -> RigConfig:
    """Read a rig file, and the calibration files it names. Raises `RigError` for a missing or wrong one."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RigError(f"The rig file {path} can not be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RigError(f"The rig file {path} is not TOML: {error}.") from error
    try:
        rig = _rig(table, path.parent)
        for arm in (rig.leader, rig.follower):
            _ = arm.model
    except (RigError, DriverError) as error:
        raise RigError(f"{path}: {error}") from error
    return rig


def save_rig(rig: RigConfig, path: Path) -> None:
    """Write `rig` as TOML; `load_rig` reads it back equal. Raises `RigError` when the file can not be written.

    A calibration file in the workspace is named relative to the rig file, so that the folder can be moved.
    """
    text = "\n".join(_lines(rig, path.parent)) + "\n"
    unfinished = path.with_name(f".{path.name}.new")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)  # a kill leaves the old file or the new one, never half of it
    except OSError as error:
        raise RigError(f"The rig file {path} can not be written: {error.strerror}.") from error


def _lines(rig: RigConfig, folder: Path) -> list[str]:
    lines = [f"{key} = {_toml(getattr(rig, key))}" for key in _RIG if _says_something(rig, key)]
    if rig.box is not None:
        lines += ["", "[box]", *(f"{axis} = {_toml(_side(getattr(rig.box, axis)))}" for axis in _BOX)]
    for role in ("leader", "follower"):
        arm: ArmConfig = getattr(rig, role)
        lines += ["", *arm_lines(role, dataclasses.replace(arm, calibration=_from_folder(arm.calibration, folder)))]
    for camera in rig.cameras:
        lines += ["", "[[cameras]]", *_settings(camera, _CAMERA)]
    if not rig.cameras:
        lines.insert(0, "cameras = []")
    return lines


def arm_lines(role: str, arm: ArmConfig) -> list[str]:
    """The section of one arm."""
    lines = [f"[{role}]", *_settings(arm, _ARM, leave="lerobot")]
    if arm.lerobot is not None:
        lines += ["", f"[{role}.lerobot]", *_settings(arm.lerobot, _LEROBOT, leave="joints")]
        for joint in arm.lerobot.joints:
            lines += ["", f"[[{role}.lerobot.joints]]", *_settings(joint, _LEROBOT_JOINT)]
    return lines


def _settings(part: Any, known: dict[str, Any], leave: str = "") -> list[str]:
    return [f"{key} = {_toml(getattr(part, key))}" for key in known if key != leave and _says_something(part, key)]


def _says_something(part: Any, name: str) -> bool:
    """False for a setting that is not set: an empty text, list or table, or None, where that is what is meant."""
    value = getattr(part, name)
    if value or isinstance(value, (bool, float)):
        return True
    default = next(known.default for known in fields(part) if known.name == name)
    return value is not None and value != default and value not in ((), {})


def _toml(value: Any) -> str:
    if isinstance(value, str):
        # TOML's basic strings know JSON's escapes; JSON leaves DEL as it is, TOML does not.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return repr(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_toml(str(key))} = {_toml(item)}' for key, item in value.items())}}}"
    if isinstance(value, (int, float)):
        return repr(value)
    raise RigError(f"{value!r} is no value for a rig file: give texts, numbers, true, false, lists and tables of them.")


def _rig(table: dict[str, Any], folder: Path) -> RigConfig:
    known = {**_RIG, "leader": dict, "follower": dict, "cameras": list, "box": dict}
    values = dict(table)
    for role in ("leader", "follower"):
        if role in table:
            values[role] = _arm(role, table[role], folder)
    if "cameras" in table:
        if not isinstance(table["cameras"], list):
            raise RigError("cameras must be a list of tables: [[cameras]].")
        values["cameras"] = tuple(_camera(camera) for camera in table["cameras"])
    if "box" in table:
        values["box"] = _box(table["box"])
    own = {key: value for key, value in table.items() if key not in ("leader", "follower", "cameras", "box")}
    _check("the rig", own, known)
    return RigConfig(**values)


def _arm(role: str, table: Any, folder: Path) -> ArmConfig:
    values = _check(role, table, _ARM)
    if "arm" not in values:
        raise RigError(f"{role} needs an arm. Known arms: {', '.join(sorted((*ARMS, LEROBOT)))}.")
    if "names" in values:
        values["names"] = _texts(f"{role}: names", values["names"])
    if values.get("calibration"):
        values["calibration"] = os.path.normpath(folder.absolute() / values["calibration"])
    if "lerobot" in values:
        values["lerobot"] = _lerobot(f"{role}.lerobot", values["lerobot"])
    return ArmConfig(**values)


def _lerobot(where: str, table: Any) -> LerobotDevice:
    values = _check(where, table, _LEROBOT, needed=("type",))
    values["joints"] = tuple(
        LerobotJoint(**_check(f"{where}.joints", joint, _LEROBOT_JOINT, needed=("name", "lower", "upper")))
        for joint in values.get("joints", ())
    )
    return LerobotDevice(**values)


def _camera(table: Any) -> CameraConfig:
    values = _check("cameras", table, _CAMERA)
    if "name" not in values:
        raise RigError("each camera needs a name.")
    return CameraConfig(**values)


def _box(table: Any) -> WorkspaceBox:
    sides: dict[str, tuple[float | None, float | None]] = {}
    for axis, ends in _check("box", table, _BOX).items():
        numbers = [end for end in ends if isinstance(end, _NUMBER) and not isinstance(end, bool)]
        if len(ends) != 2 or len(numbers) != 2 or any(math.isnan(end) for end in numbers):
            raise RigError(f"box: {axis} = {ends!r}: give two numbers in m, -inf or inf for a side without a limit.")
        lowest, highest = (None if math.isinf(end) else end for end in numbers)
        sides[axis] = (lowest, highest)
    return WorkspaceBox(**sides)


def _side(ends: tuple[float | None, float | None]) -> tuple[float, float]:
    lowest, highest = ends
    return (-math.inf if lowest is None else lowest, math.inf if highest is None else highest)


def _texts(where: str, values: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise RigError(f"{where} = {values!r}: give a list of texts.")
    return tuple(values)


def _check(where: str, table: Any, known: dict[str, Any], needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """A copy of `table`, its settings known and of the right type."""
    if not isinstance(table, dict):
        raise RigError(f"{where} must be a table.")
    for key, value in table.items():
        if key not in known:
            raise RigError(f"{where} has no setting {key!r}. Known: {', '.join(known)}.")
        if not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is not bool):
            raise RigError(f"{where}: {key} = {value!r} has the wrong type.")
    for key in needed:
        if key not in table:
            raise RigError(f"{where} needs a setting {key!r}.")
    return dict(table)


def _from_folder(calibration: str, folder: Path) -> str:
    """Relative where the file lies beside or below the rig file's own folder's neighbours, else as it is."""
    if not calibration:
        return ""
    path, home = Path(calibration).absolute(), folder.absolute()
    return os.path.relpath(path, home) if path.is_relative_to(home.parent) else str(path)
