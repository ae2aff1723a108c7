"""One arm that LeRobot drives: joint units in and out, whatever `Robot` or `Teleoperator` it is."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.errors import DriverError, NotCalibrated
from drivers.lerobot_adapter.known import FOLLOWER, configuration, make, said

_LOG = logging.getLogger(__name__)
_POSITION = ".pos"
_FULL_PWM = 885  # DYNAMIXEL X series: 100 % of the supply voltage
_RETRIES = 2
_CONNECT_TRIES = 3
_AT_LIMIT = 0.05  # joint units that a limp joint may sag beyond its limit and still be powered


@dataclass(frozen=True)
class JointScale:
    """`joint = (value - offset) * scale`: LeRobot's value of feature `name` (without ".pos") to our joint units.

    `lower`, `upper` in joint units: an arm that stands outside them is not powered.
    """

    name: str
    scale: float
    offset: float
    lower: float
    upper: float


class LerobotArm:
    """A follower or leader of LeRobot's. `open` connects it; nothing here retries or waits: its process does.

    LeRobot raises whatever it likes, so `read` and `send` may raise any exception. `cameras` of the robot's options
    are not opened with it: a camera that stalls would stall the joints (`camera.py` serves them).
    `pictures`: features of the observation that are pictures, name -> (h, w, 3).
    """

    def __init__(self, role: str, kind: str, device: Any, joints: Sequence[JointScale]) -> None:
        self.kind, self._role, self._device = kind, role, device
        self._is_robot = hasattr(device, "send_action")
        self._joints = tuple(joints)
        self._names = [joint.name for joint in joints]
        self._scale = np.array([joint.scale for joint in joints])
        self._offset = np.array([joint.offset for joint in joints])
        features = device.observation_features if self._is_robot else device.action_features
        self._keys = _keys(kind, self._names, features)
        self._action_keys = _keys(kind, self._names, device.action_features, True) if role == FOLLOWER else []
        self.pictures = picture_features(features)
        bus = getattr(device, "bus", None)
        self._bus: Any = (
            bus if all(hasattr(bus, verb) for verb in ("enable_torque", "disable_torque", "motors")) else None
        )

    @classmethod
    def open(cls, role: str, kind: str, options: Mapping[str, Any], joints: Sequence[JointScale]) -> "LerobotArm":
        """Connect. A follower whose torque LeRobot lets us reach is limp then.

        Raises `DriverError` with what LeRobot said, `NotCalibrated` when its calibration file and its servos differ.
        """
        config = configuration(role, kind, options)
        take_cameras(config)
        arm = cls(role, kind, make(role, config), joints)
        if role == FOLLOWER and not arm._is_robot:
            raise DriverError(
                f"LeRobot's {kind} is a teleoperator: it can lead, but nobody can drive it. Choose a robot."
            )
        arm.connect()
        return arm

    @property
    def can_switch_torque(self) -> bool:
        """False: LeRobot offers no verb for it; then limp means disconnected."""
        return self._bus is not None

    @property
    def connected(self) -> bool:
        return bool(self._device.is_connected)

    def connect(self) -> None:
        """Raises `DriverError`, `NotCalibrated`. LeRobot's own questions are never asked: nobody could answer them."""
        for attempt in range(1, _CONNECT_TRIES + 1):
            try:
                self._device.connect(calibrate=False)
                break
            except Exception as error:  # on a busy machine one late answer of one servo is enough
                self._drop_connection()
                if attempt == _CONNECT_TRIES:
                    raise DriverError(
                        f"LeRobot's {self.kind} does not connect: {said(error)}. Check its power, cables and the port "
                        "in its options."
                    ) from error
        if not self._device.is_calibrated:
            where = getattr(self._device, "calibration_fpath", "its calibration folder")
            self.disconnect()
            raise NotCalibrated(
                f"LeRobot's {self.kind} is not calibrated: {where} is missing or is not what its servos hold. "
                f"Run `lerobot-calibrate` for this type, id and port, or name the right id and calibration_dir in its "
                "options."
            )
        # LeRobot's followers come out of `connect` with their torque on; ours are limp until somebody engages them.
        if self._role == FOLLOWER and self._bus is not None:
            self.torque_off()

    def read(self) -> tuple[NDArray[np.float64], dict[str, NDArray[np.uint8]]]:
        """Joint vector (D,) and the pictures (h, w, 3) that came with it. Raises anything."""
        seen = self._device.get_observation() if self._is_robot else self._device.get_action()
        values = np.array([float(seen[key]) for key in self._keys])
        if not np.all(np.isfinite(values)):
            raise DriverError(f"LeRobot's {self.kind} gave {dict(zip(self._names, values.tolist(), strict=True))}.")
        return (values - self._offset) * self._scale, {name: np.asarray(seen[name]) for name in self.pictures}

    def send(self, position: NDArray[np.float64]) -> None:
        """Goals (D,) in joint units. Raises anything."""
        values = position / self._scale + self._offset
        self._device.send_action({key: float(v) for key, v in zip(self._action_keys, values, strict=True)})

    def try_again(self) -> None:
        """After a failure: the SDK marks its port as in use for ever when reading from it has raised."""
        port = getattr(self._bus, "port_handler", None)
        if port is not None and hasattr(port, "is_using"):
            port.is_using = False

    def torque_on(self) -> None:
        """Hold where the arm is now. Raises `DriverError` for an arm outside its limits, and anything."""
        if not self.connected:
            self.connect()
        position = self._read_patiently()
        self._refuse_beyond_limits(position)
        self.send(position)  # first the goal: a servo turns to whatever goal it has at torque-on, however old
        self.limit_effort(1.0)
        if self._bus is not None:
            self._bus.enable_torque(num_retry=_RETRIES)

    def torque_off(self) -> list[str]:
        """Make the arm limp; returns the motors that did not confirm. Without a bus to ask, this disconnects it."""
        if self._bus is None:
            self._drop_connection()
            return []
        missed = []
        for motor in self._bus.motors:  # LeRobot's own verb stops at the first motor that fails
            try:
                self._bus.disable_torque(motor, num_retry=_RETRIES)
            except Exception as error:  # a servo that protects itself answers with an error although it obeyed
                if not self._is_limp(motor):
                    _LOG.warning("%s: torque off of %s failed: %s", self.kind, motor, error)
                    missed.append(str(motor))
        return missed

    def limit_effort(self, share: float) -> None:
        """At most `share` 0..1 of the voltage, where the servos know Goal PWM (DYNAMIXEL); else nothing happens."""
        tables = getattr(self._bus, "model_ctrl_table", {})
        models = [motor.model for motor in getattr(self._bus, "motors", {}).values()]
        if models and all("Goal_PWM" in tables.get(model, {}) for model in models):
            self._bus.sync_write("Goal_PWM", dict.fromkeys(self._bus.motors, round(share * _FULL_PWM)))

    def disconnect(self) -> None:
        """Give the device back: LeRobot's robots take their torque off then. Never raises."""
        self._drop_connection()

    def _read_patiently(self) -> NDArray[np.float64]:
        for _ in range(_RETRIES):
            try:
                return self.read()[0]
            except Exception as error:  # one lost packet must not keep an arm from being powered
                _LOG.info("%s: %s", self.kind, error)
                self.try_again()
        return self.read()[0]

    def _refuse_beyond_limits(self, position: NDArray[np.float64]) -> None:
        for joint, value in zip(self._joints, position.tolist(), strict=True):
            if not joint.lower - _AT_LIMIT <= value <= joint.upper + _AT_LIMIT:
                raise DriverError(
                    f"{joint.name} stands at {value:.2f}, outside its limits {joint.lower:g} .. {joint.upper:g}. Move "
                    "it inside by hand; if it looks right, correct its scale, offset or limits in the rig file."
                )

    def _is_limp(self, motor: str) -> bool:
        try:
            return int(self._bus.sync_read("Torque_Enable", [motor], normalize=False)[motor]) == 0
        except Exception:
            return False

    def _drop_connection(self) -> None:
        self.try_again()
        try:
            if self._device.is_connected:
                self._device.disconnect()
        except Exception as error:
            _LOG.warning("%s: disconnect failed: %s", self.kind, error)
            self._close_port()

    def _close_port(self) -> None:
        """LeRobot leaves its port open when a servo does not confirm its torque off; nobody could open it again."""
        close = getattr(getattr(self._bus, "port_handler", None), "closePort", None)
        if close is not None:
            with contextlib.suppress(Exception):
                close()


