"""Chunks and joints as the network sees them: relative to the measured arm, zero mean, unit spread."""

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.policy import LANDMARKS, Statistics

# What hardly moves in the demonstrations would otherwise be blown up to unit spread. A measured joint may well be off
# by a degree for other reasons (sag, play, another start pose): that must not look like a pose from another world.
STATE_STD_FLOOR = 0.02
CHUNK_STD_FLOOR = 1e-3
LANDMARK_STD_FLOOR_M = 5e-3


class Normalizer(nn.Module):
    """Both ways between physical and normalised units. Its numbers are buffers, so they travel with the weights.

    Joints of a chunk are learnt as goal minus the joint *measured* at the chunk's start (not the goal then: the arm
    sags below its goal), the `absolute_joints` as they are.
    """

    relative: Tensor
    state_mean: Tensor
    state_std: Tensor
    chunk_mean: Tensor
    chunk_std: Tensor
    landmarks_mean: Tensor
    landmarks_std: Tensor

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        relative = [0.0 if name in config.absolute_joints else 1.0 for name in config.joint_names]
        self.register_buffer("relative", torch.tensor(relative))
        for name, size in (("state", config.joints), ("chunk", config.joints), ("landmarks", LANDMARKS)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_std", torch.ones(size))

    def fit(self, statistics: Statistics) -> None:
        """Take over the training data's mean and spread, spread floored."""
        self.state_mean.copy_(statistics.state_mean)
        self.state_std.copy_(statistics.state_std.clamp(min=STATE_STD_FLOOR))
        self.chunk_mean.copy_(statistics.chunk_mean)
        self.chunk_std.copy_(statistics.chunk_std.clamp(min=CHUNK_STD_FLOOR))
        self.landmarks_mean.copy_(statistics.landmarks_mean)
        self.landmarks_std.copy_(statistics.landmarks_std.clamp(min=LANDMARK_STD_FLOOR_M))

    def state(self, measured: Tensor) -> Tensor:
        """(B, D) joints -> (B, D)."""
        return (measured - self.state_mean) / self.state_std

    def landmarks(self, landmarks: Tensor) -> Tensor:
        """(B, 6) m -> (B, 6)."""
        return (landmarks - self.landmarks_mean) / self.landmarks_std

    def chunk(self, actions: Tensor, measured: Tensor) -> Tensor:
        """(B, H, D) goals and (B, D) measured joints -> (B, H, D). Inverse: `actions`."""
        return (relative_chunk(actions, measured, self.relative) - self.chunk_mean) / self.chunk_std

    def actions(self, chunk: Tensor, measured: Tensor) -> Tensor:
        """(..., B, H, D) normalised and (B, D) measured joints -> goals. Inverse of `chunk`."""
        return chunk * self.chunk_std + self.chunk_mean + (measured * self.relative)[:, None]


def relative_chunk(actions: Tensor, measured: Tensor, relative: Tensor) -> Tensor:
    """Goals (B, H, D) minus the measured joints (B, D) where `relative` (D,) is 1."""
    return actions - (measured * relative)[:, None]
