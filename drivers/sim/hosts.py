"""Gives an emulated bus a place in the operating system: a pty that looks like a serial port, or one end of a socket.

Both are served from a poll loop: wait on `fileno()` and until `due_ns()`, then call `service(now)`. Nothing blocks.
"""

import contextlib
import os
import pty
import socket
import termios
import tty

from drivers.sim.emulated_bus import EmulatedBus

_CHUNK = 4096
_SPEEDS = {
    getattr(termios, name): int(name[1:]) for name in dir(termios) if name.startswith("B") and name[1:].isdigit()
}


class SocketHost:
    """Serves the bus on one end of a socket pair; makes the pair when no end is given."""

    def __init__(self, bus: EmulatedBus, end: socket.socket | None = None) -> None:
        self._far_end: socket.socket | None = None
        if end is None:
            end, self._far_end = socket.socketpair()
        self._socket = end
        end.setblocking(False)
        self._line = _Line(bus, end.fileno())

    def fileno(self) -> int:
        return self._line.fd

    def client_end(self) -> int:
        """The descriptor for the driver's side, which then owns it. Raises `RuntimeError` when it was given away."""
        if self._far_end is None:
            raise RuntimeError("the other end of this socket host is not its own to give, or was given already")
        far_end, self._far_end = self._far_end, None
        return far_end.detach()

    def due_ns(self) -> int | None:
        """When `service` has a reply to send; None when it only waits for bytes."""
        return self._line.bus.due_ns()

    def service(self, now_ns: int) -> None:
        """Take what has come, send what is due. An unplugged bus closes its end."""
        if self._line.service(now_ns):
            return
        self.close()

    def close(self) -> None:
        self._line.fd = -1
        self._socket.close()
        if self._far_end is not None:
            self._far_end.close()
            self._far_end = None


class PtyHost:
    """Serves the bus on a pty; `client_end()` is a path that any serial program can open.

    The baud rate the program sets is read from the pty, so a wrong one is answered by silence, as on a real line.
    """

    def __init__(self, bus: EmulatedBus) -> None:
        master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(master, False)
        self._path = os.ttyname(self._slave)
        self._line = _Line(bus, master)
        self._fresh_speed = self._speed()

    def fileno(self) -> int:
        return self._line.fd

    def client_end(self) -> str:
        return self._path

    def due_ns(self) -> int | None:
        """When `service` has a reply to send; None when it only waits for bytes."""
        return self._line.bus.due_ns()

    def service(self, now_ns: int) -> None:
        """Take what has come, send what is due. An unplugged bus takes its pty away."""
        if self._line.fd < 0:
            return
        speed = self._speed()
        if speed is not None and speed != self._fresh_speed:
            self._line.bus.baud = speed
            self._fresh_speed = None
        if not self._line.service(now_ns):
            self.close()

    def close(self) -> None:
        if self._line.fd >= 0:
            os.close(self._line.fd)
            os.close(self._slave)
            self._line.fd = -1

    def _speed(self) -> int | None:
        return _SPEEDS.get(termios.tcgetattr(self._slave)[4])


class _Line:
    """Bytes between a non-blocking descriptor and a bus."""

    def __init__(self, bus: EmulatedBus, fd: int) -> None:
        self.bus = bus
        self.fd = fd
        self._unsent = b""

    def service(self, now_ns: int) -> bool:
        """False when the line has ended: unplugged, or the other side has gone."""
        if self.fd < 0 or self.bus.faults.unplugged:
            return False
        try:
            while len(data := os.read(self.fd, _CHUNK)) == _CHUNK:
                self.bus.receive(data)
            if not data:
                return False
            self.bus.receive(data)
        except BlockingIOError:
            pass
        except OSError:
            return False
        self.bus.watch(now_ns)
        self._unsent += self.bus.take_replies(now_ns)
        if self._unsent:
            with contextlib.suppress(BlockingIOError):
                self._unsent = self._unsent[os.write(self.fd, self._unsent) :]
        return True
