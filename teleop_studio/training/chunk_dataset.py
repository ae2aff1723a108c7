"""All training moments of many demonstrations, the split into learning and measuring, and batches of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.normalizer import relative_chunk
from teleop_studio.policies.policy import Batch, Seen, Spread, Statistics
from teleop_studio.training.demonstration import Demonstration
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.moments import History, Moments, TipOf, history_of, moments_of
from teleop_studio.training.picture_cache import cached_pictures, picture_path, picture_set
from teleop_studio.training.picture_file import PictureSet
from teleop_studio.training.run_episodes import UsedEpisode, require_same
from teleop_studio.training.split import Member, held_out


@dataclass(frozen=True)
class ChunkDataset:
    """N moments of E episodes; pictures stay on disk, in the files `cached`, everything else is in memory.

    `train`, `held_out` are moment numbers; an episode is wholly in one of them. Shapes as in `Batch`. With `features`
    > 0, so many numbers of a frozen backbone stand for each picture (`feature_cache`), and no picture is read.
    """

    config: PolicyConfig
    episodes: tuple[UsedEpisode, ...]
    cached: tuple[Path, ...]
    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    state: Tensor
    actions: Tensor
    valid: Tensor
    landmarks: Tensor
    landmarks_valid: Tensor
    tasks: tuple[str, ...]
    _task: NDArray[np.int64]  # (N,) number of the task text
    _sources: tuple[memoryview, ...]  # (E * C) all pictures of an episode's camera, as bytes
    _source: NDArray[np.int64]  # (N, C) number of the source
    _picture_index: NDArray[np.int64]  # (N, O, C)
    _states: Tensor  # (N, O, D)
    features: int = 0
    _features: tuple[memoryview, ...] = ()  # as `_sources`, float16

    def __len__(self) -> int:
        return len(self.state)

    def batch(self, moments: NDArray[np.int64]) -> Batch:
        """The moments with these numbers."""
        index = torch.from_numpy(moments)
        return Batch(
            self.seen(moments),
            self.actions[index],
            self.valid[index],
            self.landmarks[index],
            self.landmarks_valid[index],
        )

    def seen(self, moments: NDArray[np.int64]) -> Seen:
        """What was seen at the moments with these numbers, as far back as the config says."""
        task = tuple(self.tasks[number] for number in self._task[moments])
        states = self._states[torch.from_numpy(moments)]
        if self.features:
            rows = self._rows(moments, self._features, 2 * self.features)
            return Seen(None, states, task, torch.from_numpy(rows.view(np.float16)).float())
        side_px = self.config.picture_px
        rows = self._rows(moments, self._sources, side_px * side_px * 3)
        return Seen(torch.from_numpy(rows.reshape(*rows.shape[:3], side_px, side_px, 3)), states, task)

    def picture_sets(self) -> list[PictureSet]:
        """What the pictures are, episode by episode, each with all cameras."""
        side_px, cameras = self.config.picture_px, self.config.cameras
        return [
            PictureSet(episode.content_sha256, camera, side_px, len(self.pictures_of(number * len(cameras) + k)))
            for number, episode in enumerate(self.episodes)
            for k, camera in enumerate(cameras)
        ]

    def pictures_of(self, number: int) -> NDArray[np.uint8]:
        """All pictures (n, px, px, 3) of one of the `picture_sets`."""
        side_px = self.config.picture_px
        return np.frombuffer(self._sources[number], np.uint8).reshape(-1, side_px, side_px, 3)

    def _rows(self, moments: NDArray[np.int64], sources: tuple[memoryview, ...], size: int) -> NDArray[np.uint8]:
        """What `sources` hold of each picture of the moments, (B, O, C, size) bytes."""
        index = self._picture_index[moments]
        source = np.broadcast_to(self._source[moments][:, None], index.shape)
        rows = np.empty((*index.shape, size), np.uint8)
        target, place = memoryview(rows.reshape(-1)), 0
        # One copy a picture. Fancy indexing file by file copies twice: measured 1.6 times as long.
        for number, begin in zip(source.ravel().tolist(), (index * size).ravel().tolist(), strict=True):
            target[place : place + size] = sources[number][begin : begin + size]
            place += size
        return rows

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
            *_mean_and_std(state),
            *_mean_and_std(chunks),
            landmarks_mean=mean.float(),
            landmarks_std=spread.float(),
            states=_spread(state),
            goals=_spread(self.actions[index][self.valid[index] > 0]),
        )


def build_dataset(
    demonstrations: Iterable[Demonstration],
    config: PolicyConfig,
    tip_of: TipOf | None,
    cache: Path,
    on_episode: Callable[[int], None] = lambda count: None,
    earlier: Sequence[UsedEpisode] = (),
) -> ChunkDataset:
    """Cut demonstrations into moments; each is only needed until the next one is asked for.

    `cache` folder for reduced pictures. `on_episode(count)` is called after each.
    `earlier` are the episodes of a run that goes on: they must be the same, and keep their sides; otherwise
    `split.held_out` decides. Raises `TrainingError` when fewer than two episodes have anything to learn from or others
    than `earlier`; `RecorderError`.
    """
    parts: list[_Part] = []
    cached: list[Path] = []
    seen = 0
    for seen, demonstration in enumerate(demonstrations, start=1):
        moments = moments_of(demonstration, config, tip_of)
        if len(moments.stamp_ns):
            history = history_of(demonstration, config, moments.stamp_ns, config.observations)
            pictures = [cached_pictures(cache, demonstration, name, config.picture_px) for name in config.cameras]
            parts.append(_part(demonstration, moments, history, pictures))
            cached += [
                picture_path(cache, picture_set(demonstration, name, config.picture_px)) for name in config.cameras
            ]
        on_episode(seen)
    if len(parts) < 2:
        raise TrainingError(
            f"Only {len(parts)} of {seen} episodes can be learnt from; at least 2 are needed, because one is kept "
            "aside to measure the error. Record more demonstrations."
        )
    if earlier:
        require_same(earlier, [part.used for part in parts])
        aside = [episode.held_out for episode in earlier]
    else:
        aside = held_out([part.member for part in parts])
    return _joined(config, parts, aside, cached)


@dataclass(frozen=True)
class _Part:
    """One episode of the dataset; fields as there, for its own moments alone."""

    member: Member
    used: UsedEpisode
    task: str
    sources: tuple[memoryview, ...]
    picture_index: NDArray[np.int64]
    states: NDArray[np.float32]
    actions: NDArray[np.float32]
    valid: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    landmarks_valid: NDArray[np.float32]


def _part(demonstration: Demonstration, moments: Moments, history: History, pictures: list[NDArray[np.uint8]]) -> _Part:
    name, uuid, number = demonstration.name, demonstration.uuid, demonstration.number
    return _Part(
        member=Member(name, uuid, number, demonstration.split),
        used=UsedEpisode(name, uuid, number, demonstration.content_sha256, len(moments.stamp_ns), held_out=False),
        task=demonstration.task,
        sources=tuple(memoryview(one.reshape(-1)) for one in pictures),
        picture_index=history.picture_index,
        states=history.state.astype(np.float32),
        actions=moments.actions.astype(np.float32),
        valid=moments.valid.astype(np.float32),
        landmarks=moments.landmarks.astype(np.float32),
        landmarks_valid=moments.landmarks_valid.astype(np.float32),
    )


def _joined(config: PolicyConfig, parts: list[_Part], aside: list[bool], cached: list[Path]) -> ChunkDataset:
    lengths = [part.used.moments for part in parts]
    measuring = np.repeat(aside, lengths)
    episode = np.repeat(np.arange(len(parts)), lengths)

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([getattr(part, name) for part in parts]))

    states = tensor("states")
    tasks = tuple(dict.fromkeys(part.task for part in parts))
    return ChunkDataset(
        config=config,
        episodes=tuple(replace(part.used, held_out=held) for part, held in zip(parts, aside, strict=True)),
        cached=tuple(cached),
        train=np.flatnonzero(~measuring),
        held_out=np.flatnonzero(measuring),
        state=states[:, -1].contiguous(),
        actions=tensor("actions"),
        valid=tensor("valid"),
        landmarks=tensor("landmarks"),
        landmarks_valid=tensor("landmarks_valid"),
        tasks=tasks,
        _task=np.repeat([tasks.index(part.task) for part in parts], lengths),
        _sources=tuple(source for part in parts for source in part.sources),
        _source=episode[:, None] * len(config.cameras) + np.arange(len(config.cameras)),
        _picture_index=np.concatenate([part.picture_index for part in parts]),
        _states=states,
    )


def _spread(rows: Tensor) -> Spread:
    percentiles = torch.from_numpy(np.quantile(rows.numpy(), (0.01, 0.99), axis=0)).float()
    return Spread(*_mean_and_std(rows), rows.amin(0), rows.amax(0), percentiles[0], percentiles[1])


def _mean_and_std(rows: Tensor) -> tuple[Tensor, Tensor]:
    exact = rows.double()
    return exact.mean(0).float(), exact.std(0, correction=0).float()
