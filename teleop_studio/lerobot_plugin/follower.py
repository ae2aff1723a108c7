"""One of our followers as a LeRobot robot, with our safety gate between any action and the servos."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from lerobot.cameras import CameraConfig, make_cameras_from_configs
from lerobot.robots import Robot, RobotConfig
from lerobot.utils.decorators import check_if_already_connected, check_if_not_connected

from drivers.clock import MonotonicClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.errors import DriverError
from teleop_studio.control.safety import SafetyGate
from teleop_studio.lerobot_plugin.arm_opening import arm_model, connect_arm, how

_LOG = logging.getLogger(__name__)
_SOFTEN_STEPS = 20


@RobotConfig.register_subclass("teleop_studio_follower")
@dataclass(kw_only=True)
class TeleopStudioFollowerConfig(RobotConfig):  # type: ignore[misc]  # lerobot has no types that mypy may read
    """`arm` a name of `ARMS`; `soften_s` how long the torque goes softly when the robot is disconnected."""

    port: str
    arm: str = "studio-follower"
    soften_s: float = 1.0
    cameras: dict[str, CameraConfig] = field(default_factory=dict)


class TeleopStudioFollower(Robot):  # type: ignore[misc]
    """Limp until the first action, which finds it where it stands and is approached softly.

    `send_action` returns what was sent: within limits, speed and acceleration of the arm, whatever was asked for.
    """

    config_class = TeleopStudioFollowerConfig
    name = "teleop_studio_follower"

    def __init__(self, config: TeleopStudioFollowerConfig) -> None:
        super().__init__(config)
        self.config = config
        self.model = arm_model(config.arm, self.calibration_fpath)
        self.cameras = make_cameras_from_configs(config.cameras)
        self._clock = MonotonicClock()
        self._arm: DynamixelArm | None = None
        self._gate: SafetyGate | None = None  # there is one once the torque is on
        self._sent_ns = 0
        self._told = ""

    @property
    def observation_features(self) -> dict[str, Any]:
        cameras = {name: (config.height, config.width, 3) for name, config in self.config.cameras.items()}
        return {**self.action_features, **cameras}

    @property
    def action_features(self) -> dict[str, type]:
        return {f"{name}.pos": float for name in self.model.names}

    @property
    def is_connected(self) -> bool:
        return self._arm is not None and all(camera.is_connected for camera in self.cameras.values())

    @property
    def is_calibrated(self) -> bool:
        return not self.model.needs_calibration

    @check_if_already_connected  # type: ignore[untyped-decorator]
    def connect(self, calibrate: bool = True) -> None:
        """Raises a `DriverError` that says what is missing; never asks anything."""
        self._arm = connect_arm(self.model, self.config.port, self._clock, self.calibration_fpath)
        for camera in self.cameras.values():
            camera.connect()

    def calibrate(self) -> None:
        raise DriverError(f"{self.model.title or self.model.name} is not calibrated from here. {how(self.model)}")

    def configure(self) -> None:
        """`connect` has set up the servos."""

    @check_if_not_connected  # type: ignore[untyped-decorator]
    def get_observation(self) -> dict[str, Any]:
        """A reply that was lost leaves its joint's last value; raises `ServoSilent` at the third in a row."""
        assert self._arm is not None
        position = self._arm.read().position
        seen: dict[str, Any] = {f"{name}.pos": float(v) for name, v in zip(self.model.names, position, strict=True)}
        return seen | {name: camera.read_latest() for name, camera in self.cameras.items()}

    @check_if_not_connected  # type: ignore[untyped-decorator]
    def send_action(self, action: dict[str, Any]) -> dict[str, Any]:
        assert self._arm is not None
        requested = np.array([float(action[key]) for key in self.action_features])
        gate, now_ns = self._engaged(self._arm), self._clock.now_ns()
        verdict = gate.limit(requested, None, now_ns, max(1, now_ns - self._sent_ns) * 1e-9)
        self._sent_ns = now_ns
        self._tell(verdict.reason)
        self._arm.command(verdict.action)
        self._arm.slow_read()  # a servo that restarted or protects itself is found by the next reading
        return {key: float(v) for key, v in zip(self.action_features, verdict.action, strict=True)}

    @check_if_not_connected  # type: ignore[untyped-decorator]
    def disconnect(self) -> None:
        """Let the torque go softly, then off at every servo that can be reached."""
        assert self._arm is not None
        arm, self._arm = self._arm, None
        try:
            if self._gate is not None:
                _soften(arm, self.config.soften_s)
        finally:
            self._gate = None
            missed = arm.torque_off()
            arm.close()
            for camera in self.cameras.values():
                camera.disconnect()
        if missed:
            _LOG.error("Torque could not be taken off %s. Cut the power.", ", ".join(missed))

    def _engaged(self, arm: DynamixelArm) -> SafetyGate:
        if self._gate is None:
            arm.torque_on()
            gate = SafetyGate(self.model)
            gate.engage(arm.read().position)
            self._gate, self._sent_ns = gate, self._clock.now_ns()
        return self._gate

    def _tell(self, reason: str) -> None:
        if reason and reason != self._told:
            _LOG.warning(reason)
        self._told = reason


def _soften(arm: DynamixelArm, duration_s: float) -> None:
    try:
        for step in range(_SOFTEN_STEPS):
            arm.set_effort_limit(1.0 - step / _SOFTEN_STEPS)
            time.sleep(duration_s / _SOFTEN_STEPS)
    except DriverError as error:
        _LOG.warning("the torque could not be let go softly: %s", error)
