"""One line for everybody: stuffing, collisions, chains, duplicates, second ids, and what the adapter adds."""

from struct import pack

import pytest

from drivers.clock import ManualClock
from drivers.dynamixel.wire import (
    ACTION,
    BROADCAST,
    BULK_READ,
    FACTORY_RESET,
    FAST_SYNC_READ,
    PING,
    READ,
    REBOOT,
    REG_WRITE,
    SYNC_READ,
    SYNC_WRITE,
    WRITE,
    Decoder,
    crc16,
    packet,
)
from drivers.sim.emulated_bus import CLEAR, CLEAR_TURNS, FAST_BULK_READ, EmulatedBus
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo
from drivers.sim.usb_model import USB

SECOND_NS = 1_000_000_000
READ_POSITION = pack("<HH", 132, 4)


class Line:
    """Servos 1, 2, 3 at 1, 2 and 3 rad, without return delay."""

    def __init__(self, wire_time: bool = True, usb: str = "none", ids: tuple[int, ...] = (1, 2, 3)) -> None:
        self.clock = ManualClock()
        servos = [EmulatedServo(k, "xl330-m288", FreeShaft(0.5 * n), self.clock) for n, k in enumerate(ids)]
        for servo in servos:
            servo.poke("return_delay_time", 0)
        self.bus = EmulatedBus(servos, self.clock, wire_time, usb=USB[usb])

    def send(self, request: bytes) -> None:
        self.bus.receive(request)

    def replies(self) -> list[tuple[int, int, bytes]]:
        """(id, error, data) of all that still comes."""
        self.clock.advance_ns(SECOND_NS)
        return [(p.servo_id, p.error, p.data) for p in Decoder().feed(self.bus.take_replies(self.clock.now_ns()))]

    def ask(self, request: bytes) -> list[tuple[int, int, bytes]]:
        self.send(request)
        return self.replies()


def raw_packet(servo_id: int, body: bytes) -> bytes:
    """A packet whose body goes out as it is, as dynamixel_sdk sends it."""
    head = b"\xff\xff\xfd\x00" + pack("<BH", servo_id, len(body) + 2) + body
    return head + pack("<H", crc16(head))


def test_an_instruction_that_was_not_stuffed_is_misread() -> None:
    line = Line()
    goals = b"\xff\xff\xfd\xff"  # a goal of -131073
    line.bus.servo(1).poke("operating_mode", 4)
    assert line.ask(raw_packet(1, bytes((WRITE,)) + pack("<H", 116) + goals)) == []
    assert line.bus.misread == 1
    assert line.bus.servo(1).peek("goal_position") == 2048
    assert line.ask(packet(1, WRITE, pack("<H", 116) + goals)) == [(1, 0, b"")]
    assert line.bus.servo(1).peek("goal_position") == -131_073


def test_a_byte_after_a_false_header_is_lost_when_it_looks_stuffed() -> None:
    line = Line()
    body = bytes((WRITE,)) + pack("<H", 116) + b"\xff\xff\xfd\xfd"  # meant as four bytes, heard as three
    assert line.ask(raw_packet(1, body)) == [(1, 5, b"")]
    assert line.bus.servo(1).peek("goal_position") == 2048


def test_a_header_inside_an_instruction_begins_a_new_one() -> None:
    line = Line()
    body = bytes((WRITE,)) + pack("<H", 224) + packet(2, PING)
    assert [servo_id for servo_id, _, _ in line.ask(raw_packet(1, body))] == [2]


def test_who_talks_into_a_reply_is_not_heard_and_damages_it() -> None:
    line = Line()
    line.send(packet(1, PING))
    line.clock.advance_ns(200_000)  # 100 us of instruction, 20 us of gap, 140 us of reply
    line.send(packet(2, PING))
    assert line.replies() == []
    assert line.bus.collisions == 1
    assert [servo_id for servo_id, _, _ in line.ask(packet(2, PING))] == [2]


