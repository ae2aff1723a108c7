import numpy as np
import pytest

from drivers.dynamixel.bus_statistics import Identity
from drivers.dynamixel.control_table import XL330_M288, XL430_W250
from drivers.dynamixel.sync import Outcome, SyncRead, SyncWrite
from drivers.errors import PortLost, ServoRefused, ServoSilent
from tests.drivers.conftest import Bench, MakeBench

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


@pytest.mark.parametrize("late_ms", [53.2, 54.4, 55.6, 56.8])
def test_an_answer_that_comes_after_all_lengths_were_used_is_not_taken_for_a_new_one(
    make_bench: MakeBench, late_ms: float
) -> None:
    bench = make_bench(wire_time=True, reply_timeout_ms=3.0)
    bench.arm.connect()
    bench.bus.statistics.fast_read = False
    bench.line.faults.delay_replies(1, late_ms)
    # The second try of the first reading, three more readings with two tries each, and then the one that the late
    # answer meets: it has the length of the first again.
    bench.line.faults.drop_replies(1, 8)
    for k in range(20):
        bench.put(np.full(7, 0.05 * k))
        reply = bench.bus.exchange(STATE)
        truth = bench.arm.calibration.to_ticks(np.full(7, 0.05 * k))
        np.testing.assert_array_equal(reply.values["position"][reply.fresh], truth[reply.fresh])
        assert reply.fresh[1:].all(), "the others are not in doubt"
        bench.clock.advance_ns(5_000_000)
    assert reply.fresh.all()


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


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("servo_id", [1, 3, 7])
def test_an_answer_under_another_id_is_nobodys(bench: Bench, fast: bool, servo_id: int) -> None:
    bench.bus.statistics.fast_read = fast
    position = 0.1 * np.arange(7)
    bench.put(position)
    # Twice, so that the second try does not help either. Its neighbour answers too, and contradicts it.
    bench.line.faults.mislabel_replies(servo_id, 2)
    reply = bench.bus.exchange(STATE)
    assert not reply.fresh[servo_id - 1]
    truth = bench.arm.calibration.to_ticks(position)
    np.testing.assert_array_equal(reply.values["position"][reply.fresh], truth[reply.fresh])
    assert reply.fresh.sum() >= 5
    assert bench.bus.exchange(STATE).fresh.all()


@pytest.mark.parametrize("fast", [True, False])
def test_each_servo_says_why_it_has_no_value(bench: Bench, fast: bool) -> None:
    bench.bus.statistics.fast_read = fast
    bench.line.faults.silence(2)
    bench.line.faults.corrupt_replies(5, 2)
    outcomes = [Outcome(outcome) for outcome in bench.bus.exchange(STATE).outcome]
    assert outcomes[1] is Outcome.MISSING
    assert outcomes[0] is outcomes[6] is Outcome.OK
    if not fast:  # a joint answer stops at servo 2, so that only the second try meets the damage
        assert outcomes[4] is Outcome.CRC
        assert bench.bus.servos[5].crc_errors == 2
    assert (bench.bus.servos[2].missed, bench.bus.servos[1].missed) == (1, 0)


def test_an_alert_is_told_with_the_value(bench: Bench) -> None:
    bench.line.servo(4).fail(5)
    reply = bench.bus.exchange(STATE)
    assert reply.fresh.all()
    assert not reply.clean
    assert reply.error.tolist() == [0, 0, 0, 0x80, 0, 0, 0]
    bench.line.servo(4).reboot()
    assert bench.bus.exchange(STATE).clean


def test_a_short_question_is_asked_once_and_waits_no_longer_than_a_loop_may(bench: Bench) -> None:
    for _ in range(130):
        bench.bus.exchange(STATE)
    before_ns = bench.clock.now_ns()
    bench.line.faults.drop_replies(3)
    assert bench.bus.ask(3, 132, 4) is None
    assert bench.clock.now_ns() - before_ns < 4_000_000
    assert bench.bus.servos[3].missed == 1
    status = bench.bus.ask(3, 132, 4)
    assert status is not None
    assert int.from_bytes(status.data, "little", signed=True) == bench.line.servo(3).peek("present_position")
    assert bench.bus.ask(3, 132, 2000) is None, "a refusal is no answer"
    bench.line.servo(3).fail(5)
    assert bench.bus.tell(3, TORQUE, 0), "an alert is no refusal"
    assert not bench.bus.tell(3, GOAL, 9000)


def test_in_a_hurry_a_silent_servo_costs_milliseconds(bench: Bench) -> None:
    for _ in range(130):
        bench.bus.exchange(STATE)
    bench.line.faults.silence(3)
    before_ns = bench.clock.now_ns()
    with bench.bus.hurried(), pytest.raises(ServoSilent, match="did not answer within 3 ms, twice"):
        bench.bus.read(3, POSITION)
    assert bench.clock.now_ns() - before_ns < 10_000_000
    with pytest.raises(ServoSilent, match="did not answer within 100 ms, twice"):
        bench.bus.read(3, POSITION)


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
