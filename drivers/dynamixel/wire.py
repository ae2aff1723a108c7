"""DYNAMIXEL Protocol 2.0 packets: values to bytes, and packets out of a stream of bytes. No port, no clock.

    FF FF FD 00  ID  LEN_L LEN_H  INSTRUCTION  PARAMETERS ...  CRC_L CRC_H        LEN = parameters + 3
    a status is instruction 55 hex, its first parameter the error byte

`dynamixel_sdk` is not used for this: up to 4.1.0 it sends unstuffed packets (`txPacket` drops the list that
`addStuffing` returns), drops the alert bit of group reads, and reads by spinning. It serves where it is good: as the
reference. `drivers.dynamixel.sdk_port` lets its packet handlers and group classes run on any of our transports, and the
tests let them talk to the emulated servos and compare checksums and control tables with it.

Source: ROBOTIS e-manual, DYNAMIXEL Protocol 2.0.
"""

from struct import pack, unpack_from
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

HEADER: Final = b"\xff\xff\xfd\x00"
BROADCAST: Final = 0xFE
MAX_LENGTH: Final = 1024  # LEN beyond this is noise

PING: Final = 0x01
READ: Final = 0x02
WRITE: Final = 0x03
REG_WRITE: Final = 0x04
ACTION: Final = 0x05
FACTORY_RESET: Final = 0x06
REBOOT: Final = 0x08
STATUS: Final = 0x55
SYNC_READ: Final = 0x82
SYNC_WRITE: Final = 0x83
FAST_SYNC_READ: Final = 0x8A
BULK_READ: Final = 0x92
BULK_WRITE: Final = 0x93

ALERT_BIT: Final = 0x80
ERROR_RESULT, ERROR_INSTRUCTION, ERROR_CRC, ERROR_RANGE, ERROR_LENGTH, ERROR_LIMIT, ERROR_ACCESS = range(1, 8)
ERROR_NAMES: Final = {
    ERROR_RESULT: "the instruction failed",
    ERROR_INSTRUCTION: "unknown instruction",
    ERROR_CRC: "checksum error",
    ERROR_RANGE: "value out of range",
    ERROR_LENGTH: "wrong data length",
    ERROR_LIMIT: "value beyond the servo's limits",
    ERROR_ACCESS: "register is read-only or locked while torque is on",
}

_SHORTEST = 10  # bytes of a packet without parameters
_STUFFED_FROM = b"\xff\xff\xfd"
_STUFFED_TO = b"\xff\xff\xfd\xfd"


class Packet(NamedTuple):
    """One packet off the line, unstuffed. For a status `error` and `data` read its parameters."""

    servo_id: int
    instruction: int
    params: bytes

    @property
    def error(self) -> int:
        """Error byte of a status; bit 7 is the hardware alert, the rest an `ERROR_` number."""
        return self.params[0] if self.params else 0

    @property
    def data(self) -> bytes:
        """What a status carries after the error byte."""
        return self.params[1:]


def _crc_table() -> list[int]:
    # One entry per 16-bit state: two bytes a step, and a list because it hands out ready-made integers.
    crc: NDArray[np.int64] = np.arange(0x10000, dtype=np.int64)
    for _ in range(16):
        crc = ((crc << 1) ^ (crc >> 15) * 0x8005) & 0xFFFF
    return [int(value) for value in crc]


_CRC: Final = _crc_table()
_LONG, _LONGEST = 64, 256


def _shares() -> NDArray[np.uint16]:
    """(_LONGEST * 256,): what byte b adds to a checksum when k others follow, at (_LONGEST - 1 - k) * 256 + b."""
    crc = np.array(_CRC, np.uint16)
    rows = [crc[:256]]
    for _ in range(_LONGEST - 1):
        last = rows[-1]
        rows.append((last << 8) ^ rows[0][last >> 8])
    return np.concatenate(rows[::-1])


_SHARES: Final = _shares()
_PLACES: Final = np.arange(_LONGEST, dtype=np.intp) * 256


def crc16(data: bytes, crc: int = 0) -> int:
    """CRC-16 of the protocol (polynomial 8005 hex, not reflected), continued from `crc`."""
    if not crc and _LONG <= len(data) <= _LONGEST:
        # A checksum is the exclusive or of what each byte adds, so that of a long packet is a single look-up. The loop
        # below takes 17 us for the 90 bytes of six servos in motion: its table does not fit the nearest cache. This 6.
        places = _PLACES[-len(data) :] + np.frombuffer(data, np.uint8)
        return int(np.bitwise_xor.reduce(_SHARES[places]))
    for word in unpack_from(f">{len(data) >> 1}H", data):
        crc = _CRC[crc ^ word]
    if len(data) & 1:
        crc = ((crc << 8) & 0xFF00) ^ _CRC[(crc >> 8) ^ data[-1]]
    return crc


