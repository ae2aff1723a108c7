import numpy as np
import pytest

from drivers.dynamixel.bus_statistics import Identity
from drivers.dynamixel.control_table import XL330_M288, XL430_W250
from drivers.dynamixel.sync import SyncRead, SyncWrite
from drivers.errors import PortLost, ServoRefused, ServoSilent
from tests.drivers.conftest import Bench

STATE = SyncRead(range(1, 8), 126, np.dtype([("effort", "<i2"), ("velocity", "<i4"), ("position", "<i4")]))
GOAL = XL430_W250.register("goal_position")
TORQUE = XL430_W250.register("torque_enable")
POSITION = XL430_W250.register("present_position")


def test_ping_and_scan_tell_model_and_firmware(bench: Bench) -> None:
    assert bench.bus.ping(1) == Identity(1060, 47)
    assert bench.bus.scan() == {k: Identity(1060, 47) for k in (1, 2, 3)} | {k: Identity(1200, 52) for k in range(4, 8)}


def test_a_written_register_reads_back(bench: Bench) -> None:
    bench.bus.write(5, XL330_M288.register("goal_current"), -300)
    assert bench.bus.read(5, XL330_M288.register("goal_current")) == -300


def test_a_refusal_names_servo_value_register_and_reason(bench: Bench) -> None:
    refused = r"servo 3 \(elbow\) on bench refused 5000 for goal_position \(address 116\): value beyond"
    with pytest.raises(ServoRefused, match=refused):
        bench.bus.write(3, GOAL, 5000)


def test_eeprom_is_refused_while_torque_is_on(bench: Bench) -> None:
    bench.bus.write(3, TORQUE, 1)
    with pytest.raises(ServoRefused, match="locked while torque is on"):
        bench.bus.write(3, XL430_W250.register("max_position_limit"), 3000)


def test_one_lost_or_damaged_reply_is_asked_for_again(bench: Bench) -> None:
    bench.line.faults.drop_replies(3)
    assert bench.bus.ping(3).model_number == 1060
    bench.line.faults.corrupt_replies(3)
    assert bench.bus.ping(3).model_number == 1060
    assert (bench.bus.statistics.retries, bench.bus.statistics.timeouts, bench.bus.statistics.crc_errors) == (2, 1, 1)


def test_two_lost_replies_are_reported_with_who_did_answer(bench: Bench) -> None:
    bench.line.faults.drop_replies(3, 2)
    silent = (
        r"servo 3 \(elbow\) on bench did not answer within 100 ms, twice. Servos that did answer: servo 1 \(waist\)"
    )
    with pytest.raises(ServoSilent, match=silent):
        bench.bus.read(3, POSITION)


def test_noise_before_a_reply_does_no_harm(bench: Bench) -> None:
    for noise in (b"\x00\x12", b"\xff\xff\xfd", b"\xff\xff\xfd\x00\x03\x08\x00\x55"):
        bench.line.faults.precede_replies(3, noise)
        assert bench.bus.read(3, GOAL) == bench.line.servo(3).peek("goal_position")


def test_a_late_reply_never_answers_a_later_request(bench: Bench) -> None:
    bench.line.faults.delay_replies(3, 101)
    bench.line.servo(3).poke("goal_position", 1111)
    assert bench.bus.read(3, GOAL) == 1111
    bench.line.servo(3).poke("goal_position", 2222)
    assert bench.bus.read(3, GOAL) == 2222


def test_a_reply_that_is_still_on_its_way_does_not_answer_the_retry(bench: Bench) -> None:
    servo, start_ns = bench.line.servo(3), bench.clock.now_ns()
    servo.poke("goal_position", 1111)
    # The reply comes just after the retry would be sent, and tells what was true 100 ms ago.
    bench.line.faults.delay_replies(3, 100.0)
    bench.clock.on_advance(lambda now_ns: now_ns > start_ns + 50_000_000 and servo.poke("goal_position", 2222))
    assert bench.bus.read(3, GOAL) == 2222


def test_a_reply_that_comes_twice_does_not_answer_the_next_request(bench: Bench) -> None:
    bench.line.servo(3).poke("goal_position", 1111)
    bench.line.faults.repeat_replies(3)
    assert bench.bus.read(3, GOAL) == 1111
    bench.clock.advance_ns(1_000_000)
    bench.line.servo(3).poke("goal_position", 2222)
    assert bench.bus.read(3, GOAL) == 2222


def test_an_instruction_that_a_servo_misheard_is_sent_again(bench: Bench) -> None:
    bench.line.faults.mishear(3)
    bench.bus.write(3, TORQUE, 1)
    assert bench.bus.statistics.retries == 1
    bench.line.faults.mishear(3, 2)
    with pytest.raises(ServoSilent, match=r"servo 3 \(elbow\)"):
        bench.bus.read(3, GOAL)


