"""Pictures for the simulated scene, painted in numpy: wood, cutting mat, bottle label, shadow sheet."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

SHADOW_SIZE = 256


def assets(mat_centre: tuple[float, float], mat_half: tuple[float, float]) -> dict[str, bytes]:
    """File name -> PNG bytes, for `mujoco.MjModel.from_xml_string`; nothing is read from or written to disk.

    The cutting mat lies on the wood: centre and half sizes as shares of the table, 0..1 along x and y.
    """
    shadow = np.zeros((SHADOW_SIZE, SHADOW_SIZE, 4), np.uint8)
    pictures = {
        "table": table(mat_centre, mat_half),
        "label": label(),
        "floor": floor(),
        "wall": wall(),
        "shadow": shadow,
    }
    return {f"{name}.png": png(pixels) for name, pixels in pictures.items()}


def png(pixels: Pixels) -> bytes:
    """PNG file of `pixels` (h, w, 3 or 4) uint8 (PNG specification, W3C 2003, colour types 2 and 6)."""
    height, width, channels = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def table(mat_centre: tuple[float, float], mat_half: tuple[float, float], size: int = 1024) -> Pixels:
    """Table top seen from above, x to the right, y up: wood with the cutting mat on it."""
    picture = wood(size)
    left, right = (round(size * (mat_centre[0] + side * mat_half[0])) for side in (-1, 1))
    top, bottom = (round(size * (1 - mat_centre[1] + side * mat_half[1])) for side in (-1, 1))
    picture[top:bottom, left:right] = mat(bottom - top, right - left)
    return picture


def wood(size: int, planks: int = 6) -> Pixels:
    """Oak planks, grain along x."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:size, 0:size] / size
    plank = (y * planks).astype(int)
    # Each plank is cut from another place: shift the grain along, and its tone.
    shifted = (x + rng.uniform(0, 1, planks)[plank]) % 1.0
    warp = _noise(rng, shifted, y, 3, 10)
    grain = 0.5 * _noise(rng, shifted, y, 4, 60) + 0.35 * _noise(rng, shifted, y, 10, 200)
    grain += 0.25 * _noise(rng, shifted, y, 24, 300) + 0.35 * np.sin(55 * (y + 0.035 * warp))
    tone = 1 + rng.uniform(-0.07, 0.06, planks)[plank] + 0.055 * grain
    gap = np.minimum((y * planks) % 1, 1 - (y * planks) % 1) * size / planks
    tone *= 1 - 0.34 * np.clip(1 - gap / 1.6, 0, 1)
    warmth = 0.03 * _noise(rng, x, y, 3, 9)[..., None] * np.array([1.0, 0.0, -1.0])
    return _to_bytes(np.array([196, 162, 124.0]) * (tone[..., None] + warmth))


def mat(height: int, width: int, pitch: int = 32) -> Pixels:
    """Cutting mat with a thin grid of `pitch` px, symmetric about its middle, and a border."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width]
    base = np.full((height, width, 3), (44.0, 58.0, 72.0)) * (1 + 0.02 * rng.standard_normal((height, width, 1)))
    edge = np.minimum(np.minimum(x, y), np.minimum(width - 1 - x, height - 1 - y))
    for away in (abs(x - width // 2), abs(y - height // 2)):
        base[(edge > 16) & (away % pitch < 1)] += (17, 20, 22)
    base[(edge >= 14) & (edge < 17)] = (112, 128, 138)
    base[edge < 4] = (32, 42, 52)
    return _to_bytes(base)


def label(width: int = 512, height: int = 512) -> Pixels:
    """Whole bottle, from foot (last row) to lip (row 0): green glass with a paper label around its waist."""
    y, x = np.mgrid[0:height, 0:width] / (height, width)[0]
    up = 1 - y
    picture = np.full((height, width, 3), (34.0, 120.0, 98.0))
    picture += 10 * np.sin(18 * up)[..., None] * (up < 0.8)[..., None]
    paper = (up > 0.16) & (up < 0.47)
    picture[paper] = (243, 239, 226)
    for low, high in ((0.175, 0.190), (0.440, 0.455)):
        picture[(up > low) & (up < high)] = (222, 112, 40)
    for k in range(4):
        centre = (k + 0.5) / 4
        away = np.hypot((x - centre) * 1.55, (up - 0.315) * 2.0)
        picture[paper & (away < 0.135)] = (30, 104, 88)
        picture[paper & (away < 0.105)] = (243, 239, 226)
        leaf = (abs(x - centre) < 0.035 * np.cos(np.clip((up - 0.315) * 26, -1.57, 1.57))) & (abs(up - 0.315) < 0.06)
        picture[leaf] = (222, 112, 40)
    return _to_bytes(picture)


def floor(size: int = 256) -> Pixels:
    """One slab of a pale floor with its joint."""
    rng = np.random.default_rng(9)
    y, x = np.mgrid[0:size, 0:size] / size
    tone = 1 + 0.012 * _noise(rng, x, y, 6, 6) + 0.012 * _noise(rng, x, y, 30, 30)
    joint = np.minimum(np.minimum(x, y), 1 - np.maximum(x, y)) < 0.008
    return _to_bytes(np.array([158, 165, 174.0]) * np.where(joint, 0.90, tone)[..., None])


def wall(height: int = 256, width: int = 16) -> Pixels:
    """A wall from skirting board (last row) to ceiling: pale, a little darker towards the floor."""
    up = np.linspace(1, 0, height)[:, None, None]
    picture = np.array([150.0, 160.0, 172.0]) + np.clip(up / 0.45, 0, 1) * np.array([44.0, 42.0, 38.0])
    picture = np.repeat(picture, width, axis=1)
    picture[-7:] = (222, 224, 226)
    picture[-8] = (128, 136, 146)
    return _to_bytes(picture)


def _noise(
    rng: np.random.Generator, x: NDArray[np.float64], y: NDArray[np.float64], across: int, down: int
) -> NDArray[np.float64]:
    """Value noise on a lattice of `across` x `down` cells over the unit square, about -2..2."""
    lattice = rng.standard_normal((down + 2, across + 2))
    i, j = (y * down).astype(int), (x * across).astype(int)
    a, b = y * down - i, x * across - j
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    upper = lattice[i, j] * (1 - b) + lattice[i, j + 1] * b
    lower = lattice[i + 1, j] * (1 - b) + lattice[i + 1, j + 1] * b
    return np.asarray(upper * (1 - a) + lower * a, np.float64)


def _to_bytes(picture: NDArray[np.float64]) -> Pixels:
    return np.clip(picture, 0, 255).astype(np.uint8)
