"""A camera's picture at the size a policy looks at: one function, live and in training. Free of torch."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Part of each cache file's name: raise it when `reduce_picture` gives other bytes than before.
REDUCTION = "area-1"


def reduce_picture(rgb: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 -> (side_px, side_px, 3) uint8, each pixel the mean of the area it covers.

    A picture that is not square is squeezed, not cut: both edges stay visible. Raises `ValueError` for another shape,
    type, or a picture smaller than `side_px`.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"a picture is (h, w, 3) uint8, this one is {rgb.shape} {rgb.dtype}")
    height, width, _ = rgb.shape
    if height < side_px or width < side_px:
        raise ValueError(f"a picture of {width}x{height} is smaller than the {side_px}x{side_px} the policy looks at")
    if height == width == side_px:
        return rgb
    rows = _weighted_rows(rgb.reshape(height, width * 3), side_px).reshape(side_px, width, 3)
    squeezed = _weighted_rows(rows.transpose(1, 0, 2), side_px).transpose(1, 0, 2)
    reduced: NDArray[np.uint8] = (squeezed + np.float32(0.5)).astype(np.uint8)
    return reduced


def _weighted_rows(rows: NDArray[np.uint8] | NDArray[np.float32], target: int) -> NDArray[np.float32]:
    """(source, ...) -> (target, ...) means of neighbouring rows.

    A fixed order of a few additions, not a matrix product: BLAS adds in another order on another processor, and a
    cache that one machine has built must hold what another one sees live.
    """
    index, weight = _taps(len(rows), target)
    total = np.zeros((target, *rows.shape[1:]), np.float32)
    for first, share in zip(index, weight, strict=True):
        total += rows[first] * share.reshape(-1, *[1] * (rows.ndim - 1))
    return total


@lru_cache(maxsize=16)
def _taps(source: int, target: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """(taps, target) source row and its share, for each target row; the shares of a target row sum to 1."""
    edges = np.linspace(0.0, source, target + 1)
    first = np.floor(edges[:-1]).astype(np.intp)
    taps = int((np.ceil(edges[1:]) - first).max())
    index = first + np.arange(taps)[:, None]
    covered = np.minimum(edges[1:], index + 1) - np.maximum(edges[:-1], index)
    weight: NDArray[np.float32] = (np.maximum(covered, 0.0) * (target / source)).astype(np.float32)
    return np.minimum(index, source - 1), weight
