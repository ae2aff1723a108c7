"""Joint goals of an arm as one Sync Write for all its servos, second ones and turns of multi-turn servos included."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import tau
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import POSITION_MODE, ArmModel
from drivers.dynamixel.arm_checks import near_limits
from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.calibration import Calibration
from drivers.dynamixel.control_table import TICKS_PER_TURN
from drivers.dynamixel.joint_reader import ServoStates
from drivers.dynamixel.sync import SyncWrite
from drivers.dynamixel.turns import turns_to_band
from drivers.errors import ServoAlert

PAIR_TOLERANCE_RAD: Final = 0.1  # that the two servos of a joint may disagree
_PAIR_TOLERANCE_TICKS = round(PAIR_TOLERANCE_RAD * TICKS_PER_TURN / tau)
_ROUNDING = 1e-6
_ADJACENT_NS = 100_000_000


class ArmGoals:
    """Where the joints of an arm are to go, in ticks of each servo.

    `calibration` follows the turns that were found: a servo that stands a turn off has its home a turn off.
    `multi_turn` rows of joints whose servo counts turns.
    """

    def __init__(self, model: ArmModel, servos: Sequence[ArmServo]) -> None:
        self.model = model
        self._servos = servos
        self._ids = [servo.servo_id for servo in servos]
        self._second_rows = np.array([servo.row for servo in servos if servo.second], np.intp)
        self._single_turn = np.array(
            [servo.operating_mode == POSITION_MODE for servo in servos if servo.second], np.bool_
        )
        self._apart: NDArray[np.int32] = np.zeros(len(self._second_rows), np.int32)
        self._goal_register = servos[0].table.register("goal_position")
        self._lower, self._upper = model.lower, model.upper
        self._turns = [0] * len(model.joints)
        self._seen: dict[int, tuple[int, int]] = {}
        self.calibration = self._base = Calibration(model)
        self.multi_turn = [row for row, joint in enumerate(model.joints) if joint.operating_mode != POSITION_MODE]
        self._write, self._rows = self._to(range(len(servos)))

    def address(self, rows: Collection[int]) -> None:
        """Send goals to these servos only."""
        self._write, self._rows = self._to(sorted(rows))

    def packet(self, position: NDArray[np.float64]) -> bytes:
        """The goals (D,) in joint units. Raises `ValueError` for goals beyond the joint limits."""
        # nan fails this comparison too.
        if not np.all((position >= self._lower - _ROUNDING) & (position <= self._upper + _ROUNDING)):
            raise ValueError(
                f"goals {np.asarray(position).tolist()} of {self.model.name} leave the joint limits "
                f"{self._lower.tolist()} .. {self._upper.tolist()}"
            )
        ticks = self.servo_ticks(position)
        return self._write.packet(ticks if self._rows is None else ticks[self._rows])

    def clipped_packet(self, position: NDArray[np.float64]) -> bytes:
        """The goals (D,) nearest to `position` that the joints may take."""
        return self.packet(np.clip(position, self._lower, self._upper))

    def servo_ticks(self, position: NDArray[np.float64]) -> NDArray[np.int32]:
        """Goal Position (S,) of joint units (D,)."""
        ticks = self.calibration.to_ticks(position)
        if not self._second_rows.size:
            return ticks
        return np.concatenate((ticks, ticks[self._second_rows] + self._apart))

    def find_turn(self, row: int, ticks: int) -> None:
        """Take joint `row`, whose servo says `ticks`, to be in the turn that fits its limits.

        Raises `NotCalibrated` for a joint that fits several turns.
        """
        band = int(self._base.lower_ticks[row]), int(self._base.upper_ticks[row])
        self._turns[row] = turns_to_band(self.model.joints[row], ticks, band)
        self._seen.pop(row, None)
        self._recalibrate()

    def nearest_ticks(self, row: int, ticks: int) -> int:
        """`ticks` of joint `row`, brought to its limits where it is a little beyond.

        Raises `DriverError` where it is far beyond.
        """
        everywhere = self.calibration.to_ticks(self._lower)
        everywhere[row] = ticks
        # The other joints stand at a limit here, so that only this one can be outside.
        return int(self.calibration.to_ticks(near_limits(self.model, self.calibration.to_radians(everywhere)))[row])

    def follow_turns(self, states: ServoStates) -> str:
        """Notice a servo that has miscounted its turns, and count on from where the joint is; what happened, or "".

        A servo told to go where it is would otherwise turn a whole turn.
        """
        position, jumped = states.values["position"], []
        for row in self.multi_turn:
            if not states.clean and states.age_ns[row]:
                continue
            ticks = int(position[row])
            before, before_ns = self._seen.get(row, (ticks, 0))
            self._seen[row] = ticks, states.stamp_ns
            # Between two readings so close together no joint turns half a turn.
            if abs(ticks - before) > TICKS_PER_TURN // 2 and states.stamp_ns - before_ns < _ADJACENT_NS:
                turns = round((ticks - before) / TICKS_PER_TURN)
                self._turns[row] -= turns
                jumped.append(
                    f"The servo of {self.model.joints[row].name} jumped from {before} to {ticks} ticks between two "
                    f"readings: it has miscounted its turns by {turns}. It is counted on from where it was; look "
                    f"whether {self.model.name} stands as the picture shows, and restart that servo if not."
                )
        if jumped:
            self._recalibrate()
        return " ".join(jumped)

    def set_apart(self, values: NDArray[Any]) -> None:
        """Take the two servos of each pair to be mounted as far apart as raw `values` (S,) say."""
        apart = self._apart_now(values)
        # In position mode a servo counts within one turn as soon as its torque is on.
        self._apart = np.where(self._single_turn, _within_a_turn(apart), apart).astype(np.int32)

    def disagreement(self, values: NDArray[Any]) -> str:
        """Which pair's servos are further apart than they may be; "" when none, or when there is no pair."""
        if not self._second_rows.size:
            return ""
        # Each servo counts its turns for itself: whole turns are no disagreement.
        apart = _within_a_turn(self._apart_now(values))
        worst = int(np.argmax(np.abs(apart)))
        if abs(apart[worst]) <= _PAIR_TOLERANCE_TICKS:
            return ""
        joint = self.model.joints[self._second_rows[worst]]
        return (
            f"The two servos of {joint.name} disagree by {abs(apart[worst]) * tau / TICKS_PER_TURN:.2f} rad (servo "
            f"{joint.servo_id} and servo {joint.second_id} of {self.model.name}). Take the torque off before they "
            "fight each other; check the screws of their horns, their drive modes and homing offsets."
        )

    def refuse_disagreement(self, values: NDArray[Any]) -> None:
        """Raises `ServoAlert` when `disagreement` has something to say."""
        if sentence := self.disagreement(values):
            raise ServoAlert(sentence)

    def any_of_pair(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(D,) of (S,): what is true of either servo of a joint."""
        joints = flags[: len(self.model.joints)].copy()
        joints[self._second_rows] |= flags[len(joints) :]
        return joints

    def limits(self, servo: ArmServo) -> tuple[int, int]:
        """Ticks that the servo itself is to keep to in position mode."""
        lower, upper = int(self.calibration.lower_ticks[servo.row]), int(self.calibration.upper_ticks[servo.row])
        if not servo.second:
            return lower, upper
        return max(0, lower - _PAIR_TOLERANCE_TICKS), min(TICKS_PER_TURN - 1, upper + _PAIR_TOLERANCE_TICKS)

    def _apart_now(self, values: NDArray[Any]) -> NDArray[np.int64]:
        position = values["position"].astype(np.int64)
        apart: NDArray[np.int64] = position[len(self.model.joints) :] - position[self._second_rows]
        return apart

    def _recalibrate(self) -> None:
        joints = tuple(
            replace(joint, home_ticks=joint.home_ticks - TICKS_PER_TURN * turns)
            for joint, turns in zip(self.model.joints, self._turns, strict=True)
        )
        self.calibration = Calibration(replace(self.model, joints=joints))

    def _to(self, rows: Sequence[int]) -> tuple[SyncWrite, NDArray[np.intp] | None]:
        chosen = np.array(rows, np.intp)
        write = SyncWrite([self._ids[row] for row in rows], self._goal_register)
        return write, None if len(rows) == len(self._ids) else chosen


def _within_a_turn(ticks: NDArray[np.int64]) -> NDArray[np.int64]:
    return (ticks + TICKS_PER_TURN // 2) % TICKS_PER_TURN - TICKS_PER_TURN // 2
