"""Bytes between a non-blocking end of the operating system and an emulated bus."""

import contextlib
from collections.abc import Callable

from drivers.sim.emulated_bus import EmulatedBus

CHUNK = 4096


class BytePump:
    """`read(count)` and `write(data)` are those of the end: they raise `BlockingIOError` rather than wait."""

    def __init__(self, bus: EmulatedBus, read: Callable[[int], bytes], write: Callable[[bytes], int]) -> None:
        self.bus = bus
        self._read = read
        self._write = write
        self._unsent = b""

    def service(self, now_ns: int) -> bool:
        """Take what has come, send what is due. False when the other side has gone or the line is unplugged."""
        bus = self.bus
        try:
            while len(data := self._read(CHUNK)) == CHUNK:
                bus.receive(data)
            if not data:
                return False
            bus.receive(data)
        except BlockingIOError:
            bus.watch(now_ns)
        except OSError:
            return False
        if bus.faults.unplugged:
            return False
        self._unsent += bus.take_replies(now_ns)
        if self._unsent:
            with contextlib.suppress(BlockingIOError):
                self._unsent = self._unsent[self._write(self._unsent) :]
        return True


def due_ns(bus: EmulatedBus) -> int | None:
    """When a host of `bus` has something to do by itself: a reply to send, or an event of the line."""
    return min((due for due in (bus.due_ns(), bus.next_event_ns()) if due is not None), default=None)
