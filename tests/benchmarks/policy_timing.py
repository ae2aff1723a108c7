"""What a policy costs: parameters, a training step, a chunk, 32 of them. All contenders in one process, taking turns.

Figures of one run compare with each other: a machine that slows down slows all of them down alike. Milliseconds of
processor time are printed beside those of the wall, because only they mean something on a machine that does other work.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from drivers.arms.studio_arm import STUDIO_FOLLOWER
from teleop_studio.policies import build_policy, policy_kind
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.policy import Batch, Policy, Seen
from teleop_studio.training.settings import settings_for
from tests.policies.toy_task import unit_statistics

SAMPLES = 32
CAMERAS = ("front", "wrist")


@dataclass(frozen=True)
class Contender:
    """A policy as it would be trained here. `config` fields of `PolicyConfig`, beside those of the policy's kind.

    `batch` 0 for the one its kind is trained with; `solver_steps` 0 for the config's.
    """

    title: str
    policy: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 0
    solver_steps: int = 0


@dataclass
class Timing:
    """Milliseconds of each round, on the wall and of this process's processor time."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def measure(self, work: Callable[[], object]) -> None:
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        work()
        self.wall_ms.append(1e3 * (time.perf_counter() - wall_s))
        self.cpu_ms.append(1e3 * (time.process_time() - cpu_s))

    def wall(self, percent: float = 50) -> float:
        return float(np.percentile(self.wall_ms, percent))

    def cpu(self) -> float:
        return statistics.median(self.cpu_ms)


@dataclass
class Cost:
    """What was measured of one contender. `chunk` one sample, `samples` 32, both from pictures to joint goals."""

    contender: Contender
    parameters: int
    batch: int
    solver_steps: int
    train: Timing = field(default_factory=Timing)
    chunk: Timing = field(default_factory=Timing)
    samples: Timing = field(default_factory=Timing)


def take_turns(
    contenders: Sequence[Contender],
    rounds: int,
    device: str = "cpu",
    say: Callable[[str], None] = print,
    threads: int = 1,
) -> list[Cost]:
    """Every contender once a round, after two rounds that do not count. Raises `ValueError` for one that is unknown."""
    torch.set_num_threads(threads)
    players = [_Bout(contender, device) for contender in contenders]
    for bout in players:
        say(f"{bout.cost.contender.title}: {bout.cost.parameters:,} parameters, batch {bout.cost.batch}")
    for number in range(-2, rounds):
        for bout in players:
            bout.once(count=number >= 0)
    return [bout.cost for bout in players]


def markdown(costs: Sequence[Cost]) -> str:
    """A row each; ratios, in processor time, to the first."""
    first = costs[0]
    lines = [
        "| policy | parameters | batch | train step ms (CPU) | ratio | solver steps | chunk x1 ms: p50 / p99 (CPU) | "
        "ratio | x32 ms: p50 / p99 (CPU) | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for cost in costs:
        cells = [
            cost.contender.title,
            f"{cost.parameters / 1e6:.2f} M",
            str(cost.batch),
            f"{cost.train.wall():.0f} ({cost.train.cpu():.0f})",
            f"{cost.train.cpu() / first.train.cpu():.2f}",
            str(cost.solver_steps),
            _times(cost.chunk),
            f"{cost.chunk.cpu() / first.chunk.cpu():.2f}",
            _times(cost.samples),
            f"{cost.samples.cpu() / first.samples.cpu():.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _times(timing: Timing) -> str:
    return f"{timing.wall():.1f} / {timing.wall(99):.1f} ({timing.cpu():.1f})"


class _Bout:
    """One contender, built, with a batch to learn from and a moment to answer."""

    def __init__(self, contender: Contender, device: str) -> None:
        kind = policy_kind(contender.policy)
        settings = settings_for(contender.policy, contender.settings)
        given = {**kind.config, **contender.config}
        self._config = PolicyConfig(STUDIO_FOLLOWER.names, CAMERAS, **given)
        torch.manual_seed(0)
        self._policy: Policy = build_policy(contender.policy, self._config, contender.settings)
        self._policy.fit_normalizer(unit_statistics())
        self._policy.to(device)
        parameters = [parameter for parameter in self._policy.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(parameters, settings.learning_rate, foreach=True)
        batch = contender.batch or settings.batch
        steps = contender.solver_steps or self._config.solver_steps
        self.cost = Cost(contender, sum(p.numel() for p in self._policy.parameters()), batch, steps)
        self._generator = torch.Generator().manual_seed(0)
        self._batch = self._features_of(_random_batch(self._config, batch)).to(device)
        self._seen = _random_batch(self._config, 1).seen.to(device)
        self._clip = settings.clip_norm
        self._synchronize = torch.cuda.synchronize if device.startswith("cuda") else _nothing

    def once(self, count: bool) -> None:
        cost = self.cost if count else replace(self.cost, train=Timing(), chunk=Timing(), samples=Timing())
        self._policy.train(True)
        cost.train.measure(self._step)
        self._policy.train(False)
        cost.chunk.measure(lambda: self._chunk(1))
        cost.samples.measure(lambda: self._chunk(SAMPLES))

    def _step(self) -> None:
        loss, _ = self._policy.loss(self._batch, self._generator)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._policy.parameters(), self._clip)
        self._optimizer.step()
        self._synchronize()

    @torch.no_grad()
    def _chunk(self, samples: int) -> None:
        condition = self._policy.encode(self._seen)
        self._policy.sample_chunks(condition, samples, self.cost.solver_steps, self._generator)
        self._synchronize()

    @torch.no_grad()
    def _features_of(self, batch: Batch) -> Batch:
        """A frozen backbone's features are kept from one epoch to the next: a training step does not compute them."""
        pictures = batch.seen.pictures
        assert pictures is not None
        features = self._policy.picture_features(pictures.flatten(0, 2))
        if features is None:
            return batch
        shaped = features.reshape(*pictures.shape[:3], -1)
        return replace(batch, seen=replace(batch.seen, pictures=None, features=shaped))


def _random_batch(config: PolicyConfig, size: int) -> Batch:
    generator = torch.Generator().manual_seed(1)
    side, seen = config.picture_px, (size, config.observations)
    pictures = torch.randint(0, 256, (*seen, len(CAMERAS), side, side, 3), generator=generator).to(torch.uint8)
    state = torch.randn((*seen, config.joints), generator=generator)
    actions = torch.randn((size, config.horizon, config.joints), generator=generator)
    texts = (config.tasks[0] if config.tasks else "",) * size
    ones = torch.ones(size, config.horizon), torch.ones(size, 6)
    return Batch(Seen(pictures, state, texts), actions, ones[0], torch.randn((size, 6), generator=generator), ones[1])


def _nothing() -> None:
    pass
