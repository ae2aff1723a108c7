"""What is drawn of a denoising trace: the tip's paths, at evenly spread solver steps when there are many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from teleop_studio.chunk import DenoisingTrace
from teleop_studio.insight.overlay import overlay_of_trace, thinned

N, H, D = 3, 4, 7


def numbered(steps: int) -> DenoisingTrace:
    """Every value of row s is s; the norm at step s is s as well."""
    rows = np.arange(steps + 1.0)
    return DenoisingTrace(np.tile(rows[:, None, None, None], (1, N, H, D)), np.tile(rows[1:, None], (1, N)))


def tip_of(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    return joints[..., :3]


@given(steps=st.integers(1, 120), most=st.integers(1, 30))
def test_a_thinned_trace_keeps_its_ends_and_its_norms_in_step(steps: int, most: int) -> None:
    found = thinned(numbered(steps), most)
    kept = found.actions[:, 0, 0, 0]
    assert len(kept) == min(steps, most) + 1
    assert (kept[0], kept[-1]) == (0, steps)
    np.testing.assert_array_equal(found.velocity_norm[:, 0], kept[1:])
    gaps = np.diff(kept)
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_a_hundred_steps_become_twenty() -> None:
    overlay = overlay_of_trace(numbered(100), tip_of, np.zeros(D), np.zeros(D), 2, 5)
    assert overlay.tip_paths.shape == (21, N, H, 3)
    assert overlay.velocity_norm.shape == (20, N)
    assert overlay.tip_paths[1, 0, 0, 0] == 5


def test_one_step_is_shown_as_it_is() -> None:
    overlay = overlay_of_trace(numbered(1), tip_of, np.zeros(D), np.zeros(D), 2, 5)
    assert overlay.tip_paths[:, 0, 0, 0] == pytest.approx([0, 1])


def test_paths_are_drawn_where_the_arm_sags_to() -> None:
    """Goals lie above where the arm comes to rest; what is drawn is where it will be."""
    measured, commanded = np.full(D, 0.5), np.full(D, 0.75)
    overlay = overlay_of_trace(numbered(1), tip_of, measured, commanded, 2, 5)
    assert overlay.tip_paths[-1, 0, 0] == pytest.approx([0.75] * 3)
    unknown = overlay_of_trace(numbered(1), tip_of, measured, np.full(D, np.nan), 2, 5)
    assert unknown.tip_paths[-1, 0, 0] == pytest.approx([1.0] * 3)
