"""How a servo hears instructions: as strictly as firmware does, where our own decoder forgives.

A second implementation of the framing, on purpose: what our driver sends is not checked by what our driver reads with.
"""

from struct import unpack_from
from typing import NamedTuple

from drivers.dynamixel.wire import HEADER, MAX_LENGTH, STATUS, crc16

_SYNC = b"\xff\xff\xfd"


class Heard(NamedTuple):
    """One instruction. `bytes_on_line` its length with header, stuffing and checksum."""

    servo_id: int
    instruction: int
    params: bytes
    bytes_on_line: int


class InstructionEar:
    """Finds instructions in what the host sends.

    Inside a packet the bytes FF FF FD begin a new header, unless FD follows, which is then taken out. So an instruction
    that was not stuffed is lost, or loses a byte. `misread` counts packets lost to a checksum or to missing stuffing.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.misread = 0

    def clear(self) -> None:
        """Forget what is half there."""
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Heard]:
        """All instructions that `data` completes."""
        buffer = self._buffer
        buffer += data
        found = []
        while self._seek_header():
            end = 7 + (buffer[5] | buffer[6] << 8)
            if len(buffer) < end:
                break
            raw = bytes(buffer[:end])
            body = None if crc16(raw[:-2]) != raw[-2] | raw[-1] << 8 else _without_stuffing(raw[7:-2])
            if body is None:
                self.misread += 1
                del buffer[:4]
                continue
            del buffer[:end]
            if body[0] != STATUS:
                found.append(Heard(raw[4], body[0], body[1:], end))
        return found

    def _seek_header(self) -> bool:
        buffer = self._buffer
        while (start := buffer.find(HEADER)) >= 0:
            del buffer[:start]
            if len(buffer) < 7:
                return False
            (length,) = unpack_from("<H", buffer, 5)
            if 3 <= length <= MAX_LENGTH:
                return True
            del buffer[:4]
        del buffer[: max(0, len(buffer) - 3)]
        return False


def _without_stuffing(body: bytes) -> bytes | None:
    """None when a header begins inside."""
    if _SYNC not in body:
        return body
    parts = body.split(_SYNC)
    if any(not part.startswith(b"\xfd") for part in parts[1:]):
        return None
    return _SYNC.join([parts[0], *(part[1:] for part in parts[1:])])
