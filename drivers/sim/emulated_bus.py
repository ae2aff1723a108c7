"""Emulated servos on one half-duplex line: instruction bytes in, status bytes out, at the time they would come."""

import errno
import heapq
from collections.abc import Callable, Mapping, Sequence
from struct import pack, unpack_from

from drivers.clock import Clock
from drivers.dynamixel.wire import (
    ACTION,
    BROADCAST,
    BULK_READ,
    BULK_WRITE,
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
    crc16,
)
from drivers.sim.faults import FaultScript
from drivers.sim.half_duplex import HalfDuplexLine
from drivers.sim.hand import Hand
from drivers.sim.instruction_ear import Heard, InstructionEar
from drivers.sim.servo import EmulatedServo
from drivers.sim.status_bytes import bulk_block, part_bytes, reading, status_bytes, sync_block, with_wrong_bit
from drivers.sim.usb_model import UsbTiming

CLEAR = 0x10
FAST_BULK_READ = 0x9A
CLEAR_TURNS = b"\x01\x44\x58\x4c\x22"

_PING_LEVEL, _READ_LEVEL, _ALL_LEVEL = 0, 1, 2
_RESETS = {0xFF: (False, False), 0x01: (True, False), 0x02: (True, True)}  # keeps the id, keeps the baud rate
_READING = frozenset((PING, READ, SYNC_READ, FAST_SYNC_READ, BULK_READ, FAST_BULK_READ))
_EEPROM_END = 64


