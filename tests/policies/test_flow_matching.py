from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.encoders.cnn import PictureEncoder
from teleop_studio.policies.flow_matching import FlowMatching, FlowMatchingSettings
from tests.policies.toy_task import (
    CAMERAS,
    JOINTS,
    TOY,
    Oracle,
    fit,
    random_batch,
    sampled_ends,
    two_ways,
    unit_statistics,
)

SMALL = FlowMatchingSettings(width=64, blocks=2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_shipped_size_is_the_one_that_was_measured() -> None:
    policy = FlowMatching(PolicyConfig(JOINTS, CAMERAS))
    assert sum(p.numel() for p in PictureEncoder(56).parameters()) == 36_640
    assert sum(p.numel() for p in policy.parameters()) == 1_114_230


def test_the_encoder_tells_where_a_thing_is() -> None:
    encoder = PictureEncoder(56)
    left, right = torch.full((2, 1, 3, 56, 56), -1.0)
    left[..., 20:28, 8:16] = 1.0
    right[..., 20:28, 40:48] = 1.0
    assert float((encoder(left) - encoder(right)).detach().abs().max()) > 1e-3


@pytest.mark.parametrize("solver_steps", [1, 4, 10, 25])
def test_a_denoiser_that_knows_the_truth_gives_it_exactly(solver_steps: int) -> None:
    policy = FlowMatching(TOY, SMALL)
    batch = random_batch(1)
    truth = torch.randn(1, 16, 7, generator=generator(5))
    policy.network = Oracle(truth, policy.network)
    with torch.no_grad():
        condition = policy.encode(batch.seen)
        sampled = policy.sample_chunks(condition, 3, solver_steps, generator())
    expected = policy.trunk.normalizer.actions(truth, batch.seen.state[:, -1])
    torch.testing.assert_close(sampled.chunks, expected.expand(3, -1, -1), atol=0, rtol=0)
    assert sampled.trace.shape == (solver_steps + 1, 3, 16, 7)
    assert sampled.velocity_norm.shape == (solver_steps, 3)
    # On a straight path the velocity is the same at each step: truth minus noise. A chunk that is true stays.
    euler = solver_steps - (solver_steps >= 4)
    torch.testing.assert_close(sampled.velocity_norm[:euler], sampled.velocity_norm[:1].expand(euler, 3))
    assert float(sampled.velocity_norm[euler:].sum()) == 0.0


def test_the_trace_starts_at_noise_and_ends_at_the_chunks() -> None:
    policy = FlowMatching(TOY, SMALL)
    batch = random_batch(1)
    with torch.no_grad():
        condition = policy.encode(batch.seen)
        sampled = policy.sample_chunks(condition, 4, 10, generator(2))
    noise = torch.randn((4, 16, 7), generator=generator(2))
    torch.testing.assert_close(sampled.trace[0], policy.trunk.normalizer.actions(noise, batch.seen.state[:, -1]))
    torch.testing.assert_close(sampled.trace[-1], sampled.chunks, atol=0, rtol=0)


def test_one_batch_can_be_learnt_by_heart() -> None:
    torch.manual_seed(0)
    policy = FlowMatching(TOY, FlowMatchingSettings(width=128, blocks=2, state_noise=0.0))
    policy.fit_normalizer(unit_statistics())
    batch = random_batch(4)
    untrained = fit(policy, batch, 1)
    learnt = fit(policy, batch, 300)
    assert learnt < 0.1 * untrained
    with torch.no_grad():
        condition = policy.encode(batch.seen)
        sampled = policy.sample_chunks(condition, 4, 10, generator())
    assert float((sampled.chunks - batch.actions).abs().mean()) < 0.15  # they are drawn from a unit normal


def test_goals_past_the_end_of_an_episode_are_not_learnt() -> None:
    policy = FlowMatching(TOY, SMALL)
    batch = random_batch(4)
    valid = torch.ones(4, 16)
    valid[:, 9:] = 0.0
    padded = replace(batch, valid=valid)
    other = replace(padded, actions=torch.where(valid[..., None] > 0, padded.actions, padded.actions + 5.0))
    # The noisy chunk the network sees contains the repeated goals, so only the target may differ: cut the input off.
    nn.init.zeros_(policy.network.input.weight)
    first, second = (policy.loss(b, generator())[0].detach() for b in (padded, other))
    torch.testing.assert_close(first, second)
    changed = replace(padded, actions=padded.actions + valid[..., None])
    assert abs(float(policy.loss(changed, generator())[0].detach() - first)) > 0.1


def test_unknown_landmarks_are_not_learnt() -> None:
    policy = FlowMatching(TOY, SMALL)
    unknown = replace(random_batch(4), landmarks_valid=torch.zeros(4, 6))
    far = replace(unknown, landmarks=unknown.landmarks + 100.0)
    assert float(policy.loss(unknown, generator())[1]["landmarks"]) == 0.0
    torch.testing.assert_close(policy.loss(unknown, generator())[0], policy.loss(far, generator())[0])


def test_two_ways_round_stay_two_ways() -> None:
    """One and the same view, shown half left, half right: samples must go left or right, not in between."""
    torch.manual_seed(0)
    policy = FlowMatching(TOY, SMALL)
    policy.fit_normalizer(unit_statistics())
    fit(policy, two_ways(), 250)
    ends, ends_at_once = (sampled_ends(policy, 200, solver_steps) for solver_steps in (10, 1))
    left, right = int((ends < -0.7).sum()), int((ends > 0.7).sum())
    assert min(left, right) > 60
    assert left + right > 180
    # One step is the mean of both ways, which is none of them.
    assert int((ends_at_once.abs() > 0.7).sum()) < 40


@pytest.fixture(scope="module")
def mostly_right() -> FlowMatching:
    torch.manual_seed(0)
    policy = FlowMatching(TOY, SMALL)
    policy.fit_normalizer(unit_statistics())
    fit(policy, two_ways(40, left=0.3), 300)
    return policy


def played(policy: FlowMatching, settle: float) -> FlowMatching:
    other = FlowMatching(TOY, replace(SMALL, settle=settle))
    other.load_state_dict(policy.state_dict())
    return other


def test_a_chunk_settles_in_the_middle_of_its_own_way(mostly_right: FlowMatching) -> None:
    """Nobody changes sides, the rarer one keeps its share, and each way becomes much narrower."""
    drawn, settled = sampled_ends(played(mostly_right, 0.0), 1000, 10), sampled_ends(mostly_right, 1000, 11)
    # 10 Euler steps each, from the same noise; one or two may have lain in between.
    assert int(((drawn < 0) != (settled < 0)).sum()) <= 5
    assert 0.2 < float((settled < -0.7).float().mean()) < 0.4
    for side in (-1.0, 1.0):
        spreads = [float((ends[ends * side > 0.5]).std()) for ends in (drawn, settled)]
        assert spreads[1] < 0.3 * spreads[0]


def test_settling_where_all_is_noise_would_average(mostly_right: FlowMatching) -> None:
    """Why `settle` is not smaller: the view from there takes in both ways."""
    ends = sampled_ends(played(mostly_right, 0.03), 1000, 11)
    assert int((ends.abs() > 0.7).sum()) < 100


@pytest.mark.parametrize("place", [-0.1, 1.0, float("nan"), "late"])
def test_a_place_that_is_not_on_the_path_is_refused(place: Any) -> None:
    with pytest.raises(ValueError, match=r"settle = .* below 1"):
        FlowMatchingSettings(settle=place)
