"""Mean regression, the baseline: one chunk for what is seen, by the squared error alone.

The best answer to a squared error is the mean of what was demonstrated. Where people went left and right round an
obstacle, the mean goes through it. The network is that of the other policies, asked once about a chunk of zeros.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.policy import Batch, Condition, Sampled, Seen, Statistics
from teleop_studio.policies.trunk import Trunk, sized


@dataclass(frozen=True)
class MeanRegressionSettings:
    """See `TrunkSettings`."""

    network: str = "mlp"
    width: int = 0
    blocks: int = 0
    encoder: str = "cnn"
    backbone: str = ""
    augment: float = 0.5
    landmark_weight: float = 0.5
    state_noise: float = 0.03


class MeanRegression(nn.Module):
    """See the module; interface and units: `Policy`."""

    def __init__(self, config: PolicyConfig, settings: MeanRegressionSettings | None = None) -> None:
        super().__init__()
        self._config, self._settings = config, sized(settings or MeanRegressionSettings())
        self.trunk = Trunk(config, self._settings)
        self.network = self.trunk.build_network()

    @property
    def config(self) -> PolicyConfig:
        return self._config

    def settings(self) -> dict[str, Any]:
        return asdict(self._settings)

    def fit_normalizer(self, statistics: Statistics) -> None:
        self.trunk.normalizer.fit(statistics)

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Squared error of the chunk, mean over valid goals, plus the weighted landmark error."""
        lesson = self.trunk.lesson(batch, generator)
        error = (self._mean(lesson.condition) - lesson.chunk).square()
        return self.trunk.total(lesson.mean(error), lesson)

    forward = loss

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        return self.trunk.picture_features(pictures)

    def encode(self, seen: Seen) -> Condition:
        return self.trunk.encode(seen)

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """N times the same chunk, in one step from zeros (where nothing has been seen yet: the mean of all data)."""
        mean = self._mean(condition.features).expand(n, -1, -1)
        trace = torch.stack([torch.zeros_like(mean), mean])
        actions = self.trunk.normalizer.actions(trace, condition.state)
        return Sampled(actions[-1], actions, mean.norm(dim=-1).mean(-1)[None])

    def _mean(self, condition: Tensor) -> Tensor:
        """(B, F) -> (B, H, D), normalised."""
        empty = condition.new_zeros(len(condition), self._config.horizon, self._config.joints)
        mean: Tensor = self.network(empty, self.network.embedding(condition.new_zeros(1), condition))
        return mean
