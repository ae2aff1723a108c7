from dataclasses import replace
from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import floats, integers

from drivers.arms import ARMS, STUDIO_FOLLOWER, VX300S, WX250S
from drivers.arms.model import ArmModel
from drivers.dynamixel.calibration import Calibration
from drivers.errors import NotCalibrated

CALIBRATION = Calibration(STUDIO_FOLLOWER)
GRIPPER = -1


def with_joint(index: int, **changes: Any) -> ArmModel:
    joints = list(STUDIO_FOLLOWER.joints)
    joints[index] = replace(joints[index], **changes)
    return replace(STUDIO_FOLLOWER, joints=tuple(joints))


@given(ticks=arrays(np.int32, 7, elements=integers(-8192, 8192)))
def test_calibration_is_its_own_inverse(ticks: np.ndarray) -> None:
    np.testing.assert_array_equal(CALIBRATION.to_ticks(CALIBRATION.to_radians(ticks)), ticks)


@given(position=arrays(np.float64, 7, elements=floats(-3, 3)))
def test_a_goal_is_off_by_half_a_tick_at_most(position: np.ndarray) -> None:
    back = CALIBRATION.to_radians(CALIBRATION.to_ticks(position))
    assert np.abs(back - position).max() <= pi / 4096 + 1e-9


def test_a_quarter_turn_is_1024_ticks_and_the_gripper_is_a_share() -> None:
    position = np.zeros(7)
    position[0], position[GRIPPER] = pi / 2, 1.0
    ticks = CALIBRATION.to_ticks(position)
    assert ticks[0] == 2048 + 1024
    assert ticks[GRIPPER] == round(2048 + 3.0 * 4096 / (2 * pi))


def test_a_reversed_joint_counts_backwards_in_position_velocity_and_effort() -> None:
    reversed_waist = Calibration(with_joint(0, sign=-1, home_ticks=2000))
    ticks = np.full(7, 2100, np.int32)
    assert reversed_waist.to_radians(ticks)[0] == pytest.approx(-100 * 2 * pi / 4096)
    assert reversed_waist.to_velocity(np.full(7, 10, np.int32))[0] == pytest.approx(-0.239691227)
    assert reversed_waist.to_effort(np.full(7, 10, np.int16))[0] == -10
    assert reversed_waist.lower_ticks[0] < reversed_waist.upper_ticks[0]


@pytest.mark.parametrize("name", ARMS)
def test_goals_at_the_joint_limits_lie_within_the_servo_limits(name: str) -> None:
    calibration = Calibration(ARMS[name])
    for ends in (ARMS[name].lower, ARMS[name].upper):
        ticks = calibration.to_ticks(ends)
        assert np.all((calibration.lower_ticks <= ticks) & (ticks <= calibration.upper_ticks))


def test_effort_is_load_for_the_big_servos_and_current_for_the_small_ones() -> None:
    assert CALIBRATION.effort_unit == ("0.1%",) * 3 + ("mA",) * 4


def test_effort_of_a_big_servo_is_its_count_times_its_unit() -> None:
    effort = Calibration(VX300S).to_effort(np.full(7, 100, np.int16))
    np.testing.assert_allclose(effort, 269.0)
    assert Calibration(WX250S).effort_unit == ("mA",) * 6 + ("0.1%",)


@pytest.mark.parametrize("home_ticks", [2047, 2048])
def test_a_joint_may_use_its_servos_whole_turn(home_ticks: int) -> None:
    lower, upper = ((ticks - home_ticks) * 2 * pi / 4096 for ticks in (0, 4095))
    whole = Calibration(with_joint(0, lower=lower, upper=upper, home_ticks=home_ticks))
    assert (whole.lower_ticks[0], whole.upper_ticks[0]) == (0, 4095)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"servo": "xl320"}, r"waist \(servo 1\) has an unknown servo 'xl320'. Known servos: xl430-w250"),
        ({"sign": 0}, r"waist \(servo 1\) has sign = 0"),
        ({"servo_rad_per_unit": 0.0}, r"waist \(servo 1\) has servo_rad_per_unit = 0.0"),
        ({"lower": 1.0, "upper": 1.0}, r"waist \(servo 1\) has limits 1.0 .. 1.0"),
        ({"home_ticks": 4000}, r"limits of waist lie at 2435 and 5565 ticks.*home_ticks = 4000"),
    ],
)
def test_a_joint_that_can_not_be_converted_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(NotCalibrated, match=message):
        Calibration(with_joint(0, **changes))
