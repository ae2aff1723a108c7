"""What the USB adapter adds between the line and the computer: frames to wait for, and an FTDI chip's latency timer.

Figures of ideal adapters, not measured on one: full-speed CDC (OpenRB-150) has a frame of 1 ms, high-speed USB one of
125 us; an FTDI chip (U2D2) sends 62 bytes as soon as it has them and fewer only when its latency timer ends, 16 ms as
delivered, 1 ms where the driver was asked for low latency.
"""

from dataclasses import dataclass
from typing import Final

_FTDI_BYTES = 62
_MS = 1_000_000


@dataclass(frozen=True)
class UsbTiming:
    """`frame_ns` what is sent waits for the next frame, 0 for none; `latency_ns` the FTDI latency timer, 0 for none."""

    frame_ns: int = 0
    latency_ns: int = 0


USB: Final = {
    "none": UsbTiming(),
    "cdc": UsbTiming(frame_ns=_MS),
    "cdc-highspeed": UsbTiming(frame_ns=125_000),
    "ftdi1": UsbTiming(frame_ns=125_000, latency_ns=_MS),
    "ftdi16": UsbTiming(frame_ns=125_000, latency_ns=16 * _MS),
}


class UsbModel:
    """One adapter. Bytes of the line go in with the time of each, and come out when the computer gets them."""

    def __init__(self, timing: UsbTiming) -> None:
        self._timing = timing
        self._waiting = bytearray()
        self._flush_ns = 0
        self._packets: list[tuple[int, bytes]] = []

    def to_line_ns(self, now_ns: int) -> int:
        """When bytes that the computer sends now begin on the line."""
        return self._framed(now_ns)

    def due_ns(self) -> int | None:
        """When the computer gets the next bytes that have been taken in; None when there are none."""
        due = [self._packets[0][0]] if self._packets else []
        if self._waiting:
            due.append(self._framed(self._flush_ns))
        return min(due, default=None)

    def take_in(self, raw: bytes, first_ns: int, byte_ns: int) -> None:
        """Bytes from the line, the first complete at `first_ns`. Call in the order of the line."""
        latency_ns = self._timing.latency_ns
        if not latency_ns:
            self._send(raw, first_ns + (len(raw) - 1) * byte_ns)
            return
        for k, value in enumerate(raw):
            at_ns = first_ns + k * byte_ns
            self._flush_until(at_ns)
            if not self._waiting:
                self._flush_ns = at_ns + latency_ns
            self._waiting.append(value)
            if len(self._waiting) == _FTDI_BYTES:
                self._empty(at_ns)

    def take(self, now_ns: int) -> bytes:
        """What the computer has by `now_ns`."""
        self._flush_until(now_ns)
        taken = b""
        while self._packets and self._packets[0][0] <= now_ns:
            taken += self._packets.pop(0)[1]
        return taken

    def clear(self) -> None:
        """The adapter was unplugged."""
        self._waiting.clear()
        self._packets.clear()

    def _flush_until(self, now_ns: int) -> None:
        if self._waiting and now_ns >= self._flush_ns:
            self._empty(self._flush_ns)

    def _empty(self, at_ns: int) -> None:
        self._send(bytes(self._waiting), at_ns)
        self._waiting.clear()

    def _send(self, raw: bytes, at_ns: int) -> None:
        self._packets.append((self._framed(at_ns), raw))

    def _framed(self, at_ns: int) -> int:
        frame_ns = self._timing.frame_ns
        return -(-at_ns // frame_ns) * frame_ns if frame_ns else at_ns
