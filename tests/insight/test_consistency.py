"""A plan that is kept scores 0, a plan that changes sides scores the distance."""

import numpy as np
import pytest
from numpy.typing import NDArray

from teleop_studio.insight.consistency import chunk_consistency_mm

H, K, N = 16, 8, 32


def plan(y: float, steps: range, seed: int = 0) -> NDArray[np.float64]:
    """(N, H, 3) samples of one motion along x at lateral `y`, with the noise of `seed`."""
    time = np.array(steps) / 15
    path = np.stack([0.2 + 0.1 * time, np.full_like(time, y), np.full_like(time, 0.1)], axis=1)
    return path + np.random.default_rng(seed).normal(0, 0.002, (N, 1, 3))


def test_the_same_samples_seen_k_steps_later_are_consistent() -> None:
    before, after = plan(0.05, range(H)), plan(0.05, range(K, K + H))
    assert chunk_consistency_mm(before, after, K) == pytest.approx(0.0, abs=1e-9)


def test_another_draw_from_the_same_plan_is_nearly_consistent() -> None:
    before, after = plan(0.05, range(H)), plan(0.05, range(K, K + H), seed=1)
    assert chunk_consistency_mm(before, after, K) < 0.5


def test_a_change_of_sides_costs_about_twice_the_way() -> None:
    before, after = plan(0.05, range(H)), plan(-0.05, range(K, K + H), seed=1)
    assert chunk_consistency_mm(before, after, K) == pytest.approx(200, rel=0.05)


def test_choosing_one_of_two_sides_is_less_of_a_change_than_swapping() -> None:
    torn = np.concatenate([plan(0.05, range(H))[: N // 2], plan(-0.05, range(H))[: N // 2]])
    chosen = plan(0.05, range(K, K + H), seed=1)
    swapped = chunk_consistency_mm(plan(-0.05, range(H)), chosen, K)
    assert 1 < chunk_consistency_mm(torn, chosen, K) < 0.5 * swapped


@pytest.mark.parametrize("executed", [0, 16, 17])
def test_chunks_that_do_not_overlap_are_refused(executed: int) -> None:
    with pytest.raises(ValueError, match="do not overlap"):
        chunk_consistency_mm(plan(0, range(H)), plan(0, range(H)), executed)


def test_two_horizons_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one horizon are needed, got \(32, 16, 3\) and \(32, 12, 3\)"):
        chunk_consistency_mm(plan(0, range(16)), plan(0, range(12)), K)
