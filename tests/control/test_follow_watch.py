"""A joint that stays behind its command for half a second is named; a short lag, and the gripper, are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.arms import STUDIO_FOLLOWER as ARM
from teleop_studio.control.follow_watch import FollowWatch
from tests.control.arms import HOME, D

DT_S = 0.01


def behind(joint: int, by: float) -> np.ndarray:
    pose = HOME.copy()
    pose[joint] -= by
    return pose


def watched(watch: FollowWatch, measured: np.ndarray, ticks: int) -> str:
    said = ""
    for _ in range(ticks):
        said = watch.step(HOME, measured, DT_S)
    return said


@given(joint=st.integers(0, D - 2), by=st.floats(0.36, 6.0), up=st.booleans())
def test_a_blocked_joint_is_named_after_half_a_second(joint: int, by: float, up: bool) -> None:
    watch, measured = FollowWatch(ARM), behind(joint, by if up else -by)
    assert watched(watch, measured, 49) == ""
    said = watched(watch, measured, 2)
    assert said.startswith(f"{ARM.names[joint]} is {by:.2f} rad behind its command for 0.5 s: holding where the arm is")


@given(lags=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 49)), max_size=10))
def test_whatever_lags_for_less_than_half_a_second_is_no_fault(lags: list[tuple[float, int]]) -> None:
    watch = FollowWatch(ARM)
    for by, ticks in lags:
        assert watched(watch, behind(1, by), ticks) == ""
        assert watched(watch, HOME, 1) == ""


def test_an_arm_that_sags_under_its_weight_is_no_fault() -> None:
    assert watched(FollowWatch(ARM), behind(1, 0.34), 1000) == ""


def test_a_gripper_closed_on_something_is_no_fault() -> None:
    assert watched(FollowWatch(ARM), behind(D - 1, 0.9), 1000) == ""


def test_a_joint_that_reads_no_number_does_not_follow() -> None:
    measured = HOME.copy()
    measured[3] = np.nan
    assert "wrist_pitch" in watched(FollowWatch(ARM), measured, 52)


def test_after_a_new_start_the_half_second_begins_anew() -> None:
    watch = FollowWatch(ARM)
    watched(watch, behind(0, 1.0), 49)
    watch.restart()
    assert watched(watch, behind(0, 1.0), 49) == ""


@pytest.mark.parametrize("joint", [0, 4])
def test_each_joint_has_a_limit_of_its_own(joint: int) -> None:
    watch = FollowWatch(ARM)
    limit = ARM.joints[joint].follow_error
    assert watched(watch, behind(joint, limit - 0.01), 100) == ""
    assert ARM.names[joint] in watched(watch, behind(joint, limit + 0.01), 100)
