"""A joint that protects itself is restarted while the others go on."""

from dataclasses import replace

import numpy as np
import pytest

from drivers.arms import ARMS, STUDIO_FOLLOWER
from drivers.arms.model import EXTENDED_POSITION_MODE
from tests.drivers.dynamixel.running_arm import TICK_NS, RunningArm

OVERLOAD = 5


def test_the_joint_is_back_with_its_settings_its_torque_and_its_place_and_no_tick_was_late() -> None:
    running = RunningArm.powered()
    running.line.servo(3).fail(OVERLOAD)
    running.run(20)
    sagged = running.line.hand("elbow").value
    running.worst_ns = 0
    assert running.restart("elbow") == ""
    assert running.worst_ns < TICK_NS
    servo = running.line.servo(3)
    assert (servo.torque_on, servo.alert, servo.peek("position_p_gain")) == (True, False, 1500)
    assert servo.peek("goal_pwm") == 885
    assert running.line.hand("elbow").value == pytest.approx(sagged, abs=0.05)
    assert not running.tick().age_ns.any()


def test_it_takes_its_load_softly() -> None:
    running = RunningArm.powered()
    running.line.servo(3).fail(OVERLOAD)
    running.tick()
    running.arm.begin_reboot("elbow")
    shares = []
    while running.arm.reboot_step() is None:
        running.tick()
        if running.line.servo(3).torque_on:
            shares.append(running.line.servo(3).peek("goal_pwm"))
    assert shares[0] < 60
    assert shares == sorted(shares)
    assert len(shares) * TICK_NS == pytest.approx(0.5e9, rel=0.15)


def test_the_others_are_read_and_driven_all_the_while_and_its_age_grows() -> None:
    running = RunningArm.powered()
    running.line.servo(3).fail(OVERLOAD)
    running.arm.begin_reboot("elbow")
    assert running.goal is not None
    running.goal = running.goal.copy()
    ages, truth = [], []
    while running.arm.reboot_step() is None:
        running.goal[0] += 0.002
        state = running.tick()
        assert np.flatnonzero(state.age_ns).tolist() == [2]
        ages.append(int(state.age_ns[2]))
        truth.append(abs(state.position[0] - running.line.hand("waist").value))
    assert ages == sorted(ages)
    assert ages[-1] > 1_000_000_000
    assert max(truth) < 0.05
    assert running.line.hand("waist").value == pytest.approx(running.goal[0], abs=0.05)


def test_a_goal_that_was_sent_meanwhile_does_not_reach_it() -> None:
    running = RunningArm.powered()
    running.line.servo(1).fail(OVERLOAD)
    running.arm.begin_reboot("waist")
    assert running.goal is not None
    stood = running.goal[0]
    running.goal = running.goal.copy()
    running.goal[0] += 0.5
    while running.arm.reboot_step() is None:
        running.tick()
        assert running.line.hand("waist").value == pytest.approx(stood, abs=0.02)


def test_a_joint_of_a_limp_arm_stays_limp() -> None:
    running = RunningArm.of()
    running.arm.connect()
    running.line.servo(7).fail(OVERLOAD)
    assert running.restart("gripper") == ""
    assert running.torque() == [False] * 7
    assert running.line.servo(7).peek("position_p_gain") == 800


def test_both_servos_of_a_joint_are_restarted() -> None:
    running = RunningArm.powered(ARMS["vx300s"])
    running.line.servo(2).fail(OVERLOAD)
    assert running.restart("shoulder") == ""
    assert running.torque() == [True] * 9
    assert not running.tick().alert.any()


def test_the_watchdog_is_armed_again() -> None:
    running = RunningArm.powered()
    running.arm.watchdog(200)
    assert running.restart("elbow") == ""
    running.tick()
    assert [servo.peek("bus_watchdog") for servo in running.line.servos] == [10] * 7


def test_a_servo_that_does_not_come_back_is_said_and_then_missed_like_any_other() -> None:
    running = RunningArm.powered()
    running.arm.begin_reboot("elbow")
    running.arm.reboot_step()
    running.line.faults.silence(3)
    worst_said = None
    for _ in range(400):
        running.tick()
        worst_said = running.arm.reboot_step()
        if worst_said is not None:
            break
    assert worst_said is not None
    assert worst_said.startswith("servo 3 (elbow) on bench did not come back within 2.0 s of its restart.")
    assert running.worst_ns < 2 * TICK_NS
    said, _ = running.until_it_says(30)
    assert said.startswith("servo 3 (elbow) on bench did not answer") or "elbow restarted" in said


def test_a_servo_that_still_protects_itself_is_said_with_its_reason() -> None:
    running = RunningArm.powered()
    servo = running.line.servo(3)
    running.arm.begin_reboot("elbow")
    running.run(1)
    running.arm.reboot_step()
    running.run(40)
    servo.fail(2)
    said = None
    while said is None:
        running.tick()
        said = running.arm.reboot_step()
    assert said.startswith("servo 3 (elbow) still protects itself after its restart: overheating.")
    assert np.flatnonzero(running.run(2).alert).tolist() == [2]


def test_a_joint_that_fell_far_out_of_its_limits_is_left_limp_and_that_is_said() -> None:
    running = RunningArm.powered()
    running.line.servo(1).fail(OVERLOAD)
    running.line.hand("waist").put(-2.6)
    running.tick()
    said = running.restart("waist")
    assert said.startswith("waist of studio-follower stands at -2.60, outside its limits -2.4 .. 2.4.")
    assert running.torque() == [False] + [True] * 6
    assert "waist restarted and lost its torque" in running.until_it_says(3)[0]


def test_torque_off_ends_a_restart_and_reaches_that_joint_too() -> None:
    running = RunningArm.powered()
    running.arm.begin_reboot("elbow")
    for _ in range(70):
        running.tick()
        running.arm.reboot_step()
    assert running.arm.torque_off() == []
    assert running.arm.reboot_step() == ""
    running.goal = None
    running.run(5)
    assert running.torque() == [False] * 7
    assert not running.tick().age_ns.any()


def test_a_multi_turn_joint_finds_its_turn_again() -> None:
    joints = (
        replace(STUDIO_FOLLOWER.joints[0], operating_mode=EXTENDED_POSITION_MODE),
        *STUDIO_FOLLOWER.joints[1:],
    )
    running = RunningArm.of(replace(STUDIO_FOLLOWER, joints=joints))
    running.line.servo(1).jump_turns(3)
    running.arm.connect()
    running.arm.torque_on()
    running.goal = running.arm.read().position
    assert running.line.servo(1).peek("present_position") > 3 * 4096
    assert running.restart("waist") == ""
    assert running.line.servo(1).peek("present_position") < 4096
    assert running.run(10).position[0] == pytest.approx(0.0, abs=0.01)


def test_a_joint_that_the_arm_does_not_have_is_refused() -> None:
    running = RunningArm.of()
    with pytest.raises(KeyError, match="knee"):
        running.arm.begin_reboot("knee")
    assert running.arm.reboot_step() == ""
