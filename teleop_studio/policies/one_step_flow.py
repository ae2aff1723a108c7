"""One-step flow: flow matching whose first step, from pure noise, already arrives at one of the demonstrated ways.

One Euler step of plain flow matching answers the mean of what was demonstrated, because at tau = 0 the squared error
knows no better. Here the answers at tau = 0 are judged by the energy score instead (Gneiting and Raftery 2007; as
networks from noise: Bouchacourt et al. 2016, Shen and Meinshausen 2024): as near as possible to the demonstrated
chunk x, and as far from each other as demonstrations are,

    mean |x_hat_i - x| - mean |x_hat_i - x_hat_j| / 2,

which is least when the answers are distributed as the demonstrated chunks. For tau > 0 it is plain flow matching, so
further steps smooth the chunk. No second network, no teacher, no derivative by time.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.noise import normal, uniform
from teleop_studio.policies.policy import Batch, Condition, Sampled, Seen, Statistics
from teleop_studio.policies.trunk import Lesson, Trunk, sized

_SMALLEST = 1e-6  # a distance of 0 has no direction to learn from


@dataclass(frozen=True)
class OneStepFlowSettings:
    """`draws` answers at tau = 0 (at least 2), and as many at random times, for each encoded picture.

    The others: `TrunkSettings`.
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

    def __post_init__(self) -> None:
        """Raises `ValueError` for fewer than two draws: one answer has no other to be far from."""
        if self.draws < 2:
            raise ValueError(f"draws = {self.draws}: a one-step flow compares at least 2 answers.")


class OneStepFlow(nn.Module):
    """See the module; interface and units: `Policy`."""

    def __init__(self, config: PolicyConfig, settings: OneStepFlowSettings | None = None) -> None:
        super().__init__()
        self._config, self._settings = config, sized(settings or OneStepFlowSettings())
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
        """Energy score of the answers at tau = 0, squared error of those at random times, landmark error.

        The part "chunk" is the squared error, as of flow matching.
        """
        lesson = self.trunk.lesson(batch, generator, self._settings.draws)
        x = lesson.chunk
        noise = normal(x.shape, generator, x.device)
        tau = uniform(len(x), generator, x.device)
        blend = tau[:, None, None]
        x_tau = (1.0 - blend) * normal(x.shape, generator, x.device) + blend * x
        # Both in one call of the network.
        embedding = self.network.embedding(torch.cat([torch.zeros_like(tau), tau]), lesson.condition.repeat(2, 1))
        at_once, refined = self.network(torch.cat([noise, x_tau]), embedding).chunk(2)
        squared = lesson.mean((refined - x).square())
        score = self._energy_score(at_once, lesson)
        total, parts = self.trunk.total(squared + score, lesson)
        return total, {**parts, "chunk": squared.detach(), "energy": score.detach()}

    forward = loss

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        return self.trunk.picture_features(pictures)

    def encode(self, seen: Seen) -> Condition:
        return self.trunk.encode(seen)

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """The answer to noise; then, with S > 1, Euler steps from tau = 1/S on, where that answer meets fresh noise.

        Fresh, because at random times chunk and noise are learnt as strangers.
        """
        device = condition.state.device
        noise = normal((n, self._config.horizon, self._config.joints), generator, device)
        seen = self.network.embedding.condition(condition.features)
        x_hat = self._answer(noise, 0.0, seen)
        trace, norms = [noise, x_hat], [(x_hat - noise).norm(dim=-1).mean(-1)]
        if solver_steps > 1:
            x = torch.lerp(normal(noise.shape, generator, device), x_hat, 1.0 / solver_steps)
        for step in range(1, solver_steps):
            tau = step / solver_steps
            x_hat = self._answer(x, tau, seen)
            velocity = (x_hat - x) / (1.0 - tau)
            norms.append(velocity.norm(dim=-1).mean(-1))
            x = x + velocity / solver_steps
            trace.append(x_hat)
        actions = self.trunk.normalizer.actions(torch.stack(trace), condition.state)
        return Sampled(actions[-1], actions, torch.stack(norms))

    def _answer(self, x: Tensor, tau: float, seen: Tensor) -> Tensor:
        time = self.network.embedding.time(torch.tensor([tau], device=x.device))
        answer: Tensor = self.network(x, seen + time)
        return answer

    def _energy_score(self, answers: Tensor, lesson: Lesson) -> Tensor:
        """Of answers (R, H, D), each moment's in a row; mean over moments, distances root mean squares."""
        draws = self._settings.draws
        valid = lesson.valid[..., None]
        weight = valid / (valid.sum(1, keepdim=True).clamp(min=1.0) * answers.shape[-1])

        def distance(first: Tensor, second: Tensor) -> Tensor:
            return ((first - second).square() * weight).sum((1, 2)).add(_SMALLEST).sqrt()

        neighbours = answers.view(-1, draws, *answers.shape[1:]).roll(1, 1).view_as(answers)
        return distance(answers, lesson.chunk).mean() - 0.5 * distance(answers, neighbours).mean()
