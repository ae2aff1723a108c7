"""Transactions with servos on one line: every answer is this request's answer, or it counts as missing."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from struct import pack

from drivers.clock import Clock
from drivers.dynamixel.bus_statistics import BusStatistics, Identity, ServoCounters
from drivers.dynamixel.control_table import Register
from drivers.dynamixel.reply_lengths import ReplyLengths
from drivers.dynamixel.reply_margin import ReplyMargin
from drivers.dynamixel.sync import Outcome, SyncRead, SyncReply
from drivers.dynamixel.transport import Transport
from drivers.dynamixel.wire import (
    ALERT_BIT,
    BROADCAST,
    ERROR_CRC,
    ERROR_NAMES,
    HEADER,
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
_HURRIED_QUIET_NS = 1_000_000
_HURRIED_TRIES = 3
_DRAIN = 1024
_JOINT_ANSWER = HEADER + bytes((BROADCAST,))
_FAST_FAILURES = 3  # in a row, then plain reads for good
_PING_SLOT_MS = 3  # a broadcast ping is answered in order of id, one slot each (dynamixel_sdk's own figure)


class DynamixelBus:
    """One line of servos, one owner, one thread.

    Set-up waits up to `patience_ms` for an answer, beyond the bytes' own time on the line. What a control loop waits
    for (`exchange`, `ask`, all calls inside `hurried`) waits as long as this line has lately needed, at most
    `reply_timeout_ms`. Then one retry, except in `ask`. `names` and `baud` may be set once known: they serve the
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
        self._margin = ReplyMargin(round(reply_timeout_ms * 1e6))
        self._patience_ns = round(patience_ms * 1e6)
        self._hurried = False
        self.names = dict(names or {})
        self.baud = baud
        self.statistics = BusStatistics()
        self.servos: defaultdict[int, ServoCounters] = defaultdict(ServoCounters)
        self._answered: set[int] = set()
        self._unsettled = False
        self._fast_failures = 0
        self._fast_lengths, self._plain_lengths = ReplyLengths(clock), ReplyLengths(clock)
        self._late = 0

    @property
    def port(self) -> str:
        return self._transport.name

    @property
    def reply_timeout_ms(self) -> float:
        """How long a control loop waits for an answer now, beyond its bytes' own time."""
        return self._margin.ns * 1e-6

    @property
    def patience_ms(self) -> float:
        return (self._margin.ns if self._hurried else self._patience_ns) * 1e-6

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Inside, no call waits longer for a servo than a control loop may."""
        before, self._hurried = self._hurried, True
        try:
            yield
        finally:
            self._hurried = before

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
        self._send(packet(BROADCAST, PING), patient=True)
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

    def ask(self, servo_id: int, address: int, size: int) -> Packet | None:
        """The status of one short read, or None: no retry, and no longer wait than a control loop may have."""
        status = self.attempt(servo_id, packet(servo_id, READ, pack("<HH", address, size)), size)
        if status is None or status.error & ~ALERT_BIT:
            self.servos[servo_id].missed += 1
            return None
        return status

    def tell(self, servo_id: int, register: Register, value: int) -> bool:
        """Write once, as `ask` reads once; whether the servo has confirmed. An alert does not matter."""
        request = packet(servo_id, WRITE, pack("<H", register.address) + register.encode(value))
        status = self.attempt(servo_id, request, 0)
        return status is not None and not status.error & ~ALERT_BIT

    def attempt(self, servo_id: int, request: bytes, data_length: int) -> Packet | None:
        """The servo's status with `data_length` bytes, or a refusal; None when it took longer than a loop may wait."""
        with self.hurried():
            self._send(request)
            return self._await(servo_id, data_length, len(request))

    def send(self, request: bytes) -> None:
        """Send what has no answer, such as `SyncWrite.packet`."""
        self._send(request)

    def exchange(self, block: SyncRead, write: bytes = b"") -> SyncReply:
        """Send `write` (a Sync Write, or nothing) and a group read together; what each servo answered.

        One write call for both: through USB that is one trip instead of two. Servos that did not answer are asked once
        more; `outcome` tells of whom then still nothing good has come. Never raises for a servo, only for the port.
        """
        self.statistics.exchanges += 1
        if self.statistics.fast_read and not self._fast_lengths.doubtful:
            reply = self._read_fast(block.longer(self._fast_lengths.extra), write)
            if reply.clean:
                self._fast_failures = 0
                return reply
        else:
            reply = block.nothing()
            self._read_plain(block, block.ids, reply, write)
        if reply.outcome.any():
            self._ask_again(block, reply)
        elif self.statistics.fast_read:
            self._fast_failures = 0
        return reply

    def move_to(self, transport: Transport) -> None:
        """Go on at another end of the line, after `PortLost`; the old one is closed."""
        self._transport.close()
        self._transport, self._unsettled = transport, True

    def close(self) -> None:
        self._transport.close()

    def _ask_again(self, block: SyncRead, reply: SyncReply) -> None:
        self.statistics.retries += 1
        late = self._late
        self._count_damaged(block, reply)
        damaged = bool((reply.outcome == Outcome.CRC).any())
        missing = [servo_id for servo_id, outcome in zip(block.ids, reply.outcome, strict=True) if outcome]
        reply.outcome[reply.outcome != Outcome.OK] = Outcome.MISSING
        self._read_plain(block, missing, reply)
        self._unsettled = True  # the first answer may come yet
        if not reply.outcome.any():
            # A damaged or late joint answer says nothing against joint answers.
            if self.statistics.fast_read and not damaged and self._late == late:
                self._count_fast_failure()
            return
        self._count_damaged(block, reply)
        for servo_id, outcome in zip(block.ids, reply.outcome, strict=True):
            if outcome:
                self.servos[servo_id].missed += 1

    def _count_damaged(self, block: SyncRead, reply: SyncReply) -> None:
        for row in (reply.outcome == Outcome.CRC).nonzero()[0]:
            self.servos[block.ids[row]].crc_errors += 1

    def _read_fast(self, block: SyncRead, write: bytes) -> SyncReply:
        request = write + block.fast_request
        self._send(request)
        margin_ns = self._margin.ns
        deadline_ns = self._deadline_ns(len(request) + block.fast_length, margin_ns)
        heard = raw = b""
        missing = block.fast_length
        while missing > 0:
            received = self._transport.read(missing, deadline_ns)
            heard += received
            raw += received
            start = raw.find(block.fast_head)
            # Without a whole head in sight, its beginning may still be among the last bytes.
            raw = raw[start:] if start >= 0 else raw[1 - len(block.fast_head) :]
            if len(received) < missing:
                break
            missing = block.fast_length - len(raw)
        reply = block.parse_fast(raw)
        if reply.clean or not reply.outcome.any():
            self._margin.saw(self._clock.now_ns() - deadline_ns + margin_ns)
        else:
            if _JOINT_ANSWER in heard and not raw.startswith(block.fast_head):
                self._note_late()  # of another length: it answers an older request
            self._fast_lengths.give_up(block.ids)
            self._count_failure(damaged=len(raw) == block.fast_length)
        return reply

    def _read_plain(self, block: SyncRead, ids: Sequence[int], reply: SyncReply, write: bytes = b"") -> None:
        """A status from each of `ids` into `reply`; rows of others stay as they are.

        Does not ask those from which an old answer of the same length may come.
        """
        doubtful = self._plain_lengths.doubtful
        block, ids = block.longer(self._plain_lengths.extra), [one for one in ids if one not in doubtful]
        if not ids:
            if write:
                self._send(write)
            return
        request = write + block.request(ids)
        self._send(request)
        decoder = Decoder()
        length = _STATUS_BYTES + block.data_length
        open_ids = set(ids)
        margin_ns = self._margin.ns
        deadline_ns = self._deadline_ns(len(request) + len(ids) * length, margin_ns)
        while open_ids:
            # Stuffing lengthens a status, so the count is a minimum; the decoder then tells what is lacking.
            left = len(open_ids)
            wanted = max((left - 1) * length + decoder.wanted if decoder.pending else left * length, 1)
            received = self._transport.read(wanted, deadline_ns)
            over = len(received) < wanted
            for status in decoder.feed(received) + (decoder.finish() if over else []):
                self._enter(block, reply, open_ids, status)
            if over:
                break
        if not open_ids:
            self._margin.saw(self._clock.now_ns() - deadline_ns + margin_ns)
            return
        for servo_id in decoder.damaged:
            block.put_damaged(reply, servo_id)
        self._plain_lengths.give_up(open_ids)
        self._count_failure(decoder.crc_errors > 0)

    def _enter(self, block: SyncRead, reply: SyncReply, open_ids: set[int], status: Packet) -> None:
        servo_id = status.servo_id
        if status.instruction != STATUS or not (servo_id == BROADCAST or servo_id in block.ids):
            return
        if servo_id in open_ids and block.put(reply, servo_id, status.error, status.data):
            open_ids.discard(servo_id)
        elif servo_id == BROADCAST or len(status.data) != block.data_length:
            # The answer to a request that was given up.
            self._note_late()
        elif block.contradicts(reply, servo_id, status.data):
            open_ids.add(servo_id)

    def _transact(self, servo_id: int, request: bytes, data_length: int) -> Packet:
        for attempt in (0, 1):
            self.statistics.retries += attempt
            self._send(request, patient=not self._hurried)
            status = self._await(servo_id, data_length, len(request))
            if status is not None and status.error & ~ALERT_BIT != ERROR_CRC:
                self._answered.add(servo_id)
                return status
        self.servos[servo_id].missed += 1
        raise ServoSilent(
            f"{self.label(servo_id)} on {self.port} did not answer within {self.patience_ms:g} ms, twice. "
            f"Servos that did answer: {self._who_answered()}. Check its cable and power, its id and its baud rate."
        )

    def _await(self, servo_id: int, data_length: int, request_length: int) -> Packet | None:
        decoder = Decoder()
        wanted = _STATUS_BYTES + data_length
        patience_ns = self._margin.ns if self._hurried else self._patience_ns
        deadline_ns = self._deadline_ns(request_length + wanted, patience_ns)
        while True:
            received = self._transport.read(wanted, deadline_ns)
            over = len(received) < wanted
            for status in decoder.feed(received) + (decoder.finish() if over else []):
                if status.instruction == STATUS and status.servo_id == servo_id and _fits(status, data_length):
                    return status
            if over:
                self.servos[servo_id].crc_errors += decoder.damaged.count(servo_id)
                self._count_failure(decoder.crc_errors > 0)
                return None
            wanted = decoder.wanted

    def _send(self, request: bytes, patient: bool = False) -> None:
        # What is still in the buffer answers an older request; taken for the new answer it would be one tick late for
        # ever.
        if self._unsettled:
            self._unsettled = False
            self._settle(patient)
        self._transport.flush_input()
        self._transport.write(request)

    def _settle(self, patient: bool) -> None:
        """After a failure the old answer may still be on its way: wait for quiet, but let no control loop wait for it.

        A hurried call only looks: a group read tells late answers by their length. What has come was late, though.
        """
        if patient:
            quiet_ns, tries, wait_ns = _QUIET_NS, _QUIET_TRIES, _QUIET_NS
        else:
            quiet_ns, tries, wait_ns = _HURRIED_QUIET_NS, _HURRIED_TRIES, 0
        for _ in range(tries):
            if not self._transport.read(_DRAIN, self._clock.now_ns() + wait_ns):
                return
            self._note_late()
            wait_ns = quiet_ns

    def _note_late(self) -> None:
        self._late += 1
        self._margin.too_short()
        # What came late says nothing against joint answers.
        self._fast_failures = 0

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

    def _deadline_ns(self, line_bytes: int, wait_ns: int) -> int:
        return self._clock.now_ns() + wait_ns + line_bytes * 10_000_000_000 // self.baud

    def _who_answered(self) -> str:
        return ", ".join(self.label(servo_id) for servo_id in sorted(self._answered)) or "none"


def _fits(status: Packet, data_length: int) -> bool:
    # A refusal comes without data.
    return len(status.data) == data_length or status.error & ~ALERT_BIT != 0
