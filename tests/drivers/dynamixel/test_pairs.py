"""Joints with two servos, as ALOHA's arms have them."""

import numpy as np
import pytest

from drivers.arms import ARMS
from drivers.errors import ServoAlert, ServoSilent
from tests.drivers.dynamixel.running_arm import RunningArm

VIPER = ARMS["vx300s"]
PAIRS = {joint.name: (joint.servo_id, joint.second_id) for joint in VIPER.joints if joint.second_id is not None}
SHOULDER, SECOND = PAIRS["shoulder"][0], PAIRS["shoulder"][1] or 0
OVERLOAD = 5


def apart(running: RunningArm, ticks: int) -> None:
    """The shoulder's second servo is screwed on `ticks` away from the first."""
    servo = running.line.servo(SECOND)
    servo.poke("homing_offset", servo.peek("homing_offset") + ticks)


def goals(running: RunningArm) -> tuple[int, int]:
    return running.line.servo(SHOULDER).peek("goal_position"), running.line.servo(SECOND).peek("goal_position")


def test_both_servos_are_set_up_the_second_the_other_way_round_and_no_shadow() -> None:
    running = RunningArm.of(VIPER)
    running.line.servo(SECOND).poke("drive_mode", 0)
    running.line.servo(SECOND).poke("secondary_shadow_id", SHOULDER)
    joint = VIPER.joints[VIPER.names.index("shoulder")]
    running.arm.connect()
    first, second = running.line.servo(SHOULDER), running.line.servo(SECOND)
    assert (first.peek("drive_mode"), second.peek("drive_mode")) == (joint.drive_mode, joint.second_drive_mode)
    assert second.peek("secondary_shadow_id") == 255
    for name in ("operating_mode", "position_p_gain", "return_delay_time"):
        assert first.peek(name) == second.peek(name)


def test_one_exchange_reads_and_drives_them_all() -> None:
    running = RunningArm.powered(VIPER)
    exchanges = running.bus.statistics.exchanges
    assert running.goal is not None
    running.goal = running.goal.copy()
    running.goal[1] += 0.2
    state = running.run(100)
    assert running.bus.statistics.exchanges - exchanges == 100
    assert len(state.position) == len(VIPER.joints)
    assert state.position[1] == pytest.approx(running.goal[1], abs=0.03)
    first, second = goals(running)
    assert first == second


def test_a_pair_that_is_mounted_a_little_apart_is_driven_as_it_stands() -> None:
    running = RunningArm.of(VIPER)
    apart(running, 40)
    running.arm.connect()
    running.arm.torque_on()
    first, second = goals(running)
    assert second - first == 40
    running.goal = running.arm.read().position.clip(VIPER.lower, VIPER.upper)
    running.goal[1] += 0.2
    running.run(50)
    first, second = goals(running)
    assert second - first == 40
    # They do not pull against each other.
    assert abs(running.line.servo(SHOULDER).peek("present_current")) < 100


def test_a_pair_that_stands_far_apart_is_refused_before_torque_goes_on() -> None:
    running = RunningArm.of(VIPER)
    apart(running, 100)
    disagree = rf"The two servos of shoulder disagree by 0\.15 rad \(servo {SHOULDER} and servo {SECOND} of vx300s\)"
    with pytest.raises(ServoAlert, match=disagree):
        running.arm.connect()
    assert running.torque() == [False] * 9


def test_a_horn_that_slips_under_power_is_said_at_once() -> None:
    running = RunningArm.powered(VIPER)
    apart(running, 70)
    with pytest.raises(ServoAlert, match=r"The two servos of shoulder disagree by 0\.11 rad"):
        running.tick()


def test_a_limp_pair_may_be_looked_at_however_it_stands() -> None:
    running = RunningArm.of(VIPER)
    running.arm.connect()
    apart(running, 200)
    assert not running.tick().age_ns.any()
    with pytest.raises(ServoAlert, match="The two servos of shoulder disagree"):
        running.arm.torque_on()


def test_an_alert_of_either_servo_is_the_joints() -> None:
    running = RunningArm.powered(VIPER)
    running.line.servo(SECOND).fail(OVERLOAD)
    assert np.flatnonzero(running.tick().alert).tolist() == [1]
    running.run(2)
    assert [r.errors for r in running.arm.health() if r.joint == "shoulder"] == [(), ("overload",)]


def test_a_silent_second_servo_is_named_as_such() -> None:
    running = RunningArm.powered(VIPER)
    running.line.faults.silence(SECOND)
    said, _ = running.until_it_says(40)
    assert f"servo {SECOND} (shoulder, second servo) on bench did not answer" in said
    with pytest.raises(ServoSilent, match="shoulder, second servo"):
        running.arm.connect()


def test_torque_off_reaches_both_and_names_the_joint_once() -> None:
    running = RunningArm.powered(VIPER)
    assert running.arm.torque_off() == []
    assert running.torque() == [False] * 9
    running.arm.torque_on()
    running.line.faults.silence(SHOULDER)
    running.line.faults.silence(SECOND)
    assert running.arm.torque_off() == ["shoulder"]


def test_effort_and_watchdog_reach_second_servos() -> None:
    running = RunningArm.powered(VIPER)
    running.arm.set_effort_limit(0.5)
    running.arm.watchdog(100)
    for servo_id in (SHOULDER, SECOND):
        servo = running.line.servo(servo_id)
        assert (servo.peek("goal_pwm"), servo.peek("bus_watchdog")) == (442, 5)


def test_the_second_servos_own_limits_leave_it_room_for_how_it_is_mounted() -> None:
    running = RunningArm.of(VIPER)
    apart(running, -60)
    running.arm.connect()
    running.arm.torque_on()
    running.goal = running.arm.read().position.clip(VIPER.lower, VIPER.upper)
    running.goal[1] = VIPER.lower[1]
    running.run(3)
    first, second = goals(running)
    assert second - first == -60


def test_a_limp_servo_of_a_pair_may_count_another_turn() -> None:
    running = RunningArm.of(VIPER)
    running.arm.connect()
    # In position mode it forgets that when torque goes on (e-manual, Present Position).
    running.line.servo(SECOND).jump_turns(1)
    running.arm.torque_on()
    running.goal = running.arm.read().position.clip(VIPER.lower, VIPER.upper)
    running.run(10)
    first, second = goals(running)
    assert first == second
    assert running.torque() == [True] * 9
