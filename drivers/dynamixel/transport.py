"""Where bytes go and come from: a serial port, a file descriptor (socket, pty), or an emulated line in memory."""

import contextlib
import os
import select
import socket
import time
from pathlib import Path
from typing import Protocol

import serial

from drivers.clock import Clock
from drivers.dynamixel.port_errors import LOSS_ERRORS, OPENING_ERRORS, busy, lost, opening_failed
from drivers.dynamixel.pyserial_transport import PyserialTransport
from drivers.errors import PortMissing
from drivers.serial_ports import holders, latency_ms

_POSIX = os.name == "posix"
if _POSIX:
    import fcntl
    import termios

_CHUNK = 4096
_WRITE_TIMEOUT_NS = 200_000_000
_CONNECT_TIMEOUT_S = 3.0
_SOCKET = "socket://"
_PTYS = "/dev/pts/"
_BY_ID = Path("/dev/serial/by-id")
_FLUSHES = 64  # of _CHUNK each: a line that never falls silent must not hold the caller


class Transport(Protocol):
    """A byte line to servos. Every failure of the line is a `BusError`, `PortLost` once it was open."""

    @property
    def name(self) -> str:
        """The port as the operator knows it."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def read(self, count: int, deadline_ns: int) -> bytes:
        """`count` bytes, or what came until `deadline_ns` (monotonic)."""

    def flush_input(self) -> None:
        """Throw away what has come and was not read."""

    def close(self) -> None:
        """Give the port back; a second call does nothing."""


class FileDescriptorTransport:
    """One end of a socket pair, a pty, or an open serial device. Owns and closes the descriptor."""

    def __init__(self, fd: int, name: str = "the simulated line") -> None:
        self._fd = fd
        self._name = name
        os.set_blocking(fd, False)
        self._poller = select.poll()
        self._poller.register(fd, select.POLLIN)

    @property
    def name(self) -> str:
        return self._name

    def write(self, data: bytes) -> None:
        deadline_ns = time.monotonic_ns() + _WRITE_TIMEOUT_NS
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor(), rest) :]
            except BlockingIOError:
                if time.monotonic_ns() > deadline_ns:
                    raise lost(self._name, "it takes no more bytes") from None
                select.select([], [self._fd], [], 0.01)
            except OSError as error:
                raise lost(self._name, error) from error

    def read(self, count: int, deadline_ns: int) -> bytes:
        self._descriptor()
        received = b""
        while len(received) < count:
            remaining_ns = deadline_ns - time.monotonic_ns()
            # Past the deadline one more look is taken: what is there already must not be lost to a late wake-up.
            if not self._poller.poll(max(0.0, remaining_ns * 1e-6)):
                if remaining_ns <= 0:
                    break
                continue
            received += self._take(count - len(received))
        return received

    def flush_input(self) -> None:
        self._descriptor()
        for _ in range(_FLUSHES):
            if not self._poller.poll(0):
                break
            self._take(_CHUNK)

    def close(self) -> None:
        if self._fd >= 0:
            self._poller.unregister(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _take(self, count: int) -> bytes:
        try:
            data = os.read(self._descriptor(), count)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise lost(self._name, error) from error
        if not data:
            raise lost(self._name, "the other end has gone")
        return data

    def _descriptor(self) -> int:
        if self._fd < 0:
            raise lost(self._name, "it was closed")
        return self._fd


class SerialTransport:
    """A serial port of this computer (U2D2, OpenRB-150, a pty). POSIX only: it polls the port's descriptor.

    Raises `PortMissing` (no such port, no permission), `PortBusy`, `BusError` (unknown baud rate).
    `path` is a name of the port that survives replugging, where there is one: open that one again after a loss.
    `low_latency` tells whether the driver took the flag; without it an FTDI adapter waits `latency_ms` per reply, None
    for an adapter that has no such timer.
    """

    def __init__(self, port: str, baud: int) -> None:
        self.path = stable_path(port)
        self._serial = _open(port, baud)
        self.low_latency = _set_low_latency(self._serial)
        # pyserial reconfigures the port whenever its timeout changes, so reading goes past it, through the descriptor.
        self._line = FileDescriptorTransport(os.dup(self._serial.fileno()), port)
        self.write, self.read, self.flush_input = self._line.write, self._line.read, self._line.flush_input

    @property
    def name(self) -> str:
        return self._line.name

    @property
    def latency_ms(self) -> int | None:
        return latency_ms(os.path.realpath(self.name))

    def close(self) -> None:
        self._line.close()
        # After an unplug even closing may fail; there is nothing left to give back then.
        with contextlib.suppress(*LOSS_ERRORS):
            self._serial.close()


class ByteLine(Protocol):
    """The servos' end of a line in memory; `drivers.sim.emulated_bus.EmulatedBus` is one."""

    def receive(self, data: bytes) -> None:
        """Bytes from the host. Raises `OSError` when the line is unplugged."""

    def due_ns(self) -> int | None:
        """When the next reply byte is due; None when none is on its way."""

    def take_replies(self, now_ns: int) -> bytes:
        """What is due by `now_ns`. Raises `OSError` when the line is unplugged."""


