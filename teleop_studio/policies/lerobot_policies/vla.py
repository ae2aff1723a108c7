"""SmolVLA, pi0 and pi0.5 (LeRobot's): pretrained on many robots, fine-tuned on these demonstrations, told the task.

They start from a folder of weights. A checkpoint of ours holds everything that is needed to play it again, the
tokenizer included; the folder is only needed to train. Memory, in bytes a parameter: 4 to play or to train around, 12
more for each that is trained (gradient and optimiser), 4 more where averaged weights are kept (`ema_max`). SmolVLA has
0.45 thousand million parameters, pi0 and pi0.5 3.3. The expert alone is trained unless `train` says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.lerobot_policies import vla_networks as vla
from teleop_studio.policies.lerobot_policies.pretrained import (
    language_folder,
    load_weights,
    network_fields,
    weights_folder,
)
from teleop_studio.policies.lerobot_policies.recipe import (
    IMAGES,
    absolute_normalizer,
    device_of,
    evaluating,
    features,
    fit_absolute,
    seeded,
)
from teleop_studio.policies.lerobot_policies.task_text import TaskText, tokenizer_file
from teleop_studio.policies.policy import Batch, Condition, Sampled, Seen, Statistics

_TRAINS = ("expert", "all")


@dataclass(frozen=True)
class VlaSettings:
    """`weights` a folder or a name on the hub; `vlm` the same for the language model, where it is not in that folder.

    `train` "expert" or "all". `network` is what a checkpoint keeps instead of the folder: `fields` of LeRobot's
    configuration, `language` model and `tokenizer_bytes`.
    """

    weights: str = ""
    vlm: str = ""
    train: str = "expert"
    network: Mapping[str, Any] = field(default_factory=dict)


class VisionLanguageAction(nn.Module):
    """See the module; interface and units: `Policy`."""

    def __init__(self, name: str, config: PolicyConfig, settings: VlaSettings | None = None) -> None:
        super().__init__()
        settings = settings or VlaSettings()
        if settings.train not in _TRAINS:
            raise ValueError(f"train = {settings.train!r}: {' or '.join(map(repr, _TRAINS))}.")
        self._config, self._kind = config, vla.VLA_KINDS[name]
        folder = None if settings.network else weights_folder(self._kind.source, settings.weights)
        tokenizer = b""
        if folder is not None:
            words = language_folder(self._kind.source, folder, settings.vlm)
            tokenizer = tokenizer_file(words)
            network = {
                "fields": network_fields(folder, vla.config_class(name)),
                "language": vla.language_config(words) if self._kind.needs_language_config else {},
                "tokenizer_bytes": len(tokenizer),
            }
            settings = replace(settings, network=network)
        self._settings = settings
        self.normalizer = absolute_normalizer(config)
        self.network = vla.build_network(name, self._lerobots(name), settings.network["language"])
        if folder is not None:
            load_weights(self.network, folder)
        vla.drop_heads(self.network)
        self.text = TaskText(settings.network["tokenizer_bytes"])
        if tokenizer:
            self.text.file.copy_(torch.frombuffer(bytearray(tokenizer), dtype=torch.uint8))

    @property
    def config(self) -> PolicyConfig:
        return self._config

    def settings(self) -> dict[str, Any]:
        """What builds the same network without the folder that it came from."""
        return {"train": self._settings.train, "network": dict(self._settings.network)}

    def fit_normalizer(self, statistics: Statistics) -> None:
        fit_absolute(self.normalizer, statistics, by_percentile=self._kind.by_percentile)

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Squared error of the velocity on LeRobot's times, mean over valid goals."""
        model, device, joints = self.network.model, device_of(self), self._config.joints
        seen, state = self._inputs(batch.seen)
        chunk = _padded(self.normalizer.chunk(batch.actions, batch.seen.state[:, -1]), self._width)
        noise = torch.randn(chunk.shape, generator=generator).to(device)
        with seeded(generator, device):
            time = model.sample_time(len(chunk), device)
            error = vla.losses(self._kind, self.network, seen, state, chunk, noise, time)
        error = error[..., :joints].mean(-1)
        total = (error * batch.valid).sum() / batch.valid.sum()
        return total, {"chunk": total.detach()}

    forward = loss

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        return None

    def encode(self, seen: Seen) -> Condition:
        """Pictures and words through the language model, once for all samples."""
        with evaluating(self.network):
            given, state = self._inputs(seen)
            return Condition(vla.prefix(self._kind, self.network, given, state), seen.state[:, -1])

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """LeRobot's Euler steps from t = 1 to 0; the clean chunk at x_t is x_t - t v."""
        from lerobot.policies.common.flow_matching import euler_integrate

        joints = self._config.joints
        noise = torch.randn((n, self._config.horizon, self._width), generator=generator).to(device_of(self))
        clean, norms = [noise], []
        with evaluating(self.network):
            velocity_at = vla.velocity(self._kind, self.network, condition.features.repeated(n))

            def recorded(x_t: Tensor, t: Tensor) -> Tensor:
                velocity = velocity_at(x_t, t)
                clean.append(x_t - t[:, None, None] * velocity)
                norms.append(velocity[..., :joints].norm(dim=-1).mean(-1))
                return velocity

            chunks = euler_integrate(recorded, noise, solver_steps)
        trace = torch.stack([*clean[:-1], chunks])[..., :joints]
        actions = self.normalizer.actions(trace, condition.state)
        return Sampled(actions[-1], actions, torch.stack(norms))

    def _lerobots(self, name: str) -> Any:
        """LeRobot's configuration. 32 bits: small steps are lost in fewer."""
        config = self._config
        only_expert = self._settings.train == "expert"
        values = {key: tuple(v) if isinstance(v, list) else v for key, v in self._settings.network["fields"].items()}
        more = {} if self._kind.needs_language_config else {"dtype": "float32"}
        return vla.config_class(name)(
            device="cpu",
            chunk_size=config.horizon,
            n_action_steps=config.executed_steps,
            freeze_vision_encoder=only_expert,
            train_expert_only=only_expert,
            **features(config, config.picture_px),
            **more,
            **values,
        )

    @property
    def _width(self) -> int:
        width: int = self.network.config.max_action_dim
        return width

    def _inputs(self, seen: Seen) -> tuple[list[Any], Tensor]:
        """Pictures, which of them are there, words, which of them are real; and the padded state (B, padded D)."""
        assert seen.pictures is not None
        state = self.normalizer.state(seen.state[:, -1])
        prompts = [self._kind.prompt(task, row) for task, row in zip(map(self._task, seen.task), state, strict=True)]
        words, real = self.text(prompts, self.network.config.tokenizer_max_length)
        pictures = seen.pictures[:, -1].to(device_of(self)).float().div(255.0).movedim(-1, -3)
        named = {f"{IMAGES}.{name}": pictures[:, k] for k, name in enumerate(self._config.cameras)}
        images, there = vla.prepared_pictures(self.network, named)
        return [images, there, words, real], _padded(state, self.network.config.max_state_dim)

    def _task(self, text: str) -> str:
        """Raises `ValueError` for a text that the policy was not taught; with one task there is no choice."""
        known = {task.strip().casefold(): task for task in self._config.tasks}
        if len(known) == 1:
            return self._config.tasks[0]
        if known and text.strip().casefold() not in known:
            raise ValueError(
                f"The policy was not taught the task {text!r}. Choose one that it was taught: "
                f"{', '.join(map(repr, self._config.tasks))}."
            )
        return known.get(text.strip().casefold(), text)


def _padded(values: Tensor, width: int) -> Tensor:
    """Zeros behind the joints, up to the width the network was pretrained with."""
    return torch.nn.functional.pad(values, (0, width - values.shape[-1]))
