"""The servos' own dead-man: silence stops them, and the arm says so and lets them listen again."""

import numpy as np
import pytest

from drivers.errors import ServoAlert
from tests.drivers.dynamixel.running_arm import TICK_NS, RunningArm

ROUND = 14
TRIPPED = 255


def armed(running: RunningArm) -> list[int]:
    return [servo.peek("bus_watchdog") for servo in running.line.servos]


def stalled(ms: int = 200) -> RunningArm:
    """An arm on its way, whose computer then did nothing for half a second."""
    running = RunningArm.powered()
    running.arm.watchdog(ms)
    running.run(ROUND)
    assert running.goal is not None
    running.goal = running.goal.copy()
    running.goal[0] = 2.3
    running.run(8)
    for _ in range(50):
        running.clock.advance_ns(TICK_NS)
        running.line.watch(running.clock.now_ns())
    return running


def test_it_is_armed_in_units_of_20_ms_and_never_shorter_than_asked() -> None:
    running = RunningArm.powered()
    for ms, units in ((20, 1), (150, 8), (200, 10), (2540, 127), (0, 0)):
        running.arm.watchdog(ms)
        assert armed(running) == [units] * 7
    with pytest.raises(ValueError, match="a bus watchdog of 2541 ms is not possible: give 0"):
        running.arm.watchdog(2541)
    with pytest.raises(ValueError, match="of -1000 ms"):
        running.arm.watchdog(-1000)


def test_a_loop_that_ticks_never_trips_it() -> None:
    running = RunningArm.powered()
    running.arm.watchdog(100)
    running.run(300)
    assert armed(running) == [5] * 7


def test_silence_stops_the_arm_where_it_is_with_its_torque_on() -> None:
    running = stalled()
    assert armed(running) == [TRIPPED] * 7
    assert running.torque() == [True] * 7
    there = running.line.hand("waist").value
    assert there < 2.1  # short of its goal
    running.clock.advance_ns(500_000_000)
    assert running.line.hand("waist").value == pytest.approx(there, abs=0.01)


def test_the_arm_says_once_that_it_was_stopped_and_listens_again() -> None:
    running = stalled()
    said, seconds = running.until_it_says(2 * ROUND)
    assert said.startswith("The bus watchdog stopped studio-follower: no instruction reached servo ")
    assert "for 200 ms. It holds where it is" in said
    assert seconds < 0.2
    assert armed(running) == [10] * 7
    assert not running.tick().alert.any()
    running.run(100)
    assert running.line.hand("waist").value == pytest.approx(2.3, abs=0.02)


def test_nothing_moves_until_the_next_goal_is_sent() -> None:
    running = stalled()
    there, running.goal = running.line.hand("waist").value, None
    with pytest.raises(ServoAlert, match="The bus watchdog stopped"):
        running.run(2 * ROUND)
    running.run(50)
    assert running.line.hand("waist").value == pytest.approx(there, abs=0.02)


def test_a_stopped_servo_shows_in_the_health_until_it_was_freed() -> None:
    running = stalled()
    while not any(reading.stopped for reading in running.arm.health()):
        running.arm.slow_read()
    with pytest.raises(ServoAlert, match="The bus watchdog stopped"):
        running.tick()
    running.run(ROUND)
    assert not any(reading.stopped for reading in running.arm.health())


def test_a_servo_that_lost_the_order_is_armed_within_a_round() -> None:
    running = RunningArm.powered()
    running.arm.watchdog(200)
    running.line.servo(4).poke("bus_watchdog", 0)
    running.run(ROUND + 1)
    assert armed(running) == [10] * 7


def test_planned_pauses_do_not_trip_it() -> None:
    running = RunningArm.powered()
    running.arm.watchdog(200)
    # Torque on again takes longer than 200 ms when a servo has to be set up.
    running.arm.torque_on()
    assert armed(running) == [10] * 7
    running.arm.connect()
    assert armed(running) == [0] * 7
    running.arm.torque_on()
    assert armed(running) == [0] * 7, "after connect it is off until it is asked for"
    running.arm.watchdog(200)
    assert running.arm.torque_off() == []
    assert armed(running) == [0] * 7
    running.arm.torque_on()
    running.arm.watchdog(200)
    running.arm.close()
    assert armed(running) == [0] * 7
    running.clock.advance_ns(1_000_000_000)
    assert running.torque() == [True] * 7


def test_an_arm_that_a_crash_left_stopped_can_be_used_again() -> None:
    running = stalled()
    running.arm.connect()
    running.arm.torque_on()
    running.goal = np.zeros(7)
    running.goal[:] = running.arm.read().position
    running.goal[0] = 0.3
    running.run(150)
    assert running.line.hand("waist").value == pytest.approx(0.3, abs=0.02)


def test_one_deaf_servo_trips_alone_and_is_named() -> None:
    running = RunningArm.powered()
    running.arm.watchdog(200)
    running.line.servo(5).poke("bus_watchdog", TRIPPED)
    said, seconds = running.until_it_says(2 * ROUND)
    assert "no instruction reached servo 5 (wrist_yaw) for 200 ms" in said
    assert seconds <= (ROUND + 1) * TICK_NS * 1e-9
