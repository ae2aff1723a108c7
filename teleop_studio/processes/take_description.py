"""What an episode file says about the rig, the operator and the task before its first tick."""

import re
from dataclasses import asdict
from typing import Any

from drivers.arms.model import ArmModel
from drivers.dynamixel.control_table import MODELS
from drivers.sim.scene import camera_model
from recorders.episode import CameraDescription, EpisodeDescription
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig


def describe(
    rig: RigConfig,
    task: str,
    source: str,
    extra: dict[str, Any],
    operator: str = "",
    passed_through: frozenset[str] = frozenset(),
) -> EpisodeDescription:
    """`passed_through` are the cameras whose own JPEGs are kept. Raises `ValueError` for what could not be stored."""
    model = rig.follower.model
    return EpisodeDescription(
        task=task,
        source=source,
        rig=rig.name,
        simulated=rig.simulated,
        scene=rig.scene if rig.simulated else "",
        joint_names=model.names,
        effort_units=tuple(MODELS[joint.servo].effort_unit if joint.servo else "none" for joint in model.joints),
        control_hz=rig.control_hz,
        cameras=tuple(_camera(rig, camera, camera.name in passed_through) for camera in rig.cameras),
        operator=operator,
        extra={"leader": asdict(rig.leader), "follower": asdict(rig.follower), **_shift(rig), **extra},
        calibration={"leader": _arm(rig.leader), "follower": _arm(rig.follower)},
    )


def _shift(rig: RigConfig) -> dict[str, str]:
    return {} if rig.shift == "none" else {"shift": rig.shift}


def _arm(config: ArmConfig) -> dict[str, Any]:
    """All that stands between the servos' counts and the angles in the file: what calibrating or tuning changes."""
    model: ArmModel = config.model
    return {"arm": model.name, "port": config.port, "baud": model.baud, "joints": [asdict(j) for j in model.joints]}


def _camera(rig: RigConfig, camera: CameraConfig, passed_through: bool) -> CameraDescription:
    return CameraDescription(
        camera.name,
        camera.width,
        camera.height,
        camera.fps,
        codec=camera.codec,
        quality=camera.quality,
        passthrough=passed_through,
        serial=_serial(camera),
        calibration=_optics(rig, camera),
    )


def _serial(camera: CameraConfig) -> str:
    """What tells it from its twin; of an address without the name and password in it."""
    return f"{camera.kind} {re.sub('//[^/@]*@', '//', camera.device)}".strip()


def _optics(rig: RigConfig, camera: CameraConfig) -> dict[str, Any]:
    """Pinhole matrix (3, 3) px and pose in its mount (4, 4) m of a simulated camera; nothing is known of a real one."""
    if not rig.simulated:
        return {}
    try:
        model = camera_model(rig.scene, camera.name, camera.width, camera.height)
    except ValueError:  # a name that the scene does not have; the camera process says so when it opens it
        return {}
    return {"matrix": model.matrix.tolist(), "mount": model.mount, "T_mount_camera": model.T_mount_camera.tolist()}
