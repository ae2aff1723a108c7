"""What trainer and player know of a policy. Everything outside it is in physical units: rad, gripper 0..1."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from teleop_studio.policies.config import PolicyConfig

LANDMARKS = 6  # fingertip now (3) and fingertip at the next closing of the gripper (3), m, base frame


@dataclass(frozen=True)
class Seen:
    """What is seen at B moments, O observations each, `chunk_dt_s` apart, the newest last.

    `pictures` (B, O, C, px, px, 3) uint8, cameras in the config's order; None where `features` (B, O, C, F), what the
    policy's frozen backbone made of them, is given instead. `state` (B, O, D) measured joints. `task` B texts.
    """

    pictures: Tensor | None
    state: Tensor
    task: tuple[str, ...]
    features: Tensor | None = None

    def to(self, device: torch.device | str) -> "Seen":
        """The same on `device`."""
        moved = [None if tensor is None else tensor.to(device) for tensor in (self.pictures, self.features)]
        return Seen(moved[0], self.state.to(device), self.task, moved[1])


@dataclass(frozen=True)
class Batch:
    """B demonstrated moments.

    `seen` as at run time. `actions` (B, H, D) goals that were sent, the first at the moment of the newest picture.
    `valid` (B, H) 1 where the episode reached that far, 0 where its last goal is repeated.
    `landmarks` (B, 6) m, see `LANDMARKS`; `landmarks_valid` (B, 6) 1 where known. A policy may ignore both.
    """

    seen: Seen
    actions: Tensor
    valid: Tensor
    landmarks: Tensor
    landmarks_valid: Tensor

    def to(self, device: torch.device | str) -> "Batch":
        """The same on `device`."""
        rest = (self.actions, self.valid, self.landmarks, self.landmarks_valid)
        return Batch(self.seen.to(device), *(tensor.to(device) for tensor in rest))


@dataclass(frozen=True)
class Spread:
    """Of each joint's values: mean, standard deviation, lowest, highest, 1st and 99th percentile; all (D,)."""

    mean: Tensor
    std: Tensor
    low: Tensor
    high: Tensor
    percentile_1: Tensor
    percentile_99: Tensor


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation per number, over all training moments; `chunk` over real goals, relative.

    `states` measured joints and `goals` real goals as they were sent, for a policy that learns absolute ones.
    """

    state_mean: Tensor
    state_std: Tensor
    chunk_mean: Tensor
    chunk_std: Tensor
    landmarks_mean: Tensor
    landmarks_std: Tensor
    states: Spread | None = None
    goals: Spread | None = None


@dataclass(frozen=True)
class Condition:
    """What a policy keeps of what it has seen: `features` its own, B rows; `state` (B, D) newest measured joints."""

    features: Any
    state: Tensor


@dataclass(frozen=True)
class Sampled:
    """N chunks and how they came about in S steps (S may be smaller than asked for: a regression needs one).

    `chunks` (N, H, D) physical units. `trace` (S + 1, N, H, D): row 0 is the noise the solver starts from, row s the
    clean chunk predicted at step s; the last row equals `chunks`. `velocity_norm` (S, N): how far each step still
    pulled, normalised units (of a flow: the mean norm of its velocity).
    """

    chunks: Tensor
    trace: Tensor
    velocity_norm: Tensor


class Policy(Protocol):
    """A network with its normalisation. Satisfied by an `nn.Module` with these methods.

    All randomness comes from the given generator, which lives on the CPU: the same seed gives the same noise on every
    device. Tensors go in and come out on the policy's own device.
    """

    @property
    def config(self) -> PolicyConfig: ...

    def settings(self) -> dict[str, Any]:
        """The policy's own settings, JSON-able: `build_policy(name, config, settings)` gives the same network."""
        ...

    def fit_normalizer(self, statistics: Statistics) -> None:
        """Take over the training data's scale; it becomes part of `state_dict()`."""
        ...

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar to minimise, and its parts by name, "chunk" among them. Calling the policy does the same."""
        ...

    def __call__(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]: ...

    def picture_features(self, pictures: Tensor) -> Tensor | None:
        """(M, px, px, 3) uint8 -> (M, F) of a frozen backbone, worth keeping; None: the policy learns to see."""
        ...

    def encode(self, seen: Seen) -> Condition:
        """The part that all samples of a moment share. Raises `ValueError` for a task the policy was not taught."""
        ...

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """N chunks; the condition has one row (N samples of one moment) or N rows (one sample each)."""
        ...

    def train(self, mode: bool = True) -> Any: ...
    def to(self, device: torch.device | str) -> Any: ...
    def parameters(self) -> Iterator[torch.nn.Parameter]: ...
    def state_dict(self) -> dict[str, Tensor]: ...
    def load_state_dict(self, state_dict: dict[str, Tensor]) -> Any: ...