class MemoryTransport:
    """An emulated line without any port. Waiting is `clock.sleep_until_ns`, so a `ManualClock` runs it in lock-step."""

    def __init__(self, line: ByteLine, clock: Clock, name: str = "the simulated line") -> None:
        self._line = line
        self._clock = clock
        self._name = name
        self._received = b""
        self._open = True

    @property
    def name(self) -> str:
        return self._name

    def write(self, data: bytes) -> None:
        if not self._open:
            raise lost(self._name, "it was closed")
        try:
            self._line.receive(data)
        except OSError as error:
            raise lost(self._name, error) from error

    def read(self, count: int, deadline_ns: int) -> bytes:
        received = self._received
        while len(received) < count:
            due_ns = self._line.due_ns()
            if due_ns is None or due_ns > deadline_ns:
                self._clock.sleep_until_ns(deadline_ns)
                received += self._take()
                break
            self._clock.sleep_until_ns(due_ns)
            received += self._take()
        self._received = received[count:]
        return received[:count]

    def flush_input(self) -> None:
        self._take()
        self._received = b""

    def close(self) -> None:
        self._open = False

    def _take(self) -> bytes:
        try:
            return self._line.take_replies(self._clock.now_ns())
        except OSError as error:
            raise lost(self._name, error) from error


def open_transport(port: str | ByteLine, baud: int, clock: Clock) -> Transport:
    """The line named in a rig: a device path (or COM3), "socket://host:port", or an emulated line in memory.

    Raises `PortMissing`, `PortBusy`, `BusError`.
    """
    if not isinstance(port, str):
        return MemoryTransport(port, clock)
    if _POSIX and port.startswith(_SOCKET):
        return _connect(port)
    if _POSIX and "://" not in port:
        return SerialTransport(port, baud)
    return PyserialTransport(port, baud)


def stable_path(port: str, names: Path = _BY_ID) -> str:
    """The name of `port` among `names`, else `port` itself: what was ttyUSB0 may be ttyUSB1 after a replug."""
    device = os.path.realpath(port)
    try:
        links = sorted(names.iterdir())
    except OSError:
        return port
    return next((str(link) for link in links if os.path.realpath(link) == device), port)


def _connect(url: str) -> FileDescriptorTransport:
    host, _, number = url.removeprefix(_SOCKET).rpartition(":")
    if not host or not number.isdigit():
        raise PortMissing(f"{url} is no address. Write socket://host:port, such as socket://127.0.0.1:7000.")
    try:
        connection = socket.create_connection((host.strip("[]"), int(number)), timeout=_CONNECT_TIMEOUT_S)
    except (OSError, OverflowError) as error:
        raise PortMissing(
            f"Nobody answers at {url}: {error}. Check that the program there runs and that the address is right."
        ) from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a request waits for nothing to join it
    return FileDescriptorTransport(connection.detach(), url)


def _open(port: str, baud: int) -> serial.Serial:
    # A lock keeps out those who ask for it; somebody who opened the port without asking is already talking on it. The
    # emulated servos hold the other end of their own pty.
    real = not os.path.realpath(port).startswith(_PTYS)
    if real and holders(os.path.realpath(port)):
        raise busy(port)
    try:
        opened = serial.Serial(port, baud, timeout=0, exclusive=True)
    except OPENING_ERRORS as error:
        raise opening_failed(port, baud, error) from error
    if real:
        with contextlib.suppress(OSError):  # from now on nobody opens it without asking either
            fcntl.ioctl(opened.fileno(), termios.TIOCEXCL)
    return opened


def _set_low_latency(port: serial.Serial) -> bool:
    try:
        port.set_low_latency_mode(True)
    except (ValueError, OSError, NotImplementedError, AttributeError):
        return False  # ptys and some adapters have no such flag; `low_latency` tells
    return True
