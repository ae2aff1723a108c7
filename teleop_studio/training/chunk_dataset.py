"""All training moments of many demonstrations, the split into learning and measuring, and batches of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.normalizer import relative_chunk
from teleop_studio.policies.policy import Batch, Statistics
from teleop_studio.training.demonstration import Demonstration
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.moments import Moments, TipOf, moments_of
from teleop_studio.training.picture_cache import cached_pictures

# About a tenth. Odd, because demonstrations are often recorded left, right, left ...: both sides shall be measured.
HELD_OUT_EVERY = 11


@dataclass(frozen=True)
class ChunkDataset:
    """N moments of E episodes; pictures stay on disk, everything else is in memory.

    `train`, `held_out` are moment numbers; an episode is wholly in one of them. Shapes as in `Batch`.
    """

    config: PolicyConfig
    episodes: tuple[str, ...]
    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    state: Tensor
    actions: Tensor
    valid: Tensor
    landmarks: Tensor
    landmarks_valid: Tensor
    _pictures: tuple[NDArray[np.uint8], ...]
    _first: NDArray[np.int64]  # (E,) number of each episode's first moment

    def __len__(self) -> int:
        return len(self.state)

    def batch(self, moments: NDArray[np.int64]) -> Batch:
        """The moments with these numbers."""
        side, cameras = self.config.picture_px, len(self.config.cameras)
        pictures = np.empty((len(moments), cameras, side, side, 3), np.uint8)
        episodes = np.searchsorted(self._first, moments, side="right") - 1
        for row, (episode, moment) in enumerate(zip(episodes, moments, strict=True)):
            pictures[row] = self._pictures[episode][moment - self._first[episode]]
        index = torch.from_numpy(moments)
        return Batch(
            torch.from_numpy(pictures),
            self.state[index],
            self.actions[index],
            self.valid[index],
            self.landmarks[index],
            self.landmarks_valid[index],
        )

    def statistics(self) -> Statistics:
        """Mean and spread over the moments that are learnt from; goals and landmarks only where real."""
        index = torch.from_numpy(self.train)
        state = self.state[index]
        relative = torch.tensor([float(name not in self.config.absolute_joints) for name in self.config.joint_names])
        chunks = relative_chunk(self.actions[index], state, relative)[self.valid[index] > 0]
        landmarks = self.landmarks[index].double()
        known = self.landmarks_valid[index].double()
        count = known.sum(0).clamp(min=1.0)
        mean = (landmarks * known).sum(0) / count
        spread = ((landmarks - mean).square() * known).sum(0).div(count).sqrt()
        return Statistics(
            *_mean_and_std(state), *_mean_and_std(chunks), landmarks_mean=mean.float(), landmarks_std=spread.float()
        )


def build_dataset(
    demonstrations: Iterable[Demonstration],
    config: PolicyConfig,
    tip_of: TipOf,
    cache: Path,
    on_episode: Callable[[int], None] = lambda count: None,
) -> ChunkDataset:
    """Cut demonstrations into moments; each is only needed until the next one is asked for.

    `cache` folder for reduced pictures. `on_episode(count)` is called after each. Every 11th episode, at least one,
    is held out. Raises `TrainingError` when fewer than two episodes have anything to learn from.
    """
    names: list[str] = []
    parts: list[Moments] = []
    pictures: list[NDArray[np.uint8]] = []
    seen = 0
    for seen, demonstration in enumerate(demonstrations, start=1):
        moments = moments_of(demonstration, config, tip_of)
        if len(moments.stamp_ns):
            names.append(demonstration.name)
            parts.append(moments)
            pictures.append(cached_pictures(cache, demonstration, config, moments.picture_index))
        on_episode(seen)
    if len(parts) < 2:
        raise TrainingError(
            f"Only {len(parts)} of {seen} episodes can be learnt from; at least 2 are needed, because one is kept "
            "aside to measure the error. Record more demonstrations."
        )
    return _joined(config, names, parts, pictures)


def _joined(
    config: PolicyConfig, names: list[str], parts: list[Moments], pictures: list[NDArray[np.uint8]]
) -> ChunkDataset:
    lengths = np.array([len(part.stamp_ns) for part in parts])
    episode = np.repeat(np.arange(len(parts)), lengths)
    measuring = episode % HELD_OUT_EVERY == min(HELD_OUT_EVERY, len(parts)) - 1

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([getattr(part, name) for part in parts]).astype(np.float32))

    return ChunkDataset(
        config=config,
        episodes=tuple(names),
        train=np.flatnonzero(~measuring),
        held_out=np.flatnonzero(measuring),
        state=tensor("state"),
        actions=tensor("actions"),
        valid=tensor("valid"),
        landmarks=tensor("landmarks"),
        landmarks_valid=tensor("landmarks_valid"),
        _pictures=tuple(pictures),
        _first=np.concatenate([[0], np.cumsum(lengths)[:-1]]),
    )


def _mean_and_std(rows: Tensor) -> tuple[Tensor, Tensor]:
    exact = rows.double()
    return exact.mean(0).float(), exact.std(0, correction=0).float()
