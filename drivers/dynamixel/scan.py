"""Which servos hang on a line: every baud rate is asked, two servos with one id give themselves away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import pack

from drivers.clock import Clock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.control_table import MODELS
from drivers.dynamixel.transport import Transport
from drivers.dynamixel.wire import BROADCAST, PING, READ, STATUS, Decoder, packet
from drivers.errors import BusError, ServoSilent

# As set up, as from the factory and as GELLO leaves them, then the rest from the likely to the odd.
SCAN_BAUDS = (1_000_000, 57_600, 115_200, 2_000_000, 3_000_000, 4_000_000, 4_500_000, 9_600)
_MODEL_OF = {table.model_number: table.name for table in MODELS.values()}
_PING_SLOT_NS = 3_000_000  # a broadcast ping is answered in order of id, one slot each (dynamixel_sdk's own figure)
_PING_PATIENCE_NS = 60_000_000
_LOW_IDS = 40  # a quick scan waits for these; the ids of all arms we know are among them
_ASKED = 3  # times a suspect is asked before its noise counts
_REPLY_NS, _MORE_NS = 40_000_000, 4_000_000
_ANSWER_BYTES = 14
_STATUS_BYTES = 11
_DIFFERS_FROM, _DIFFERS_BYTES = 120, 27  # realtime tick to temperature: differs between any two servos


@dataclass(frozen=True)
class ScannedServo:
    """One id that answered. `doubled` when two or more servos answer there at once."""

    servo_id: int
    model_number: int
    firmware: int
    baud: int
    doubled: bool = False

    @property
    def model(self) -> str:
        return _MODEL_OF.get(self.model_number, f"model {self.model_number}")


def scan_line(
    open_at: Callable[[int], Transport], clock: Clock, bauds: tuple[int, ...] = SCAN_BAUDS, all_ids: bool = False
) -> Iterator[tuple[int, list[ScannedServo]]]:
    """(baud, servos that answered there) for each rate, one at a time, so that the caller can stop or show progress.

    `open_at` opens the line at a baud rate; a rate that the adapter does not take is passed over. 0.2 s each; with
    `all_ids`, for ids of 40 and more, 0.8 s.
    Raises `PortMissing`, `PortBusy`, `PortLost`.
    """
    for baud in bauds:
        try:
            transport = open_at(baud)
        except BusError as error:
            if type(error) is not BusError:
                raise
            yield baud, []
            continue
        try:
            yield baud, scan_at(transport, clock, baud, all_ids)
        finally:
            transport.close()


def scan_at(transport: Transport, clock: Clock, baud: int, all_ids: bool = False) -> list[ScannedServo]:
    """The servos that answer a broadcast ping at this rate, in order of id. Raises `PortLost`."""
    transport.flush_input()
    transport.write(packet(BROADCAST, PING))
    # At slow rates the answers themselves take longer than their slots.
    slot_ns = max(_PING_SLOT_NS, _ANSWER_BYTES * 10_000_000_000 // baud)
    deadline_ns = clock.now_ns() + _PING_PATIENCE_NS + (253 if all_ids else _LOW_IDS) * slot_ns
    decoder = Decoder()
    answers: dict[int, list[bytes]] = {}
    for status in decoder.feed(transport.read(253 * _ANSWER_BYTES, deadline_ns)):
        if status.instruction == STATUS and len(status.data) == 3:
            answers.setdefault(status.servo_id, []).append(status.data)
    suspects = set(answers)
    if decoder.crc_errors:
        # Answers on top of each other may have buried an id altogether; arms use low ones.
        suspects |= set(range(_LOW_IDS))
    bus = DynamixelBus(transport, clock, patience_ms=20.0, baud=baud)
    found = []
    for servo_id in sorted(suspects):
        doubled = len(answers.get(servo_id, [])) > 1 or _talks_over_itself(transport, clock, servo_id, baud)
        if servo_id in answers:
            data = answers[servo_id][0]
            found.append(ScannedServo(servo_id, data[0] | data[1] << 8, data[2], baud, doubled))
        elif doubled:
            found.append(_buried(bus, servo_id, baud))
    return found


def _talks_over_itself(transport: Transport, clock: Clock, servo_id: int, baud: int) -> bool:
    """Two servos with one id give the same answer to a ping when they are alike; to a long reading they do not."""
    request = packet(servo_id, READ, pack("<HH", _DIFFERS_FROM, _DIFFERS_BYTES))
    expected = _STATUS_BYTES + _DIFFERS_BYTES
    damaged = 0
    for _ in range(_ASKED):
        transport.flush_input()
        transport.write(request)
        raw = transport.read(expected, clock.now_ns() + _REPLY_NS + expected * 10_000_000_000 // baud)
        raw += transport.read(4 * expected, clock.now_ns() + _MORE_NS + expected * 10_000_000_000 // baud)
        decoder = Decoder()
        whole = [status for status in decoder.feed(raw) if status.instruction == STATUS]
        if len(whole) > 1:
            return True
        if whole and not decoder.crc_errors:
            return False
        damaged += len(raw) > 0
    return damaged == _ASKED


def _buried(bus: DynamixelBus, servo_id: int, baud: int) -> ScannedServo:
    try:
        identity = bus.ping(servo_id)
        return ScannedServo(servo_id, identity.model_number, identity.firmware, baud, doubled=True)
    except ServoSilent:
        return ScannedServo(servo_id, 0, 0, baud, doubled=True)
