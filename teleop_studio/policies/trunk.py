"""What all our policies share: seeing, measuring in the data's own scale, and the errors that are learnt from."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.encoders import FROZEN, build_encoder
from teleop_studio.policies.encoders.frozen_heads import FrozenHeads
from teleop_studio.policies.networks import Network, build_network, network_size
from teleop_studio.policies.noise import normal
from teleop_studio.policies.normalizer import Normalizer
from teleop_studio.policies.pictures import augmented, centre_crops, scaled
from teleop_studio.policies.policy import LANDMARKS, Batch, Condition, Seen
from teleop_studio.policies.task_words import TASK_FEATURES, TaskWords


class TrunkSettings(Protocol):
    """Settings that all our policies have.

    `network` "mlp", "unet" or "dit" with its `width` and `blocks` (0: the network's own). `encoder` "cnn", "resnet18"
    or "frozen", the last with the folder of its `backbone`. `augment` 0..1 how much pictures are changed in training.
    `landmark_weight` of the auxiliary output (fingertip now and at the next grasp), which only helps the encoders.
    `state_noise` added to the normalised joints in training, so that the arm's pose does not drown the pictures.
    """

    @property
    def network(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def blocks(self) -> int: ...
    @property
    def encoder(self) -> str: ...
    @property
    def backbone(self) -> str: ...
    @property
    def augment(self) -> float: ...
    @property
    def landmark_weight(self) -> float: ...
    @property
    def state_noise(self) -> float: ...


def sized[Settings: TrunkSettings](settings: Settings) -> Settings:
    """The same with the network's own width and blocks where they are left open: a checkpoint says what it was.

    Raises `ValueError` for an unknown network.
    """
    width, blocks = network_size(settings.network, settings.width, settings.blocks)
    changed: Any = settings
    return replace(changed, width=width, blocks=blocks)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Lesson:
    """A batch as a head learns from it, each moment `draws` times in a row (R rows).

    `condition` (R, F); `chunk` (R, H, D) normalised, `valid` (R, H); `landmark_error` a scalar.
    """

    condition: Tensor
    chunk: Tensor
    valid: Tensor
    landmark_error: Tensor

    def mean(self, error: Tensor) -> Tensor:
        """Of an error (R, H, D): the mean over goals that were really sent."""
        return (error.mean(-1) * self.valid).sum() / self.valid.sum()


class Trunk(nn.Module):
    """From what is seen (pictures and joints of all frames, the task) to a condition of `features` numbers."""

    def __init__(self, config: PolicyConfig, settings: TrunkSettings) -> None:
        super().__init__()
        self._config, self._settings = config, settings
        self.normalizer = Normalizer(config)
        own = 1 if settings.encoder == FROZEN else len(config.cameras)  # what does not learn can serve all cameras
        encoders = [build_encoder(settings.encoder, config.crop_px, settings.backbone) for _ in range(own)]
        self.encoders = nn.ModuleList(encoders)  # type: ignore[arg-type]
        of_camera = encoders[0].features
        self.heads: FrozenHeads | None = None
        if settings.encoder == FROZEN:
            self.heads = FrozenHeads(len(config.cameras), of_camera)
            of_camera = self.heads.features
        pictures = of_camera * len(config.cameras)
        self.landmarks = nn.Sequential(nn.Linear(pictures, 64), nn.SiLU(), nn.Linear(64, LANDMARKS))
        self.features = config.observations * (pictures + config.joints)
        self.tasks: TaskWords | None = None
        if len(config.tasks) > 1:
            self.tasks = TaskWords(config.tasks)
            self.features += TASK_FEATURES

    def build_network(self, outputs: int = 0) -> Network:
        """The head's network; each goal has `outputs` numbers, one a joint where left out."""
        config, settings = self._config, self._settings
        joints = outputs or config.joints
        return build_network(settings.network, self.features, config.horizon, joints, settings.width, settings.blocks)

    def lesson(self, batch: Batch, generator: torch.Generator, draws: int = 1) -> Lesson:
        """`draws` rows for each encoded moment: the pictures cost most, noise and times almost nothing."""
        seen = batch.seen
        pictures = self._learning_features(seen, generator)
        state = self.normalizer.state(seen.state)
        state = state + self._settings.state_noise * normal(state.shape, generator, state.device)
        chunk = self.normalizer.chunk(batch.actions, seen.state[:, -1])
        return Lesson(
            self._condition(pictures, state, seen.task).repeat_interleave(draws, 0),
            chunk.repeat_interleave(draws, 0),
            batch.valid.repeat_interleave(draws, 0),
            self._landmark_error(pictures, batch),
        )

    def total(self, chunk_error: Tensor, lesson: Lesson) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar to minimise, and its parts by name."""
        total = chunk_error + self._settings.landmark_weight * lesson.landmark_error
        return total, {"chunk": chunk_error.detach(), "landmarks": lesson.landmark_error.detach()}

    def encode(self, seen: Seen) -> Condition:
        """Raises `ValueError` for a task that was not taught."""
        if seen.features is not None:
            pictures = self._above_backbone(seen.features)
        else:
            assert seen.pictures is not None
            crops = centre_crops(seen.pictures.flatten(0, 1), self._config.crop_px)
            pictures = self._features(scaled(crops)).view(*seen.pictures.shape[:2], -1)
        return Condition(self._condition(pictures, self.normalizer.state(seen.state), seen.task), seen.state[:, -1])

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        """See `Policy`."""
        if self._settings.encoder != FROZEN:
            return None
        features: Tensor = self.encoders[0](scaled(centre_crops(pictures[:, None], self._config.crop_px))[:, 0])
        return features

    def _condition(self, pictures: Tensor, state: Tensor, tasks: tuple[str, ...]) -> Tensor:
        """pictures (B, O, P), state (B, O, D) normalised, B texts -> (B, features)."""
        parts = [pictures.flatten(1), state.flatten(1)]
        if self.tasks is not None:
            parts.append(self.tasks(tasks))
        return torch.cat(parts, 1)

    def _learning_features(self, seen: Seen, generator: torch.Generator) -> Tensor:
        """(B, O, P); all frames of a moment are cropped and changed alike, as one camera would have seen them."""
        if seen.features is not None:
            return self._above_backbone(seen.features)
        assert seen.pictures is not None
        crop_px, strength = self._config.crop_px, self._settings.augment
        before = generator.get_state()
        frames = []
        for frame in seen.pictures.unbind(1):
            generator.set_state(before)
            frames.append(self._features(augmented(frame, crop_px, strength, generator)))
        return torch.stack(frames, 1)

    def _features(self, pictures: Tensor) -> Tensor:
        """(M, C, 3, crop, crop) in -1..1 -> (M, P)."""
        if self._settings.encoder == FROZEN:
            shared: Tensor = self.encoders[0](pictures.flatten(0, 1))
            return self._above_backbone(shared.view(*pictures.shape[:2], -1))
        return torch.cat([encoder(pictures[:, k]) for k, encoder in enumerate(self.encoders)], 1)

    def _above_backbone(self, features: Tensor) -> Tensor:
        """(..., C, F) of a frozen backbone -> (..., P)."""
        assert self.heads is not None
        pictures: Tensor = self.heads(features.float())
        return pictures

    def _landmark_error(self, pictures: Tensor, batch: Batch) -> Tensor:
        """Squared error of the landmarks seen in the newest frame, mean over those that are known."""
        target = self.normalizer.landmarks(batch.landmarks)
        error = (self.landmarks(pictures[:, -1]) - target).square() * batch.landmarks_valid
        mean: Tensor = error.sum() / batch.landmarks_valid.sum().clamp(min=1.0)
        return mean
