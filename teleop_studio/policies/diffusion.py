"""Diffusion over action chunks: DDPM training (Ho et al. 2020), ancestral or DDIM sampling (Song et al. 2021).

x_t = sqrt(A_t) x + sqrt(1 - A_t) noise for t = 0 .. T - 1, where A_t falls from nearly 1 to nearly 0 along a squared
cosine (Nichol and Dhariwal 2021). The network answers the noise (target "epsilon") or the clean chunk x (target
"sample"); each follows from the other.
"""

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.noise import normal, whole_numbers
from teleop_studio.policies.policy import Batch, Condition, Sampled, Seen, Statistics
from teleop_studio.policies.trunk import Trunk, sized

TARGETS = ("sample", "epsilon")
SAMPLERS = ("ddim", "ancestral")


@dataclass(frozen=True)
class DiffusionSettings:
    """`target` what the network answers; `sampler` "ddim" or "ancestral" (which adds fresh noise in each step).

    The clean chunk by default: a small network learns it in a fraction of the steps. The noise has as many dimensions
    as the chunk has numbers, and all of it has to pass through the network; chunks have few.
    `train_steps` T. `clip` bounds predicted clean chunks, normalised units: from nearly pure noise the network's error
    comes back many times larger. `draws` noise and time draws for each encoded picture; the others: `TrunkSettings`.
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
    target: str = "sample"
    sampler: str = "ddim"
    train_steps: int = 100
    clip: float = 5.0

    def __post_init__(self) -> None:
        """Raises `ValueError` for an unknown target or sampler."""
        if self.target not in TARGETS:
            raise ValueError(f"target = {self.target!r}: the network can answer {' or '.join(TARGETS)}.")
        if self.sampler not in SAMPLERS:
            raise ValueError(f"sampler = {self.sampler!r}: chunks can be sampled by {' or '.join(SAMPLERS)}.")


class Diffusion(nn.Module):
    """See the module; interface and units: `Policy`."""

    signal: Tensor

    def __init__(self, config: PolicyConfig, settings: DiffusionSettings | None = None) -> None:
        super().__init__()
        self._config, self._settings = config, sized(settings or DiffusionSettings())
        self.trunk = Trunk(config, self._settings)
        self.network = self.trunk.build_network()
        self.register_buffer("signal", squared_cosine(self._settings.train_steps), persistent=False)

    @property
    def config(self) -> PolicyConfig:
        return self._config

    def settings(self) -> dict[str, Any]:
        return asdict(self._settings)

    def fit_normalizer(self, statistics: Statistics) -> None:
        self.trunk.normalizer.fit(statistics)

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Squared error of the target at a random t, mean over valid goals, plus the weighted landmark error."""
        lesson = self.trunk.lesson(batch, generator, self._settings.draws)
        x = lesson.chunk
        t = whole_numbers(self._settings.train_steps, len(x), generator, x.device)
        noise = normal(x.shape, generator, x.device)
        signal = self.signal[t][:, None, None]
        x_t = signal.sqrt() * x + (1.0 - signal).sqrt() * noise
        answer = self.network(x_t, self.network.embedding(t / self._settings.train_steps, lesson.condition))
        target = noise if self._settings.target == "epsilon" else x
        return self.trunk.total(lesson.mean((answer - target).square()), lesson)

    forward = loss

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        return self.trunk.picture_features(pictures)

    def encode(self, seen: Seen) -> Condition:
        return self.trunk.encode(seen)

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """S steps from standard normal noise down to t = 0; raises `ValueError` for more steps than `train_steps`.

        x_s = sqrt(A_s) x_hat + sqrt(1 - A_s - sigma^2) noise_hat + sigma noise, where sigma is 0 for DDIM and
        sqrt((1 - A_s) / (1 - A_t)) sqrt(1 - A_t / A_s) for ancestral sampling, which with all T steps is DDPM.
        """
        x = normal((n, self._config.horizon, self._config.joints), generator, condition.state.device)
        trace, norms = [x], []
        seen = self.network.embedding.condition(condition.features)
        for t, s in self._descent(solver_steps):
            x_hat, noise_hat = self._predicted(x, t, seen)
            before = self.signal[t]
            after = self.signal[s] if s >= 0 else torch.ones_like(before)
            sigma = torch.zeros_like(before)
            if self._settings.sampler == "ancestral":
                sigma = ((1.0 - after) / (1.0 - before)).sqrt() * (1.0 - before / after).sqrt()
            moved = after.sqrt() * x_hat + (1.0 - after - sigma.square()).clamp(min=0.0).sqrt() * noise_hat
            if self._settings.sampler == "ancestral":
                moved = moved + sigma * normal(x.shape, generator, x.device)
            norms.append(solver_steps * (moved - x).norm(dim=-1).mean(-1))
            x = moved
            trace.append(x_hat)
        actions = self.trunk.normalizer.actions(torch.stack(trace), condition.state)
        return Sampled(actions[-1], actions, torch.stack(norms))

    def _descent(self, solver_steps: int) -> list[tuple[int, int]]:
        """Pairs t -> s of the solver, evenly spaced from T - 1; the last s is -1, the clean chunk."""
        total = self._settings.train_steps
        if solver_steps > total:
            raise ValueError(
                f"solver steps = {solver_steps}: this policy was trained with {total} steps of noise; "
                f"choose 1 to {total}."
            )
        stops = [round(total * (1.0 - k / solver_steps)) - 1 for k in range(solver_steps + 1)]
        return list(pairwise(stops))

    def _predicted(self, x: Tensor, t: int, seen: Tensor) -> tuple[Tensor, Tensor]:
        """The clean chunk, clipped, and the noise that goes with it."""
        tau = torch.tensor([t / self._settings.train_steps], device=x.device)
        answer = self.network(x, seen + self.network.embedding.time(tau))
        signal = self.signal[t]
        x_hat = answer
        if self._settings.target == "epsilon":
            x_hat = (x - (1.0 - signal).sqrt() * answer) / signal.sqrt()
        x_hat = x_hat.clamp(-self._settings.clip, self._settings.clip)
        return x_hat, (x - signal.sqrt() * x_hat) / (1.0 - signal).sqrt()


def squared_cosine(steps: int) -> Tensor:
    """A_t (steps,), the share of the chunk's variance that is left after step t; no step takes more than .999 of it."""

    def level(share: float) -> float:
        return math.cos((share + 0.008) / 1.008 * math.pi / 2.0) ** 2

    taken = [min(1.0 - level((t + 1) / steps) / level(t / steps), 0.999) for t in range(steps)]
    return torch.cumprod(1.0 - torch.tensor(taken, dtype=torch.float64), 0).float()
