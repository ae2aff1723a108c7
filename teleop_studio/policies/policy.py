"""What trainer and player know of a policy. Everything outside it is in physical units: rad, gripper 0..1."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from teleop_studio.policies.config import PolicyConfig

LANDMARKS = 6  # fingertip now (3) and fingertip at the next closing of the gripper (3), m, base frame


@dataclass(frozen=True)
class Batch:
    """B demonstrated moments.

    `pictures` (B, C, px, px, 3) uint8, cameras in the config's order. `state` (B, D) measured joints.
    `actions` (B, H, D) goals that were sent, the first at the moment of the picture. `valid` (B, H) 1 where the
    episode reached that far, 0 where its last goal is repeated.
    `landmarks` (B, 6) m, see `LANDMARKS`; `landmarks_valid` (B, 6) 1 where known. A policy may ignore both.
    """

    pictures: Tensor
    state: Tensor
    actions: Tensor
    valid: Tensor
    landmarks: Tensor
    landmarks_valid: Tensor


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation per number, over all training moments; `chunk` over real goals, relative."""

    state_mean: Tensor
    state_std: Tensor
    chunk_mean: Tensor
    chunk_std: Tensor
    landmarks_mean: Tensor
    landmarks_std: Tensor


@dataclass(frozen=True)
class Condition:
    """What a policy keeps of an observation: `features` (B, F) its own, `state` (B, D) measured joints."""

    features: Tensor
    state: Tensor


@dataclass(frozen=True)
class Sampled:
    """N chunks and how they came about.

    `chunks` (N, H, D). `trace` (S + 1, N, H, D): row 0 is the noise the solver starts from, row s the clean chunk
    predicted at step s; the last row equals `chunks`. `velocity_norm` (S, N): mean norm of the flow, normalised units.
    """

    chunks: Tensor
    trace: Tensor
    velocity_norm: Tensor


class Policy(Protocol):
    """A network with its normalisation. Satisfied by an `nn.Module` with these methods."""

    @property
    def config(self) -> PolicyConfig: ...

    def settings(self) -> dict[str, Any]:
        """The policy's own settings, JSON-able: `build_policy(name, config, settings)` gives the same network."""
        ...

    def fit_normalizer(self, statistics: Statistics) -> None:
        """Take over the training data's scale; it becomes part of `state_dict()`."""
        ...

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar to minimise, and its parts by name. All randomness comes from `generator`."""
        ...

    def encode(self, pictures: Tensor, state: Tensor) -> Condition:
        """`pictures` (B, C, px, px, 3) uint8, `state` (B, D)."""
        ...

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        """N chunks; the condition has one row (N samples of one moment) or N rows (one sample each)."""
        ...

    def train(self, mode: bool = True) -> Any: ...
    def parameters(self) -> Iterator[torch.nn.Parameter]: ...
    def state_dict(self) -> dict[str, Tensor]: ...
    def load_state_dict(self, state_dict: dict[str, Tensor]) -> Any: ...
