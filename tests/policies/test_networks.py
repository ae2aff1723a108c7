"""What every network must do, whatever it is made of."""

import pytest
import torch

from teleop_studio.policies.flow_matching import FlowMatching, FlowMatchingSettings
from teleop_studio.policies.networks import build_network
from tests.policies.toy_task import TOY, fit, sampled_ends, two_ways, unit_statistics

NETWORKS = ("mlp", "unet", "dit")


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("horizon", [16, 15, 9, 2])
def test_any_horizon_goes_in_and_comes_out(kind: str, horizon: int) -> None:
    network = build_network(kind, 5, horizon, 3)
    embedding = network.embedding(torch.rand(4), torch.randn(4, 5))
    assert network(torch.randn(4, horizon, 3), embedding).shape == (4, horizon, 3)


@pytest.mark.parametrize("kind", NETWORKS)
def test_samples_of_one_moment_share_its_condition(kind: str) -> None:
    torch.manual_seed(0)
    network = build_network(kind, 5, 16, 3)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)  # what starts at zero would hide the embedding
    chunk, condition, tau = torch.randn(4, 16, 3), torch.randn(1, 5), torch.tensor([0.3])
    shared = network(chunk, network.embedding(tau, condition))
    repeated = network(chunk, network.embedding(tau.expand(4), condition.expand(4, -1)))
    torch.testing.assert_close(shared, repeated, atol=1e-5, rtol=1e-5)
    other = network(chunk, network.embedding(tau, condition + 1.0))
    assert float((other - shared).detach().abs().max()) > 1e-4
    later = network(chunk, network.embedding(tau + 0.5, condition))
    assert float((later - shared).detach().abs().max()) > 1e-4


@pytest.mark.parametrize(("kind", "parameters"), [("mlp", 1_032_000), ("unet", 816_000), ("dit", 256_000)])
def test_each_has_about_the_size_that_was_meant(kind: str, parameters: int) -> None:
    count = sum(p.numel() for p in build_network(kind, 135, 16, 7).parameters())
    assert count == pytest.approx(parameters, rel=0.1)


@pytest.mark.parametrize(("kind", "width", "blocks"), [("unet", 8, 2), ("dit", 32, 1)])
def test_two_ways_stay_two_ways(kind: str, width: int, blocks: int) -> None:
    torch.manual_seed(0)
    policy = FlowMatching(TOY, FlowMatchingSettings(network=kind, width=width, blocks=blocks, draws=2))
    policy.fit_normalizer(unit_statistics())
    fit(policy, two_ways(16), 150)
    ends = sampled_ends(policy, 200, 10)
    left, right = int((ends < -0.7).sum()), int((ends > 0.7).sum())
    assert min(left, right) > 40
    assert left + right > 150


def test_an_unknown_network_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no network 'kan'\. Known networks: mlp, unet, dit\."):
        FlowMatching(TOY, FlowMatchingSettings(network="kan"))
