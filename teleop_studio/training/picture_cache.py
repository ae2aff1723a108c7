"""Reduced pictures on disk, so that an episode is decoded once and not in every run. May be deleted at any time."""

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.pictures import reduce_picture
from teleop_studio.training.demonstration import Demonstration


def cached_pictures(
    folder: Path, demonstration: Demonstration, config: PolicyConfig, picture_index: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The pictures of N moments, (N, C, px, px, 3) uint8, memory-mapped from `folder`, decoded when not there yet."""
    path = folder / f"{demonstration.uuid}-{_key(config, picture_index)}.npy"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        # Two runs may fill the cache at the same time: each writes its own file, the last rename wins with equal bytes.
        unfinished = path.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as file:
            np.save(file, _reduced(demonstration, config, picture_index), allow_pickle=False)
        unfinished.replace(path)
    pictures: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    return pictures


def _reduced(demonstration: Demonstration, config: PolicyConfig, picture_index: NDArray[np.int64]) -> NDArray[np.uint8]:
    side = config.picture_px
    reduced = np.empty((len(picture_index), len(config.cameras), side, side, 3), np.uint8)
    for camera, name in enumerate(config.cameras):
        source = demonstration.pictures[name]
        for moment, k in enumerate(picture_index[:, camera]):
            reduced[moment, camera] = reduce_picture(source[int(k)], side)
    return reduced


def _key(config: PolicyConfig, picture_index: NDArray[np.int64]) -> str:
    """Changes with everything that changes the file's content."""
    text = f"{config.cameras} {config.picture_px}".encode()
    return hashlib.sha256(text + np.ascontiguousarray(picture_index).tobytes()).hexdigest()[:16]
