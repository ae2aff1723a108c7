"""A policy that changes its mind, and an arm that jerks between chunks, are seen in the chunks that were executed."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from teleop_studio.chunk import ActionChunk
from teleop_studio.insight.chunk_meter import ChunkMeter

DT_S = 1 / 15
OPEN, CLOSED = 0.7, 0.1


def tip_of(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """A toy arm whose joints are x, y, z of its tip."""
    return joints[..., :3]


def chunk(end_y: float, gripper: float = OPEN, start: tuple[float, float, float] = (0.2, 0.0, 0.1)) -> ActionChunk:
    """Five goals from `start` straight to x = 0.3, y = `end_y`."""
    way = np.linspace(start, (0.3, end_y, 0.1), 5)
    return ActionChunk(0, DT_S, np.column_stack([way, np.full(5, gripper)]))


def command(gripper: float = OPEN, at: tuple[float, float, float] = (0.2, 0.0, 0.1)) -> NDArray[np.float64]:
    return np.array([*at, gripper])


def driven(*ends: float, meter: ChunkMeter | None = None) -> ChunkMeter:
    meter = meter or ChunkMeter(tip_of)
    for end in ends:
        meter.add(chunk(end), command(), 0)
    return meter


def test_each_change_of_side_is_a_flip() -> None:
    meter = driven(0.04, 0.05, -0.04, -0.03, 0.04)
    assert (meter.chunks, meter.flips, meter.first_side) == (5, 2, "left")


def test_a_chunk_straight_ahead_is_on_neither_side() -> None:
    assert driven(0.0, 0.01, -0.014).first_side == ""
    meter = driven(0.0, 0.04, 0.0, 0.04)
    assert (meter.flips, meter.first_side) == (0, "left")
    assert driven(0.04, 0.0, -0.04).flips == 1


def test_sides_are_those_of_the_line_straight_ahead() -> None:
    """What lies left of the base's axis may lie right of the bottle."""
    bottle_rad = math.atan2(0.1, 0.3)
    assert driven(0.05).first_side == "left"
    assert driven(0.05, meter=ChunkMeter(tip_of, bottle_rad)).first_side == "right"


def test_after_the_grasp_nobody_changes_sides_any_more() -> None:
    meter = driven(0.04)
    meter.add(chunk(0.04, CLOSED), command(CLOSED), 0)
    meter.add(chunk(-0.04, CLOSED), command(CLOSED), 0)
    meter.add(chunk(-0.04), command(), 0)
    assert (meter.chunks, meter.flips) == (4, 0)


def test_a_chunk_that_goes_on_where_the_last_one_was_left_makes_no_jump() -> None:
    meter = driven(0.0)
    meter.add(chunk(0.0, start=(0.25, 0.0, 0.1)), command(at=(0.25, 0.0, 0.1)), 0)
    assert meter.boundary_jump_mrad == pytest.approx(0.0)
    assert meter.boundary_jump == pytest.approx(0.0)


def test_a_jump_is_measured_against_the_steps_of_the_new_chunk() -> None:
    """Steps of 25 mrad; the new chunk begins 50 mrad away, and its gripper elsewhere, which does not count."""
    meter = driven(0.0)
    meter.add(chunk(0.0), command(gripper=0.3, at=(0.2, 0.05, 0.1)), 0)
    assert meter.boundary_jump_mrad == pytest.approx(50.0)
    assert meter.boundary_jump == pytest.approx(2.0)


def test_a_late_chunk_is_met_where_it_is_due() -> None:
    meter = driven(0.0)
    meter.add(chunk(0.0), command(at=(0.225, 0.0, 0.1)), round(DT_S * 1e9))
    assert meter.boundary_jump_mrad == pytest.approx(0.0, abs=1e-3)


def test_the_first_chunk_follows_no_other() -> None:
    meter = driven(0.04)
    assert math.isnan(meter.boundary_jump)
    assert math.isnan(meter.boundary_jump_mrad)
    assert not math.isnan(driven(0.04, 0.04).boundary_jump)


def test_a_chunk_that_stands_still_is_not_divided_by() -> None:
    still = ActionChunk(0, DT_S, np.tile(command(), (5, 1)))
    meter = driven(0.0)
    meter.add(still, command(at=(0.21, 0.0, 0.1)), 0)
    assert meter.boundary_jump == pytest.approx(10.0)


def test_an_arm_of_unknown_lengths_has_no_sides_but_jumps() -> None:
    meter = ChunkMeter(None)
    for end in (0.04, -0.04):
        meter.add(chunk(end), command(at=(0.2, 0.01, 0.1)), 0)
    assert (meter.flips, meter.first_side) == (0, "")
    assert meter.boundary_jump_mrad == pytest.approx(10.0)
