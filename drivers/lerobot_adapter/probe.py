"""What a LeRobot device would give, without connecting it: for the set-up, which fills the rig file with it.

`describe` starts a process of its own, because LeRobot takes seconds to load and brings torch with it. That process is
`python -m drivers.lerobot_adapter.probe`: a line of JSON out for each that comes in.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import pi, tau
from typing import Any

from drivers.errors import DriverError

DEGREES, HUNDREDS, PERCENT, UNKNOWN = "degrees", "-100..100", "0..100", "unknown"
_UNITS = {"DEGREES": DEGREES, "RANGE_M100_100": HUNDREDS, "RANGE_0_100": PERCENT}
_TURN_TICKS = 4096
_PATIENCE_S = 90.0


@dataclass(frozen=True)
class DescribedJoint:
    """One value of the device; `joint = (value - offset) * scale` in rad, or 0 closed .. 1 open for 0..100.

    `unit` of LeRobot's value. `lower`, `upper` joint units. `assumed`: LeRobot does not tell the unit or has no
    calibration of this arm yet, so scale and limits are only a place to start from.
    """

    name: str
    unit: str
    scale: float
    offset: float
    lower: float
    upper: float
    assumed: bool


@dataclass(frozen=True)
class DescribedCamera:
    """A picture that comes with the device; `fps` 0 when LeRobot does not tell."""

    name: str
    width: int
    height: int
    fps: float


@dataclass(frozen=True)
class Description:
    """`problem` why it can not be described, or what has to be known about it; empty when all is well."""

    joints: tuple[DescribedJoint, ...] = ()
    cameras: tuple[DescribedCamera, ...] = ()
    problem: str = ""


def describe(role: str, kind: str, options: Mapping[str, Any], patience_s: float = _PATIENCE_S) -> Description:
    """Joints and cameras of LeRobot's `kind` as a "leader" or "follower". Takes seconds; a failure is its `problem`."""
    return description(_ask({"role": role, "type": kind, "options": dict(options)}, patience_s))


def description(answer: Mapping[str, Any]) -> Description:
    """What the process has written down."""
    return Description(
        tuple(DescribedJoint(**joint) for joint in answer.get("joints", ())),
        tuple(DescribedCamera(**camera) for camera in answer.get("cameras", ())),
        answer.get("problem", ""),
    )


def list_types(role: str, patience_s: float = _PATIENCE_S) -> tuple[tuple[str, ...], str]:
    """(every type of a "leader", "follower" or "camera" that is installed, problem). Takes seconds."""
    answer = _ask({"role": role, "list": True}, patience_s)
    return tuple(answer.get("types", ())), answer.get("problem", "")


def _ask(question: dict[str, Any], patience_s: float) -> dict[str, Any]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "drivers.lerobot_adapter.probe"],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=patience_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"problem": f"LeRobot did not answer within {patience_s:g} s. Try again when the machine is less busy."}
    last = done.stdout.splitlines()[-1:] or [""]
    if done.returncode or not last[0].startswith("{"):
        words = " / ".join(done.stderr.split("\n")[-3:]).strip(" /") or "It said nothing."
        return {"problem": f"LeRobot's process ended by itself (exit code {done.returncode}). It said last: {words}"}
    return dict(json.loads(last[0]))


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    from drivers.lerobot_adapter.known import configuration, known_types, make

    try:
        if "list" in question:
            return {"types": known_types(question["role"])}
        config = configuration(question["role"], question["type"], question["options"])
        return asdict(_described(question["role"], config, make))
    except DriverError as error:
        return {"problem": str(error)}


def _described(role: str, config: Any, make: Any) -> Description:
    from drivers.lerobot_adapter.device import picture_features, take_cameras

    separate = take_cameras(config)
    device = make(role, config)
    features = device.observation_features if hasattr(device, "send_action") else device.action_features
    names = [name.removesuffix(".pos") for name, feature in features.items() if not isinstance(feature, tuple | list)]
    joints = tuple(_joint(device, name) for name in names)
    cameras = [DescribedCamera(name, c.width, c.height, float(c.fps or 0)) for name, c in separate.items()]
    cameras += [DescribedCamera(name, w, h, 0.0) for name, (h, w, _) in picture_features(features).items()]
    assumed = [joint.name for joint in joints if joint.assumed]
    problem = ""
    if assumed:
        why = "has no calibration of this arm" if getattr(device, "bus", None) else "does not tell the units"
        problem = (
            f"LeRobot's {config.type} {why}, so the scale of {', '.join(assumed)} is only assumed. Calibrate it with "
            "lerobot-calibrate, or correct scale, offset and limits in the rig file."
        )
    return Description(joints, tuple(cameras), problem)


def _joint(device: Any, name: str) -> DescribedJoint:
    motor = getattr(getattr(device, "bus", None), "motors", {}).get(name)
    unit = _UNITS.get(getattr(getattr(motor, "norm_mode", None), "name", ""), UNKNOWN)
    entry = getattr(device, "calibration", {}).get(name)
    swept_rad = tau if entry is None else (entry.range_max - entry.range_min) * tau / _TURN_TICKS
    match unit:
        case "0..100":
            return DescribedJoint(name, unit, 0.01, 0.0, 0.0, 1.0, False)
        case "-100..100":
            return DescribedJoint(name, unit, swept_rad / 200, 0.0, -swept_rad / 2, swept_rad / 2, entry is None)
        case "degrees":
            return DescribedJoint(name, unit, pi / 180, 0.0, -swept_rad / 2, swept_rad / 2, entry is None)
        case _:
            return DescribedJoint(name, unit, 1.0, 0.0, -pi, pi, True)


if __name__ == "__main__":
    _out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not get between our lines
    for _line in sys.stdin:
        _out.write(json.dumps(_answer(json.loads(_line))) + "\n")
        _out.flush()
    os._exit(0)  # LeRobot's devices disconnect when they are collected, and torch has threads
