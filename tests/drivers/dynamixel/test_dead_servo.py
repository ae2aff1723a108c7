"""A servo that does not answer costs the control loop little, and the others nothing."""

import numpy as np
import pytest

from drivers.errors import ServoSilent
from tests.drivers.dynamixel.running_arm import TICK_NS, RunningArm


def lost(running: RunningArm, servo_id: int) -> None:
    """Cut the servo's cable and run until the arm gives it up."""
    running.line.faults.silence(servo_id)
    said, seconds = running.until_it_says(30)
    assert f"servo {servo_id}" in said
    assert seconds < 0.2


def test_one_lost_reply_and_its_second_try_fit_into_one_tick() -> None:
    running = RunningArm.powered()
    for servo_id in range(1, 8):
        running.line.faults.drop_replies(servo_id)
        assert not running.tick().age_ns.any()
    assert running.bus.statistics.retries == 7
    assert running.worst_ns < TICK_NS


def test_a_servo_that_dies_is_named_within_a_fifth_of_a_second_and_no_tick_takes_two() -> None:
    running = RunningArm.powered()
    running.line.faults.silence(3)
    said, seconds = running.until_it_says(30)
    assert said.startswith("servo 3 (elbow) on bench did not answer within 3 ms.")
    assert "Servos that did answer: servo 1 (waist), servo 2" in said
    assert 0.1 <= seconds < 0.2
    assert running.worst_ns < 2 * TICK_NS


def test_a_servo_that_stays_dead_is_asked_alone_now_and_then_and_costs_no_tick_its_time() -> None:
    running = RunningArm.powered()
    lost(running, 3)
    running.worst_ns = 0
    waits = running.bus.statistics.timeouts
    for _ in range(100):
        with pytest.raises(ServoSilent, match=r"servo 3 \(elbow\) on bench did not answer"):
            running.tick()
    assert running.worst_ns < TICK_NS
    # Not two time-outs a tick, as asking it with the others would cost.
    assert running.bus.statistics.timeouts - waits <= 100 / 8 + 1


@pytest.mark.parametrize("fast", [True, False])
def test_the_others_stay_fresh_in_every_reading_until_it_is_given_up(fast: bool) -> None:
    running = RunningArm.powered()
    running.bus.statistics.fast_read = fast
    running.line.faults.silence(3)
    for _ in range(8):
        assert np.flatnonzero(running.tick().age_ns).tolist() == [2]
    assert "servo 3 (elbow) on bench did not answer" in running.until_it_says(10)[0]


def test_the_others_are_read_and_driven_while_one_is_dead() -> None:
    running = RunningArm.powered()
    lost(running, 3)
    assert running.goal is not None
    running.goal = running.goal.copy()
    running.goal[0] += 0.2
    for _ in range(100):
        with pytest.raises(ServoSilent, match="servo 3"):
            running.tick()
    assert running.line.hand("waist").value == pytest.approx(running.goal[0], abs=0.02)


def test_a_servo_that_comes_back_is_read_again_within_a_tenth_of_a_second() -> None:
    running = RunningArm.powered()
    lost(running, 3)
    running.line.faults.revive(3)
    silent_ticks = 0
    while silent_ticks < 20:
        try:
            state = running.tick()
            break
        except ServoSilent:
            silent_ticks += 1
    assert silent_ticks < 10
    assert not state.age_ns.any()
    assert running.bus.statistics.fast_read


def test_an_arm_that_lost_its_power_is_said_whole_and_comes_back_whole() -> None:
    running = RunningArm.powered()
    ids = [servo.servo_id for servo in running.line.servos]
    for servo_id in ids:
        running.line.faults.silence(servo_id)
    said, _ = running.until_it_says(30)
    assert said.endswith("Servos that did answer: none. Check the power of the arm.")
    running.worst_ns = 0
    for _ in range(50):
        with pytest.raises(ServoSilent, match="did answer: none"):
            running.tick()
    assert running.worst_ns < TICK_NS
    for servo_id in ids:
        running.line.faults.revive(servo_id)
        running.line.servo(servo_id).reboot()
    running.clock.advance_ns(300_000_000)
    # They answer again, but are limp.
    said, seconds = running.until_it_says(20)
    assert "waist, shoulder, elbow, wrist_pitch, wrist_yaw, wrist_roll, gripper restarted and lost its torque" in said
    assert seconds < 0.2
    running.arm.torque_on()
    assert running.torque() == [True] * 7
    assert not running.tick().age_ns.any()


def test_two_servos_may_die_one_after_the_other() -> None:
    running = RunningArm.powered()
    lost(running, 3)
    running.line.faults.silence(6)
    said = [running.until_it_says(1)[0] for _ in range(20)][-1]
    assert said.startswith("servo 3 (elbow), servo 6 (wrist_roll) on bench did not answer")


def test_what_a_servo_missed_is_counted_for_it_alone() -> None:
    running = RunningArm.powered()
    running.line.faults.drop_replies(3, 2)
    running.run(3)
    running.line.faults.corrupt_replies(5)
    running.run(3)
    assert [running.health(joint).missed for joint in ("shoulder", "elbow", "wrist_yaw")] == [0, 1, 0]
    assert [running.health(joint).crc_errors for joint in ("elbow", "wrist_yaw")] == [0, 1]


def test_a_line_that_answers_late_is_waited_for_longer() -> None:
    running = RunningArm.powered()
    assert running.bus.reply_timeout_ms == 3.0
    fresh = []
    for _ in range(40):
        running.line.faults.delay_replies(1, 9.0)
        fresh.append(not running.tick().age_ns.any())
    assert all(fresh)
    assert running.bus.reply_timeout_ms > 9.0
    assert running.bus.statistics.fast_read
    # The first ones were missed and asked again; since then nothing is.
    assert running.bus.statistics.retries <= 4


def test_the_wait_shrinks_again_when_the_line_is_quick_again() -> None:
    running = RunningArm.powered()
    for _ in range(10):
        running.line.faults.delay_replies(1, 9.0)
        running.tick()
    running.run(400)
    assert running.bus.reply_timeout_ms == 3.0


def test_an_unreachable_servo_does_not_make_torque_off_slow_or_incomplete() -> None:
    running = RunningArm.powered()
    running.line.faults.silence(2)
    running.line.faults.silence(5)
    start_ns = running.clock.now_ns()
    assert running.arm.torque_off() == ["shoulder", "wrist_yaw"]
    assert running.clock.now_ns() - start_ns < 50_000_000
    assert running.torque() == [False, True, False, False, True, False, False]
