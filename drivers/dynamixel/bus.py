"""Transactions with servos on one line: every answer is this request's answer, or it counts as missing."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import pack
from typing import NamedTuple

from drivers.clock import Clock
from drivers.dynamixel.control_table import Register
from drivers.dynamixel.sync import SyncRead, SyncReply
from drivers.dynamixel.transport import Transport
from drivers.dynamixel.wire import (
    ALERT_BIT,
    BROADCAST,
    ERROR_CRC,
    ERROR_NAMES,
    PING,
    READ,
    REBOOT,
    STATUS,
    WRITE,
    Decoder,
    Packet,
    packet,
)
from drivers.errors import ServoRefused, ServoSilent

_LOG = logging.getLogger(__name__)
_STATUS_BYTES = 11  # around the data
_QUIET_NS = 2_000_000  # this long without a byte: nothing of a late answer is left on the line
_QUIET_TRIES = 5
_TURNS = 4  # group reads of different length, taken in turn after failures: see SyncRead
_FAST_FAILURES = 3  # in a row, then plain reads for good
_PING_SLOT_MS = 3  # a broadcast ping is answered in order of id, one slot each (dynamixel_sdk's own figure)


@dataclass
class BusStatistics:
    """Counts since the bus was made. `fast_read` False when the joint read failed too often and was given up."""

    exchanges: int = 0
    retries: int = 0
    timeouts: int = 0
    crc_errors: int = 0
    fast_read: bool = True


class Identity(NamedTuple):
    """What a ping tells."""

    model_number: int
    firmware: int


class DynamixelBus:
    """One line of servos, one owner, one thread.

    Waits for an answer, beyond the bytes' own time on the line, `reply_timeout_ms` in `exchange`, which a control loop
    waits for, and `patience_ms` elsewhere; then one retry. `names` and `baud` may be set once known: they serve the
    messages and the waiting time.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        reply_timeout_ms: float = 20.0,
        patience_ms: float = 100.0,
        names: Mapping[int, str] | None = None,
        baud: int = 1_000_000,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._timeout_ns = round(reply_timeout_ms * 1e6)
        self._patience_ns = round(patience_ms * 1e6)
        self.names = dict(names or {})
        self.baud = baud
        self.statistics = BusStatistics()
        self._answered: set[int] = set()
        self._unsettled = False
        self._fast_failures = 0
        self._turn = 0

    @property
    def port(self) -> str:
        return self._transport.name

    @property
    def reply_timeout_ms(self) -> float:
        return self._timeout_ns * 1e-6

    @property
    def patience_ms(self) -> float:
        return self._patience_ns * 1e-6

    def label(self, servo_id: int) -> str:
        """A servo as the operator knows it: "servo 3 (elbow)"."""
        name = self.names.get(servo_id)
        return f"servo {servo_id} ({name})" if name else f"servo {servo_id}"

    def ping(self, servo_id: int) -> Identity:
        """Raises `ServoSilent`."""
        data = self._transact(servo_id, packet(servo_id, PING), 3).data
        return Identity(data[0] | data[1] << 8, data[2])

    def scan(self) -> dict[int, Identity]:
        """All servos that answer a broadcast ping at this baud rate, by id. Takes 0.8 s: each id has its time slot."""
        self._send(packet(BROADCAST, PING))
        deadline_ns = self._clock.now_ns() + self._patience_ns + 253 * _PING_SLOT_MS * 1_000_000
        found = {}
        for status in Decoder().feed(self._transport.read(253 * 14, deadline_ns)):
            if status.instruction == STATUS and len(status.data) == 3:
                found[status.servo_id] = Identity(status.data[0] | status.data[1] << 8, status.data[2])
        self._answered |= found.keys()
        return dict(sorted(found.items()))

    def read(self, servo_id: int, register: Register) -> int:
        """The register's value. Raises `ServoSilent`, `ServoRefused`."""
        request = packet(servo_id, READ, pack("<HH", register.address, register.size))
        status = self._transact(servo_id, request, register.size)
        self._check(status, f"to read {register.name} (address {register.address})")
        return register.decode(status.data)

    def write(self, servo_id: int, register: Register, value: int) -> None:
        """Returns when the servo has confirmed. Raises `ServoSilent`, `ServoRefused`."""
        request = packet(servo_id, WRITE, pack("<H", register.address) + register.encode(value))
        status = self._transact(servo_id, request, 0)
        self._check(status, f"{value} for {register.name} (address {register.address})")

    def write_all(self, register: Register, value: int) -> None:
        """Write to every servo of the line at once; nobody confirms."""
        self._send(packet(BROADCAST, WRITE, pack("<H", register.address) + register.encode(value)))

    def reboot(self, servo_id: int) -> None:
        """Restart a servo: clears its hardware error, loses its RAM registers, torque is off. Raises `ServoSilent`."""
        self._check(self._transact(servo_id, packet(servo_id, REBOOT), 0), "to reboot")

    def send(self, request: bytes) -> None:
        """Send what has no answer, such as `SyncWrite.packet`."""
        self._send(request)

    def exchange(self, block: SyncRead, write: bytes = b"") -> SyncReply:
        """Send `write` (a Sync Write, or nothing) and a group read together; what each servo answered.

        One write call for both: through USB that is one trip instead of two. Servos that did not answer are asked once
        more; whoever is silent then has `fresh` False. Never raises for a servo, only for the port.
        """
        self.statistics.exchanges += 1
        fast = self.statistics.fast_read
        asked = block.longer(self._turn)
        if fast:
            reply = self._read_fast(asked, write)
        else:
            reply = asked.nothing()
            self._send(write + asked.request(asked.ids))
            self._collect(asked, asked.ids, reply)
        if reply.fresh.all():
            self._fast_failures = 0
            return reply
        self.statistics.retries += 1
        missing = [servo_id for servo_id, fresh in zip(block.ids, reply.fresh, strict=True) if not fresh]
        asked = block.longer(self._turn)
        self._send(asked.request(missing))
        self._collect(asked, missing, reply)
        if fast and reply.fresh.all():
            self._count_fast_failure()
        return reply

    def close(self) -> None:
        self._transport.close()

    def _read_fast(self, block: SyncRead, write: bytes) -> SyncReply:
        self._send(write + block.fast_request)
        deadline_ns = self._deadline_ns(block.fast_length, self._timeout_ns)
        raw = b""
        missing = block.fast_length
        while missing > 0:
            received = self._transport.read(missing, deadline_ns)
            raw += received
            start = raw.find(block.fast_head)
            # Without a whole head in sight, its beginning may still be among the last bytes.
            raw = raw[start:] if start >= 0 else raw[1 - len(block.fast_head) :]
            if len(received) < missing:
                break
            missing = block.fast_length - len(raw)
        reply = block.parse_fast(raw)
        if not reply.fresh.all():
            self._count_failure(damaged=len(raw) == block.fast_length)
            self._turn = (self._turn + 1) % _TURNS
        return reply

    def _collect(self, block: SyncRead, ids: Sequence[int], reply: SyncReply) -> None:
        decoder = Decoder()
        length = _STATUS_BYTES + block.data_length
        left = len(ids)
        deadline_ns = self._deadline_ns(left * length, self._timeout_ns)
        while left:
            # Stuffing lengthens a status, so the count is a minimum; the decoder then tells what is lacking.
            wanted = max((left - 1) * length + decoder.wanted if decoder.pending else left * length, 1)
            received = self._transport.read(wanted, deadline_ns)
            for status in decoder.feed(received):
                if status.instruction == STATUS and block.put(reply, status.servo_id, status.error, status.data):
                    left -= 1
            if len(received) < wanted:
                break
        if left:
            self._count_failure(decoder.crc_errors > 0)
            self._turn = (self._turn + 1) % _TURNS

    def _transact(self, servo_id: int, request: bytes, data_length: int) -> Packet:
        for attempt in (0, 1):
            self.statistics.retries += attempt
            self._send(request)
            status = self._await(servo_id, data_length)
            if status is not None and status.error & ~ALERT_BIT != ERROR_CRC:
                self._answered.add(servo_id)
                return status
        raise ServoSilent(
            f"{self.label(servo_id)} on {self.port} did not answer within {self.patience_ms:g} ms, twice. "
            f"Servos that did answer: {self._who_answered()}. Check its cable and power, its id and its baud rate."
        )

    def _await(self, servo_id: int, data_length: int) -> Packet | None:
        decoder = Decoder()
        wanted = _STATUS_BYTES + data_length
        deadline_ns = self._deadline_ns(wanted, self._patience_ns)
        while True:
            received = self._transport.read(wanted, deadline_ns)
            for status in decoder.feed(received):
                if status.instruction == STATUS and status.servo_id == servo_id and _fits(status, data_length):
                    return status
            if len(received) < wanted:
                self._count_failure(decoder.crc_errors > 0)
                return None
            wanted = decoder.wanted

    def _send(self, request: bytes) -> None:
        # What is still in the buffer answers an older request; taken for the new answer it would be one tick late for
        # ever. After a failure the old answer may even still be on its way.
        if self._unsettled:
            self._unsettled = False
            for _ in range(_QUIET_TRIES):
                if not self._transport.read(256, self._clock.now_ns() + _QUIET_NS):
                    break
        self._transport.flush_input()
        self._transport.write(request)

    def _count_failure(self, damaged: bool) -> None:
        self._unsettled = True
        if damaged:
            self.statistics.crc_errors += 1
        else:
            self.statistics.timeouts += 1

    def _count_fast_failure(self) -> None:
        # The plain read of the same servos succeeded: they are well, only the joint answer is not.
        self._fast_failures += 1
        if self._fast_failures >= _FAST_FAILURES:
            self.statistics.fast_read = False
            _LOG.warning(
                "%s: Fast Sync Read failed %d times in a row; plain reads from now on", self.port, _FAST_FAILURES
            )

    def _check(self, status: Packet, what: str) -> None:
        code = status.error & ~ALERT_BIT
        if code:
            why = ERROR_NAMES.get(code, f"error {code}")
            raise ServoRefused(
                f"{self.label(status.servo_id)} on {self.port} refused {what}: {why}. "
                "Check the arm's model and the servo's operating mode and limits."
            )

    def _deadline_ns(self, reply_bytes: int, patience_ns: int) -> int:
        return self._clock.now_ns() + patience_ns + reply_bytes * 10_000_000_000 // self.baud

    def _who_answered(self) -> str:
        return ", ".join(self.label(servo_id) for servo_id in sorted(self._answered)) or "none"


def _fits(status: Packet, data_length: int) -> bool:
    # A refusal comes without data.
    return len(status.data) == data_length or status.error & ~ALERT_BIT != 0
