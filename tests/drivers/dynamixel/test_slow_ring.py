"""What the joint reading does not show: heat, voltage, errors, restarts, stopped servos."""

import numpy as np
import pytest

from drivers.arms import ARMS, STUDIO_FOLLOWER
from drivers.errors import ServoAlert
from tests.drivers.dynamixel.running_arm import TICK_NS, RunningArm

OVERLOAD, HEAT = 5, 2
ROUND = 14  # ticks: two for each of 7 servos


def test_before_the_first_round_the_health_says_that_it_knows_nothing() -> None:
    running = RunningArm.of()
    running.arm.connect()
    readings = running.arm.health()
    assert [reading.joint for reading in readings] == list(STUDIO_FOLLOWER.names)
    assert all(reading.age_ns is None and np.isnan(reading.temperature_c) for reading in readings)


def test_one_round_later_every_servo_has_said_how_it_is() -> None:
    running = RunningArm.of()
    running.arm.connect()
    running.arm.torque_on()
    hot = running.line.servo(3)
    assert hot.strain is not None
    hot.strain.temperature_c = 58.0
    running.run(ROUND)
    elbow, gripper = running.health("elbow"), running.health("gripper")
    assert (elbow.servo, elbow.servo_id, elbow.torque, elbow.errors) == ("xl430-w250", 3, True, ())
    assert elbow.temperature_c == pytest.approx(58.0, abs=1.0)
    assert elbow.voltage_v == pytest.approx(12.0, abs=0.5)
    assert np.isnan(elbow.current_ma)  # an XL430 does not measure it
    assert gripper.voltage_v == pytest.approx(5.0, abs=0.5)
    assert gripper.current_ma >= 0.0
    oldest_ns = max(reading.age_ns or 0 for reading in running.arm.health())
    assert oldest_ns <= ROUND * TICK_NS


def test_the_load_is_a_share_of_what_the_joint_may_use() -> None:
    running = RunningArm.powered()
    running.line.hand("gripper").hold(0.3)  # against its 600 mA
    running.line.hand("elbow").pull(0.5)
    running.run(2 * ROUND)
    gripper, elbow = running.health("gripper"), running.health("elbow")
    assert gripper.current_ma == pytest.approx(600, rel=0.05)
    assert gripper.load == pytest.approx(1.0, rel=0.05)
    assert elbow.load == pytest.approx(0.5, abs=0.05)


def test_a_slow_reading_is_one_short_trip() -> None:
    running = RunningArm.powered()
    for _ in range(ROUND):
        before_ns = running.clock.now_ns()
        running.arm.slow_read()
        assert running.clock.now_ns() - before_ns < 1_000_000


@pytest.mark.parametrize("joint", STUDIO_FOLLOWER.names)
def test_a_restart_that_costs_no_reply_is_noticed_within_half_a_second(joint: str) -> None:
    running = RunningArm.powered()
    servo = running.line.servo(STUDIO_FOLLOWER.names.index(joint) + 1)
    servo.reboot()
    servo.awake_ns = 0  # it is back before anybody asks
    said, seconds = running.until_it_says(60)
    assert f"{joint} restarted and lost its torque" in said
    assert seconds < 0.2
    assert running.bus.servos[servo.servo_id].missed == 0


def test_a_servo_that_is_deaf_while_it_restarts_is_first_silent_then_restarted_within_half_a_second() -> None:
    running = RunningArm.powered()
    running.line.servo(3).reboot()  # deaf for 0.2 s
    start_ns = running.clock.now_ns()
    said = [running.until_it_says(60)[0]]
    while "restarted" not in said[-1]:
        said.append(running.until_it_says(60)[0])
    assert running.clock.now_ns() - start_ns < 500_000_000
    assert all("servo 3 (elbow) on bench did not answer" in sentence for sentence in said[:-1])


@pytest.mark.parametrize("steps", range(ROUND))
def test_what_was_read_before_torque_went_on_is_no_restart(steps: int) -> None:
    running = RunningArm.of()
    running.arm.connect()
    running.run(ROUND + steps)
    running.arm.torque_on()
    running.run(2 * ROUND)
    assert running.torque() == [True] * 7


def test_a_restart_of_a_second_servo_is_noticed_too() -> None:
    running = RunningArm.powered(ARMS["vx300s"])
    servo = running.line.servo(5)
    servo.reboot()
    servo.awake_ns = 0
    said, seconds = running.until_it_says(60)
    assert "elbow, second servo restarted and lost its torque" in said
    assert seconds < 0.3


def test_a_restart_is_said_until_torque_goes_on_again_and_then_the_settings_are_back() -> None:
    running = RunningArm.powered()
    running.line.servo(3).reboot()
    running.line.servo(3).awake_ns = 0
    running.until_it_says(60)
    for _ in range(5):
        with pytest.raises(ServoAlert, match="elbow restarted"):
            running.tick()
    running.arm.torque_on()
    running.run(2 * ROUND)
    assert running.line.servo(3).peek("position_p_gain") == 1500
    assert running.torque() == [True] * 7


def test_a_limp_servo_that_restarts_is_no_alarm_but_is_set_up_before_it_is_powered() -> None:
    running = RunningArm.of()
    running.arm.connect()
    running.run(ROUND)
    running.line.servo(3).reboot()
    running.clock.advance_ns(300_000_000)
    running.run(2 * ROUND)
    assert running.line.servo(3).peek("position_p_gain") != 1500
    running.arm.torque_on()
    assert running.line.servo(3).peek("position_p_gain") == 1500


def test_the_reason_of_an_alert_is_known_with_the_next_slow_reading() -> None:
    running = RunningArm.powered()
    for _ in range(3):  # wherever the ring stands
        running.line.servo(6).fail(OVERLOAD)
        state = running.tick()
        assert np.flatnonzero(state.alert).tolist() == [5]
        assert running.health("wrist_roll").errors == ("overload",)
        assert running.health("wrist_roll").alerts >= 1
        assert running.restart("wrist_roll") == ""
        running.tick()


def test_the_other_joints_are_read_and_driven_under_an_alert() -> None:
    running = RunningArm.powered()
    running.line.servo(7).fail(HEAT)
    assert running.goal is not None
    running.goal = running.goal.copy()
    running.goal[0] += 0.2
    state = running.run(60)
    assert not state.age_ns.any()
    assert state.position[0] == pytest.approx(running.goal[0], abs=0.02)
    assert running.health("gripper").errors == ("overheating",)
    assert running.arm.torque_off() == []
    assert running.torque() == [False] * 7


def test_no_alarm_comes_of_two_hours_of_the_servos_own_clock() -> None:
    running = RunningArm.powered()
    for _ in range(2 * 3600 // 7):  # Realtime Tick goes round every 32.8 s
        running.clock.advance_ns(7_000_000_000)
        running.arm.slow_read()
    running.run(ROUND)
