"""Calibrating an arm by hand, one step after the other; whoever shows it calls `look`, `next` and reads `state`.

The steps, the registers and the file are LeRobot's (robots/koch_follower/koch_follower.py, `calibrate`), without its
questions on the terminal:

1. limp, extended position mode, no homing; the operator brings every joint to its middle pose;
2. homing offset = (position at joint value 0) - present position; the operator sweeps every joint;
3. drive mode, homing and limits are in the servos; the operator sees whether the numbers follow the arm.

EEPROM is written only where it differs, and read back.
"""

from dataclasses import dataclass

import numpy as np

from drivers.arms.calibration_file import SHADOW, ArmCalibration, JointCalibration, calibrated
from drivers.arms.model import EXTENDED_POSITION_MODE, ArmModel, JointModel
from drivers.clock import Clock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.calibration import Calibration
from drivers.dynamixel.control_table import MODELS, TICKS_PER_TURN
from drivers.dynamixel.identify import expected_servos
from drivers.dynamixel.joint_range import JointRange
from drivers.dynamixel.servo_ids import let_go, write_eeprom
from drivers.errors import DriverError, ServoSilent, WrongServo

MIDDLE, SWEEP, VERIFY = 1, 2, 3
_MIDDLE_TICKS = 2047  # of a gripper, whose home comes from its range
_BOOT_NS = 600_000_000
_NO_SHADOW = 255
_WORDS = {
    MIDDLE: (
        "Middle pose",
        "The arm is limp: hold it. Bring every joint to the middle of its range, the gripper half open, and keep it "
        "there. Leader and follower need the same pose: it becomes their zero.",
    ),
    SWEEP: (
        "Whole ranges",
        "Move every joint, one after the other, to both of its ends, the gripper too.",
    ),
    VERIFY: (
        "Does it follow?",
        "Move the arm and compare: in the middle pose every joint reads about zero, and leader and follower read the "
        "same in the same pose.",
    ),
}


@dataclass(frozen=True)
class JointLook:
    """One joint now. Ticks; `value`, `lower`, `upper` in joint units, nan before the last step."""

    joint: str
    servo_id: int
    present: int
    lowest: int
    highest: int
    ok: bool
    note: str = ""
    value: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")