@pytest.mark.parametrize("delay_ms", [20.5, 21.5, 22.5, 23.5, 24.5, 25.5, 26.5, 27.5, 35.0, 45.0])
def test_a_late_joint_answer_is_not_taken_for_a_later_one(bench: Bench, delay_ms: float) -> None:
    bench.line.faults.delay_replies(1, delay_ms)
    for k in range(8):
        position = np.full(7, 0.1 * k)
        bench.put(position)
        reply = bench.bus.exchange(STATE)
        assert reply.fresh.all()
        np.testing.assert_array_equal(reply.values["position"], bench.arm.calibration.to_ticks(position))
    assert bench.bus.statistics.timeouts == 1


@pytest.mark.parametrize("fast", [True, False])
def test_a_group_read_survives_stuffed_values(bench: Bench, fast: bool) -> None:
    bench.bus.statistics.fast_read = fast
    # Effort -1 followed by velocity -3 is FF FF FD FF FF FF: a header, were it not stuffed.
    for servo in bench.line.servos:
        servo.plant = _Stubborn(servo)
    reply = bench.bus.exchange(STATE)
    assert reply.fresh.all()
    assert reply.values["effort"].tolist() == [-1] * 7
    assert reply.values["velocity"].tolist() == [-3] * 7
    assert bench.bus.statistics.retries == 0


@pytest.mark.parametrize("fast", [True, False])
def test_a_servo_missing_in_a_group_read_leaves_the_others_fresh(bench: Bench, fast: bool) -> None:
    bench.bus.statistics.fast_read = fast
    bench.line.faults.silence(3)
    reply = bench.bus.exchange(STATE)
    assert reply.fresh.tolist() == [True, True, False, True, True, True, True]


@pytest.mark.parametrize("servo_id", range(1, 8))
def test_one_lost_part_of_a_group_read_is_asked_for_again(bench: Bench, servo_id: int) -> None:
    bench.line.faults.drop_replies(servo_id)
    assert bench.bus.exchange(STATE).fresh.all()
    bench.line.faults.corrupt_replies(servo_id)
    reply = bench.bus.exchange(STATE)
    assert reply.fresh.all()
    np.testing.assert_array_equal(
        reply.values["position"], bench.arm.calibration.to_ticks(np.array(bench.arm.model.home))
    )
    assert bench.bus.statistics.retries == 2


def test_servos_without_fast_read_are_read_plainly_after_three_failures(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.line.faults.no_fast_read = True
    for _ in range(50):
        assert bench.bus.exchange(STATE).fresh.all()
        bench.clock.advance_ns(10_000_000)
    assert not bench.bus.statistics.fast_read
    assert bench.bus.statistics.retries == 3
    assert "plain reads from now on" in caplog.text


def test_an_exchange_writes_before_it_reads(bench: Bench) -> None:
    for joint in range(1, 8):
        bench.bus.write(joint, TORQUE, 1)
    goals = np.full(7, 2100)
    reply = bench.bus.exchange(STATE, SyncWrite(range(1, 8), GOAL).packet(goals))
    np.testing.assert_array_equal(reply.values["position"], goals)


def test_an_exchange_takes_the_time_of_its_bytes(bench: Bench) -> None:
    before_ns = bench.clock.now_ns()
    bench.bus.exchange(STATE, SyncWrite(range(1, 8), GOAL).packet(np.full(7, 2100)))
    # 49 + 21 bytes out, 106 back, 10 bits each at 1 Mbaud, and the gap before the answer.
    assert bench.clock.now_ns() - before_ns == (49 + 21 + 106) * 10_000 + 20_000


def test_an_unplugged_line_is_lost_in_every_call(bench: Bench) -> None:
    bench.line.faults.unplug()
    for call in (lambda: bench.bus.ping(1), lambda: bench.bus.exchange(STATE), lambda: bench.bus.write_all(TORQUE, 0)):
        with pytest.raises(PortLost, match="The connection to bench was lost"):
            call()
    bench.line.faults.plug_in()
    assert bench.bus.exchange(STATE).fresh.all()


class _Stubborn:
    """A shaft with effort -1 and velocity -3 in the servo's own units."""

    def __init__(self, servo: object) -> None:
        table = servo.table  # type: ignore[attr-defined]
        self._effort = -1 / (table.stall_ma if table.effort_unit == "mA" else 1000)

    def drive(self, goal_rad: float, torque_on: bool, p_gain: int, d_gain: int, effort_limit: float) -> None:
        pass

    def position_rad(self) -> float:
        return 0.5

    def velocity_rad_s(self) -> float:
        return -3 * 0.0239691227

    def effort(self) -> float:
        return self._effort
