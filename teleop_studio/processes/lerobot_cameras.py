"""LeRobot's cameras: kept going as every real camera is; the pictures go into the rings."""

import contextlib
import time
from typing import Any

from drivers.cameras import Camera
from drivers.clock import Clock
from drivers.errors import DriverError
from drivers.lerobot_adapter.camera import LerobotCamera
from drivers.lerobot_adapter.device import take_cameras
from drivers.lerobot_adapter.known import configuration
from teleop_studio.processes.camera_thread import CameraThread
from teleop_studio.processes.child import Pipe
from teleop_studio.processes.messages import Ready
from teleop_studio.processes.rings import RigRings
from teleop_studio.rig import LEROBOT, CameraConfig, RigConfig

ROLES = ("leader", "follower")
_LOOK_S = 0.1
_SETTLE_S = 10.0  # the rig is ready with the cameras that have given a picture by then


def inner_cameras(rig: RigConfig, role: str) -> dict[str, Any]:
    """The cameras that the options of a LeRobot arm name: name -> LeRobot's configuration of it.

    Raises `DriverError` for options that LeRobot does not take.
    """
    device = getattr(rig, role).lerobot
    return {} if device is None else take_cameras(configuration(role, device.type, device.options))


def feature(camera: CameraConfig) -> str:
    """What LeRobot calls a camera of its robot: its name in the rig, unless the option "feature" says otherwise."""
    return str(camera.options.get("feature", camera.name))


def serve_cameras(pipe: Pipe, rig: RigConfig, rings: RigRings) -> None:
    """Every LeRobot camera of the rig but those that come inside an observation, until the supervisor closes the pipe.

    One that can not be opened is told and tried again. Those of an arm whose options are wrong are left out: its own
    process says what is wrong.
    """
    inner: dict[str, dict[str, Any]] = {}
    for role in ROLES:
        inner[role] = {}
        with contextlib.suppress(DriverError):
            inner[role] = inner_cameras(rig, role)

    def open_(config: CameraConfig, clock: Clock) -> Camera:
        size = (config.width, config.height)
        if config.device in ROLES:
            part = inner[config.device][feature(config)]
            return LerobotCamera(config.name, config.device, part, size, config.fps, clock)
        return LerobotCamera.open(config.name, config.device, config.options, size, config.fps, clock)

    threads = [
        CameraThread(config, rings.frames[config.name], open_)
        for config in rig.cameras
        if config.kind == LEROBOT and (config.device not in ROLES or feature(config) in inner[config.device])
    ]
    for thread in threads:
        thread.start()
    settle_s, ready = time.monotonic() + _SETTLE_S, False
    while True:
        pipe.receive(_LOOK_S)
        for thread in threads:
            for news in thread.look():
                pipe.send(news)
        if not ready and (time.monotonic() > settle_s or all(thread.settled for thread in threads)):
            ready = True
            pipe.send(Ready())
