"""Servos that count turns, and forget them with their power."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from drivers.arms import ARMS, STUDIO_FOLLOWER
from drivers.arms.model import EXTENDED_POSITION_MODE, ArmModel
from drivers.dynamixel.turns import turns_to_band
from drivers.errors import NotCalibrated, ServoAlert
from tests.drivers.dynamixel.running_arm import RunningArm

JOINT = replace(STUDIO_FOLLOWER.joints[5], operating_mode=EXTENDED_POSITION_MODE)  # wrist_roll, 3912 ticks


def with_roll(**changes: object) -> ArmModel:
    """The follower with another wrist roll."""
    joints = list(STUDIO_FOLLOWER.joints)
    joints[5] = replace(JOINT, **changes)  # type: ignore[arg-type]
    return replace(STUDIO_FOLLOWER, joints=tuple(joints))


@given(ticks=integers(-200_000, 200_000), lower=integers(-3000, 3000), width=integers(100, 4095))
def test_a_band_shorter_than_a_turn_always_tells_the_turn(ticks: int, lower: int, width: int) -> None:
    band = (lower, lower + width)
    found = ticks + 4096 * turns_to_band(JOINT, ticks, band)

    def beyond(at: int) -> int:
        return max(band[0] - at, at - band[1], 0)

    assert beyond(found) == min(beyond(found + 4096 * k) for k in (-1, 0, 1))


@given(ticks=integers(-200_000, 200_000), lower=integers(-3000, 3000), width=integers(4096, 20_000))
def test_a_longer_band_is_refused_wherever_two_turns_fit(ticks: int, lower: int, width: int) -> None:
    band = (lower, lower + width)
    fitting = [k for k in range(-60, 61) if band[0] <= ticks + 4096 * k <= band[1]]
    if len(fitting) == 1:
        assert turns_to_band(JOINT, ticks, band) == fitting[0]
    else:
        with pytest.raises(NotCalibrated, match=rf"wrist_roll \(servo 6\) may stand in any of {len(fitting)} turns"):
            turns_to_band(JOINT, ticks, band)


def test_position_mode_knows_no_turns() -> None:
    assert turns_to_band(replace(JOINT, operating_mode=3), 9000, (0, 4095)) == 0


@pytest.mark.parametrize("turns", [-2, 1, 5])
def test_an_arm_whose_servo_stands_some_turns_off_reads_and_drives_as_ever(turns: int) -> None:
    running = RunningArm.of(with_roll())
    running.line.servo(6).jump_turns(turns)
    running.arm.connect()
    running.arm.torque_on()
    running.goal = running.arm.read().position
    assert running.goal[5] == pytest.approx(0.0, abs=0.01)
    running.goal[5] = 0.8
    running.run(60)
    assert running.line.hand("wrist_roll").value == pytest.approx(0.8, abs=0.02)
    assert abs(running.line.servo(6).peek("present_position") - 4096 * turns - 2048) < 4096


def test_a_joint_that_may_be_in_two_turns_is_refused_with_the_way_out() -> None:
    running = RunningArm.of(with_roll(lower=-4.0, upper=4.0))
    running.line.hand("wrist_roll").put(3.5)
    with pytest.raises(NotCalibrated, match=r"in any of 2 turns.*Turn it by hand to the middle of its range"):
        running.arm.connect()
    running.line.hand("wrist_roll").put(0.5)
    running.arm.connect()
    assert running.arm.read().position[5] == pytest.approx(0.5, abs=0.01)
    hopeless = RunningArm.of(with_roll(lower=-7.0, upper=7.0))
    with pytest.raises(NotCalibrated, match="Narrow its limits to less than two turns"):
        hopeless.arm.connect()


def test_a_joint_outside_its_limits_is_said_and_not_clipped() -> None:
    running = RunningArm.of(with_roll(lower=-1.0, upper=1.0))
    running.line.hand("wrist_roll").put(1.2)
    running.arm.connect()
    assert running.arm.read().position[5] == pytest.approx(1.2, abs=0.01)
    (said,) = running.arm.outside()
    assert said.startswith("wrist_roll of studio-follower stands at 1.20, outside its limits -1 .. 1.")
    running.line.hand("wrist_roll").put(1.02)
    running.arm.read()
    assert running.arm.outside() == ()


@pytest.mark.parametrize("turns", [-1, 1])
def test_a_servo_that_miscounts_a_turn_under_power_is_said_at_once_and_does_not_spin(turns: int) -> None:
    running = RunningArm.of(with_roll())
    running.arm.connect()
    running.arm.torque_on()
    running.goal = running.arm.read().position
    running.run(20)
    running.line.servo(6).jump_turns(turns)
    with pytest.raises(ServoAlert, match=rf"The servo of wrist_roll jumped.*miscounted its turns by {turns}"):
        running.tick()
    running.arm.hold()
    running.run(50)
    assert running.line.hand("wrist_roll").value == pytest.approx(0.0, abs=0.1)


def test_a_quick_hand_is_no_jump() -> None:
    running = RunningArm.of(with_roll())
    running.arm.connect()
    for k in range(40):
        running.line.hand("wrist_roll").put(-2.9 + k % 20 * 0.29)
        if k % 20:
            assert running.tick().position[5] == pytest.approx(running.line.hand("wrist_roll").value, abs=0.01)
        else:
            running.clock.advance_ns(200_000_000)
            running.tick()


def test_a_gello_reads_right_in_whatever_turn_it_was_switched_on() -> None:
    model = ARMS["gello"]
    truth = RunningArm.of(model)
    truth.arm.connect()
    expected = truth.arm.read().position
    for turns in (-1, 2):
        running = RunningArm.of(model)
        for servo in running.line.servos:
            servo.jump_turns(turns)
        running.arm.connect()
        assert running.arm.read().position == pytest.approx(expected, abs=1e-6)