def take_cameras(config: Any) -> dict[str, Any]:
    """Take the cameras out of a robot's configuration and return them, name -> LeRobot's camera configuration."""
    cameras = getattr(config, "cameras", None)
    if not isinstance(cameras, dict):
        return {}
    config.cameras = {}
    return cameras


def picture_features(features: Mapping[str, Any]) -> dict[str, tuple[int, int, int]]:
    """The colour pictures among the features of a robot: name -> (h, w, 3)."""
    shapes = {name: tuple(shape) for name, shape in features.items() if isinstance(shape, tuple | list)}
    return {name: (shape[0], shape[1], 3) for name, shape in shapes.items() if len(shape) == 3 and shape[2] == 3}


def _keys(kind: str, names: Sequence[str], features: Mapping[str, Any], all_of_them: bool = False) -> list[str]:
    """The feature of each joint. `all_of_them`: a robot wants every value of an action."""
    values = [name for name, feature in features.items() if not isinstance(feature, tuple | list)]
    keys = [name if name in values else name + _POSITION for name in names]
    missing = sorted(set(keys) - set(values))
    others = sorted(set(values) - set(keys)) if all_of_them else []
    if missing or others:
        known = ", ".join(name.removesuffix(_POSITION) for name in values)
        wrong = f"has no joint {', '.join(missing)}" if missing else f"must be told {', '.join(others)} too"
        raise DriverError(f"LeRobot's {kind} {wrong}. Its values are: {known}. Correct the joints in the rig file.")
    return keys
