from dataclasses import replace

import torch

from teleop_studio.policies.mean_regression import MeanRegression, MeanRegressionSettings
from tests.policies.toy_task import TOY, fit, random_batch, sampled_ends, two_ways, unit_statistics


def small() -> MeanRegression:
    torch.manual_seed(0)
    policy = MeanRegression(TOY, MeanRegressionSettings(width=64, blocks=2))
    policy.fit_normalizer(unit_statistics())
    return policy


def test_between_two_ways_it_goes_through_the_middle() -> None:
    policy = small()
    fit(policy, two_ways(16), 60)
    assert float(sampled_ends(policy, 3, 10).abs().max()) < 0.15


def test_all_samples_are_the_same_and_start_at_the_mean_of_the_data() -> None:
    policy, seen = small(), random_batch(1).seen
    with torch.no_grad():
        sampled = policy.sample_chunks(policy.encode(seen), 4, 10, torch.Generator())
    torch.testing.assert_close(sampled.chunks, sampled.chunks[:1].expand(4, -1, -1), atol=0, rtol=0)
    assert sampled.trace.shape == (2, 4, 16, 7)  # one step, whatever was asked for
    arm = sampled.trace[0, :, :, :6]  # the gripper is absolute, the arm's joints stay where they are
    torch.testing.assert_close(arm, seen.state[:, :, :6].expand(4, 16, -1))


def test_the_same_view_is_answered_by_the_task_that_is_asked_for() -> None:
    torch.manual_seed(0)
    policy = MeanRegression(replace(TOY, tasks=("left", "right")), MeanRegressionSettings(width=64, blocks=2))
    policy.fit_normalizer(unit_statistics())
    batch = two_ways(16)
    fit(policy, replace(batch, seen=replace(batch.seen, task=("left", "right") * 8)), 60)
    left, right = (float(sampled_ends(policy, 1, 1, task=task)) for task in ("Left", " right"))
    assert left < -0.8
    assert right > 0.8
