"""Factory servos become an arm: they all have id 1, so each is connected alone and gets its id and baud rate."""

from dataclasses import dataclass

from drivers.arms.model import ArmModel
from drivers.clock import Clock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.identify import expected_servos
from drivers.dynamixel.scan import ScannedServo, scan_line
from drivers.dynamixel.servo_ids import OpenAt, set_baud, set_id
from drivers.errors import DriverError, WrongServo


@dataclass(frozen=True)
class ServoStep:
    """The servo whose turn it is, and its place in the arm."""

    number: int
    of: int
    servo_id: int
    joint: str
    servo: str

    @property
    def title(self) -> str:
        return f"Motor {self.number} of {self.of}: {self.joint}"

    @property
    def instruction(self) -> str:
        return (
            f"Connect only the {self.servo} that will move {self.joint}: power on, no other motor on the cable. "
            f"It gets id {self.servo_id}."
        )


class OneByOne:
    """Walks through the servos of `model`; `next()` does the one that is connected. Ends with `step` None.

    Each becomes what the model says: its id, `baud`. Nothing is written to a servo that has both already.
    """

    def __init__(self, model: ArmModel, open_at: OpenAt, clock: Clock, baud: int = 1_000_000) -> None:
        self.model, self.baud = model, baud
        self._open_at, self._clock = open_at, clock
        self._servos = [(servo_id, *place) for servo_id, place in expected_servos(model).items()]
        self._done = 0

    @property
    def step(self) -> ServoStep | None:
        if self._done == len(self._servos):
            return None
        return ServoStep(self._done + 1, len(self._servos), *self._servos[self._done])

    def next(self) -> str:
        """Set the connected servo up and go on to the next one; returns what was done, one sentence.

        Raises a `DriverError` when it is not exactly one servo of the right kind; nothing was changed then.
        """
        step = self.step
        if step is None:
            raise DriverError(f"All motors of {self.model.title or self.model.name} are set up.")
        found = self._the_only_one(step)
        changed = []
        if found.servo_id != step.servo_id:
            transport = self._open_at(found.baud)
            try:
                set_id(
                    DynamixelBus(transport, self._clock, baud=found.baud), self._clock, found.servo_id, step.servo_id
                )
            finally:
                transport.close()
            changed.append(f"id {found.servo_id} -> {step.servo_id}")
        if set_baud(self._open_at, self._clock, found.baud, [step.servo_id], self.baud):
            changed.append(f"{found.baud} -> {self.baud} baud")
        self._done += 1
        return f"{step.joint} is servo {step.servo_id}: {', '.join(changed) or 'it was set up already'}."

    def _the_only_one(self, step: ServoStep) -> ScannedServo:
        found: list[ScannedServo] = []
        for _, servos in scan_line(self._open_at, self._clock):
            found += servos
            if found:
                break
        if not found:
            raise DriverError("No motor answers at any baud rate. Check its cable, its power and the adapter.")
        if len(found) > 1 or found[0].doubled:
            ids = ", ".join(f"{servo.servo_id}{' (several)' if servo.doubled else ''}" for servo in found)
            raise DriverError(f"More than one motor is connected: ids {ids}. Leave only the one for {step.joint}.")
        if found[0].model != step.servo:
            raise WrongServo(
                f"The connected motor is {found[0].model}, {step.joint} of {self.model.title or self.model.name} needs "
                f"{step.servo}. Connect the right one, or choose another arm."
            )
        return found[0]
