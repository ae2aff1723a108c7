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

_SETTLES_FROM = 4  # solver steps: after fewer, a chunk may not have found its way yet


@dataclass(frozen=True)
class FlowMatchingSettings:
    """`draws` noise and time draws for each encoded picture; the others: `TrunkSettings`.

    `settle` where on the path (tau) a sampled chunk is looked at once more, without noise; 0: not at all. See
    `FlowMatching.sample_chunks`.
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
    settle: float = 0.3

    def __post_init__(self) -> None:
        """Raises `ValueError` for a place that is not on the path."""
        if not isinstance(self.settle, int | float) or not 0.0 <= self.settle < 1.0:
            raise ValueError(f"settle = {self.settle}: it is 0 (chunks stay as they were drawn) or a place below 1.")


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
        """Euler steps from standard normal noise at tau = 0, 1/(S - 1), ..., and a last one in which the chunk settles.

        A last Euler step's pull is the whole way, so it gives x_hat itself, and tau = 1 (a division by 0) is never
        asked. Then the chunk is put back on the path, without noise, and x_hat(settle x, settle) is the answer: the
        mean of what was demonstrated around it, seen through noise of (1 - settle) / settle. That is one step of mean
        shift: it stays with its way round the obstacle, nearer to the middle of it (docs/decisions/0033). With fewer
        than 4 steps, or `settle` 0, all S are Euler steps.
        """
        embedding, device = self.network.embedding, condition.state.device
        x = normal((n, self._config.horizon, self._config.joints), generator, device)
        trace, norms = [x], []
        seen = embedding.condition(condition.features)

        def answer(x: Tensor, tau: float) -> Tensor:
            x_hat: Tensor = self.network(x, seen + embedding.time(torch.tensor([tau], device=device)))
            trace.append(x_hat)
            return x_hat

        settles = self._settings.settle > 0.0 and solver_steps >= _SETTLES_FROM
        euler = solver_steps - settles
        for step in range(euler):
            tau = step / euler
            x_hat = answer(x, tau)
            velocity = (x_hat - x) / (1.0 - tau)
            norms.append(velocity.norm(dim=-1).mean(-1))
            x = x_hat if step == euler - 1 else x + velocity / euler
        if settles:
            norms.append((answer(self._settings.settle * x, self._settings.settle) - x).norm(dim=-1).mean(-1))
        actions = self.trunk.normalizer.actions(torch.stack(trace), condition.state)
        return Sampled(actions[-1], actions, torch.stack(norms))
