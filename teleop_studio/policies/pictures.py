"""From a camera's picture to what the encoder sees: reduced by area, cropped, scaled. One code to train and to play."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


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
    rows = _area_weights(height, side_px) @ rgb.astype(np.float32).reshape(height, width * 3)
    squeezed = np.matmul(_area_weights(width, side_px), rows.reshape(side_px, width, 3))
    reduced: NDArray[np.uint8] = (squeezed + np.float32(0.5)).astype(np.uint8)
    return reduced


def random_crops(pictures: Tensor, crop_px: int, generator: torch.Generator) -> Tensor:
    """(B, C, px, px, 3) -> (B, C, 3, crop, crop), each at an offset of its own, drawn from `generator`."""
    batch, cameras, side_px = pictures.shape[:3]
    if crop_px == side_px:
        return pictures.permute(0, 1, 4, 2, 3)
    offsets = torch.randint(0, side_px - crop_px + 1, (2, batch, cameras), generator=generator)
    windows = pictures.unfold(2, crop_px, 1).unfold(3, crop_px, 1)  # a view: (B, C, offsets, offsets, 3, crop, crop)
    which = torch.arange(batch)[:, None], torch.arange(cameras)[None, :]
    return windows[which[0], which[1], offsets[0], offsets[1]]


def centre_crops(pictures: Tensor, crop_px: int) -> Tensor:
    """(B, C, px, px, 3) -> (B, C, 3, crop, crop) from the middle."""
    start = (pictures.shape[2] - crop_px) // 2
    kept = pictures[:, :, start : start + crop_px, start : start + crop_px]
    return kept.permute(0, 1, 4, 2, 3)


def scaled(pictures: Tensor) -> Tensor:
    """uint8 0..255 -> float32 -1..1."""
    return pictures.contiguous().float().div_(127.5).sub_(1.0)


@lru_cache(maxsize=16)
def _area_weights(source_px: int, target_px: int) -> NDArray[np.float32]:
    """(target, source): the share of each source pixel in each target pixel; rows sum to 1."""
    edges = np.linspace(0.0, source_px, target_px + 1)
    pixels = np.arange(source_px)
    low = np.maximum(edges[:-1, None], pixels)
    high = np.minimum(edges[1:, None], pixels + 1)
    weights: NDArray[np.float32] = (np.maximum(high - low, 0.0) * (target_px / source_px)).astype(np.float32)
    return weights
