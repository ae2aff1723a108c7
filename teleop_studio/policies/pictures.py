"""From reduced pictures to what the encoder sees: cropped and scaled, in training also changed as the world may change.

One code to train and to play. No picture is ever mirrored: left and right would change places, the joints would not.
"""

import torch
from torch import Tensor
from torch.nn import functional

# What strength 1 means. Gains are e^x, x uniform in +-; other values uniform in +-.
_LIGHT_GAIN = 0.6  # 0.55 .. 1.8 times the light
_COLOUR_GAIN = 0.15  # on top, for each channel
_LIFT = 0.08  # of the whole range, for each picture: haze, black level
_BEND = 0.2  # of the middle of the range: a camera's curve
_MOVED_SHARE = 0.5  # of the pictures; the others are only cropped
_TURN_RAD = 0.05
_ZOOM = 0.06
_PATCHES_PER_PICTURE = 0.35
_PATCH_SIDE = (0.07, 0.27)  # of the crop


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


def augmented(pictures: Tensor, crop_px: int, strength: float, generator: torch.Generator) -> Tensor:
    """(B, C, px, px, 3) uint8 -> (B, C, 3, crop, crop) in -1..1: cropped at random, and more with `strength` 0..1.

    Each picture for itself: half of them as from a camera that was turned a little about its axis or moved nearer,
    patches of other pictures as new things on the table, other light. Strength 0 is the random crop alone, to the bit.
    `generator` is on the CPU: the draws are the same on every device. Raises `ValueError` for another strength.
    """
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"augment = {strength}: the strength of augmentation lies between 0 (only crops) and 1.")
    if strength == 0.0:
        return scaled(random_crops(pictures, crop_px, generator))
    crops = _as_from_moved_cameras(pictures.flatten(0, 1), crop_px, strength, generator)
    _paste_patches(crops, strength, generator)
    _change_light(crops, strength, generator)
    return crops.view(*pictures.shape[:2], 3, crop_px, crop_px)


def _as_from_moved_cameras(pictures: Tensor, crop_px: int, strength: float, generator: torch.Generator) -> Tensor:
    """(M, px, px, 3) uint8 -> (M, 3, crop, crop) 0..255: cropped, and some of them turned, zoomed, between pixels."""
    count, side_px = pictures.shape[:2]
    room_px = side_px - crop_px
    moved = torch.rand(count, generator=generator) < _MOVED_SHARE
    angle = _around_zero(count, _TURN_RAD * strength, generator) * moved
    zoom = (_around_zero(count, _ZOOM * strength, generator) * moved).exp() * (crop_px / side_px)
    whole = torch.randint(0, room_px + 1, (2, count), generator=generator) - 0.5 * room_px
    between = whole + _around_zero((2, count), 0.5, generator) * moved
    across, down = (between * (2.0 / side_px))[..., None, None].to(pictures.device)
    cosine, sine = ((zoom * turn)[:, None, None].to(pictures.device) for turn in (angle.cos(), angle.sin()))
    # Centres of the crop's pixels in -1..1; sampled at a whole pixel, a picture stays as it is.
    line = (torch.arange(crop_px, device=pictures.device) * 2.0 + 1.0) / crop_px - 1.0
    column, row = line[None, :], line[:, None]
    grid = torch.empty((count, crop_px, crop_px, 2), device=pictures.device)
    torch.add(cosine * column + across, sine * row, alpha=-1.0, out=grid[..., 0])
    torch.add(sine * column + down, cosine * row, out=grid[..., 1])
    return functional.grid_sample(
        pictures.permute(0, 3, 1, 2).float(), grid, padding_mode="border", align_corners=False
    ).contiguous()


def _paste_patches(pictures: Tensor, strength: float, generator: torch.Generator) -> None:
    """Put patches of other pictures, mixed with a colour, into (M, 3, px, px), in place."""
    count, side_px = len(pictures), pictures.shape[-1]
    patches = round(_PATCHES_PER_PICTURE * strength * count)
    least, most = (max(1, round(share * side_px)) for share in _PATCH_SIDE)
    into, out_of = torch.randint(0, count, (2, patches, 1, 1), generator=generator)
    size = torch.randint(least, most + 1, (2, patches, 1, 1), generator=generator)
    to, of = torch.rand((2, 2, patches, 1, 1), generator=generator)
    mixed = torch.rand((patches, 1, 1, 1), generator=generator)
    colour = torch.rand((patches, 1, 1, 3), generator=generator) * 255.0
    # All have the largest size; of a smaller one the last row and column are written again and again.
    row = torch.minimum(torch.arange(most)[:, None], size[0] - 1)
    column = torch.minimum(torch.arange(most)[None, :], size[1] - 1)

    def place(share: Tensor, k: int, within: Tensor) -> Tensor:
        return ((share[k] * (side_px + 1 - size[k])).long() + within).to(pictures.device)

    device = pictures.device
    content = pictures[out_of.to(device), :, place(of, 0, row), place(of, 1, column)]  # (patches, most, most, 3)
    content = torch.lerp(content, colour.to(device), mixed.to(device))
    pictures[into.to(device), :, place(to, 0, row), place(to, 1, column)] = content


def _change_light(pictures: Tensor, strength: float, generator: torch.Generator) -> None:
    """(M, 3, px, px) from 0..255 to -1..1 under other light, in place.

    v in 0..2 becomes gain (v + bend v (2 - v)) + lift - 1, cut at -1 and 1.
    """
    count = len(pictures)
    gain = _around_zero((count, 1), _LIGHT_GAIN * strength, generator)
    gain = (gain + _around_zero((count, 3), _COLOUR_GAIN * strength, generator)).exp() / 127.5
    lift = 2.0 * _around_zero((count, 1), _LIFT * strength, generator) - 1.0
    bend = _around_zero((count, 1), _BEND * strength, generator)
    factors = lift, gain * (1.0 + 2.0 * bend), -gain * bend / 127.5
    constant, linear, square = (factor[..., None, None].to(pictures.device) for factor in factors)
    slope = (pictures * square).add_(linear)  # `addcmul` is slower: it is not vectorised for factors of a picture
    pictures.mul_(slope).add_(constant).clamp_(-1.0, 1.0)


def _around_zero(shape: int | tuple[int, ...], limit: float, generator: torch.Generator) -> Tensor:
    """Uniform in -limit .. limit."""
    return (2.0 * torch.rand(shape, generator=generator) - 1.0) * limit
