"""Prebuilt group requests: one block of registers of many servos, read or written with one packet."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
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


class Outcome(IntEnum):
    """What became of one servo's answer: good, never came, came damaged, or said that it can not."""

    OK = 0
    MISSING = 1
    CRC = 2
    REFUSED = 3


@dataclass(slots=True)
class SyncReply:
    """What N servos answered, in the order of the request.

    `values` (N,) structured, one field per register. `error` (N,) each status' error byte; bit 7 is the alert.
    `outcome` (N,) an `Outcome`; values and error of a row that is not OK mean nothing. `clean`: every row is OK and
    none has an error bit, so there is nothing more to look at.
    """

    values: NDArray[Any]
    error: NDArray[np.uint8]
    outcome: NDArray[np.uint8]
    clean: bool = False

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """(N,) True where a valid answer came."""
        fresh: NDArray[np.bool_] = self.outcome == Outcome.OK
        return fresh


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
        self._wire_ids, self._no_errors = bytes(ids), bytes(len(ids))
        self._all_ok = np.full(len(ids), Outcome.OK, np.uint8)
        self._all_ok.setflags(write=False)
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
        missing = np.full(count, Outcome.MISSING, np.uint8)
        return SyncReply(np.zeros(count, self._fields), np.zeros(count, np.uint8), missing)

    def put(self, reply: SyncReply, servo_id: int, error: int, data: bytes) -> bool:
        """Enter one servo's status. False when it answers nothing of this read: a stranger's, or of another length."""
        row = self._row_of.get(servo_id)
        if row is None:
            return False
        if error & ~ALERT_BIT:
            if reply.outcome[row] != Outcome.OK:
                reply.outcome[row] = Outcome.REFUSED
            return True
        if len(data) != self.data_length:
            return False
        reply.values[row] = np.frombuffer(data, self._fields, 1)[0]
        reply.error[row] = error
        reply.outcome[row] = Outcome.OK
        return True

    def contradicts(self, reply: SyncReply, servo_id: int, data: bytes) -> bool:
        """Whether this second status of a servo says other things than the first; then neither counts any longer.

        One of the two came from another servo that mistook its id.
        """
        row = self._row_of[servo_id]
        if reply.outcome[row] != Outcome.OK or len(data) != self.data_length:
            return False
        if reply.values[row] == np.frombuffer(data, self._fields, 1)[0]:
            return False
        reply.outcome[row] = Outcome.MISSING
        return True

    def put_damaged(self, reply: SyncReply, servo_id: int) -> None:
        """Enter that a status with a wrong checksum came from this servo, by what it said."""
        row = self._row_of.get(servo_id)
        if row is not None and reply.outcome[row] == Outcome.MISSING:
            reply.outcome[row] = Outcome.CRC

    def parse_fast(self, raw: bytes) -> SyncReply:
        """The joint answer, from `fast_head` on; one cut short or damaged yields the servos before the damage."""
        if len(raw) == self.fast_length and crc16(raw[:-2]) == raw[-2] | raw[-1] << 8:
            slots = np.frombuffer(raw, self._slot, len(self.ids), _FAST_HEAD)
            error = slots["error"]
            if slots["id"].tobytes() == self._wire_ids:
                if error.tobytes() == self._no_errors:
                    return SyncReply(slots["values"], error, self._all_ok, clean=True)
                if not (error & ~np.uint8(ALERT_BIT)).any():
                    return SyncReply(slots["values"], error, self._all_ok)
        return self._parse_pieces(raw)

    def _parse_pieces(self, raw: bytes) -> SyncReply:
        reply = self.nothing()
        if not raw.startswith(self.fast_head):
            return reply
        start, crc = _FAST_HEAD, crc16(raw[:_FAST_HEAD])
        for row, servo_id in enumerate(self.ids):
            end = start + self._slot.itemsize
            if len(raw) < end:
                break
            crc = crc16(raw[start : end - 2], crc)
            if crc != raw[end - 2] | raw[end - 1] << 8:
                # Every later checksum covers this part too, so nothing behind it can be trusted.
                reply.outcome[row] = Outcome.CRC
                break
            # They answer in the order of the request; a part under another id is nobody's.
            if raw[start + 1] == servo_id:
                self.put(reply, servo_id, raw[start], raw[start + 2 : end - 2])
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
