"""The action `setup lerobot`: an arm that LeRobot drives, as a part of a rig file."""

import argparse
import tomllib
from dataclasses import asdict
from typing import Any

from drivers.lerobot_adapter.probe import Description, describe, list_types
from teleop_studio.commands.driving import CommandFailed, say
from teleop_studio.rig import LEROBOT, ArmConfig, LerobotDevice, LerobotJoint
from teleop_studio.rig_file import arm_lines


def lerobot_arm(options: argparse.Namespace) -> dict[str, Any]:
    """Ask LeRobot, without connecting anything, for joints and cameras; print the section of the rig file.

    Without a type: which types there are.
    """
    if not options.type:
        return _types(options.role)
    given = dict(_option(text) for text in options.option or ())
    say(f"LeRobot is asked about {options.type}; it takes some seconds to load.")
    found = describe(options.role, options.type, given)
    if not found.joints:
        raise CommandFailed(found.problem or f"LeRobot's {options.type} has no joints.")
    text = "\n".join(arm_lines(options.role, rig_arm(options.type, given, found)))
    say(f"\nPut this into the rig file in place of its [{options.role}]:\n\n{text}\n")
    for camera in found.cameras:
        say(f"It has a camera {camera.name} of {camera.width}x{camera.height}:")
        say(f"\n{_camera(options.role, camera.name, camera.width, camera.height, camera.fps)}\n")
    if found.problem:
        say(found.problem)
    return {"section": text, "cameras": [asdict(camera) for camera in found.cameras], "problem": found.problem}


def _types(role: str) -> dict[str, Any]:
    types, problem = list_types(role)
    if problem:
        raise CommandFailed(problem)
    say(f"LeRobot knows these as a {role}; choose one with --type:\n" + "\n".join(f"  {kind}" for kind in types))
    return {"types": list(types)}


def rig_arm(kind: str, given: dict[str, Any], found: Description) -> ArmConfig:
    """What a rig says of this arm."""
    joints = tuple(LerobotJoint(j.name, j.lower, j.upper, j.scale, j.offset) for j in found.joints)
    return ArmConfig(LEROBOT, LEROBOT, lerobot=LerobotDevice(kind, given, joints))


def _camera(role: str, name: str, width: int, height: int, fps: float) -> str:
    values = {"name": f'"{name}"', "kind": f'"{LEROBOT}"', "device": f'"{role}"', "width": width, "height": height}
    rate = {"fps": fps} if fps else {}
    return "\n".join(("[[cameras]]", *(f"{key} = {value}" for key, value in (values | rate).items())))


def _option(text: str) -> tuple[str, Any]:
    """NAME=VALUE; the value as TOML where it is that, else a text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise CommandFailed(f"--option {text!r}: give NAME=VALUE, as on LeRobot's command line without the dashes.")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value
