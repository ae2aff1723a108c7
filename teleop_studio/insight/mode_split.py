"""Left or right: which way round each sampled chunk goes, and which way a demonstration went.

Everything here comes from gripper-tip paths in the robot's base frame (m; +x forward, +y the arm's left). The policy
side of the app has no object poses, so "left" can not mean "left of the bottle"; it means left of the others when the
samples fall apart into two bundles, and left of straight ahead when they do not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEAD_BAND_M = 0.015
"""A path that leaves the middle by less than this goes neither way."""

MIN_SILHOUETTE = 0.7
MIN_SHARE = 0.05
"""Two bundles are accepted when they are this well separated and neither is smaller than this share.

Cutting one even smear in half already scores 0.6, so the usual 0.5 would find two bundles everywhere.
"""

_SAME_PLACE_M = 1e-3
_STRAIGHT_AHEAD: NDArray[np.float64] = np.array([1.0, 0.0])


@dataclass(frozen=True)
class ModeSplit:
    """How N samples divide. Shares in 0..1; what is missing to 1 goes neither way.

    `spread_mm`: mean distance, in mm, of a sample's tip at step K from the centre of its own bundle. Unlike the total
    variance it stays small while the policy is torn between two sharp plans.
    `bundles`: 1 or 2.
    """

    left_share: float
    right_share: float
    spread_mm: float
    bundles: int


def split(tip_paths: NDArray[np.floating], executed_steps: int, straight_ahead_rad: float = 0.0) -> ModeSplit:
    """Divide N sampled chunks by the side on which they end.

    `tip_paths` (N, H, 3) m, base frame. `executed_steps` K, 1..H. `straight_ahead_rad` the azimuth that counts as
    the middle while there is only one bundle: 0 is the base's +x.
    Raises `ValueError` for another shape, for N = 0, for K out of range and for values that are not finite.
    """
    paths = _checked(tip_paths, executed_steps)
    lateral = _lateral(paths[:, -1, :2], np.array([np.cos(straight_ahead_rad), np.sin(straight_ahead_rad)]))
    border = _border(lateral)
    middle = 0.0 if border is None else border
    labels = np.zeros(len(lateral), np.int64) if border is None else (lateral > border).astype(np.int64)
    return ModeSplit(
        left_share=float(np.mean(lateral > middle + DEAD_BAND_M)),
        right_share=float(np.mean(lateral < middle - DEAD_BAND_M)),
        spread_mm=_spread_mm(paths[:, min(executed_steps, paths.shape[1] - 1)], labels),
        bundles=1 if border is None else 2,
    )


def side_of_demonstration(tip_path: NDArray[np.floating]) -> str:
    """ "left", "right" or "neither": on which side of the straight way the tip went round to where it grasped.

    `tip_path` (T, 3) m, base frame, in order of time. The straight way is the horizontal line from the first point to
    the grasp; the point before the grasp that lies farthest from this line decides.
    Raises `ValueError` for another shape or values that are not finite.
    """
    path = np.asarray(tip_path, np.float64)
    if path.ndim != 2 or path.shape[1] != 3 or len(path) == 0:
        raise ValueError(f"a tip path is (T, 3) with T > 0, got {path.shape}")
    if not np.all(np.isfinite(path)):
        raise ValueError(f"the tip path holds {int(np.sum(~np.isfinite(path)))} values that are not finite")
    approach = path[: _grasp(path) + 1, :2]
    way = approach[-1] - approach[0]
    length = float(np.linalg.norm(way))
    # A tip that came back to where it began defines no line; then the arm's own forward direction serves.
    forward = way / length if length > _SAME_PLACE_M else _STRAIGHT_AHEAD
    lateral = _lateral(approach - approach[0], forward)
    farthest = float(lateral[int(np.argmax(np.abs(lateral)))])
    if abs(farthest) <= DEAD_BAND_M:
        return "neither"
    return "left" if farthest > 0 else "right"


def _grasp(path: NDArray[np.float64]) -> int:
    """Index of the likely grasp: of the points in the lowest quarter of the descent the one farthest from the start.

    Not simply the lowest: a hand that comes in at grasp height passes the obstacle as low as it grasps.
    """
    height = path[:, 2]
    low = height <= height.min() + 0.25 * (height[0] - height.min())
    reach = np.linalg.norm(path[:, :2] - path[0, :2], axis=1)
    return int(np.argmax(np.where(low, reach, -1.0)))


def _checked(tip_paths: NDArray[np.floating], executed_steps: int) -> NDArray[np.float64]:
    paths = np.asarray(tip_paths, np.float64)
    if paths.ndim != 3 or paths.shape[2] != 3 or 0 in paths.shape:
        raise ValueError(f"tip paths are (N, H, 3) with N, H > 0, got {paths.shape}")
    if not 1 <= executed_steps <= paths.shape[1]:
        raise ValueError(f"executed_steps = {executed_steps}: a chunk of {paths.shape[1]} steps runs 1 to that many")
    if not np.all(np.isfinite(paths)):
        raise ValueError(f"the tip paths hold {int(np.sum(~np.isfinite(paths)))} values that are not finite")
    return paths


def _lateral(points: NDArray[np.float64], forward: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...,) m to the left of the line through the base along `forward`, for horizontal `points` (..., 2)."""
    lateral: NDArray[np.float64] = points @ np.array([-forward[1], forward[0]])
    return lateral


def _border(lateral: NDArray[np.float64]) -> float | None:
    """Where two bundles part, half-way between their centres; None when there is only one.

    Two-means on a line, solved exactly: of all cuts of the sorted values the one with the smallest within-bundle
    variance. Accepted when each bundle holds `MIN_SHARE`, the mean silhouette exceeds `MIN_SILHOUETTE` and the
    centres are more than two dead bands apart.
    """
    values = np.sort(lateral)
    count = len(values)
    if count < 2:
        return None
    left_counts = np.arange(1, count)
    sums = np.cumsum(values)
    low, high = sums[:-1] / left_counts, (sums[-1] - sums[:-1]) / (count - left_counts)
    between = left_counts * (count - left_counts) * (high - low) ** 2
    cut = int(np.argmax(between))
    share = min(left_counts[cut], count - left_counts[cut]) / count
    if share < MIN_SHARE or high[cut] - low[cut] <= 2 * DEAD_BAND_M:
        return None
    if _silhouette(values, cut + 1) <= MIN_SILHOUETTE:
        return None
    return float((low[cut] + high[cut]) / 2)


def _silhouette(values: NDArray[np.float64], cut: int) -> float:
    """Mean silhouette (Rousseeuw 1987) of `values[:cut]` against `values[cut:]`; a bundle of one scores 0."""
    distance = np.abs(values[:, None] - values[None, :])
    first = np.arange(len(values)) < cut
    own = np.where(first, cut, len(values) - cut)
    to_first, to_second = distance[:, first].sum(axis=1), distance[:, ~first].sum(axis=1)
    inside = np.where(first, to_first, to_second) / np.maximum(own - 1, 1)
    outside = np.where(first, to_second, to_first) / (len(values) - own)
    score = (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-12)
    return float(np.mean(np.where(own == 1, 0.0, score)))


def _spread_mm(points: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Mean distance (mm) of `points` (N, 3) from the mean of those with the same label."""
    distance = np.zeros(len(points))
    for label in np.unique(labels):
        mine = labels == label
        distance[mine] = np.linalg.norm(points[mine] - points[mine].mean(axis=0), axis=1)
    return 1e3 * float(distance.mean())