class EmulatedBus:
    """All servos of one line. `baud` is the host's rate: a servo set to another one hears nothing.

    `wire_time` True: an instruction and its replies take their bytes' time and the servos' return delay, and who talks
    into another damages it; else everything is answered at once. `usb` what the adapter adds. Fault injection:
    `faults`. `joints` names the joint of each servo, `hands` are those that move them: only an emulated arm has them.
    """

    def __init__(
        self,
        servos: Sequence[EmulatedServo],
        clock: Clock,
        wire_time: bool = False,
        baud: int = 1_000_000,
        joints: Sequence[str] = (),
        hands: Mapping[str, Hand] | None = None,
        usb: UsbTiming | None = None,
    ) -> None:
        self.servos = tuple(servos)
        self.joints = tuple(joints)
        self.faults = FaultScript()
        self._hands = dict(hands or {})
        self._off_line: set[int] = set()
        self._clock = clock
        self._line = HalfDuplexLine(wire_time, baud, usb)
        self._ear = InstructionEar()
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._event_count = 0
        self._heard_ns = clock.now_ns()  # when the last instruction was on the line
        self._now_ns = self._heard_ns
        self._instruction = 0
        self._heard: dict[int, list[EmulatedServo]] = {}
        self._shadows: dict[int, list[EmulatedServo]] = {}
        self._answers: dict[int, Callable[[Heard], None]] = {
            PING: self._ping,
            READ: self._read,
            WRITE: self._write,
            REG_WRITE: self._reg_write,
            ACTION: self._action,
            REBOOT: self._reboot,
            FACTORY_RESET: self._factory_reset,
            CLEAR: self._clear,
            SYNC_READ: self._sync_read,
            SYNC_WRITE: self._sync_write,
            FAST_SYNC_READ: self._fast_sync_read,
            BULK_READ: self._bulk_read,
            BULK_WRITE: self._bulk_write,
            FAST_BULK_READ: self._fast_bulk_read,
        }

    @property
    def baud(self) -> int:
        return self._line.baud

    @baud.setter
    def baud(self, rate: int) -> None:
        self._line.baud = rate

    @property
    def collisions(self) -> int:
        """Statuses damaged by another talker so far."""
        return self._line.collisions

    @property
    def misread(self) -> int:
        """Instructions lost so far to a wrong checksum or to missing byte stuffing."""
        return self._ear.misread

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

    def servos_of(self, joint: str) -> list[EmulatedServo]:
        """The servos of a joint, the leading one first. Raises `KeyError`."""
        self.hand(joint)
        return [servo for servo, name in zip(self.servos, self.joints, strict=True) if name == joint]

    def plug_only(self, *joints: str) -> None:
        """Only the servos of these joints hang on the line from now on; without any joint: all of them."""
        for joint in joints:
            self.hand(joint)
        self._off_line = {place for place, joint in enumerate(self.joints) if joints and joint not in joints}

    @property
    def plugged(self) -> list[EmulatedServo]:
        """The servos that hang on the line."""
        return [servo for place, servo in enumerate(self.servos) if place not in self._off_line]

    def at(self, moment_ns: int, event: Callable[[], None]) -> None:
        """Let something happen at a moment of the clock, as soon as the line is looked at."""
        self._event_count += 1
        heapq.heappush(self._events, (moment_ns, self._event_count, event))

    def next_event_ns(self) -> int | None:
        """The moment of the next `at`; None when there is none."""
        return self._events[0][0] if self._events else None

    def receive(self, data: bytes) -> None:
        """Bytes from the host. Raises `OSError` when the line is unplugged."""
        now_ns = self._clock.now_ns()
        self.watch(now_ns)
        self._check_plug()
        self._now_ns = now_ns
        known = False
        for heard in self._ear.feed(data):
            if not self._line.host_sends(heard.bytes_on_line, now_ns):
                continue
            self._heard_ns = now_ns
            self._instruction = heard.instruction
            if not known:
                self._listen(now_ns)
            self._answers.get(heard.instruction, self._refuse)(heard)
            # An id or a baud rate may have changed, but not by reading nor by writing to RAM together.
            ram = heard.instruction == SYNC_WRITE and len(heard.params) > 1 and heard.params[0] >= _EEPROM_END
            known = ram or heard.instruction in _READING

    def due_ns(self) -> int | None:
        """When the next reply is due; None when none is on its way."""
        return self._line.due_ns()

    def take_replies(self, now_ns: int) -> bytes:
        """The replies due by `now_ns`. Raises `OSError` when the line is unplugged."""
        if self._events:
            self._run_events(now_ns)
        self._check_plug()
        return self._line.take(now_ns)

    def watch(self, now_ns: int) -> None:
        """Let time pass: events, bus watchdogs, profiles, heat."""
        if self._events:
            self._run_events(now_ns)
        heard_ns = self._heard_ns
        for servo in self.servos:
            servo.watch(now_ns, heard_ns)

    def _run_events(self, now_ns: int) -> None:
        while self._events and self._events[0][0] <= now_ns:
            heapq.heappop(self._events)[2]()

    def _check_plug(self) -> None:
        if self.faults.unplugged:
            self._line.forget()
            self._ear.clear()
            raise OSError(errno.EIO, "unplugged")

    def _listen(self, now_ns: int) -> None:
        """Who hears an instruction now: by id and by second id, duplicates side by side."""
        heard: dict[int, list[EmulatedServo]] = {}
        shadows: dict[int, list[EmulatedServo]] = {}
        silent, off_line, baud = self.faults.silent, self._off_line, self._line.baud
        for place, servo in enumerate(self.servos):
            servo_id = servo.servo_id
            if servo_id in silent or place in off_line or servo.baud != baud or servo.awake_ns > now_ns:
                continue
            heard.setdefault(servo_id, []).append(servo)
            second_id = servo.second_id
            if second_id is not None:
                shadows.setdefault(second_id, []).append(servo)
        self._heard, self._shadows = heard, shadows

    def _everybody(self) -> list[list[EmulatedServo]]:
        return [self._heard[servo_id] for servo_id in sorted(self._heard)]

    def _addressed(self, instruction: Heard) -> list[EmulatedServo]:
        """Whom an instruction concerns; for the broadcast id all, in order of id."""
        if instruction.servo_id == BROADCAST:
            return [servo for servos in self._everybody() for servo in servos]
        return self._heard.get(instruction.servo_id, [])

    def _answer(
        self,
        servos: Sequence[EmulatedServo],
        level: int,
        ask: Callable[[EmulatedServo], tuple[int, bytes]],
        follows: bool = False,
    ) -> bool:
        """All servos of one id do what is asked and answer at once. False when nothing was said."""
        raws, late_ns, delay_ns = [], 0, 0
        for servo in servos:
            error, data = ask(servo)
            if servo.status_return_level < level:
                continue
            fault = self.faults.next_for(servo.servo_id, self._instruction, self._now_ns)
            raw = status_bytes(servo, error, data, fault)
            if raw:
                raws.append(raw)
                delay_ns = servo.return_delay_ns
                late_ns = max(late_ns, fault.delay_ns if fault else 0)
        if not raws:
            return False
        self._line.servo_sends(self._together(raws), delay_ns, late_ns, follows)
        return True

    def _together(self, raws: Sequence[bytes]) -> bytes:
        """What is on the line when several talk at the same time: where they differ, the low level wins."""
        if len(raws) == 1:
            return raws[0]
        mixed = bytearray(max(raws, key=len))
        for raw in raws:
            for at, value in enumerate(raw):
                mixed[at] &= value
        self._line.collisions += sum(raw != mixed for raw in raws)
        return bytes(mixed)

    def _ping(self, instruction: Heard) -> None:
        found = self._everybody()
        if instruction.servo_id != BROADCAST:
            found = [self._heard.get(instruction.servo_id, [])]
        for position, servos in enumerate(found):
            self._answer(servos, _PING_LEVEL, EmulatedServo.identity, follows=position > 0)

    def _read(self, instruction: Heard) -> None:
        if instruction.servo_id == BROADCAST:
            return
        params = instruction.params
        if len(params) == 4:
            address, length = unpack_from("<HH", params)
            self._answer(self._addressed(instruction), _READ_LEVEL, lambda servo: servo.read(address, length))
        else:
            self._answer(self._addressed(instruction), _READ_LEVEL, lambda servo: (ERROR_LENGTH, b""))

    def _write(self, instruction: Heard) -> None:
        self._carry_out(instruction, EmulatedServo.write, EmulatedServo.write_as_shadow)

    def _reg_write(self, instruction: Heard) -> None:
        self._carry_out(instruction, EmulatedServo.stage, EmulatedServo.stage_as_shadow)

    def _carry_out(
        self,
        instruction: Heard,
        write: Callable[[EmulatedServo, int, bytes], int],
        write_as_shadow: Callable[[EmulatedServo, int, bytes], None],
    ) -> None:
        if len(instruction.params) <= 2:
            self._confirm(instruction, lambda servo: ERROR_LENGTH)
            return
        (address,), data = unpack_from("<H", instruction.params), instruction.params[2:]
        self._confirm(instruction, lambda servo: write(servo, address, data))
        for servo in self._shadows.get(instruction.servo_id, ()):
            write_as_shadow(servo, address, data)

    def _action(self, instruction: Heard) -> None:
        self._confirm(instruction, EmulatedServo.act)
        for servo in self._shadows.get(instruction.servo_id, ()):
            servo.act()

    def _reboot(self, instruction: Heard) -> None:
        servos = self._addressed(instruction)
        self._confirm(instruction, lambda servo: 0)
        for servo in servos:
            servo.reboot()

    def _factory_reset(self, instruction: Heard) -> None:
        keeps = _RESETS.get(instruction.params[0]) if len(instruction.params) == 1 else None
        if keeps is None:
            self._confirm(instruction, lambda servo: ERROR_LENGTH)
            return
        # From firmware 42 on, a reset of ids that is meant for everybody is ignored: all ids would become 1.
        if instruction.servo_id != BROADCAST or keeps[0]:
            self._confirm(instruction, lambda servo: servo.factory_reset(*keeps))

    def _clear(self, instruction: Heard) -> None:
        if instruction.params == CLEAR_TURNS:
            self._confirm(instruction, EmulatedServo.clear_turns)
        else:
            self._confirm(instruction, lambda servo: ERROR_INSTRUCTION)

    def _refuse(self, instruction: Heard) -> None:
        self._confirm(instruction, lambda servo: ERROR_INSTRUCTION)

    def _confirm(self, instruction: Heard, act: Callable[[EmulatedServo], int]) -> None:
        servos = self._addressed(instruction)
        if instruction.servo_id == BROADCAST:
            for servo in servos:
                act(servo)
        else:
            self._answer(servos, _ALL_LEVEL, lambda servo: (act(servo), b""))

    def _sync_read(self, instruction: Heard) -> None:
        self._answer_in_turn(sync_block(instruction.params))

    def _bulk_read(self, instruction: Heard) -> None:
        self._answer_in_turn(bulk_block(instruction.params))

    def _answer_in_turn(self, asked: Sequence[tuple[int, int, int]]) -> None:
        for position, (servo_id, address, length) in enumerate(asked):
            servos = self._heard.get(servo_id, [])
            said = self._answer(servos, _READ_LEVEL, reading(address, length), follows=position > 0)
            if not said and self.faults.chain_stops:
                return

    def _sync_write(self, instruction: Heard) -> None:
        params = instruction.params
        if len(params) < 4:
            return
        address, length = unpack_from("<HH", params)
        for start in range(4, len(params) - length, length + 1):
            self._write_quietly(params[start], address, params[start + 1 : start + 1 + length])

    def _bulk_write(self, instruction: Heard) -> None:
        params, start = instruction.params, 0
        while start + 5 <= len(params):
            servo_id, address, length = unpack_from("<BHH", params, start)
            self._write_quietly(servo_id, address, params[start + 5 : start + 5 + length])
            start += 5 + length

    def _write_quietly(self, servo_id: int, address: int, data: bytes) -> None:
        for servo in self._heard.get(servo_id, ()):
            servo.write(address, data)
        for servo in self._shadows.get(servo_id, ()):
            servo.write_as_shadow(address, data)

    def _fast_sync_read(self, instruction: Heard) -> None:
        self._answer_jointly(sync_block(instruction.params))

    def _fast_bulk_read(self, instruction: Heard) -> None:
        self._answer_jointly(bulk_block(instruction.params))

    def _answer_jointly(self, asked: Sequence[tuple[int, int, int]]) -> None:
        """One status of the broadcast id, each servo's part with the checksum of all before it."""
        if self.faults.no_fast_read or not asked:
            return
        raw = HEADER + pack("<BHB", BROADCAST, 1 + sum(4 + length for _, _, length in asked), STATUS)
        crc, delay_ns, late_ns, noise, damage, times = crc16(raw), 0, 0, b"", -1, 1
        for position, (servo_id, address, length) in enumerate(asked):
            found = self._heard.get(servo_id)
            fault = self.faults.next_for(servo_id, self._instruction, self._now_ns)
            # Each servo waits for the one before it: a missing one ends the joint answer.
            if not found or not found[0].knows_fast_read or (fault and (fault.drop or fault.misheard)):
                break
            part = self._together([part_bytes(servo, address, length, fault, crc) for servo in found])
            crc = crc16(part, crc)
            raw += part
            if position == 0:
                delay_ns = found[0].return_delay_ns
            if fault:
                late_ns, noise = late_ns + fault.delay_ns, noise + fault.noise
                damage = len(raw) - 3 if fault.corrupt else damage
                times = 2 if fault.repeat else times
                if fault.partial:
                    raw = raw[: -(len(part) // 2)]
                    break
        if len(raw) > 8:
            raw = with_wrong_bit(raw, damage) if 0 <= damage < len(raw) else raw
            self._line.servo_sends(noise + raw * times, delay_ns, late_ns)