def test_instructions_that_wait_for_each_other_do_not_collide() -> None:
    line = Line()
    goals = pack("<HH", 116, 4) + b"".join(pack("<Bi", k, 2100) for k in (1, 2, 3))
    line.send(packet(BROADCAST, SYNC_WRITE, goals) + packet(BROADCAST, SYNC_READ, READ_POSITION + b"\x01\x02\x03"))
    assert [servo_id for servo_id, _, _ in line.replies()] == [1, 2, 3]
    assert line.bus.collisions == 0


def test_an_instruction_on_the_heels_of_another_meets_its_reply() -> None:
    line = Line()
    line.send(packet(1, PING) + packet(2, PING))
    assert line.replies() == []
    assert line.bus.collisions == 1


def test_servos_that_wait_for_their_turn_give_up_when_they_hear_an_instruction() -> None:
    line = Line()
    line.send(packet(BROADCAST, SYNC_READ, READ_POSITION + b"\x01\x02\x03"))
    line.clock.advance_ns(400_000)  # servo 1 has just spoken
    line.send(packet(3, PING))
    answered = line.replies()
    assert answered[0][0] == 1
    assert (2, 0, pack("<i", 2374)) not in answered


def test_duplicates_that_say_the_same_sound_like_one_and_else_like_none() -> None:
    line = Line(ids=(1, 2, 2))
    assert [servo_id for servo_id, _, _ in line.ask(packet(BROADCAST, PING))] == [1, 2]
    assert line.bus.collisions == 0
    assert line.ask(packet(2, READ, READ_POSITION)) == []
    assert line.bus.collisions > 0
    assert line.ask(packet(BROADCAST, FAST_SYNC_READ, READ_POSITION + b"\x01\x02")) == []


@pytest.mark.parametrize("stops", [False, True])
def test_a_dead_servo_may_silence_those_after_it(stops: bool) -> None:
    line = Line()
    line.bus.faults.silence(2)
    line.bus.faults.chain_stops = stops
    answered = line.ask(packet(BROADCAST, SYNC_READ, READ_POSITION + b"\x01\x02\x03"))
    assert [servo_id for servo_id, _, _ in answered] == ([1] if stops else [1, 3])
    bulk = b"".join(pack("<BHH", k, 132, 4) for k in (2, 3))
    assert len(line.ask(packet(BROADCAST, BULK_READ, bulk))) == (0 if stops else 1)


def test_a_fast_bulk_read_is_one_answer_with_blocks_of_different_length() -> None:
    line = Line()
    asked = pack("<BHH", 3, 132, 4) + pack("<BHH", 1, 146, 1)
    line.send(packet(BROADCAST, FAST_BULK_READ, asked))
    line.clock.advance_ns(SECOND_NS)
    raw = line.bus.take_replies(line.clock.now_ns())
    head = b"\xff\xff\xfd\x00\xfe" + pack("<HB", 1 + 8 + 5, 0x55)
    assert raw.startswith(head + b"\x00\x03" + pack("<i", 2048 + 652))
    assert raw[16:19] == b"\x00\x01\x1f"
    assert crc16(raw[:-2]) == raw[-2] | raw[-1] << 8


def test_a_second_id_is_obeyed_in_ram_and_never_answered() -> None:
    line = Line()
    for servo_id in (2, 3):
        line.bus.servo(servo_id).poke("secondary_shadow_id", 1)
    assert line.ask(packet(1, WRITE, pack("<HB", 65, 1))) == [(1, 0, b"")]
    assert [servo.peek("led") for servo in line.bus.servos] == [1, 1, 1]
    line.ask(packet(1, WRITE, pack("<HI", 48, 3000)))
    assert [servo.peek("max_position_limit") for servo in line.bus.servos] == [3000, 4095, 4095]
    line.ask(packet(BROADCAST, SYNC_WRITE, pack("<HHBi", 116, 4, 1, 2100)))
    assert [servo.peek("goal_position") for servo in line.bus.servos] == [2100, 2100, 2100]
    line.ask(packet(1, REG_WRITE, pack("<HB", 65, 0)) + b"")
    line.ask(packet(1, ACTION))
    assert [servo.peek("led") for servo in line.bus.servos] == [0, 0, 0]
    assert line.ask(packet(1, READ, READ_POSITION)) == [(1, 0, pack("<i", 2048))]