def packet(servo_id: int, instruction: int, params: bytes = b"") -> bytes:
    """A whole packet: stuffed, with length and checksum."""
    body = bytes((instruction,)) + params
    if _STUFFED_FROM in body:
        body = body.replace(_STUFFED_FROM, _STUFFED_TO)
    head = HEADER + pack("<BH", servo_id, len(body) + 2) + body
    return head + pack("<H", crc16(head))


def status(servo_id: int, error: int, data: bytes = b"") -> bytes:
    """The answer of a servo."""
    return packet(servo_id, STATUS, bytes((error,)) + data)


class Decoder:
    """Finds packets in a byte stream by their length field; after garbage or a wrong checksum it finds the next header.

    A stuffed body never holds a header, so a header inside what a packet claims as its body shows that claim to be
    noise: a whole packet is found as soon as its last byte is there, whatever came before it. Only the joint answer of
    a fast read is not stuffed; noise that looks like its beginning can hold a packet back until `finish`.
    `crc_errors` counts packets thrown away, `damaged` tells the ids they carried, which may be wrong themselves.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.crc_errors = 0
        self.damaged: list[int] = []

    def clear(self) -> None:
        """Forget what is half there."""
        self._buffer.clear()

    @property
    def pending(self) -> int:
        """Bytes of an unfinished packet, or of garbage that may still become one."""
        return len(self._buffer)

    @property
    def wanted(self) -> int:
        """How many more bytes complete the packet that has begun; for a new one the shortest status, 11 bytes."""
        if len(self._buffer) < 7:
            return 11 - len(self._buffer)
        return max(1, 7 + _length(self._buffer) - len(self._buffer))

    def feed(self, data: bytes) -> list[Packet]:
        """All packets that `data` completes."""
        self._buffer += data
        packets = []
        while self._seek_header():
            end = 7 + _length(self._buffer)
            if self._drop_false_header(end):
                continue
            if len(self._buffer) < end:
                break
            raw = bytes(self._buffer[:end])
            if crc16(raw[:-2]) != raw[-2] | raw[-1] << 8:
                self._drop_damaged(raw)
                continue
            del self._buffer[:end]
            packets.append(_unpack(raw))
        return packets

    def finish(self) -> list[Packet]:
        """No more bytes will come: the packets behind a beginning that never became one. Forgets the rest."""
        packets = []
        while len(self._buffer) >= _SHORTEST:
            del self._buffer[:4]
            packets += self.feed(b"")
        self._buffer.clear()
        return packets

    def _drop_damaged(self, raw: bytes) -> None:
        self.crc_errors += 1
        self.damaged.append(raw[4])
        # Only the header goes: the real packet may begin inside what a broken length claimed.
        del self._buffer[:4]

    def _drop_false_header(self, end: int) -> bool:
        """Drop a beginning whose body holds a header; True when it did."""
        buffer = self._buffer
        if len(buffer) > 7 and buffer[4] == BROADCAST and buffer[7] == STATUS:
            return False
        inner = buffer.find(HEADER, 7, end - 2)
        if inner < 0:
            return False
        del buffer[:inner]
        return True

    def _seek_header(self) -> bool:
        """Bring a plausible header to the front; False when more bytes are needed to tell."""
        buffer = self._buffer
        while True:
            start = buffer.find(HEADER)
            if start < 0:
                # The last three bytes may be the beginning of a header.
                del buffer[: max(0, len(buffer) - 3)]
                return False
            del buffer[:start]
            if len(buffer) < 7:
                return False
            if buffer[4] <= BROADCAST and 3 <= _length(buffer) <= MAX_LENGTH:
                return True
            del buffer[:4]


def _length(buffer: bytearray) -> int:
    return buffer[5] | buffer[6] << 8


def _unpack(raw: bytes) -> Packet:
    body = raw[8:-2]
    # The joint answer of a fast sync read (status of the broadcast id) is never stuffed.
    if not (raw[4] == BROADCAST and raw[7] == STATUS) and _STUFFED_TO in body:
        body = body.replace(_STUFFED_TO, _STUFFED_FROM)
    return Packet(raw[4], raw[7], body)
