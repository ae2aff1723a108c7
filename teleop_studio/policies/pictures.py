"""From reduced pictures to what the encoder sees: cropped and scaled. One code to train and to play."""

import torch
from torch import Tensor


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
