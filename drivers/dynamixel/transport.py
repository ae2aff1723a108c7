"""Where bytes go and come from: a serial port, a file descriptor (socket, pty), or an emulated line in memory."""

import contextlib
import errno
import os
import select
import time
from typing import Protocol

import serial

from drivers.clock import Clock
from drivers.errors import BusError, PortBusy, PortLost, PortMissing

_CHUNK = 4096
_WRITE_TIMEOUT_NS = 200_000_000


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
                    raise self._lost("it takes no more bytes") from None
                select.select([], [self._fd], [], 0.01)
            except OSError as error:
                raise self._lost(error.strerror) from error

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
        while self._poller.poll(0):
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
            raise self._lost(error.strerror) from error
        if not data:
            raise self._lost("the other end has gone")
        return data

    def _descriptor(self) -> int:
        if self._fd < 0:
            raise self._lost("it was closed")
        return self._fd

    def _lost(self, why: str | None) -> PortLost:
        return _lost(self._name, why)


class SerialTransport:
    """A serial port of this computer (U2D2, OpenRB-150, a pty). POSIX only: it polls the port's descriptor.

    Raises `PortMissing` (no such port, no permission), `PortBusy`, `BusError` (unknown baud rate).
    `low_latency` tells whether the driver took the flag; without it an FTDI adapter waits up to 16 ms per reply.
    """

    def __init__(self, port: str, baud: int) -> None:
        self._serial = _open(port, baud)
        self.low_latency = _set_low_latency(self._serial)
        # pyserial reconfigures the port whenever its timeout changes, so reading goes past it, through the descriptor.
        self._line = FileDescriptorTransport(os.dup(self._serial.fileno()), port)

    @property
    def name(self) -> str:
        return self._line.name

    def write(self, data: bytes) -> None:
        self._line.write(data)

    def read(self, count: int, deadline_ns: int) -> bytes:
        return self._line.read(count, deadline_ns)

    def flush_input(self) -> None:
        self._line.flush_input()

    def close(self) -> None:
        self._line.close()
        # After an unplug even closing may fail; there is nothing left to give back then.
        with contextlib.suppress(OSError):
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
            raise _lost(self._name, "it was closed")
        try:
            self._line.receive(data)
        except OSError as error:
            raise _lost(self._name, error.strerror) from error

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
            raise _lost(self._name, error.strerror) from error


def _open(port: str, baud: int) -> serial.Serial:
    try:
        return serial.Serial(port, baud, timeout=0, exclusive=True)
    except serial.SerialException as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise PortMissing(
                f"No permission for the port {port}. Add yourself to the group that owns it, usually "
                "`sudo usermod -aG dialout $USER`, then log in again."
            ) from error
        if error.errno in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
            raise PortBusy(
                f"Another program uses the port {port}. Close it (`fuser -v {port}` names it), then open the rig again."
            ) from error
        raise PortMissing(
            f"The port {port} can not be opened: {os.strerror(error.errno) if error.errno else error}. "
            "Check the USB cable and the port's name in the rig file."
        ) from error
    except (ValueError, OSError) as error:
        raise BusError(
            f"The port {port} does not take {baud} baud: {error}. Choose another rate or adapter."
        ) from error


def _set_low_latency(port: serial.Serial) -> bool:
    try:
        port.set_low_latency_mode(True)
    except (ValueError, OSError, NotImplementedError, AttributeError):
        return False  # ptys and some adapters have no such flag; `low_latency` tells
    return True


def _lost(name: str, why: str | None) -> PortLost:
    return PortLost(
        f"The connection to {name} was lost ({why or 'no reason given'}). "
        "Check the USB cable and the arm's power, then open the rig again."
    )
