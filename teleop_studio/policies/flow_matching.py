"""Flow matching over action chunks, predicting the clean chunk (x-prediction): the whole policy on one page.

tau = 0 is noise, tau = 1 the demonstrated chunk x, on the straight path x_tau = (1 - tau) noise + tau x
(Lipman et al. 2022). The network answers x_hat(x_tau, tau, condition); the flow's velocity is
(x_hat - x_tau) / (1 - tau). The plain squared error on x weights the velocity's error by (1 - tau)^2; on few
demonstrations and small networks it learns in a fraction of the steps that velocity prediction needs.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.encoder import FEATURES, PictureEncoder
from teleop_studio.policies.normalizer import Normalizer
from teleop_studio.policies.pictures import centre_crops, random_crops, scaled
from teleop_studio.policies.policy import LANDMARKS, Batch, Condition, Sampled, Seen, Statistics

_TIME_FEATURES = 64


@dataclass(frozen=True)
class FlowMatchingSettings:
    """`draws` noise and time draws for each encoded picture: the pictures cost most, the draws almost nothing.

    `landmark_weight` of the auxiliary output (fingertip now and at the next grasp), which only helps the encoders.
    `state_noise` added to the normalised joints in training, so that the arm's pose does not drown the pictures.
    """

    width: int = 256
    blocks: int = 4
    draws: int = 4
    landmark_weight: float = 0.5
    state_noise: float = 0.03


class FlowMatching(nn.Module):
    """See the module; interface and units: `Policy`."""

    def __init__(self, config: PolicyConfig, settings: FlowMatchingSettings | None = None) -> None:
        super().__init__()
        self._config, self._settings = config, settings or FlowMatchingSettings()
        pictures = FEATURES * len(config.cameras)
        self.normalizer = Normalizer(config)
        self.encoders = nn.ModuleList(PictureEncoder(config.crop_px) for _ in config.cameras)
        self.landmarks = nn.Sequential(nn.Linear(pictures, 64), nn.SiLU(), nn.Linear(64, LANDMARKS))
        self.denoiser = Denoiser(pictures + config.joints, config.horizon, config.joints, self._settings)

    @property
    def config(self) -> PolicyConfig:
        return self._config

    def settings(self) -> dict[str, Any]:
        return asdict(self._settings)

    def fit_normalizer(self, statistics: Statistics) -> None:
        self.normalizer.fit(statistics)

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Squared error of the clean chunk, mean over valid goals, plus the weighted landmark error."""
        assert batch.seen.pictures is not None
        newest = batch.seen.state[:, -1]
        features = self._features(random_crops(batch.seen.pictures[:, -1], self._config.crop_px, generator))
        state = self.normalizer.state(newest)
        state = state + self._settings.state_noise * _normal(state.shape, generator)
        condition = torch.cat([features, state], 1).repeat_interleave(self._settings.draws, 0)
        x = self.normalizer.chunk(batch.actions, newest).repeat_interleave(self._settings.draws, 0)
        valid = batch.valid.repeat_interleave(self._settings.draws, 0)

        tau = torch.rand(len(x), generator=generator)
        blend = tau[:, None, None]
        x_tau = (1.0 - blend) * _normal(x.shape, generator) + blend * x
        x_hat = self.denoiser(x_tau, self.denoiser.embed(tau, condition))
        chunk_loss = ((x_hat - x).square().mean(-1) * valid).sum() / valid.sum()

        target = self.normalizer.landmarks(batch.landmarks)
        error = (self.landmarks(features) - target).square() * batch.landmarks_valid
        landmark_loss = error.sum() / batch.landmarks_valid.sum().clamp(min=1.0)
        total = chunk_loss + self._settings.landmark_weight * landmark_loss
        return total, {"chunk": chunk_loss.detach(), "landmarks": landmark_loss.detach()}

    forward = loss

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        return None

    def encode(self, seen: Seen) -> Condition:
        assert seen.pictures is not None
        features = self._features(centre_crops(seen.pictures[:, -1], self._config.crop_px))
        state = seen.state[:, -1]
        return Condition(torch.cat([features, self.normalizer.state(state)], 1), state)

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """Euler steps from standard normal noise at tau = 0, 1/S, ..., (S - 1)/S.

        The last step's pull is the whole way, so it returns x_hat itself, and tau = 1 (a division by 0) is never asked.
        """
        x = _normal((n, self._config.horizon, self._config.joints), generator)
        trace, norms = [x], []
        condition_embedding = self.denoiser.embed_condition(condition.features)
        for step in range(solver_steps):
            tau = step / solver_steps
            x_hat = self.denoiser(x, condition_embedding + self.denoiser.embed_time(torch.tensor([tau])))
            velocity = (x_hat - x) / (1.0 - tau)
            norms.append(velocity.norm(dim=-1).mean(-1))
            x = x_hat if step == solver_steps - 1 else x + velocity / solver_steps
            trace.append(x_hat)
        actions = self.normalizer.actions(torch.stack(trace), condition.state)
        return Sampled(actions[-1], actions, torch.stack(norms))

    def _features(self, crops: Tensor) -> Tensor:
        """(B, C, 3, crop, crop) uint8 -> (B, C * 64)."""
        pictures = scaled(crops)
        return torch.cat([encoder(pictures[:, k]) for k, encoder in enumerate(self.encoders)], 1)


class Denoiser(nn.Module):
    """Residual MLP on the flattened chunk; time and condition enter every block.

    Their sum is embedded apart (`embed`): the samples of one moment share it, so 32 cost little more than one.
    """

    def __init__(self, condition: int, horizon: int, joints: int, settings: FlowMatchingSettings) -> None:
        super().__init__()
        width = settings.width
        self.input = nn.Linear(horizon * joints, width)
        self.condition = nn.Sequential(nn.Linear(condition, width), nn.SiLU(), nn.Linear(width, width))
        self.time = nn.Sequential(nn.Linear(_TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(_Block(width) for _ in range(settings.blocks))
        self.output = nn.Linear(width, horizon * joints)

    def embed(self, tau: Tensor, condition: Tensor) -> Tensor:
        """tau (B,), condition (B, F) -> (B, width)."""
        return self.embed_time(tau) + self.embed_condition(condition)

    def embed_condition(self, condition: Tensor) -> Tensor:
        embedding: Tensor = self.condition(condition)
        return embedding

    def embed_time(self, tau: Tensor) -> Tensor:
        embedding: Tensor = self.time(_time_features(tau))
        return embedding

    def forward(self, chunk: Tensor, embedding: Tensor) -> Tensor:
        """chunk (B, H, D), embedding (B or 1, width) -> the clean chunk (B, H, D)."""
        hidden = self.input(chunk.flatten(1)) + embedding
        embedding = functional.silu(embedding)
        for block in self.blocks:
            hidden = block(hidden, embedding)
        clean: Tensor = self.output(hidden).view_as(chunk)
        return clean


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner, self.condition, self.outer = (nn.Linear(width, width) for _ in range(3))

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        step: Tensor = self.outer(functional.silu(self.inner(self.norm(hidden)) + self.condition(embedding)))
        return hidden + step


def _time_features(tau: Tensor) -> Tensor:
    """(B,) -> (B, 64): sine and cosine of 100 tau at 32 frequencies from 1 down to 1/1000."""
    half = _TIME_FEATURES // 2
    frequencies = torch.exp(torch.arange(half) * (-math.log(1000.0) / (half - 1)))
    angle = 100.0 * tau[:, None] * frequencies
    return torch.cat([angle.sin(), angle.cos()], -1)


def _normal(shape: tuple[int, ...] | torch.Size, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator)
