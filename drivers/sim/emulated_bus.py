"""Emulated servos on one half-duplex line: instruction bytes in, status bytes out, at the time they would come."""

import errno
import heapq
from collections.abc import Callable, Mapping, Sequence
from struct import pack, unpack_from

from drivers.clock import Clock
from drivers.dynamixel.wire import (
    ACTION,
    ALERT_BIT,
    BROADCAST,
    BULK_READ,
    BULK_WRITE,
    ERROR_CRC,
    ERROR_INSTRUCTION,
    ERROR_LENGTH,
    FACTORY_RESET,
    FAST_SYNC_READ,
    HEADER,
    PING,
    READ,
    REBOOT,
    REG_WRITE,
    STATUS,
    SYNC_READ,
    SYNC_WRITE,
    WRITE,
    Decoder,
    Packet,
    crc16,
    status,
)
from drivers.sim.faults import Fault, FaultScript
from drivers.sim.hand import Hand
from drivers.sim.servo import EmulatedServo

_REPLY_GAP_NS = 20_000  # between the end of a packet and the next one, beyond the return delay
_PING_LEVEL, _READ_LEVEL, _ALL_LEVEL = 0, 1, 2


class EmulatedBus:
    """All servos of one line. `baud` is the host's rate: a servo set to another one hears nothing.

    `wire_time` True: an instruction and its replies take their bytes' time and the servos' return delay; else
    everything is answered at once. Fault injection: `faults`. `joints` names the joint of each servo, `hands` are those
    that move them: only an emulated arm has them.
    """

    def __init__(
        self,
        servos: Sequence[EmulatedServo],
        clock: Clock,
        wire_time: bool = False,
        baud: int = 1_000_000,
        joints: Sequence[str] = (),
        hands: Mapping[str, Hand] | None = None,
    ) -> None:
        self.servos = tuple(servos)
        self._joints = tuple(joints)
        self._hands = dict(hands or {})
        self._unplugged: set[int] = set()
        self.faults = FaultScript()
        self.baud = baud
        self._clock = clock
        self._wire_time = wire_time
        self._decoder = Decoder()
        self._replies: list[tuple[int, int, bytes]] = []
        self._sent = 0
        self._heard: dict[int, list[EmulatedServo]] = {}
        self._free_ns = 0  # when the line falls silent
        self._answers: dict[int, Callable[[Packet], None]] = {
            PING: self._ping,
            READ: self._read,
            WRITE: self._write,
            REG_WRITE: self._reg_write,
            ACTION: self._action,
            REBOOT: self._reboot,
            FACTORY_RESET: self._refuse,
            SYNC_READ: self._sync_read,
            SYNC_WRITE: self._sync_write,
            FAST_SYNC_READ: self._fast_sync_read,
            BULK_READ: self._bulk_read,
            BULK_WRITE: self._bulk_write,
        }

    def servo(self, servo_id: int) -> EmulatedServo:
        """Raises `KeyError` when no servo has this id."""
        for servo in self.servos:
            if servo.servo_id == servo_id:
                return servo
        raise KeyError(f"no servo {servo_id} on this line; there are {[servo.servo_id for servo in self.servos]}")

    def hand(self, joint: str) -> Hand:
        """The hand at a joint. Raises `KeyError` for a joint that this line does not have."""
        if joint not in self._hands:
            raise KeyError(f"no joint {joint!r} on this line; there are {list(self._hands)}")
        return self._hands[joint]

    def plug_only(self, *joints: str) -> None:
        """Only the servos of these joints hang on the line from now on; without any joint: all of them."""
        for joint in joints:
            self.hand(joint)
        self._unplugged = {place for place, joint in enumerate(self._joints) if joints and joint not in joints}

    def receive(self, data: bytes) -> None:
        """Bytes from the host. Raises `OSError` when the line is unplugged."""
        self._check_plug()
        now_ns = self._clock.now_ns()
        self.watch(now_ns)
        self._free_ns = max(self._free_ns, now_ns)
        for instruction in self._decoder.feed(data):
            if instruction.instruction == STATUS:
                continue
            if self._wire_time:
                self._free_ns += self._duration_ns(10 + len(instruction.params))
            for servo in self.servos:
                servo.feed_watchdog(now_ns)
            self._heard = self._listen()
            self._answers.get(instruction.instruction, self._refuse)(instruction)

    def due_ns(self) -> int | None:
        """When the next reply is due; None when none is on its way."""
        return self._replies[0][0] if self._replies else None

    def take_replies(self, now_ns: int) -> bytes:
        """The replies due by `now_ns`. Raises `OSError` when the line is unplugged."""
        self._check_plug()
        replies = self._replies
        if replies and len(replies) == 1 and replies[0][0] <= now_ns:
            return replies.pop()[2]
        taken = []
        while replies and replies[0][0] <= now_ns:
            taken.append(heapq.heappop(replies)[2])
        return b"".join(taken)

    def watch(self, now_ns: int) -> None:
        """Let time pass for the servos' bus watchdogs."""
        for servo in self.servos:
            servo.watch(now_ns)

    def _check_plug(self) -> None:
        if self.faults.unplugged:
            raise OSError(errno.EIO, "unplugged")

    def _duration_ns(self, byte_count: int) -> int:
        return byte_count * 10_000_000_000 // self.baud

    def _listen(self) -> dict[int, list[EmulatedServo]]:
        """Who hears an instruction now: in order of id, duplicates side by side."""
        heard: dict[int, list[EmulatedServo]] = {}
        for place, servo in enumerate(self.servos):
            servo_id = servo.servo_id
            if servo.baud == self.baud and servo_id not in self.faults.silent and place not in self._unplugged:
                heard.setdefault(servo_id, []).append(servo)
        return heard

    def _listening(self, servo_id: int) -> list[EmulatedServo]:
        """Whom an instruction to `servo_id` concerns; for the broadcast id all, in order of id."""
        if servo_id == BROADCAST:
            return [servo for key in sorted(self._heard) for servo in self._heard[key]]
        return self._heard.get(servo_id, [])

    def _answer(self, servo: EmulatedServo, level: int, error: int, data: bytes = b"") -> None:
        if servo.status_return_level < level:
            return
        fault = self.faults.next_for(servo.servo_id)
        if fault is not None and fault.misheard:
            error, data = ERROR_CRC, b""
        raw = status(servo.servo_id, error | (ALERT_BIT if servo.alert else 0), data)
        self._transmit(raw, servo.return_delay_ns, fault)

    def _transmit(self, raw: bytes, return_delay_ns: int, fault: Fault | None) -> None:
        late_ns = 0
        if fault is not None:
            if fault.drop:
                return
            if fault.corrupt:
                raw = _with_wrong_bit(raw, len(raw) - 3)
            raw = fault.noise + (raw + raw if fault.repeat else raw)
            late_ns = fault.delay_ns
        if self._wire_time:
            self._free_ns += return_delay_ns + _REPLY_GAP_NS + self._duration_ns(len(raw))
        self._sent += 1
        heapq.heappush(self._replies, (self._free_ns + late_ns, self._sent, raw))

    def _ping(self, instruction: Packet) -> None:
        for servo in self._listening(instruction.servo_id):
            self._answer(servo, _PING_LEVEL, 0, pack("<HB", servo.peek("model_number"), servo.peek("firmware_version")))

    def _read(self, instruction: Packet) -> None:
        if instruction.servo_id == BROADCAST:
            return
        for servo in self._listening(instruction.servo_id):
            if len(instruction.params) == 4:
                self._answer(servo, _READ_LEVEL, *servo.read(*unpack_from("<HH", instruction.params)))
            else:
                self._answer(servo, _READ_LEVEL, ERROR_LENGTH)

    def _write(self, instruction: Packet) -> None:
        self._carry_out(instruction, EmulatedServo.write)

    def _reg_write(self, instruction: Packet) -> None:
        self._carry_out(instruction, EmulatedServo.stage)

    def _carry_out(self, instruction: Packet, write: Callable[[EmulatedServo, int, bytes], int]) -> None:
        for servo in self._listening(instruction.servo_id):
            error = ERROR_LENGTH
            if len(instruction.params) > 2:
                (address,) = unpack_from("<H", instruction.params)
                error = write(servo, address, instruction.params[2:])
            self._confirm(servo, instruction, error)

    def _action(self, instruction: Packet) -> None:
        for servo in self._listening(instruction.servo_id):
            self._confirm(servo, instruction, servo.act())

    def _reboot(self, instruction: Packet) -> None:
        for servo in self._listening(instruction.servo_id):
            self._confirm(servo, instruction, 0)
            servo.reboot()

    def _refuse(self, instruction: Packet) -> None:
        for servo in self._listening(instruction.servo_id):
            self._confirm(servo, instruction, ERROR_INSTRUCTION)

    def _confirm(self, servo: EmulatedServo, instruction: Packet, error: int) -> None:
        if instruction.servo_id != BROADCAST:
            self._answer(servo, _ALL_LEVEL, error)

    def _sync_read(self, instruction: Packet) -> None:
        if len(instruction.params) < 4:
            return
        address, length = unpack_from("<HH", instruction.params)
        for servo_id in instruction.params[4:]:
            for servo in self._listening(servo_id):
                self._answer(servo, _READ_LEVEL, *servo.read(address, length))

    def _bulk_read(self, instruction: Packet) -> None:
        for start in range(0, len(instruction.params) - 4, 5):
            servo_id, address, length = unpack_from("<BHH", instruction.params, start)
            for servo in self._listening(servo_id):
                self._answer(servo, _READ_LEVEL, *servo.read(address, length))

    def _sync_write(self, instruction: Packet) -> None:
        params = instruction.params
        if len(params) < 4:
            return
        address, length = unpack_from("<HH", params)
        for start in range(4, len(params) - length, length + 1):
            for servo in self._listening(params[start]):
                servo.write(address, params[start + 1 : start + 1 + length])

    def _bulk_write(self, instruction: Packet) -> None:
        params, start = instruction.params, 0
        while start + 5 <= len(params):
            servo_id, address, length = unpack_from("<BHH", params, start)
            for servo in self._listening(servo_id):
                servo.write(address, params[start + 5 : start + 5 + length])
            start += 5 + length

    def _fast_sync_read(self, instruction: Packet) -> None:
        if self.faults.no_fast_read or len(instruction.params) < 4:
            return
        ids = instruction.params[4:]
        address, length = unpack_from("<HH", instruction.params)
        raw = HEADER + pack("<BHB", BROADCAST, 1 + len(ids) * (4 + length), STATUS)
        crc, delay_ns, late_ns, noise, damage = crc16(raw), 0, 0, b"", -1
        for position, servo_id in enumerate(ids):
            found = self._listening(servo_id)
            fault = self.faults.next_for(servo_id)
            # Each servo waits for the one before it: a missing one ends the joint answer.
            if not found or not found[0].knows_fast_read or (fault and fault.drop):
                break
            servo = found[0]
            error, data = servo.read(address, length)
            part = bytes((error | (ALERT_BIT if servo.alert else 0), servo_id)) + data.ljust(length, b"\0")
            crc = crc16(part, crc)
            checksum = pack("<H", crc)
            crc = crc16(checksum, crc)
            raw += part + checksum
            if position == 0:
                delay_ns = servo.return_delay_ns
            if fault:
                late_ns, noise = late_ns + fault.delay_ns, noise + fault.noise
                damage = len(raw) - 3 if fault.corrupt else damage
        if len(raw) > 8:
            raw = _with_wrong_bit(raw, damage) if damage >= 0 else raw
            self._transmit(raw, delay_ns, Fault(delay_ns=late_ns, noise=noise))


def _with_wrong_bit(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes((raw[at] ^ 0x10,)) + raw[at + 1 :]