def test_a_second_id_that_nobody_has_as_his_own_is_obeyed_in_silence() -> None:
    line = Line()
    for servo in line.bus.servos:
        servo.poke("secondary_shadow_id", 100)
    assert line.ask(packet(100, WRITE, pack("<HB", 65, 1))) == []
    assert [servo.peek("led") for servo in line.bus.servos] == [1, 1, 1]


def test_clear_needs_its_key_and_factory_reset_is_not_for_everybody() -> None:
    line = Line()
    servo = line.bus.servo(1)
    servo.jump_turns(3)
    assert line.ask(packet(1, CLEAR, b"\x01\x00")) == [(1, 2, b"")]
    assert line.ask(packet(1, CLEAR, CLEAR_TURNS)) == [(1, 0, b"")]
    assert servo.peek("present_position") == 2048
    assert line.ask(packet(BROADCAST, FACTORY_RESET, b"\xff")) == []
    assert [servo.servo_id for servo in line.bus.servos] == [1, 2, 3]
    assert line.ask(packet(3, FACTORY_RESET, b"\x01")) == [(3, 0, b"")]
    assert (line.bus.servos[2].servo_id, line.bus.servos[2].baud) == (3, 57_600)
    assert line.ask(packet(3, PING)) == []  # the host still talks at 1 Mbaud


def test_a_reboot_is_confirmed_first() -> None:
    line = Line()
    line.bus.servo(2).fail(5)
    assert line.ask(packet(2, REBOOT)) == [(2, 0x80, b"")]
    assert line.ask(packet(2, PING))[0][1] == 0


@pytest.mark.parametrize(
    ("usb", "after_us"), [("none", 260), ("cdc", 1000 + 1000), ("ftdi1", 260 + 1000), ("ftdi16", 260 + 16_000)]
)
def test_the_adapter_adds_its_time(usb: str, after_us: int) -> None:
    line = Line(usb=usb)
    if usb == "cdc":
        line.clock.advance_ns(1_000)  # just missed a frame
    start_ns = line.clock.now_ns()
    line.send(packet(1, PING))
    received = b""
    while (due_ns := line.bus.due_ns()) is not None:
        line.clock.sleep_until_ns(due_ns)
        received += line.bus.take_replies(due_ns)
    assert len(received) == 14
    # 14 bytes take 140 us; an FTDI chip waits from the first one on. Frames are 125 us or 1 ms.
    assert (line.clock.now_ns() - start_ns) / 1000 == pytest.approx(after_us, abs=250)


def test_an_ftdi_chip_sends_62_bytes_at_once_and_the_rest_late() -> None:
    line = Line(usb="ftdi16", ids=(1, 2, 3, 4, 5, 6))
    start_ns = line.clock.now_ns()
    line.send(packet(BROADCAST, SYNC_READ, READ_POSITION + bytes(range(1, 7))))
    arrivals = []
    while (due_ns := line.bus.due_ns()) is not None:
        line.clock.sleep_until_ns(due_ns)
        if taken := line.bus.take_replies(due_ns):
            arrivals.append((len(taken), (line.clock.now_ns() - start_ns) / 1e6))
    assert [count for count, _ in arrivals] == [62, 28]
    assert arrivals[0][1] < 1.5
    assert arrivals[1][1] == pytest.approx(16 + 1, abs=0.8)


def test_what_is_on_its_way_is_lost_with_the_cable() -> None:
    line = Line()
    line.send(packet(1, PING))
    line.bus.faults.unplug()
    with pytest.raises(OSError, match="unplugged"):
        line.replies()
    line.bus.faults.plug_in()
    assert line.replies() == []


def test_events_happen_when_their_time_has_come() -> None:
    line = Line()
    line.bus.at(line.clock.now_ns() + 5 * SECOND_NS, lambda: line.bus.faults.silence(1))
    assert line.bus.next_event_ns() == line.clock.now_ns() + 5 * SECOND_NS
    assert line.ask(packet(1, PING)) != []
    line.clock.advance_ns(4 * SECOND_NS)
    assert line.ask(packet(1, PING)) == []
    assert line.bus.next_event_ns() is None
