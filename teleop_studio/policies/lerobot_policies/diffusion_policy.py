"""Diffusion Policy (Chi et al. 2023, LeRobot's `DiffusionPolicy`): a 1-D U-Net that takes noise out of whole chunks.

Trained as DDPM on the noise (100 steps, squared-cosine schedule). It is played with DDIM in a few steps, or with DDPM's
own ancestral sampling. LeRobot's chunk begins at the oldest observation; ours begins now, since what has passed is
never executed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
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

# "paper" has the sizes of the paper and of LeRobot (260 million parameters, for a GPU); "small" is for a CPU.
# Without pretrained weights the batch norms become group norms, as in the paper.
_PRESETS: dict[str, dict[str, Any]] = {
    "small": {"down_dims": (128, 256), "noise_scheduler_type": "DDIM"},
    "paper": {"down_dims": (512, 1024, 2048), "noise_scheduler_type": "DDPM"},
}


@dataclass(frozen=True)
class DiffusionPolicySettings:
    """`preset` "small" or "paper"; `overrides` fields of LeRobot's `DiffusionConfig` that shall be otherwise."""

    preset: str = "small"
    overrides: Mapping[str, Any] = field(default_factory=dict)


class DiffusionPolicy(nn.Module):
    """See the module; interface and units: `Policy`."""

    def __init__(self, config: PolicyConfig, settings: DiffusionPolicySettings | None = None) -> None:
        from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
        from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy as LeRobots

        super().__init__()
        self._config, self._settings = config, settings or DiffusionPolicySettings()
        require_one_task("Diffusion Policy", config)
        if self._settings.preset not in _PRESETS:
            raise ValueError(f"Diffusion Policy has no preset {self._settings.preset!r}, only {', '.join(_PRESETS)}.")
        self.normalizer = absolute_normalizer(config)
        given = {**_PRESETS[self._settings.preset], **self._settings.overrides}
        self.network = LeRobots(
            DiffusionConfig(
                device="cpu",
                n_obs_steps=config.observations,
                horizon=config.horizon,
                n_action_steps=config.executed_steps,
                crop_shape=(config.crop_px, config.crop_px),
                pretrained_backbone_weights=None,
                use_group_norm=True,
                do_mask_loss_for_padding=True,
                **features(config, config.picture_px),
                **given,
            )
        )

    @property
    def config(self) -> PolicyConfig:
        return self._config

    def settings(self) -> dict[str, Any]:
        return asdict(self._settings)

    def fit_normalizer(self, statistics: Statistics) -> None:
        """By range, as LeRobot does: the sampler clips the clean chunk to -1..1."""
        fit_absolute(self.normalizer, statistics, by_range=True)

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Squared error of the predicted noise, mean over valid goals; one crop for the whole batch, as in LeRobot."""
        given = self._inputs(batch.seen)
        given[ACTION] = self.normalizer.chunk(batch.actions, batch.seen.state[:, -1])
        given[IS_PAD] = batch.valid <= 0
        with seeded(generator, batch.actions.device):
            total = self.network.diffusion.compute_loss(given)
        return total, {"chunk": total.detach()}

    forward = loss

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        return None

    def encode(self, seen: Seen) -> Condition:
        with evaluating(self.network):
            condition = self.network.diffusion._prepare_global_conditioning(self._inputs(seen))
        return Condition(condition, seen.state[:, -1])

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """LeRobot's own sampling loop; the trace holds the clean chunk that each step predicted.

        Raises `ValueError` for more steps than it was trained with.
        """
        diffusion, device = self.network.diffusion, device_of(self)
        most = diffusion.noise_scheduler.config.num_train_timesteps
        if solver_steps > most:
            raise ValueError(f"solver_steps = {solver_steps}: this policy was trained with {most}. Ask for fewer.")
        noise = torch.randn((n, self._config.horizon, self._config.joints), generator=generator).to(device)
        diffusion.num_inference_steps = solver_steps
        with _steps(diffusion.noise_scheduler) as steps:
            chunks = diffusion.conditional_sample(
                n, global_cond=condition.features.expand(n, -1), generator=generator, noise=noise
            )
        norms = torch.stack([(clean - noisy).norm(dim=-1).mean(-1) for noisy, clean in steps])
        trace = torch.stack([noise, *(clean for _, clean in steps[:-1]), chunks])
        actions = self.normalizer.actions(trace, condition.state)
        return Sampled(actions[-1], actions, norms)

    def _inputs(self, seen: Seen) -> dict[str, Tensor]:
        """The state first: `_prepare_global_conditioning` wants (B, O, D) and (B, O, C, 3, px, px)."""
        assert seen.pictures is not None
        batch, observations = seen.state.shape[:2]
        state = self.normalizer.state(seen.state.flatten(0, 1)).view(batch, observations, -1)
        return {STATE: state, IMAGES: imagenet_scaled(seen.pictures.to(device_of(self)))}


@contextmanager
def _steps(scheduler: Any) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Inside, each step of diffusers' `scheduler` adds the noisy chunk it got and the clean one it predicted."""
    seen: list[tuple[Tensor, Tensor]] = []
    step = scheduler.step

    def recorded(model_output: Tensor, timestep: Any, sample: Tensor, **more: Any) -> Any:
        result = step(model_output, timestep, sample, **more)
        seen.append((sample, result.pred_original_sample))
        return result

    scheduler.step = recorded
    try:
        yield seen
    finally:
        del scheduler.step
