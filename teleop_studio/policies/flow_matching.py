"""Flow matching over action chunks, predicting the clean chunk (x-prediction): the whole policy on one page.

tau = 0 is noise, tau = 1 the demonstrated chunk x, on the straight path x_tau = (1 - tau) noise + tau x
(Lipman et al. 2022). The network answers x_hat(x_tau, tau, condition); the flow's velocity is
(x_hat - x_tau) / (1 - tau). The plain squared error on x weights the velocity's error by (1 - tau)^2; on few
demonstrations and small networks it learns in a fraction of the steps that velocity prediction needs.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.noise import normal, uniform
from teleop_studio.policies.policy import Batch, Condition, Sampled, Seen, Statistics
from teleop_studio.policies.trunk import Trunk, sized


@dataclass(frozen=True)
class FlowMatchingSettings:
    """`draws` noise and time draws for each encoded picture; the others: `TrunkSettings`.

    `start_noise` standard deviation of what samples start from. 1 is what was learnt: all the variety of the
    demonstrations, and of the network's own errors. Less keeps the ways apart and draws nearer to the middle of each
    (docs/decisions/0033-start-noise.md).
    """

    network: str = "mlp"
    width: int = 0
    blocks: int = 0
    encoder: str = "cnn"
    backbone: str = ""
    augment: float = 0.5
    landmark_weight: float = 0.5
    state_noise: float = 0.03
    draws: int = 4
    start_noise: float = 0.7

    def __post_init__(self) -> None:
        """Raises `ValueError` for a noise that is not in 0..1."""
        if not 0.0 <= self.start_noise <= 1.0:
            raise ValueError(f"start_noise = {self.start_noise}: it lies between 0 (no variety) and 1 (as learnt).")


class FlowMatching(nn.Module):
    """See the module; interface and units: `Policy`."""

    def __init__(self, config: PolicyConfig, settings: FlowMatchingSettings | None = None) -> None:
        super().__init__()
        self._config, self._settings = config, sized(settings or FlowMatchingSettings())
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
        """Squared error of the clean chunk, mean over valid goals, plus the weighted landmark error."""
        lesson = self.trunk.lesson(batch, generator, self._settings.draws)
        x = lesson.chunk
        tau = uniform(len(x), generator, x.device)
        blend = tau[:, None, None]
        x_tau = (1.0 - blend) * normal(x.shape, generator, x.device) + blend * x
        x_hat = self.network(x_tau, self.network.embedding(tau, lesson.condition))
        return self.trunk.total(lesson.mean((x_hat - x).square()), lesson)

    forward = loss

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        return self.trunk.picture_features(pictures)

    def encode(self, seen: Seen) -> Condition:
        return self.trunk.encode(seen)

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """Euler steps from normal noise at tau = 0, 1/S, ..., (S - 1)/S.

        The last step's pull is the whole way, so it returns x_hat itself, and tau = 1 (a division by 0) is never asked.
        """
        embedding, device = self.network.embedding, condition.state.device
        x = self._settings.start_noise * normal((n, self._config.horizon, self._config.joints), generator, device)
        trace, norms = [x], []
        seen = embedding.condition(condition.features)
        for step in range(solver_steps):
            tau = step / solver_steps
            x_hat = self.network(x, seen + embedding.time(torch.tensor([tau], device=device)))
            velocity = (x_hat - x) / (1.0 - tau)
            norms.append(velocity.norm(dim=-1).mean(-1))
            x = x_hat if step == solver_steps - 1 else x + velocity / solver_steps
            trace.append(x_hat)
        actions = self.trunk.normalizer.actions(torch.stack(trace), condition.state)
        return Sampled(actions[-1], actions, torch.stack(norms))
