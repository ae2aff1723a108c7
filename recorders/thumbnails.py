"""Small pictures of an episode for lists."""

from collections.abc import Sequence

import numpy as np
import simplejpeg
from numpy.typing import NDArray

HEIGHT = 72
_QUALITY = 80
_MOST_WIDTH = 192  # of one moment: a panorama must not push everything else out of the list


def thumbnail(moments: Sequence[NDArray[np.uint8]]) -> bytes:
    """A JPEG of pictures (h, w, 3) side by side, each `HEIGHT` high. Empty without pictures."""
    if not moments:
        return b""
    row = np.concatenate([reduced(picture) for picture in moments], axis=1)
    jpeg: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(row), _QUALITY, "RGB", "420")
    return jpeg


def reduced(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`picture` (h, w, 3) at `HEIGHT`, its shape kept: each new pixel is the mean of the area it covers."""
    height, width, _ = picture.shape
    new_width = min(_MOST_WIDTH, max(1, round(width * HEIGHT / height)))
    rows, columns = _areas(height, HEIGHT), _areas(width, new_width)
    narrow = np.tensordot(rows, picture.astype(np.float32), axes=(1, 0))  # (HEIGHT, w, 3)
    small = np.tensordot(narrow, columns, axes=(1, 1))  # (HEIGHT, 3, new_width)
    return np.round(small.transpose(0, 2, 1)).astype(np.uint8)


def _areas(size: int, new_size: int) -> NDArray[np.float32]:
    """(new_size, size): which share of new pixel i each old pixel is."""
    edges = np.arange(new_size + 1) * (size / new_size)
    begin, end = edges[:-1, None], edges[1:, None]
    pixel = np.arange(size)[None]
    covered = np.clip(np.minimum(end, pixel + 1) - np.maximum(begin, pixel), 0, None)
    shares: NDArray[np.float32] = (covered / (size / new_size)).astype(np.float32)
    return shares
