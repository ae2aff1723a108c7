"""What a frozen backbone sees in each picture, computed once and kept on disk beside the reduced pictures.

A file for each episode and camera, as `picture_file` writes them, named by the pictures, the backbone's own files and
the crop: two policies, or two runs, share it. The folder may be deleted at any time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recorders.errors import disk_errors
from teleop_studio.policies import build_policy
from teleop_studio.policies.encoders import FROZEN
from teleop_studio.policies.encoders.backbone_folder import fingerprint
from teleop_studio.policies.policy import Policy
from teleop_studio.training.chunk_dataset import ChunkDataset
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.picture_cache import used_again
from teleop_studio.training.picture_file import (
    FEATURES_SUFFIX,
    PAGE,
    PictureSet,
    mapped_rows,
    pages_of_stamps,
    write_rows,
)
from teleop_studio.training.settings import TrainSettings

# Part of each file's name: raise it when features are computed otherwise than before.
_RECIPE = "features-1"
_BATCH = 32


@dataclass(frozen=True)
class FeatureSet:
    """What a file holds: `features` float16 numbers of each of `pictures`, as `backbone` sees them."""

    pictures: PictureSet
    backbone: str
    features: int

    @property
    def count(self) -> int:
        return self.pictures.count

    @property
    def rows_at(self) -> int:
        """Offset of the first picture's numbers."""
        return PAGE + pages_of_stamps(self.count)

    @property
    def size_bytes(self) -> int:
        """Of the whole file."""
        return self.rows_at + self.count * self.features * 2

    def path(self, folder: Path) -> Path:
        """Where the cache keeps it."""
        held = self.pictures
        return folder / f"{held.content_sha256}-{held.camera}-{held.side_px}-{self.backbone}{FEATURES_SUFFIX}"


def with_features(
    dataset: ChunkDataset,
    settings: TrainSettings,
    folder: Path,
    device: str = "cpu",
    on_batch: Callable[[int], None] = lambda episodes: None,
) -> ChunkDataset:
    """The dataset with features in place of pictures; the dataset itself where the policy learns to see.

    `on_batch(episodes)` is called with the number of finished episodes after every few pictures, and may raise to end
    it: whole files stay. Raises `TrainingError` for a backbone that can not be used, `DiskError`.
    """
    if settings.policy_settings.get("encoder") != FROZEN:
        return dataset
    try:
        policy = build_policy(settings.policy, dataset.config, settings.policy_settings).to(device)
        backbone = _name_of(str(settings.policy_settings.get("backbone", "")), dataset.config.crop_px)
    except ValueError as error:
        raise TrainingError(str(error)) from error
    size = _features_of(policy, dataset.pictures_of(0)[:1], device).shape[1]
    cameras = dataset.config.cameras
    paths, sources = [], []
    for number, held in enumerate(dataset.picture_sets()):
        features = FeatureSet(held, backbone, size)
        path = features.path(folder)
        told = number // len(cameras)
        rows = _rows(policy, dataset.pictures_of(number), device, partial(on_batch, told))
        _ensure(path, features, rows)
        paths.append(path)
        sources.append(mapped_rows(path, features))
    return replace(
        dataset,
        cached=(*dataset.cached, *paths),
        features=size,
        _features=tuple(memoryview(source) for source in sources),
    )


def _name_of(backbone: str, crop_px: int) -> str:
    return sha256(f"{_RECIPE} {crop_px} ".encode() + fingerprint(backbone)).hexdigest()[:24]


def _ensure(path: Path, held: FeatureSet, rows: Iterator[NDArray[np.float16]]) -> None:
    # The pictures of a set are known by their order alone; their stamps stand in its own file.
    stamp_ns = np.zeros(held.count, np.int64)
    with disk_errors("fill the picture cache", path):
        if not used_again(path, held, stamp_ns):
            write_rows(path, held, stamp_ns, rows)


def _rows(
    policy: Policy, pictures: NDArray[np.uint8], device: str, on_batch: Callable[[], object]
) -> Iterator[NDArray[np.float16]]:
    for start in range(0, len(pictures), _BATCH):
        on_batch()
        yield from _features_of(policy, pictures[start : start + _BATCH], device)


@torch.no_grad()
def _features_of(policy: Policy, pictures: NDArray[np.uint8], device: str) -> NDArray[np.float16]:
    """(M, px, px, 3) -> (M, F)"""
    features: Any = policy.picture_features(torch.from_numpy(pictures.copy()).to(device))
    assert features is not None
    halves: NDArray[np.float16] = features.half().cpu().numpy()
    return halves
