from struct import pack

import pytest

from drivers.clock import ManualClock
from drivers.dynamixel.wire import (
    ACTION,
    ALERT_BIT,
    BROADCAST,
    BULK_READ,
    BULK_WRITE,
    ERROR_INSTRUCTION,
    ERROR_LENGTH,
    FACTORY_RESET,
    PING,
    READ,
    REG_WRITE,
    SYNC_READ,
    WRITE,
    Decoder,
    packet,
    status,
)
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo


class Line:
    def __init__(self, wire_time: bool = False) -> None:
        self.clock = ManualClock()
        models = {2: "xl430-w250", 1: "xl330-m288"}
        servos = [EmulatedServo(k, model, FreeShaft(), self.clock) for k, model in models.items()]
        self.bus = EmulatedBus(servos, self.clock, wire_time)

    def ask(self, request: bytes) -> list[tuple[int, int, bytes]]:
        """(id, error, data) of all replies."""
        self.bus.receive(request)
        self.clock.advance_ns(1_000_000_000)
        return [(p.servo_id, p.error, p.data) for p in Decoder().feed(self.bus.take_replies(self.clock.now_ns()))]


@pytest.fixture
def line() -> Line:
    return Line()


GOAL = pack("<Hi", 116, 2100)


def test_a_broadcast_ping_is_answered_by_all_in_order(line: Line) -> None:
    assert line.ask(packet(BROADCAST, PING)) == [(1, 0, bytes((0xB0, 0x04, 52))), (2, 0, bytes((0x24, 0x04, 47)))]


def test_a_broadcast_write_is_done_by_all_and_answered_by_none(line: Line) -> None:
    assert line.ask(packet(BROADCAST, WRITE, GOAL)) == []
    assert [servo.peek("goal_position") for servo in line.bus.servos] == [2100, 2100]


def test_nobody_answers_for_an_id_that_is_not_there(line: Line) -> None:
    assert line.ask(packet(9, PING)) == []


def test_an_instruction_may_come_in_pieces_but_not_damaged(line: Line) -> None:
    request = packet(1, PING)
    line.bus.receive(request[:5])
    assert len(line.ask(request[5:])) == 1
    assert line.ask(request[:-1] + b"\x00") == []
    assert len(line.ask(request)) == 1


def test_a_status_on_the_line_is_nobodys_instruction(line: Line) -> None:
    assert line.ask(status(1, 0, b"\x01")) == []


def test_reg_write_waits_for_action(line: Line) -> None:
    assert line.ask(packet(1, REG_WRITE, GOAL)) == [(1, 0, b"")]
    assert line.bus.servo(1).peek("goal_position") == 2048
    assert line.ask(packet(BROADCAST, ACTION)) == []
    assert line.bus.servo(1).peek("goal_position") == 2100


def test_bulk_instructions_address_each_servo_by_itself(line: Line) -> None:
    assert line.ask(packet(BROADCAST, BULK_WRITE, pack("<BHHiBHHB", 1, 116, 4, 2100, 2, 65, 1, 1))) == []
    asked = line.ask(packet(BROADCAST, BULK_READ, pack("<BHHBHH", 2, 65, 1, 1, 116, 4)))
    assert asked == [(2, 0, b"\x01"), (1, 0, pack("<i", 2100))]


def test_a_plain_sync_read_goes_on_after_a_dead_servo(line: Line) -> None:
    line.bus.faults.silence(1)
    assert [k for k, _, _ in line.ask(packet(BROADCAST, SYNC_READ, pack("<HHBB", 132, 4, 1, 2)))] == [2]


def test_unknown_instructions_are_refused(line: Line) -> None:
    assert line.ask(packet(1, FACTORY_RESET, b"\x07\x07")) == [(1, ERROR_LENGTH, b"")]
    assert line.ask(packet(1, 0x77)) == [(1, ERROR_INSTRUCTION, b"")]


def test_too_short_instructions_are_refused(line: Line) -> None:
    assert line.ask(packet(1, READ, b"\x00")) == [(1, ERROR_LENGTH, b"")]
    assert line.ask(packet(1, WRITE, b"\x00")) == [(1, ERROR_LENGTH, b"")]
    assert line.ask(packet(BROADCAST, SYNC_READ, b"\x00")) == []
    assert line.ask(packet(BROADCAST, BULK_WRITE, b"\x01\x00")) == []


@pytest.mark.parametrize(("level", "answers"), [(0, [True, False, False]), (1, [True, True, False]), (2, [True] * 3)])
def test_the_status_return_level_says_what_is_answered(line: Line, level: int, answers: list[bool]) -> None:
    line.bus.servo(1).poke("status_return_level", level)
    requests = [packet(1, PING), packet(1, READ, pack("<HH", 132, 4)), packet(1, WRITE, GOAL)]
    assert [bool(line.ask(request)) for request in requests] == answers


def test_an_alert_is_in_every_status(line: Line) -> None:
    line.bus.servo(1).fail(5)
    assert line.ask(packet(1, WRITE, GOAL)) == [(1, ALERT_BIT, b"")]


def test_a_servo_at_another_baud_rate_hears_nothing(line: Line) -> None:
    line.bus.baud = 57_600
    assert line.ask(packet(BROADCAST, PING)) == []
    line.bus.servo(1).poke("baud_rate", 1)
    assert [k for k, _, _ in line.ask(packet(BROADCAST, PING))] == [1]


def test_a_changed_id_is_obeyed_at_once(line: Line) -> None:
    assert line.ask(packet(1, WRITE, pack("<HB", 7, 9))) == [(9, 0, b"")]
    assert line.ask(packet(1, PING)) == []
    assert [k for k, _, _ in line.ask(packet(9, PING))] == [9]


def test_replies_take_their_bytes_time_and_the_return_delay() -> None:
    line = Line(wire_time=True)
    start_ns = line.clock.now_ns()
    line.bus.receive(packet(1, PING))
    # 10 bytes out, 500 us factory return delay, 20 us gap, 14 bytes back.
    assert line.bus.due_ns() == start_ns + 100_000 + 500_000 + 20_000 + 140_000
    assert line.bus.take_replies(start_ns + 759_999) == b""
    assert line.bus.take_replies(start_ns + 760_000) != b""
    assert line.bus.due_ns() is None


def test_without_wire_time_everything_is_answered_at_once(line: Line) -> None:
    line.bus.receive(packet(1, PING))
    assert line.bus.due_ns() == line.clock.now_ns()


def test_the_watchdog_trips_when_the_host_falls_silent_and_not_before(line: Line) -> None:
    servo = line.bus.servo(1)
    line.bus.receive(packet(1, WRITE, pack("<HB", 98, 2)) + packet(1, WRITE, pack("<HB", 64, 1)))
    for _ in range(10):
        line.clock.advance_ns(30_000_000)
        line.bus.receive(packet(2, PING))
    assert servo.peek("bus_watchdog") == 2
    line.clock.advance_ns(41_000_000)
    line.bus.watch(line.clock.now_ns())
    assert servo.peek("bus_watchdog") == 255


def test_an_unplugged_line_takes_and_gives_nothing(line: Line) -> None:
    line.bus.faults.unplug()
    with pytest.raises(OSError, match="unplugged"):
        line.bus.receive(packet(1, PING))
    with pytest.raises(OSError, match="unplugged"):
        line.bus.take_replies(line.clock.now_ns())


def test_an_unknown_servo_is_named_with_the_known_ones(line: Line) -> None:
    with pytest.raises(KeyError, match=r"no servo 5 on this line; there are \[2, 1\]"):
        line.bus.servo(5)
