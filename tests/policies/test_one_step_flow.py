from dataclasses import replace

import pytest
import torch

from teleop_studio.policies.one_step_flow import OneStepFlow, OneStepFlowSettings
from tests.policies.toy_task import TOY, Oracle, fit, random_batch, sampled_ends, two_ways, unit_statistics

SMALL = OneStepFlowSettings(width=64, blocks=2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small() -> OneStepFlow:
    torch.manual_seed(0)
    policy = OneStepFlow(TOY, SMALL)
    policy.fit_normalizer(unit_statistics())
    return policy


def test_one_step_keeps_both_ways_and_so_do_more() -> None:
    policy = small()
    fit(policy, two_ways(16), 220)
    for solver_steps in (1, 2, 4):
        ends = sampled_ends(policy, 200, solver_steps)
        left, right = int((ends < -0.7).sum()), int((ends > 0.7).sum())
        assert min(left, right) > 50, solver_steps
        assert left + right > 160, solver_steps


@pytest.mark.parametrize("solver_steps", [1, 2, 5])
def test_a_network_that_knows_the_truth_gives_it_exactly(solver_steps: int) -> None:
    policy, seen = small(), random_batch(1).seen
    truth = torch.randn(1, 16, 7, generator=generator(5))
    policy.network = Oracle(truth, policy.network)
    with torch.no_grad():
        sampled = policy.sample_chunks(policy.encode(seen), 3, solver_steps, generator())
    expected = policy.trunk.normalizer.actions(truth, seen.state[:, -1]).expand(3, -1, -1)
    torch.testing.assert_close(sampled.chunks, expected, atol=1e-5, rtol=0)
    assert sampled.trace.shape == (solver_steps + 1, 3, 16, 7)


def test_the_energy_score_is_least_for_answers_spread_as_the_demonstrations() -> None:
    """Not for their mean, which the squared error prefers, nor for one of the ways alone."""
    policy, batch = small(), two_ways(512)
    lesson = policy.trunk.lesson(batch, generator(), 4)

    def score(ends: torch.Tensor) -> float:
        way = ends[:, None, None] * torch.linspace(0, 1, 16)[None, :, None]
        answers = policy.trunk.normalizer.chunk(batch.seen.state[:1] + way, batch.seen.state[0].expand(len(ends), -1))
        return float(policy._energy_score(answers, lesson))

    drawn = torch.randint(0, 2, (2048,), generator=generator(3)).float() * 2.0 - 1.0
    for other in (torch.zeros(2048), torch.ones(2048), 2.0 * drawn, 0.3 * drawn):
        assert score(drawn) < score(other) - 0.01


def test_goals_past_the_end_of_an_episode_do_not_count_at_tau_zero() -> None:
    policy, batch = small(), random_batch(4)
    valid = torch.ones(4, 16)
    valid[:, 9:] = 0.0
    padded = replace(batch, valid=valid)
    other = replace(padded, actions=torch.where(valid[..., None] > 0, batch.actions, batch.actions + 5.0))
    scores = [float(policy.loss(b, generator())[1]["energy"]) for b in (padded, other)]
    assert scores[0] == pytest.approx(scores[1])


def test_one_draw_is_refused() -> None:
    with pytest.raises(ValueError, match=r"draws = 1: a one-step flow compares at least 2 answers"):
        OneStepFlowSettings(draws=1)
