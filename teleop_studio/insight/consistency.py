"""Does the policy still want what it wanted at its last chunk?"""

import numpy as np
from numpy.typing import NDArray


def chunk_consistency_mm(previous: NDArray[np.floating], newest: NDArray[np.floating], executed_steps: int) -> float:
    """Energy distance, in mm, between two sample sets where their time spans overlap: 0 when the plan did not change.

    `previous`, `newest` (N, H, 3) tip paths in m, base frame; N may differ. `newest` starts `executed_steps` after
    `previous`, so the last H - K steps of one meet the first H - K of the other. The distance between two paths is
    the root of their mean squared tip distance.

    After STAC (Agia et al. 2024, arXiv 2410.04640), which compares the two distributions by a kernel distance; the
    energy distance (Szekely and Rizzo 2013) needs no kernel width.
    Raises `ValueError` when the two do not overlap or have different horizons.
    """
    before, after = np.asarray(previous, np.float64), np.asarray(newest, np.float64)
    if before.ndim != 3 or after.ndim != 3 or before.shape[1:] != after.shape[1:]:
        raise ValueError(f"two sample sets of one horizon are needed, got {before.shape} and {after.shape}")
    overlap = before.shape[1] - executed_steps
    if overlap < 1 or executed_steps < 1:
        raise ValueError(f"executed_steps = {executed_steps}: chunks of {before.shape[1]} steps do not overlap")
    old, new = before[:, executed_steps:], after[:, :overlap]
    energy = 2 * _mean_distance(old, new) - _mean_distance(old, old) - _mean_distance(new, new)
    return 1e3 * max(0.0, energy)


def _mean_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    squared = np.sum((first[:, None] - second[None, :]) ** 2, axis=-1)
    return float(np.mean(np.sqrt(np.mean(squared, axis=-1))))
