"""What the set-up process does, without the process: one small piece of work at each `step`, all waiting included."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drivers.arms import ARMS
from drivers.clock import Clock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.control_table import MODELS
from drivers.dynamixel.fingerprint import fingerprint
from drivers.dynamixel.identify import Wiggle, expected_servos
from drivers.dynamixel.servo_ids import let_go, set_baud, set_id
from drivers.dynamixel.transport import Transport
from drivers.errors import DriverError, PortLost
from drivers.serial_ports import SerialPort, latency_ms
from teleop_studio.processes import setup_messages as m
from teleop_studio.processes.setup_cameras import SetupCameras
from teleop_studio.processes.setup_guides import CalibrationGuide, ServosGuide
from teleop_studio.processes.setup_lines import OpenLine, SetupLine, open_bus, scan_port
from teleop_studio.rig import ArmConfig
from teleop_studio.setup_status import CalibrationView

_POSITION = MODELS["xl330-m288"].register("present_position")  # at the same place on every X servo
_LIST_EVERY_NS = 2_000_000_000

type Job = Iterator[float]
"""A longer piece of work; yields how much of it is done, 0..1, at every moment at which it may be left."""


@dataclass
class Watched:
    """An open line whose joints are watched for a hand."""

    line: SetupLine
    transport: Transport
    bus: DynamixelBus
    ids: list[int]
    wiggle: Wiggle


class SetupBench:
    """`do` takes a message, `step` works on it; `view` is what has become of it.

    `open_line` opens a port at a baud rate, `list_ports` lists the adapters. Work is done one after the other.
    """

    def __init__(
        self,
        open_line: OpenLine,
        clock: Clock,
        list_ports: Callable[[], list[SerialPort]],
        cameras: SetupCameras,
    ) -> None:
        self._open_line, self._clock, self._list_ports = open_line, clock, list_ports
        self.cameras = cameras
        self._lines: dict[str, SetupLine] = {}
        self._waiting: deque[object] = deque()
        self._job: Job | None = None
        self._busy, self._progress, self._problem = "", 0.0, ""
        self._watched: list[Watched] = []
        self._guide: CalibrationGuide | ServosGuide | None = None
        self._finished: CalibrationView | None = None
        self._said: deque[str] = deque(maxlen=40)
        self._events: list[m.Adopted] = []
        self._listed_ns: int | None = None
        self._at_work = False  # on a message that is not done yet
        self._done = 0

    @property
    def working(self) -> bool:
        """There is something to do without being told."""
        return self._job is not None or bool(self._waiting)

    @property
    def watching(self) -> bool:
        """Joints are read again and again."""
        return bool(self._watched) or (self._guide is not None and not self._guide.finished)

    @property
    def view(self) -> m.SetupFound:
        return m.SetupFound(
            busy=self._busy,
            progress=self._progress,
            problem=self._problem,
            ports=tuple(line.found() for line in self._lines.values()),
            identifying=bool(self._watched),
            calibration=self._finished if self._guide is None else self._guide.view,
            said=tuple(self._said),
            done=self._done,
        )

    def do(self, message: object) -> None:
        """Take a message; it is worked on when its turn comes."""
        self._waiting.append(message)

    def step(self) -> list[m.Adopted]:
        """One small piece of work; returns what the studio must know besides `view`."""
        try:
            if self._job is None and self._waiting:
                self._at_work = True
                self._begin(self._waiting.popleft())
            if self._job is not None:
                self._go_on(self._job)
            else:
                self._look()
        except (DriverError, KeyError, ValueError) as error:
            self._problem = str(error)
            self._end_job()
            if isinstance(error, PortLost):
                self._stop_watching()
                self._leave_guide()
        if self._at_work and self._job is None:
            self._at_work = False
            self._done += 1
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Give every port and camera back."""
        self._end_job()
        self._stop_watching()
        self._leave_guide()
        self.cameras.close()

    def _begin(self, message: object) -> None:
        self._problem = ""
        match message:
            case m.Scan(ports, all_bauds):
                self._start("Scanning the ports", self._scan(ports, all_bauds))
            case m.ScanCameras():
                self._start("Looking for cameras", self.cameras.scan())
            case m.Identify(on):
                self._stop_watching()
                if on:
                    self._start("Taking the torque off", self._watch())
            case m.SetId(port, servo_id, new_id):
                self._start(f"Changing id {servo_id} to {new_id}", self._set_id(port, servo_id, new_id))
            case m.SetBaud(port, ids, baud):
                self._start(f"Changing to {baud} baud", self._set_baud(port, ids, baud))
            case m.Adopt():
                self._start(f"Looking at the {message.role}", self._adopt(message))
            case m.ShowCamera(camera):
                self.cameras.show(camera)
            case _:
                self._begin_guide(message)

    def _begin_guide(self, message: object) -> None:
        match message:
            case m.StartCalibration():
                self._start("Making the arm limp", self._calibrate(message))
            case m.StartServos():
                self._stop_watching()
                self._leave_guide()
                path = message.port
                self._guide = ServosGuide(message, lambda baud: self._open_line(path, baud), self._clock)
            case m.NextStep():
                self._next()
            case m.CancelStep():
                self._leave_guide()
                self._finished = None

    def _start(self, what: str, job: Job) -> None:
        self._busy, self._progress, self._job = what, 0.0, job

    def _go_on(self, job: Job) -> None:
        try:
            self._progress = next(job)
        except StopIteration:
            self._end_job()

    def _end_job(self) -> None:
        job, self._job = self._job, None
        self._busy, self._progress = "", 0.0
        if job is not None and hasattr(job, "close"):
            job.close()

    def _look(self) -> None:
        for watched in self._watched:
            self._look_at(watched)
        if self._guide is not None and not self._guide.finished:
            self._guide.look()
            if self._guide.verifying:
                self.cameras.refresh()
        elif not self._watched:
            self._list()

    # --- ports -----------------------------------------------------------------------------------------------------

    def _list(self) -> None:
        """Adapters come and go; what was typed in stays."""
        now_ns = self._clock.now_ns()
        if self._listed_ns is not None and now_ns - self._listed_ns < _LIST_EVERY_NS:
            return
        self._listed_ns = now_ns
        there = {port.path: port for port in self._list_ports()}
        kept = {path: line for path, line in self._lines.items() if line.typed or path in there}
        for path, port in there.items():
            line = kept.setdefault(path, SetupLine(port))
            # Once opened, what is known of its waiting time is newer than this.
            if line.known.problem != port.problem:
                line.known = port
        self._lines = kept

    def _scan(self, ports: tuple[str, ...], all_bauds: bool) -> Job:
        self._stop_watching()
        self._leave_guide()
        self._listed_ns = None
        self._list()
        lines = [self._line(path) for path in ports] or list(self._lines.values())
        for number, line in enumerate(lines):
            self._busy = f"Scanning {line.path}"
            for share in scan_port(line, self._open_line, self._clock, all_bauds, latency_ms):
                yield (number + share) / len(lines)
        servos = sum(len(line.servos) for line in lines)
        self._say(f"{servos} servos answered on {len([line for line in lines if line.servos])} of {len(lines)} ports.")

    def _set_id(self, port: str, servo_id: int, new_id: int) -> Job:
        self._stop_watching()
        line = self._line(port)
        transport, bus = open_bus(line, self._open_line, self._clock)
        try:
            changed = set_id(bus, self._clock, servo_id, new_id)
        finally:
            transport.close()
        self._say(f"Servo {servo_id} on {port} has id {new_id} now." if changed else f"Servo {servo_id} has that id.")
        yield from self._scan((port,), all_bauds=False)

    def _set_baud(self, port: str, ids: tuple[int, ...], baud: int) -> Job:
        self._stop_watching()
        line = self._line(port)
        rates = {servo.baud for servo in line.servos if not ids or servo.servo_id in ids}
        changed: list[int] = []
        for rate in sorted(rates):
            there = [servo.servo_id for servo in line.servos if servo.baud == rate]
            wanted = [servo_id for servo_id in there if not ids or servo_id in ids]
            changed += set_baud(lambda at: self._open_line(port, at), self._clock, rate, wanted, baud)
            yield 0.3
        names = ", ".join(map(str, changed))
        self._say(f"Servos {names} on {port} talk at {baud} baud now." if changed else f"All on {port} did already.")
        yield from self._scan((port,), all_bauds=False)

    def _adopt(self, message: m.Adopt) -> Job:
        was_watching = bool(self._watched)
        self._stop_watching()
        line = self._line(message.port)
        if not line.scanned:
            yield from scan_port(line, self._open_line, self._clock, False, latency_ms)
        found, problem = "", line.problem
        if not problem and message.arm not in line.fits:
            title = ARMS[message.arm].title or message.arm
            problem = f"{message.port} has not the servos of {title}. " + " ".join(line.found().notes)
        elif not problem:
            try:
                found = self._opened_as(line, message)
            except DriverError as error:
                problem = str(error)
        self._events.append(
            m.Adopted(message.role, message.arm, message.port, message.calibration, found, line.baud, problem)
        )
        self._problem = problem
        if was_watching:
            yield from self._watch()

    def _opened_as(self, line: SetupLine, message: m.Adopt) -> str:
        """Set the servos up as opening the rig will, so that the fingerprint is the one that will be found then."""
        model = ArmConfig(message.arm, line.path, line.baud, message.calibration).model
        transport, bus = open_bus(line, self._open_line, self._clock)
        try:
            if not model.needs_calibration:
                DynamixelArm(model, bus, self._clock).connect()
            line.fingerprint = fingerprint(bus, list(expected_servos(model)))
        finally:
            transport.close()
        return line.fingerprint

    def _line(self, path: str) -> SetupLine:
        """An adapter under any of its names, or what was typed in."""
        device = os.path.realpath(path)
        for line in self._lines.values():
            if path == line.path or (device == os.path.realpath(line.known.device) and "://" not in path):
                return line
        return self._lines.setdefault(path, SetupLine(SerialPort(path, device), typed=True))

    # --- watching a hand -------------------------------------------------------------------------------------------

    def _watch(self) -> Job:
        """Open every line on which servos answered and make them limp; a hand can not move what holds itself."""
        self._leave_guide()
        lines = [line for line in self._lines.values() if line.servos]
        if not lines:
            raise DriverError("No servo has answered on any port. Scan the ports first.")
        for number, line in enumerate(lines):
            transport, bus = open_bus(line, self._open_line, self._clock)
            ids = [servo.servo_id for servo in line.servos if servo.baud == line.baud and not servo.doubled]
            self._watched.append(Watched(line, transport, bus, ids, Wiggle()))
            held = let_go(bus, ids)
            if held:
                self._say(f"The arm on {line.path} was holding and is limp now.")
            self._look_at(self._watched[-1])  # where it stands before the hand comes
            yield (number + 1) / len(lines)

    def _look_at(self, watched: Watched) -> None:
        ticks = {servo_id: watched.bus.read(servo_id, _POSITION) for servo_id in watched.ids}
        watched.line.moved = watched.wiggle.feed(ticks)

    def _stop_watching(self) -> None:
        for watched in self._watched:
            watched.transport.close()
        self._watched.clear()

    # --- guided steps ----------------------------------------------------------------------------------------------

    def _calibrate(self, message: m.StartCalibration) -> Job:
        self._stop_watching()
        self._leave_guide()
        self._finished = None
        line = self._line(message.port)
        if not line.servos:
            yield from scan_port(line, self._open_line, self._clock, False, latency_ms)
        transport, _ = open_bus(line, self._open_line, self._clock)
        try:
            self._guide = CalibrationGuide(message, transport, line.baud, self._clock)
        except DriverError:
            transport.close()
            raise
        self._say(self._guide.said)
        yield 1.0

    def _next(self) -> None:
        guide = self._guide
        if guide is None:
            raise DriverError("There is no step to end. Start a calibration first.")
        self._say(guide.next())
        if not guide.finished:
            return
        self._finished = guide.view
        self._leave_guide()
        message = guide.message
        if isinstance(message, m.StartCalibration):
            self._start(
                f"Looking at the {message.role}",
                self._adopt(m.Adopt(message.role, message.arm, message.port, message.path)),
            )

    def _leave_guide(self) -> None:
        if self._guide is not None:
            self._guide.close()
            self._guide = None

    def _say(self, text: str) -> None:
        if text:
            self._said.append(text)
