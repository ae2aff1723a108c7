import pytest
import torch
from torch import Tensor

from teleop_studio.policies.gaussian import Gaussian, GaussianSettings
from tests.policies.toy_task import TOY, fit, random_batch, sampled_ends, two_ways, unit_statistics


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    policy = small("mean")
    fit(policy, two_ways(16), 150)
    return policy.state_dict()


def small(execute: str, weights: dict[str, Tensor] | None = None) -> Gaussian:
    torch.manual_seed(0)
    policy = Gaussian(TOY, GaussianSettings(width=64, blocks=2, execute=execute))
    policy.fit_normalizer(unit_statistics())
    if weights is not None:
        policy.load_state_dict(weights)
    return policy


def test_two_ways_become_one_bell_as_wide_as_both(weights: dict[str, Tensor]) -> None:
    ends = sampled_ends(small("sample", weights), 400, 1)
    assert abs(float(ends.mean())) < 0.2
    assert 0.8 < float(ends.std()) < 1.2  # of two points at -1 and 1
    assert int((ends.abs() < 0.5).sum()) > 100  # most likely where nobody went: a bell has 38 % within half its spread


def test_what_is_executed_is_the_mean_unless_a_sample_is_wanted(weights: dict[str, Tensor]) -> None:
    mean, sample = (sampled_ends(small(execute, weights), 200, 1) for execute in ("mean", "sample"))
    assert abs(float(mean[0])) < 0.2
    torch.testing.assert_close(mean[1:], sample[1:])
    assert float((mean[0] - sample[0]).abs()) > 0.05


def test_each_moment_of_a_row_executes_its_own_mean() -> None:
    policy, seen = small("mean"), random_batch(3).seen
    with torch.no_grad():
        condition = policy.encode(seen)
        first, second = (
            policy.sample_chunks(condition, 3, 1, torch.Generator().manual_seed(seed)).chunks for seed in (1, 2)
        )
    torch.testing.assert_close(first, second, atol=0, rtol=0)


def test_another_thing_to_execute_is_refused() -> None:
    with pytest.raises(ValueError, match=r"execute = 'best': .* mean or sample"):
        GaussianSettings(execute="best")
