"""ACT (Zhao et al. 2023, LeRobot's `ACTPolicy`): a transformer that regresses whole chunks with an L1 loss.

A variational encoder tells it in training which of several ways was taken; at run time its latent is zero, so that it
answers with one chunk, always the same for the same moment.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.lerobot_policies.pretrained import load_backbone
from teleop_studio.policies.lerobot_policies.recipe import (
    ACTION,
    IMAGES,
    IS_PAD,
    STATE,
    absolute_normalizer,
    device_of,
    evaluating,
    features,
    fit_absolute,
    imagenet_scaled,
    require_one_task,
    seeded,
)
from teleop_studio.policies.policy import Batch, Condition, Sampled, Seen, Statistics

# "default" is LeRobot's own (51.6 million parameters for one camera); "small" is for a CPU.
_PRESETS: dict[str, dict[str, Any]] = {
    "small": {"dim_model": 256, "dim_feedforward": 1024, "n_encoder_layers": 2, "n_vae_encoder_layers": 2},
    "default": {},
}


@dataclass(frozen=True)
class ActSettings:
    """`preset` "small" or "default" (LeRobot's); `overrides` fields of its `ACTConfig` that shall be otherwise.

    `backbone` a folder with a ResNet-18 pretrained on ImageNet to start from, which the paper has; else it starts from
    nothing, with its frozen batch norms doing nothing.
    """

    preset: str = "small"
    backbone: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)


class Act(nn.Module):
    """See the module; interface and units: `Policy`."""

    def __init__(self, config: PolicyConfig, settings: ActSettings | None = None) -> None:
        from lerobot.policies.act.configuration_act import ACTConfig
        from lerobot.policies.act.modeling_act import ACTPolicy

        super().__init__()
        self._config, self._settings = config, settings or ActSettings()
        require_one_task("ACT", config)
        if self._settings.preset not in _PRESETS:
            raise ValueError(f"ACT has no preset {self._settings.preset!r}, only {', '.join(_PRESETS)}.")
        self.normalizer = absolute_normalizer(config)
        given = {**_PRESETS[self._settings.preset], **self._settings.overrides}
        shape = {"chunk_size": config.horizon, "n_action_steps": config.executed_steps}
        self.network = ACTPolicy(
            ACTConfig(
                device="cpu", pretrained_backbone_weights=None, **shape, **features(config, config.picture_px), **given
            )
        )
        if self._settings.backbone:
            load_backbone(self.network.model.backbone, Path(self._settings.backbone))

    @property
    def config(self) -> PolicyConfig:
        return self._config

    def settings(self) -> dict[str, Any]:
        """Without the backbone's folder: what came from there is among the weights."""
        return asdict(replace(self._settings, backbone=""))

    def fit_normalizer(self, statistics: Statistics) -> None:
        fit_absolute(self.normalizer, statistics)

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """L1 error of the chunk over valid goals, plus 10 times the latent's divergence from a standard normal."""
        given = self._inputs(batch.seen)
        given[ACTION] = self.normalizer.chunk(batch.actions, batch.seen.state[:, -1])
        given[IS_PAD] = batch.valid <= 0
        with seeded(generator, batch.actions.device):
            total, parts = self.network(given)
        return total, {
            "chunk": torch.tensor(parts["l1_loss"]),
            "divergence": torch.tensor(parts.get("kld_loss", 0.0)),
        }

    forward = loss

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        return None

    def encode(self, seen: Seen) -> Condition:
        """The whole network: nothing in it differs between the samples of a moment."""
        with evaluating(self.network):
            chunk = self.network.predict_action_chunk(self._inputs(seen))
        return Condition(chunk, seen.state[:, -1])

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """N times the same chunk: there is nothing to solve and nothing to draw.

        The trace begins at the mean of all goals, which is what a network would say that had learnt nothing.
        """
        chunk: Tensor = condition.features
        chunk = chunk.expand(n, -1, -1)
        trace = self.normalizer.actions(torch.stack([torch.zeros_like(chunk), chunk]), condition.state)
        return Sampled(trace[-1], trace, chunk.norm(dim=-1).mean(-1)[None])

    def _inputs(self, seen: Seen) -> dict[str, Tensor]:
        assert seen.pictures is not None
        pictures = imagenet_scaled(seen.pictures[:, -1].to(device_of(self)))
        given = {f"{IMAGES}.{name}": pictures[:, k] for k, name in enumerate(self._config.cameras)}
        given[STATE] = self.normalizer.state(seen.state[:, -1])
        return given