class Calibrating:
    """The calibration of one arm that hangs on `bus`. `begin` first.

    Methods raise a `DriverError`; a step that failed can be tried again. `calibration` and `calibrated_model` from
    step 3 on.
    """

    def __init__(self, model: ArmModel, bus: DynamixelBus, clock: Clock) -> None:
        self.model = model
        self.step = MIDDLE
        self.calibration: ArmCalibration = {}
        self.calibrated_model: ArmModel | None = None
        self._bus, self._clock = bus, clock
        self._ids = expected_servos(model)
        bus.names = {servo_id: joint for servo_id, (joint, _) in self._ids.items()}
        self._homing: dict[int, int] = {}
        self._ranges = [JointRange(joint) for joint in model.joints]
        self._scale: Calibration | None = None

    def begin(self) -> list[int]:
        """Make the arm limp and its positions plain; returns the servos that were holding until now.

        Each servo restarts: turns counted before must not get into the homing, after a power cut they are gone.
        """
        self._find_all()
        held = let_go(self._bus, list(self._ids))
        for servo_id in self._ids:
            self._bus.reboot(servo_id)
        self._clock.sleep_until_ns(self._clock.now_ns() + _BOOT_NS)
        for joint in self.model.joints:
            for servo_id in _ids_of(joint):
                if servo_id == joint.second_id:
                    self._write(servo_id, "secondary_shadow_id", _NO_SHADOW)  # else it obeys the first one's writes
                self._write(servo_id, "operating_mode", EXTENDED_POSITION_MODE)
                self._write(servo_id, "drive_mode", _drive_mode(joint, servo_id))
                self._write(servo_id, "homing_offset", 0)
        self.look()
        return held

    def look(self) -> tuple[JointLook, ...]:
        """Read every joint; in step 2 its range grows."""
        for known in self._ranges:
            ticks = self._position(known.joint.servo_id)
            pair = None if known.joint.second_id is None else self._position(known.joint.second_id)
            if self.step == SWEEP:
                known.feed(ticks, pair)
            else:
                known.present = ticks
        return self.joints

    @property
    def joints(self) -> tuple[JointLook, ...]:
        """What `look` saw last."""
        if self._scale is None or self.calibrated_model is None:
            return tuple(self._looks(known) for known in self._ranges)
        values = self._scale.to_radians(np.array([known.present for known in self._ranges], np.int32))
        joints = zip(self._ranges, self.calibrated_model.joints, values, strict=True)
        return tuple(
            JointLook(
                joint.name,
                joint.servo_id,
                known.present,
                *known.ends,
                ok=bool(joint.lower - 0.05 <= value <= joint.upper + 0.05),
                value=float(value),
                lower=joint.lower,
                upper=joint.upper,
            )
            for known, joint, value in joints
        )

    @property
    def title(self) -> str:
        return _WORDS[self.step][0]

    @property
    def instruction(self) -> str:
        return _WORDS[self.step][1]

    @property
    def why_not(self) -> str:
        """What is missing before `next` may be called; empty when nothing is."""
        if self.step != SWEEP:
            return ""
        missing = [known.joint.name for known in self._ranges if known.problem]
        return f"Still to be moved to both ends: {', '.join(missing)}." if missing else ""

    def next(self) -> None:
        """End the present step: write what it found, begin the next one."""
        if self.why_not:
            raise DriverError(self.why_not)
        if self.step == MIDDLE:
            self._home()
            self.step = SWEEP
            for known in self._ranges:
                known.start(self._position(known.joint.servo_id))
        elif self.step == SWEEP:
            self._finish()
            self.step = VERIFY
            self.look()

    def _home(self) -> None:
        for joint in self.model.joints:
            for servo_id in _ids_of(joint):
                home = _MIDDLE_TICKS if joint.name == "gripper" else joint.home_ticks
                self._write(servo_id, "homing_offset", 0)  # a second try must not add to the first
                self._homing[servo_id] = home - self._position(servo_id)
                self._write(servo_id, "homing_offset", self._homing[servo_id])

    def _finish(self) -> None:
        calibration: ArmCalibration = {}
        for known in self._ranges:
            for servo_id in _ids_of(known.joint):
                name = known.joint.name + (SHADOW if servo_id == known.joint.second_id else "")
                mode = _drive_mode(known.joint, servo_id) & 1
                calibration[name] = JointCalibration(servo_id, mode, self._homing[servo_id], *known.ends)
        model = calibrated(self.model, calibration)
        for known, joint in zip(self._ranges, model.joints, strict=True):
            lowest, highest = known.ends
            for servo_id in _ids_of(joint):
                self._write(servo_id, "homing_offset", self._homing[servo_id])
                self._write(servo_id, "operating_mode", joint.operating_mode)
                if lowest >= 0 and highest < TICKS_PER_TURN:
                    self._write(servo_id, "min_position_limit", lowest)
                    self._write(servo_id, "max_position_limit", highest)
        self.calibration, self.calibrated_model = calibration, model
        self._scale = Calibration(model)

    def _looks(self, known: JointRange) -> JointLook:
        problem = known.problem if self.step == SWEEP else ""
        note = problem or ("Turns all the way round." if self.step == SWEEP and known.all_round else "")
        return JointLook(
            known.joint.name,
            known.joint.servo_id,
            known.present,
            known.lowest,
            known.highest,
            ok=not problem,
            note=note,
        )

    def _find_all(self) -> None:
        silent = []
        for servo_id, (joint, servo) in self._ids.items():
            try:
                number = self._bus.ping(servo_id).model_number
            except ServoSilent:
                silent.append(self._bus.label(servo_id))
                continue
            if number != MODELS[servo].model_number:
                raise WrongServo(
                    f"{self._bus.label(servo_id)} on {self._bus.port} has model number {number}, {joint} of "
                    f"{self.model.title or self.model.name} is a {servo} ({MODELS[servo].model_number}). "
                    "Choose the right arm, or correct the servo's id."
                )
        if silent:
            raise ServoSilent(
                f"{', '.join(silent)} on {self._bus.port} do not answer, so {self.model.title or self.model.name} can "
                "not be calibrated. Check cables, power and baud rate with a scan."
            )

    def _position(self, servo_id: int) -> int:
        return self._bus.read(servo_id, MODELS[self._ids[servo_id][1]].register("present_position"))

    def _write(self, servo_id: int, register: str, value: int) -> None:
        write_eeprom(self._bus, servo_id, MODELS[self._ids[servo_id][1]].register(register), value)


def _ids_of(joint: JointModel) -> tuple[int, ...]:
    return (joint.servo_id,) if joint.second_id is None else (joint.servo_id, joint.second_id)


def _drive_mode(joint: JointModel, servo_id: int) -> int:
    return joint.second_drive_mode if servo_id == joint.second_id else joint.drive_mode
