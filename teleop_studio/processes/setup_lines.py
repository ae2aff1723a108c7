"""The ports of the set-up: what is on each, as the operator is told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from drivers.arms import ARMS
from drivers.clock import Clock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.fingerprint import fingerprint
from drivers.dynamixel.identify import fits, nearest, oddities
from drivers.dynamixel.scan import SCAN_BAUDS, ScannedServo, scan_line
from drivers.dynamixel.transport import Transport
from drivers.errors import BusError, DriverError
from drivers.serial_ports import SerialPort
from teleop_studio.setup_status import FoundPort, FoundServo

type OpenLine = Callable[[str, int], Transport]
"""Opens a port at a baud rate. Raises a `BusError`."""


@dataclass
class SetupLine:
    """One port and what answered on it. `typed`: an address that was asked for, not an adapter that was found."""

    known: SerialPort
    typed: bool = False
    scanned: bool = False
    servos: list[ScannedServo] = field(default_factory=list)
    problem: str = ""
    fingerprint: str = ""
    moved: float = 0.0

    @property
    def path(self) -> str:
        return self.known.path

    @property
    def fits(self) -> tuple[str, ...]:
        return tuple(name for name, model in ARMS.items() if fits(model, self.servos))

    @property
    def baud(self) -> int:
        """At which most of its servos answer; 0 when none did."""
        rates = [servo.baud for servo in self.servos]
        return max(rates, key=lambda rate: (rates.count(rate), rate), default=0)

    def found(self) -> FoundPort:
        fitting = self.fits
        arm = ARMS[fitting[0]] if fitting else nearest(ARMS.values(), self.servos)
        notes = oddities(arm, self.servos)
        if self.scanned and not self.servos and not self.problem:
            notes = ["Nothing answered. Check the power of the arm and the cable from the adapter to its first servo."]
        return FoundPort(
            path=self.path,
            title=self.known.title or ("typed in" if self.typed else ""),
            problem=self.problem or self.known.problem,
            scanned=self.scanned,
            servos=tuple(_shown(servo, self.baud) for servo in self.servos),
            fits=fitting,
            notes=tuple(notes),
            warning=self.known.warning,
            fingerprint=self.fingerprint,
            moved=self.moved,
            latency_ms=self.known.latency_ms,
        )


def scan_port(
    line: SetupLine, open_line: OpenLine, clock: Clock, all_bauds: bool, latency: Callable[[str], int | None]
) -> Iterator[float]:
    """Scan one port into `line`; yields the share 0..1 of it that is done. Stops early at a whole arm.

    An address has no baud rate of its own and is asked once. What goes wrong becomes `line.problem`.
    """
    line.servos, line.problem, line.fingerprint, line.scanned, line.moved = [], "", "", False, 0.0
    if line.known.problem:
        return
    bauds = (SCAN_BAUDS[0],) if "://" in line.path else SCAN_BAUDS
    try:
        for number, (_, servos) in enumerate(
            scan_line(lambda baud: open_line(line.path, baud), clock, bauds, all_bauds), 1
        ):
            line.servos += servos
            yield number / len(bauds)
            if line.fits and not all_bauds:
                break
        if line.fits:
            line.fingerprint = _fingerprint(line, open_line, clock, latency)
        line.scanned = True
    except DriverError as error:
        line.problem = str(error)


def _fingerprint(line: SetupLine, open_line: OpenLine, clock: Clock, latency: Callable[[str], int | None]) -> str:
    transport = open_line(line.path, line.baud)
    try:
        # Opening asks an FTDI adapter to hand bytes over at once; only now it can be seen whether it does.
        wait_ms = latency(line.known.device)
        if wait_ms is not None:
            warning = line.known.warning if wait_ms > 1 else ""
            line.known = replace(line.known, latency_ms=wait_ms, warning=warning)
        bus = DynamixelBus(transport, clock, baud=line.baud)
        return fingerprint(bus, [servo.servo_id for servo in line.servos])
    finally:
        transport.close()


def _shown(servo: ScannedServo, usual: int) -> FoundServo:
    note = ""
    if servo.doubled:
        note = "two or more servos have this id"
    elif servo.baud != usual:
        note = f"the others answer at {usual} baud"
    elif servo.model.startswith("model "):
        note = "an unknown model"
    return FoundServo(servo.servo_id, servo.model, servo.model_number, servo.firmware, servo.baud, note)


def open_bus(line: SetupLine, open_line: OpenLine, clock: Clock) -> tuple[Transport, DynamixelBus]:
    """The line at the rate of its servos. Raises a `DriverError`, also when nothing has answered there."""
    if not line.servos:
        raise BusError(f"No servo has answered on {line.path}. Scan it first.")
    transport = open_line(line.path, line.baud)
    return transport, DynamixelBus(transport, clock, baud=line.baud)
