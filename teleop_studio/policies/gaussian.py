"""Gaussian regression, the other baseline: a mean and a spread for each number of the chunk, by likelihood.

Two ways round an obstacle become one wide bell between them, whose top is in the obstacle, and each goal is drawn for
itself: the samples show both. The fan on the picture tells why such a policy fails, which its success alone does not.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.noise import normal
from teleop_studio.policies.policy import Batch, Condition, Sampled, Seen, Statistics
from teleop_studio.policies.trunk import Trunk, sized

EXECUTED = ("mean", "sample")
# Log of the spread, normalised units: from .007 (a goal known by heart would be infinitely likely) to 2.7.
_LOWEST, _HIGHEST = -5.0, 1.0


@dataclass(frozen=True)
class GaussianSettings:
    """`execute` "mean" or "sample"; the others: `TrunkSettings`.

    The mean by default: goals drawn each for itself would shake an arm 15 times a second, as far as its safety gate
    lets them.
    """

    network: str = "mlp"
    width: int = 0
    blocks: int = 0
    encoder: str = "cnn"
    backbone: str = ""
    augment: float = 0.5
    landmark_weight: float = 0.5
    state_noise: float = 0.03
    execute: str = "mean"

    def __post_init__(self) -> None:
        if self.execute not in EXECUTED:
            raise ValueError(f"execute = {self.execute!r}: a Gaussian policy executes {' or '.join(EXECUTED)}.")


class Gaussian(nn.Module):
    """See the module; interface and units: `Policy`."""

    def __init__(self, config: PolicyConfig, settings: GaussianSettings | None = None) -> None:
        super().__init__()
        self._config, self._settings = config, sized(settings or GaussianSettings())
        self.trunk = Trunk(config, self._settings)
        self.network = self.trunk.build_network(2 * config.joints)

    @property
    def config(self) -> PolicyConfig:
        return self._config

    def settings(self) -> dict[str, Any]:
        return asdict(self._settings)

    def fit_normalizer(self, statistics: Statistics) -> None:
        self.trunk.normalizer.fit(statistics)

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Negative log-likelihood less its constant, ((x - mean) / std)^2 / 2 + log std, mean over valid goals.

        The part "chunk" is the mean's squared error, as of other policies; what is minimised is "likelihood".
        """
        lesson = self.trunk.lesson(batch, generator)
        mean, log_std = self._bell(lesson.condition)
        squared = (lesson.chunk - mean).square()
        likelihood = lesson.mean(0.5 * squared * torch.exp(-2.0 * log_std) + log_std)
        total, parts = self.trunk.total(likelihood, lesson)
        return total, {**parts, "chunk": lesson.mean(squared).detach(), "likelihood": likelihood.detach()}

    forward = loss

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        return self.trunk.picture_features(pictures)

    def encode(self, seen: Seen) -> Condition:
        return self.trunk.encode(seen)

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """In one step from the noise. With `execute` "mean", what would be executed is the mean: the first of N
        samples of one moment, or each of N moments' one."""
        mean, log_std = self._bell(condition.features)
        noise = normal((n, *mean.shape[1:]), generator, mean.device)
        chunks = mean + log_std.exp() * noise
        if self._settings.execute == "mean":
            chunks[: len(mean)] = mean
        actions = self.trunk.normalizer.actions(torch.stack([noise, chunks]), condition.state)
        return Sampled(actions[-1], actions, (chunks - noise).norm(dim=-1).mean(-1)[None])

    def _bell(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """(B, F) -> mean and log of the spread, (B, H, D) each, normalised."""
        empty = condition.new_zeros(len(condition), self._config.horizon, 2 * self._config.joints)
        answer = self.network(empty, self.network.embedding(condition.new_zeros(1), condition))
        mean, raw = answer.chunk(2, dim=-1)
        return mean, _LOWEST + (_HIGHEST - _LOWEST) * raw.sigmoid()
