"""One pair of wires for everybody: how long bytes take, who talks when, and what happens when two talk at once."""

import heapq
from dataclasses import dataclass, field

from drivers.sim.usb_model import UsbModel, UsbTiming

_REPLY_GAP_NS = 20_000  # between the end of a packet and the next one, beyond the return delay; assumed


@dataclass(order=True)
class _Talk:
    """One status on its way. `follows`: its servo waits for the status of another one."""

    due_ns: int
    number: int
    start_ns: int = field(compare=False)
    end_ns: int = field(compare=False)
    raw: bytearray = field(compare=False)
    follows: bool = field(compare=False)


class HalfDuplexLine:
    """Statuses wait here until the computer has them.

    `timed` False: bytes take no time, and nobody ever talks into another. `collisions` counts statuses that another
    talker damaged. Instructions that wait for each other in the computer collide with nothing.
    """

    def __init__(self, timed: bool, baud: int, usb: UsbTiming | None = None) -> None:
        self.baud = baud
        self.collisions = 0
        self._timed = timed
        self._usb = UsbModel(usb) if usb is not None and (usb.frame_ns or usb.latency_ns) else None
        self._talks: list[_Talk] = []
        self._sent = 0
        self._free_ns = 0  # when whoever may talk next may begin
        self._host_free_ns = 0

    def host_sends(self, byte_count: int, now_ns: int) -> bool:
        """An instruction of the computer; False when it is lost because a servo was talking."""
        if not self._timed:
            self._free_ns = max(self._free_ns, now_ns)
            return True
        start_ns = max(self._host_free_ns, self._usb.to_line_ns(now_ns) if self._usb else now_ns)
        end_ns = start_ns + self._duration_ns(byte_count)
        self._host_free_ns = self._free_ns = end_ns
        clear = True
        for talk in [talk for talk in self._talks if talk.end_ns > start_ns]:
            if talk.start_ns < end_ns:
                self._damage(talk, start_ns, end_ns)
                clear = False
            elif talk.follows:
                # It waited for a status and hears an instruction instead.
                self._talks.remove(talk)
                heapq.heapify(self._talks)
        return clear

    def servo_sends(self, raw: bytes, delay_ns: int, late_ns: int = 0, follows: bool = False) -> None:
        """A status after the return delay. `late_ns`: the adapter or the computer holds it back that long."""
        start_ns = end_ns = self._free_ns
        if self._timed:
            start_ns += delay_ns + _REPLY_GAP_NS
            end_ns = start_ns + self._duration_ns(len(raw))
            self._free_ns = end_ns
        self._sent += 1
        talk = _Talk(end_ns + late_ns, self._sent, start_ns, end_ns, bytearray(raw), follows)
        for other in self._talks:
            if other.start_ns < end_ns and start_ns < other.end_ns:
                self._damage(other, start_ns, end_ns)
                self._damage(talk, other.start_ns, other.end_ns)
        heapq.heappush(self._talks, talk)

    def due_ns(self) -> int | None:
        """When there is something to take; None when nothing is on its way."""
        talk_ns = self._talks[0].due_ns if self._talks else None
        if self._usb is None:
            return talk_ns
        usb_ns = self._usb.due_ns()
        return min((due for due in (talk_ns, usb_ns) if due is not None), default=None)

    def take(self, now_ns: int) -> bytes:
        """What the computer has received by `now_ns`."""
        talks, taken = self._talks, b""
        if self._usb is None:
            while talks and talks[0].due_ns <= now_ns:
                taken += heapq.heappop(talks).raw
            return taken
        byte_ns = self._duration_ns(1)
        while talks and talks[0].due_ns <= now_ns:
            talk = heapq.heappop(talks)
            self._usb.take_in(bytes(talk.raw), talk.due_ns - (len(talk.raw) - 1) * byte_ns, byte_ns)
        return self._usb.take(now_ns)

    def forget(self) -> None:
        """Whatever was on its way is gone: the adapter lost its power."""
        self._talks.clear()
        if self._usb is not None:
            self._usb.clear()

    def _duration_ns(self, byte_count: int) -> int:
        return byte_count * 10_000_000_000 // self.baud if self._timed else 0

    def _damage(self, talk: _Talk, start_ns: int, end_ns: int) -> None:
        self.collisions += 1
        byte_ns = max(1, self._duration_ns(1))
        first = max(0, (start_ns - talk.start_ns) // byte_ns)
        last = min(len(talk.raw) - 1, (end_ns - talk.start_ns) // byte_ns)
        for at in range(first, last + 1):
            talk.raw[at] ^= 0xA5
