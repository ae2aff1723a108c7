"""A squeezed bottle must not cook a servo: the heat stays bounded whatever the gripper does."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop_studio.control.gripper_guard import GripperGuard, GripperLimits

DT_S = 0.02
LIMITS = GripperLimits()


def squeeze(guard: GripperGuard, wanted: float, seconds: float) -> list[float]:
    """What the gripper would like to pull, cut by the guard's cap; the caps that were set."""
    steps = range(round(seconds / DT_S))
    return [guard.share for _ in steps if guard.step(min(wanted, guard.share), DT_S)]


def test_a_squeeze_at_full_current_is_lowered_after_the_time_the_budget_gives() -> None:
    guard = GripperGuard()
    allowed_s = LIMITS.time_s * math.log(1 / (1 - LIMITS.sustained**2))
    assert allowed_s == pytest.approx(5.75, abs=0.01)
    assert squeeze(guard, 1.0, allowed_s - 0.2) == []
    assert squeeze(guard, 1.0, 0.4) == [0.5]


def test_a_gripper_that_goes_on_squeezing_keeps_its_lowered_cap_for_ever() -> None:
    guard = GripperGuard()
    squeeze(guard, 1.0, 10)
    assert squeeze(guard, 1.0, 600) == []
    assert guard.share == 0.5


def test_after_letting_go_and_cooling_down_the_full_current_is_back() -> None:
    guard = GripperGuard()
    squeeze(guard, 1.0, 60)
    assert squeeze(guard, 0.0, 5) == []
    assert squeeze(guard, 0.0, 5) == [1.0]


def test_a_normal_grasp_is_never_lowered() -> None:
    guard = GripperGuard()
    for _ in range(50):
        assert squeeze(guard, 0.9, 3.0) == []
        squeeze(guard, 0.05, 30.0)


def test_a_reading_that_is_no_number_counts_as_the_worst() -> None:
    guard = GripperGuard()
    for _ in range(round(6.0 / DT_S)):
        guard.step(float("nan"), DT_S)
    assert guard.share == 0.5


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0.02, 30)), max_size=20))
def test_the_heat_never_leaves_its_bound_whatever_the_gripper_does(squeezes: list[tuple[float, float]]) -> None:
    guard = GripperGuard()
    for wanted, seconds in squeezes:
        for _ in range(min(2000, round(seconds / DT_S))):
            guard.step(min(wanted, guard.share), DT_S)
            # One step of full current beyond the budget, then never more than the sustained one.
            assert 0.0 <= guard.heat <= 1.0 + (1 / LIMITS.sustained**2) * DT_S / LIMITS.time_s
            assert guard.share in (1.0, LIMITS.sustained)
