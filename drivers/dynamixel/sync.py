"""Prebuilt group requests: one block of registers of many servos, read or written with one packet."""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivers.dynamixel.control_table import Register
from drivers.dynamixel.wire import (
    ALERT_BIT,
    BROADCAST,
    FAST_SYNC_READ,
    HEADER,
    STATUS,
    SYNC_READ,
    SYNC_WRITE,
    crc16,
    packet,
)

_FAST_HEAD = 8  # header, id, length, instruction


@dataclass(frozen=True)
class SyncReply:
    """What N servos answered, in the order of the request.

    `values` (N,) structured, one field per register. `error` (N,) each status' error byte. `fresh` (N,) False where
    no valid answer came; values and error of that row mean nothing then.
    """

    values: NDArray[Any]
    error: NDArray[np.uint8]
    fresh: NDArray[np.bool_]


class SyncRead:
    """Reads the contiguous registers `fields` (little-endian dtype, packed) from `address` on, at servos `ids`.

    Fast Sync Read is answered by one joint packet, in which each servo's checksum covers all bytes before it:

        FF FF FD 00 FE LEN_L LEN_H 55  then per servo  ERROR ID DATA CRC_L CRC_H        LEN = 1 + N (4 + data)

    `extra` bytes behind the fields are read and thrown away. The protocol has no sequence numbers, so an answer that
    comes late looks like the answer to the next request; another length tells them apart.
    """

    def __init__(self, ids: Sequence[int], address: int, fields: np.dtype[Any], extra: int = 0) -> None:
        self.ids = tuple(ids)
        self.data_length = fields.itemsize + extra
        self._address, self._fields, self._extra = address, fields, extra
        self._longer: dict[int, SyncRead] = {extra: self}
        self._block = pack("<HH", address, self.data_length)
        self._row_of = {servo_id: row for row, servo_id in enumerate(ids)}
        slot = np.dtype([("error", "u1"), ("id", "u1"), ("values", fields), ("extra", f"V{extra}"), ("crc", "<u2")])
        self._slot = slot
        self._wire_ids = np.array(ids, np.uint8)
        self._all_fresh = np.ones(len(ids), np.bool_)
        self.fast_request = packet(BROADCAST, FAST_SYNC_READ, self._block + bytes(ids))
        self.fast_length = _FAST_HEAD + len(ids) * slot.itemsize
        self.fast_head = HEADER + pack("<BHB", BROADCAST, self.fast_length - 7, STATUS)

    def longer(self, extra: int) -> "SyncRead":
        """The same read with `extra` bytes more."""
        if extra not in self._longer:
            self._longer[extra] = SyncRead(self.ids, self._address, self._fields, extra)
        return self._longer[extra]

    def request(self, ids: Sequence[int]) -> bytes:
        """A plain Sync Read of some of the servos: one status each."""
        return packet(BROADCAST, SYNC_READ, self._block + bytes(ids))

    def nothing(self) -> SyncReply:
        """A reply without any answer yet; `put` fills it."""
        count = len(self.ids)
        return SyncReply(np.zeros(count, self._fields), np.zeros(count, np.uint8), np.zeros(count, np.bool_))

    def put(self, reply: SyncReply, servo_id: int, error: int, data: bytes) -> bool:
        """Enter one servo's status; False when it is none of ours, an error, or has the wrong length."""
        row = self._row_of.get(servo_id)
        if row is None or error & ~ALERT_BIT or len(data) != self.data_length:
            return False
        reply.values[row] = np.frombuffer(data, self._fields, 1)[0]
        reply.error[row] = error
        reply.fresh[row] = True
        return True

    def parse_fast(self, raw: bytes) -> SyncReply:
        """The joint answer, from `fast_head` on; one cut short or damaged yields the servos before the damage."""
        if len(raw) == self.fast_length and crc16(raw[:-2]) == raw[-2] | raw[-1] << 8:
            slots = np.frombuffer(raw, self._slot, len(self.ids), _FAST_HEAD)
            if np.array_equal(slots["id"], self._wire_ids) and not (slots["error"] & ~np.uint8(ALERT_BIT)).any():
                return SyncReply(slots["values"], slots["error"], self._all_fresh)
        reply = self.nothing()
        if not raw.startswith(self.fast_head):
            return reply
        start, crc = _FAST_HEAD, crc16(raw[:_FAST_HEAD])
        while len(raw) >= (end := start + self._slot.itemsize):
            crc = crc16(raw[start : end - 2], crc)
            if crc != raw[end - 2] | raw[end - 1] << 8:
                break
            self.put(reply, raw[start + 1], raw[start], raw[start + 2 : end - 2])
            start, crc = end, crc16(raw[end - 2 : end], crc)
        return reply


class SyncWrite:
    """Writes one register at servos `ids`. There is no answer to a Sync Write."""

    def __init__(self, ids: Sequence[int], register: Register) -> None:
        kind = f"<{'i' if register.signed else 'u'}{register.size}"
        self._head = pack("<HH", register.address, register.size)
        self._rows = np.zeros(len(ids), np.dtype([("id", "u1"), ("value", kind)]))
        self._rows["id"] = ids

    def packet(self, values: ArrayLike) -> bytes:
        """`values` (N,) integers in the order of `ids`."""
        self._rows["value"] = values
        return packet(BROADCAST, SYNC_WRITE, self._head + self._rows.tobytes())
