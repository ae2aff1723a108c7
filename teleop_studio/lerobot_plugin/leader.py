"""One of our leaders as a LeRobot teleoperator."""

from dataclasses import dataclass
from typing import Any

from lerobot.teleoperators import Teleoperator, TeleoperatorConfig
from lerobot.utils.decorators import check_if_already_connected, check_if_not_connected

from drivers.clock import MonotonicClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.errors import DriverError
from teleop_studio.lerobot_plugin.arm_opening import arm_model, connect_arm, how


@TeleoperatorConfig.register_subclass("teleop_studio_leader")
@dataclass(kw_only=True)
class TeleopStudioLeaderConfig(TeleoperatorConfig):  # type: ignore[misc]  # lerobot has no types that mypy may read
    """`arm` a name of `ARMS`."""

    port: str
    arm: str = "studio-leader"


class TeleopStudioLeader(Teleoperator):  # type: ignore[misc]
    """Limp but for its springs. A reply that was lost leaves its joint's last value; three in a row are an error."""

    config_class = TeleopStudioLeaderConfig
    name = "teleop_studio_leader"

    def __init__(self, config: TeleopStudioLeaderConfig) -> None:
        super().__init__(config)
        self.config = config
        self.model = arm_model(config.arm, self.calibration_fpath)
        self._arm: DynamixelArm | None = None

    @property
    def action_features(self) -> dict[str, type]:
        return {f"{name}.pos": float for name in self.model.names}

    @property
    def feedback_features(self) -> dict[str, type]:
        return {}

    @property
    def is_connected(self) -> bool:
        return self._arm is not None

    @property
    def is_calibrated(self) -> bool:
        return not self.model.needs_calibration

    @check_if_already_connected  # type: ignore[untyped-decorator]
    def connect(self, calibrate: bool = True) -> None:
        """Raises a `DriverError` that says what is missing; never asks anything."""
        arm = connect_arm(self.model, self.config.port, MonotonicClock(), self.calibration_fpath)
        # One that an earlier program left holding could not be moved by hand.
        arm.torque_off()
        arm.power_springs()
        self._arm = arm

    def calibrate(self) -> None:
        raise DriverError(f"{self.model.title or self.model.name} is not calibrated from here. {how(self.model)}")

    def configure(self) -> None:
        """`connect` has set up the servos."""

    @check_if_not_connected  # type: ignore[untyped-decorator]
    def get_action(self) -> dict[str, float]:
        assert self._arm is not None
        position = self._arm.read().position
        return {f"{name}.pos": float(value) for name, value in zip(self.model.names, position, strict=True)}

    def send_feedback(self, feedback: dict[str, Any]) -> None:
        """These leaders give no feedback."""

    @check_if_not_connected  # type: ignore[untyped-decorator]
    def disconnect(self) -> None:
        assert self._arm is not None
        arm, self._arm = self._arm, None
        arm.torque_off()
        arm.close()
