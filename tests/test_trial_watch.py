"""A trial on the live rig is measured from its rings: the same figures as in lock-step."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from drivers.arms.studio_arm import STUDIO_FOLLOWER
from teleop_studio.chunk import ActionChunk
from teleop_studio.live import Inference
from teleop_studio.processes.rings import RigRings, chunk_row
from teleop_studio.processes.tick_row import tick_dtype
from teleop_studio.rig import CameraConfig, RigConfig
from teleop_studio.trial_watch import TrialWatch

RIG = RigConfig(cameras=(CameraConfig("front", width=16, height=16), CameraConfig("wrist", width=16, height=16)))
HOME = np.array(STUDIO_FOLLOWER.home)
S = 1_000_000_000


@pytest.fixture
def rings() -> Iterator[RigRings]:
    rings = RigRings.create("watch", RIG)
    yield rings
    rings.close()


def tick(rings: RigRings, stamp_ns: int, waist: float) -> None:
    row = np.zeros((), tick_dtype(len(HOME)))
    row["action"] = HOME + np.eye(len(HOME))[0] * waist
    rings.ticks.push(row, stamp_ns)


def answer(rings: RigRings, inference: Inference, at_ns: int, waist: float, step: float) -> None:
    """A chunk that arrives at `at_ns` and turns the waist by `step` a goal."""
    actions = np.tile(HOME, (16, 1))
    actions[:, 0] = waist + step * np.arange(16)
    rings.chunks.push(chunk_row(1, ActionChunk(at_ns, 1 / 15, actions), len(HOME)), at_ns)
    inference.chunks += 1
    inference.chunk_ms.append(10.0 * inference.chunks)
    inference.overlay_ms.append(20.0 * inference.chunks)


def test_chunks_of_a_live_trial_are_measured(rings: RigRings) -> None:
    """The third chunk begins 30 mrad beside the command sent when it arrived, not beside that of a later tick."""
    inference = Inference()
    answer(rings, inference, 0, 0.0, 0.02)  # of the trial before
    watch = TrialWatch(rings, inference, STUDIO_FOLLOWER)
    tick(rings, 1 * S, 0.0)
    answer(rings, inference, 1 * S, 0.0, 0.02)
    tick(rings, 2 * S, 0.16)
    answer(rings, inference, 2 * S, 0.16, -0.03)
    watch.follow()
    tick(rings, 3 * S, -0.08)
    tick(rings, 3 * S + 1, 0.5)
    answer(rings, inference, 3 * S, -0.05, 0.02)
    watch.follow()
    measured = watch.measured(8, 10)
    assert (measured.chunks, measured.flips, measured.chunk_side) == (3, 2, "left")
    assert measured.boundary_jump_mrad == pytest.approx(15)
    assert measured.chunk_ms == (20.0, 30.0, 40.0)
    assert measured.samples_ms == (40.0, 60.0, 80.0)
    assert (measured.executed_steps, measured.solver_steps) == (8, 10)


def test_a_wish_that_could_not_be_met_is_no_chunk(rings: RigRings) -> None:
    watch = TrialWatch(rings, Inference(), STUDIO_FOLLOWER)
    rings.chunks.push(chunk_row(1, None, len(HOME)), S)
    watch.follow()
    measured = watch.measured(8, 10)
    assert (measured.chunks, measured.chunk_ms) == (0, ())
    assert math.isnan(measured.boundary_jump)


def test_a_chunk_without_a_command_before_it_makes_no_boundary(rings: RigRings) -> None:
    inference = Inference()
    watch = TrialWatch(rings, inference, STUDIO_FOLLOWER)
    answer(rings, inference, S, 0.0, 0.02)
    answer(rings, inference, 2 * S, 0.0, 0.02)
    watch.follow()
    assert math.isnan(watch.measured(8, 10).boundary_jump_mrad)
