"""What LeRobot does around its networks, so that they are compared as their authors run them.

Their goals are absolute joint values, scaled as the policy's own configuration says (mean and spread, or the range);
ours are relative to the measured arm. Pictures are 0..1, then shifted and scaled by ImageNet's mean and spread.
Their code draws from torch's global generator, which is set for the time of a call from the one that is handed in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.normalizer import Normalizer
from teleop_studio.policies.policy import Spread, Statistics

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
STATE, ACTION, IMAGES, IS_PAD = "observation.state", "action", "observation.images", "action_is_pad"


def absolute_normalizer(config: PolicyConfig) -> Normalizer:
    """A normaliser that learns every joint's goal as it is."""
    return Normalizer(replace(config, absolute_joints=config.joint_names))


def fit_absolute(
    normalizer: Normalizer, statistics: Statistics, by_range: bool = False, by_percentile: bool = False
) -> None:
    """Take over the scale of states and absolute goals: mean 0 and spread 1.

    Or to -1..1: `by_range` from the lowest to the highest value, `by_percentile` from the 1st to the 99th.

    Raises `ValueError` for statistics that do not have it.
    """
    states, goals = statistics.states, statistics.goals
    if states is None or goals is None:
        raise ValueError("LeRobot's policies learn absolute goals; these statistics do not have their scale.")
    (state_mean, state_std), (goal_mean, goal_std) = (_scale(one, by_range, by_percentile) for one in (states, goals))
    normalizer.fit(
        replace(statistics, state_mean=state_mean, state_std=state_std, chunk_mean=goal_mean, chunk_std=goal_std)
    )


def features(config: PolicyConfig, side_px: int) -> dict[str, dict[str, Any]]:
    """`input_features` and `output_features` for a configuration of LeRobot's."""
    from lerobot.configs.types import FeatureType, PolicyFeature

    seen = {STATE: PolicyFeature(FeatureType.STATE, (config.joints,))}
    for name in config.cameras:
        seen[f"{IMAGES}.{name}"] = PolicyFeature(FeatureType.VISUAL, (3, side_px, side_px))
    return {"input_features": seen, "output_features": {ACTION: PolicyFeature(FeatureType.ACTION, (config.joints,))}}


def imagenet_scaled(pictures: Tensor) -> Tensor:
    """(..., px, px, 3) uint8 -> (..., 3, px, px), zero mean and unit spread over ImageNet."""
    mean, std = (pictures.new_tensor(numbers, dtype=torch.float32) for numbers in (_IMAGENET_MEAN, _IMAGENET_STD))
    return ((pictures.float() / 255.0 - mean) / std).movedim(-1, -3).contiguous()


def require_one_task(title: str, config: PolicyConfig) -> None:
    """Raises `ValueError` when the demonstrations have several tasks, which the policy could not tell apart."""
    if len(config.tasks) > 1:
        raise ValueError(
            f"{title} is not told which task it shall do, and these demonstrations have {len(config.tasks)}: "
            f"{', '.join(config.tasks)}. Train it on the episodes of one task, or take a policy that is told."
        )


@contextmanager
def seeded(generator: torch.Generator, device: torch.device) -> Iterator[None]:
    """Torch's global generators give, inside, what `generator` decides; outside they go on as if nothing had been."""
    seed = int(torch.randint(2**62, (), generator=generator))
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Inside, the network is in evaluation mode: no dropout, crops from the middle."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def device_of(network: nn.Module) -> torch.device:
    """Where the network is."""
    return next(network.parameters()).device


def _scale(spread: Spread, by_range: bool, by_percentile: bool) -> tuple[Tensor, Tensor]:
    """What becomes 0, and how far from it is what becomes 1."""
    if not by_range and not by_percentile:
        return spread.mean, spread.std
    low, high = (spread.low, spread.high) if by_range else (spread.percentile_1, spread.percentile_99)
    return (high + low) / 2.0, (high - low) / 2.0
