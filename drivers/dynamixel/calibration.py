"""Between what servos count and what the rest of the app thinks in: one place, both ways."""

from math import tau

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import POSITION_MODE, ArmModel, JointModel
from drivers.dynamixel.control_table import MODELS, RAD_S_PER_VELOCITY_UNIT, TICKS_PER_TURN
from drivers.errors import NotCalibrated

_RAD_PER_TICK = tau / TICKS_PER_TURN
_TICK_ROUNDING = 1e-6


class Calibration:
    """Ticks of an arm's D servos to joint units (rad; gripper 0 closed .. 1 open) and back.

        joint = sign (ticks - home_ticks) (2 pi / 4096) / servo_rad_per_unit

    Raises `NotCalibrated` for a joint without a usable home, sign or scale, or whose limits the servo can not turn to.
    `lower_ticks`, `upper_ticks` (D,) int32 enclose the joint limits, lower < upper whatever the sign.
    """

    def __init__(self, model: ArmModel) -> None:
        for joint in model.joints:
            _check(model, joint)
        self._home = np.array([joint.home_ticks for joint in model.joints], np.float64)
        unit_per_rad = np.array([joint.sign / joint.servo_rad_per_unit for joint in model.joints])
        self._unit_per_tick = unit_per_rad * _RAD_PER_TICK
        self._tick_per_unit = 1.0 / self._unit_per_tick
        self._unit_s_per_raw = unit_per_rad * RAD_S_PER_VELOCITY_UNIT
        self._effort_per_raw = np.array([joint.sign * MODELS[joint.servo].effort_scale for joint in model.joints])
        ends = np.stack([self._exact_ticks(model.lower), self._exact_ticks(model.upper)])
        # Outward, so that a goal at the limit is never refused for a rounding; not for one in the last digit, which
        # would take a joint that uses its whole turn out of it.
        self.lower_ticks = np.floor(ends.min(axis=0) + _TICK_ROUNDING).astype(np.int32)
        self.upper_ticks = np.ceil(ends.max(axis=0) - _TICK_ROUNDING).astype(np.int32)
        self.effort_unit = tuple(MODELS[joint.servo].effort_unit for joint in model.joints)
        self._check_turn(model)

    def to_radians(self, ticks: NDArray[np.int32]) -> NDArray[np.float64]:
        """Joint units (D,) of Present Position (D,): 4096 per turn, signed. Inverse: `to_ticks`."""
        return (ticks - self._home) * self._unit_per_tick

    def to_ticks(self, position: NDArray[np.float64]) -> NDArray[np.int32]:
        """Goal Position (D,), to the nearest tick, of joint units (D,)."""
        return np.rint(self._exact_ticks(position)).astype(np.int32)

    def to_velocity(self, raw: NDArray[np.int32]) -> NDArray[np.float64]:
        """Joint units/s (D,) of Present Velocity (D,), 0.229 rev/min each."""
        return raw * self._unit_s_per_raw

    def to_effort(self, raw: NDArray[np.int16]) -> NDArray[np.float64]:
        """`effort_unit` (D,) of Present Current or Present Load (D,), positive in the joint's own direction."""
        effort: NDArray[np.float64] = raw * self._effort_per_raw
        return effort

    def _exact_ticks(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        return position * self._tick_per_unit + self._home

    def _check_turn(self, model: ArmModel) -> None:
        for joint, lower, upper in zip(model.joints, self.lower_ticks, self.upper_ticks, strict=True):
            if joint.operating_mode == POSITION_MODE and not 0 <= lower < upper < TICKS_PER_TURN:
                raise NotCalibrated(
                    f"{model.name}: the limits of {joint.name} lie at {lower} and {upper} ticks, a servo in position "
                    f"mode turns from 0 to {TICKS_PER_TURN - 1}. Correct home_ticks = {joint.home_ticks} or the limits."
                )


def _check(model: ArmModel, joint: JointModel) -> None:
    where = f"{model.name}: joint {joint.name} (servo {joint.servo_id})"
    if joint.servo not in MODELS:
        raise NotCalibrated(f"{where} has an unknown servo {joint.servo!r}. Known servos: {', '.join(MODELS)}.")
    if joint.sign not in (-1, 1):
        raise NotCalibrated(f"{where} has sign = {joint.sign}. It must be 1 or -1.")
    if not joint.servo_rad_per_unit > 0:
        raise NotCalibrated(f"{where} has servo_rad_per_unit = {joint.servo_rad_per_unit}. It must be above 0.")
    if not joint.lower < joint.upper:
        raise NotCalibrated(f"{where} has limits {joint.lower} .. {joint.upper}. The lower one must be smaller.")
