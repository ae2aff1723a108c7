"""Gives an emulated bus a place in the operating system: a pty that looks like a serial port, or one end of a socket.

Both are served from a poll loop: wait on `fileno()` and until `due_ns()`, then call `service(now)`. Nothing blocks. An
unplugged bus takes its end away and `fileno()` is -1; once it is plugged in again, `service` makes a new end.
"""

import os
import pty
import socket
import termios
import tty
from pathlib import Path

from drivers.sim.byte_pump import BytePump, due_ns
from drivers.sim.emulated_bus import EmulatedBus

_SPEEDS = {
    getattr(termios, name): int(name[1:]) for name in dir(termios) if name.startswith("B") and name[1:].isdigit()
}


class SocketHost:
    """Serves the bus on one end of a socket pair; makes the pair when no end is given."""

    def __init__(self, bus: EmulatedBus, end: socket.socket | None = None) -> None:
        self.bus = bus
        self._far_end: socket.socket | None = None
        self._socket: socket.socket | None = None
        self._own_pair = end is None
        self._unplugged = False
        self._plug_in(end)

    def fileno(self) -> int:
        return -1 if self._socket is None else self._socket.fileno()

    def client_end(self) -> int:
        """The descriptor for the driver's side, which then owns it; after a replug there is a new one.

        Raises `RuntimeError` when it was given away.
        """
        if self._far_end is None:
            raise RuntimeError("the other end of this socket host is not its own to give, or was given already")
        far_end, self._far_end = self._far_end, None
        return far_end.detach()

    def due_ns(self) -> int | None:
        """When `service` has something to do by itself; None when it only waits for bytes."""
        return due_ns(self.bus)

    def service(self, now_ns: int) -> None:
        """Take what has come, send what is due. An unplugged bus closes its end."""
        if self._socket is not None and self._pump.service(now_ns):
            return
        self.bus.watch(now_ns)
        if self._socket is not None:
            self._unplugged = self.bus.faults.unplugged
            self._close_ends()
        elif self._unplugged and self._own_pair and not self.bus.faults.unplugged:
            self._plug_in(None)

    def close(self) -> None:
        self._unplugged = False
        self._close_ends()

    def _plug_in(self, end: socket.socket | None) -> None:
        if end is None:
            end, self._far_end = socket.socketpair()
        end.setblocking(False)
        self._socket = end
        self._unplugged = False
        self._pump = BytePump(self.bus, end.recv, end.send)

    def _close_ends(self) -> None:
        for end in (self._socket, self._far_end):
            if end is not None:
                end.close()
        self._socket = self._far_end = None


class PtyHost:
    """Serves the bus on a pty; `client_end()` is a path that any serial program can open.

    The baud rate the program sets is read from the pty, so a wrong one is answered by silence, as on a real line.
    `link` a path of your choice that leads to the pty: it goes with an unplugged line and comes back with it.
    """

    def __init__(self, bus: EmulatedBus, link: Path | None = None) -> None:
        self.bus = bus
        self._link = link
        self._master = self._slave = -1
        self._path = ""
        self._fresh_speed: int | None = None
        self._pump: BytePump | None = None
        self._unplugged = False
        self._plug_in()

    def fileno(self) -> int:
        return self._master

    def client_end(self) -> str:
        return self._path if self._link is None else str(self._link)

    def due_ns(self) -> int | None:
        """When `service` has something to do by itself; None when it only waits for bytes."""
        return due_ns(self.bus)

    def service(self, now_ns: int) -> None:
        """Take what has come, send what is due. An unplugged bus takes its pty away."""
        if self._pump is None:
            self.bus.watch(now_ns)
            if self._unplugged and not self.bus.faults.unplugged:
                self._plug_in()
            return
        speed = self._speed()
        if speed is not None and speed != self._fresh_speed:
            self.bus.baud = speed
            self._fresh_speed = None
        if not self._pump.service(now_ns):
            self._unplugged = self.bus.faults.unplugged
            self._close_pty()

    def close(self) -> None:
        self._unplugged = False
        self._close_pty()

    def _plug_in(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        master = self._master
        self._path = os.ttyname(self._slave)
        self._unplugged = False
        self._fresh_speed = self._speed()
        self._pump = BytePump(self.bus, lambda count: os.read(master, count), lambda data: os.write(master, data))
        if self._link is not None:
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self._path)

    def _close_pty(self) -> None:
        if self._master < 0:
            return
        if self._link is not None:
            self._link.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1
        self._pump = None

    def _speed(self) -> int | None:
        return _SPEEDS.get(termios.tcgetattr(self._slave)[4])
