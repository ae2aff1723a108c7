"""The guided parts of the set-up, step by step: calibrating an arm, giving factory servos their ids."""

from pathlib import Path

from drivers.arms import ARMS
from drivers.arms.calibration_file import write_calibration
from drivers.clock import Clock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.calibrating import VERIFY, Calibrating
from drivers.dynamixel.one_by_one import OneByOne
from drivers.dynamixel.servo_ids import OpenAt
from drivers.dynamixel.transport import Transport
from drivers.kinematics import Chain, known
from teleop_studio.processes.setup_messages import StartCalibration, StartServos
from teleop_studio.setup_status import CalibrationView, JointSweep

_STEPS = 3


class CalibrationGuide:
    """Shows a `Calibrating` to the operator. Owns the line until `close`. Raises a `DriverError` where that does."""

    def __init__(self, message: StartCalibration, transport: Transport, baud: int, clock: Clock) -> None:
        self.message = message
        self.finished = False
        self._transport = transport
        model = ARMS[message.arm]
        self._chain = Chain(model) if known(model) else None
        self._calibrating = Calibrating(model, DynamixelBus(transport, clock, baud=baud), clock)
        held = self._calibrating.begin()
        self.said = f"{model.title or model.name} is limp now; {len(held)} of its servos were holding." if held else ""

    @property
    def verifying(self) -> bool:
        return self._calibrating.step == VERIFY and not self.finished

    def look(self) -> None:
        self._calibrating.look()

    def next(self) -> str:
        """Go on; returns what was done, one sentence or nothing."""
        running = self._calibrating
        if running.step == VERIFY:
            self.finished = True
            return f"The {self.message.role} is calibrated: {self.message.path}."
        running.next()
        if running.step != VERIFY:
            return "The homing was written to the servos."
        # At once, not after the verification: what is in the servos and what is in the file must not differ.
        write_calibration(Path(self.message.path), running.calibration)
        return f"Homing, directions and limits are in the servos and in {self.message.path}."

    @property
    def view(self) -> CalibrationView:
        running, message = self._calibrating, self.message
        return CalibrationView(
            role=message.role,
            arm=message.arm,
            number=running.step,
            of=_STEPS,
            title=running.title,
            instruction=running.instruction,
            joints=tuple(JointSweep(**vars(look)) for look in running.joints),
            ready=not running.why_not and not self.finished,
            why_not=running.why_not,
            finished=self.finished,
            path=message.path if running.step == VERIFY else "",
            points=self._points() if self.verifying else (),
        )

    def close(self) -> None:
        self._transport.close()

    def _points(self) -> tuple[tuple[float, float, float], ...]:
        if self._chain is None:
            return ()
        points = self._chain.skeleton([look.value for look in self._calibrating.joints])
        return tuple((float(x), float(y), float(z)) for x, y, z in points)


class ServosGuide:
    """Shows a `OneByOne` to the operator."""

    verifying = False
    said = ""

    def __init__(self, message: StartServos, open_at: OpenAt, clock: Clock) -> None:
        self.message = message
        self._wizard = OneByOne(ARMS[message.arm], open_at, clock)

    @property
    def finished(self) -> bool:
        return self._wizard.step is None

    def look(self) -> None:
        """There is nothing to look at until `next`."""

    def next(self) -> str:
        """Set the connected servo up; returns what was done."""
        return self._wizard.next()

    @property
    def view(self) -> CalibrationView:
        step, message = self._wizard.step, self.message
        count = len(self._wizard.model.joints) if step is None else step.of
        return CalibrationView(
            role=message.role,
            arm=message.arm,
            number=count if step is None else step.number,
            of=count,
            title="All motors are set up" if step is None else step.title,
            instruction="Connect all of them now, in order, and scan." if step is None else step.instruction,
            ready=step is not None,
            finished=step is None,
            kind="servos",
        )

    def close(self) -> None:
        """The line is open only during `next`."""
