import numpy as np
from hypothesis import given
from hypothesis.strategies import integers, lists, tuples

from drivers.clock import ManualClock
from drivers.dynamixel.control_table import XL330_M288, XL430_W250
from drivers.dynamixel.sync import Outcome, SyncRead, SyncWrite
from drivers.dynamixel.wire import SYNC_WRITE, Decoder
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo

FIELDS = np.dtype([("effort", "<i2"), ("velocity", "<i4"), ("position", "<i4")])
IDS = (4, 7, 2)


def answered() -> tuple[SyncRead, bytes]:
    """A fast read of three servos at 1, 2 and 3 rad, and its answer."""
    clock = ManualClock()
    servos = [EmulatedServo(k, "xl330-m288", FreeShaft(rad), clock) for k, rad in zip(IDS, (1, 2, 3), strict=True)]
    line = EmulatedBus(servos, clock)
    block = SyncRead(IDS, 126, FIELDS)
    line.receive(block.fast_request)
    return block, line.take_replies(clock.now_ns())


BLOCK, ANSWER = answered()
TICKS = [round(rad * 4096 / (2 * np.pi)) + 2048 for rad in (1, 2, 3)]


def test_a_joint_answer_gives_every_servo_in_the_order_of_the_request() -> None:
    reply = BLOCK.parse_fast(ANSWER)
    assert len(ANSWER) == BLOCK.fast_length
    assert reply.fresh.all()
    assert reply.values["position"].tolist() == TICKS


@given(end=integers(0, len(ANSWER)))
def test_a_joint_answer_cut_short_gives_the_servos_before_the_cut(end: int) -> None:
    reply = BLOCK.parse_fast(ANSWER[:end])
    whole = max(0, (end - 8) // 14)
    assert reply.fresh.tolist() == [k < whole for k in range(3)]
    assert reply.values["position"][:whole].tolist() == TICKS[:whole]


@given(at=integers(0, len(ANSWER) - 1), bit=integers(0, 7))
def test_a_damaged_joint_answer_never_gives_a_wrong_value(at: int, bit: int) -> None:
    damaged = bytearray(ANSWER)
    damaged[at] ^= 1 << bit
    reply = BLOCK.parse_fast(bytes(damaged))
    whole = max(0, (at - 8) // 14)
    assert reply.fresh.tolist() == [k < whole for k in range(3)]
    assert reply.values["position"][:whole].tolist() == TICKS[:whole]


def test_a_status_of_a_stranger_or_of_the_wrong_length_is_not_entered() -> None:
    reply = BLOCK.nothing()
    assert not BLOCK.put(reply, 9, 0, bytes(10))
    assert not BLOCK.put(reply, 4, 0, bytes(9))
    assert reply.outcome.tolist() == [Outcome.MISSING] * 3
    assert BLOCK.put(reply, 4, 0x80, bytes(10))
    assert reply.fresh.tolist() == [True, False, False]


def test_each_servo_says_what_became_of_its_answer() -> None:
    reply = BLOCK.nothing()
    assert BLOCK.put(reply, 4, 7, b"")
    assert BLOCK.put(reply, 7, 0x80, bytes(10))
    BLOCK.put_damaged(reply, 2)
    BLOCK.put_damaged(reply, 9)
    assert reply.outcome.tolist() == [Outcome.REFUSED, Outcome.OK, Outcome.CRC]
    assert reply.error[1] == 0x80
    # Damage seen after a good answer does not take it away.
    BLOCK.put_damaged(reply, 7)
    assert reply.outcome[1] == Outcome.OK


@given(values=lists(tuples(integers(1, 252), integers(-(2**31), 2**31 - 1)), min_size=1, max_size=7))
def test_a_sync_write_carries_each_value_with_its_servo(values: list[tuple[int, int]]) -> None:
    ids = [servo_id for servo_id, _ in values]
    raw = SyncWrite(ids, XL430_W250.register("goal_position")).packet([value for _, value in values])
    (found,) = Decoder().feed(raw)
    assert found.instruction == SYNC_WRITE
    expected = b"".join(bytes((k,)) + value.to_bytes(4, "little", signed=True) for k, value in values)
    assert found.params == bytes((116, 0, 4, 0)) + expected


def test_a_sync_write_of_two_bytes_uses_two_bytes() -> None:
    (found,) = Decoder().feed(SyncWrite([1], XL330_M288.register("goal_current")).packet([-2]))
    assert found.params == bytes((102, 0, 2, 0, 1, 0xFE, 0xFF))
