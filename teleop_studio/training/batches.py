"""Which moments a step learns from, and with which noise: functions of seed and step, whoever computes them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from teleop_studio.policies.policy import Batch
from teleop_studio.training.chunk_dataset import ChunkDataset
from teleop_studio.training.settings import TrainSettings

_AHEAD = 2  # steps whose batches are made while a GPU computes


@dataclass(frozen=True)
class Shard:
    """A part of a step's batch on the device. `share` of the step's real goals are in it; they weigh its loss."""

    batch: Batch
    generator: torch.Generator
    share: float


class Batches:
    """The batches of a run. Step k's is `batch` consecutive places in an endless row of permutations of all moments.

    It is cut into `shards`; a process asks for those that it computes. For a GPU they are made ahead, in a thread.
    """

    def __init__(self, dataset: ChunkDataset, settings: TrainSettings, device: torch.device) -> None:
        self._dataset, self._settings, self._device = dataset, settings, device
        self._maker = ThreadPoolExecutor(1, "batches") if device.type != "cpu" else None
        self._ahead: dict[int, Future[list[Shard]]] = {}

    def moments(self, step: int) -> NDArray[np.int64]:
        """Numbers of the moments that step learns from."""
        train, batch = self._dataset.train, self._settings.batch
        places = np.arange(step * batch, (step + 1) * batch)
        epochs = places // len(train)
        chosen = np.empty(batch, np.int64)
        for epoch in np.unique(epochs):
            order = np.random.default_rng([self._settings.seed, int(epoch)]).permutation(train)
            chosen[epochs == epoch] = order[places[epochs == epoch] % len(train)]
        return chosen

    def shards(self, step: int, numbers: Sequence[int]) -> Iterator[Shard]:
        """The shards with these numbers, one after the other."""
        if self._maker is None:
            yield from self._made(step, numbers)
            return
        wanted = range(step, min(step + 1 + _AHEAD, max(step + 1, self._settings.steps)))
        self._ahead = {
            k: self._ahead.get(k) or self._maker.submit(lambda at: list(self._made(at, numbers)), k) for k in wanted
        }
        yield from self._ahead.pop(step).result()

    def _made(self, step: int, numbers: Sequence[int]) -> Iterator[Shard]:
        moments = self.moments(step)
        count = self._settings.shards or 1
        cut = np.array_split(moments, count)
        real = [float(self._dataset.valid[torch.from_numpy(part)].sum()) for part in cut]
        for number in numbers:
            seeds = [self._settings.seed, step] if count == 1 else [self._settings.seed, step, number]
            generator = torch.Generator().manual_seed(_mixed(seeds))
            batch = self._dataset.batch(cut[number])
            yield Shard(batch.to(self._device), generator, real[number] / sum(real))


def _mixed(numbers: Sequence[int]) -> int:
    """Neighbouring steps must not have neighbouring seeds."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
