import pytest
import torch
from torch import Tensor, nn

from teleop_studio.policies.diffusion import SAMPLERS, Diffusion, DiffusionSettings, squared_cosine
from tests.policies.toy_task import TOY, Oracle, fit, random_batch, sampled_ends, two_ways, unit_statistics

TRUTH = torch.randn(1, 16, 7, generator=torch.Generator().manual_seed(5)).clamp(-2.0, 2.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class _NoiseOracle(Oracle):
    """Knows the chunk, is asked for the noise: reads the time out of its own embedding."""

    def __init__(self, truth: Tensor, policy: Diffusion) -> None:
        super().__init__(truth, policy.network)
        self.signal = policy.signal
        self.embedding = _TimeAsItIs()

    def forward(self, chunk: Tensor, embedding: Tensor) -> Tensor:
        signal = self.signal[(embedding[:, :1, None] * 100).round().long()]
        noise: Tensor = (chunk - signal.sqrt() * self.truth) / (1.0 - signal).sqrt()
        return noise


class _TimeAsItIs(nn.Module):
    def time(self, tau: Tensor) -> Tensor:
        return tau[:, None]

    def condition(self, condition: Tensor) -> Tensor:
        return torch.zeros(len(condition), 1)


def test_the_signal_falls_along_the_squared_cosine_to_almost_nothing() -> None:
    signal = squared_cosine(100)
    assert float(signal[0]) > 0.999
    assert float(signal[49]) == pytest.approx(0.5, abs=0.02)  # cos^2 of 45 degrees
    assert float(signal[-1]) < 1e-5
    assert bool((signal.diff() < 0).all())


@pytest.mark.parametrize("target", ["sample", "epsilon"])
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("solver_steps", [1, 3, 10, 50, 100])
def test_a_network_that_knows_the_truth_gives_it(target: str, sampler: str, solver_steps: int) -> None:
    policy = Diffusion(TOY, DiffusionSettings(width=16, blocks=1, target=target, sampler=sampler))
    policy.network = Oracle(TRUTH, policy.network) if target == "sample" else _NoiseOracle(TRUTH, policy)
    seen = random_batch(1).seen
    with torch.no_grad():
        sampled = policy.sample_chunks(policy.encode(seen), 3, solver_steps, generator())
    expected = policy.trunk.normalizer.actions(TRUTH, seen.state[:, -1]).expand(3, -1, -1)
    # From the noise alone the truth has to be divided by .0005 again; a later step corrects what that costs.
    exact = target == "sample" or solver_steps > 1
    torch.testing.assert_close(sampled.chunks, expected, atol=1e-4 if exact else 1e-2, rtol=0)
    assert sampled.trace.shape == (solver_steps + 1, 3, 16, 7)
    assert sampled.velocity_norm.shape == (solver_steps, 3)


def test_the_trace_starts_at_the_noise_of_the_generator() -> None:
    policy, seen = Diffusion(TOY, DiffusionSettings(width=16, blocks=1)), random_batch(1).seen
    with torch.no_grad():
        sampled = policy.sample_chunks(policy.encode(seen), 4, 10, generator(2))
    noise = torch.randn((4, 16, 7), generator=generator(2))
    torch.testing.assert_close(sampled.trace[0], policy.trunk.normalizer.actions(noise, seen.state[:, -1]))


def test_two_ways_stay_two_ways_with_either_sampler() -> None:
    torch.manual_seed(0)
    settings = DiffusionSettings(width=64, blocks=2)
    policy = Diffusion(TOY, settings)
    policy.fit_normalizer(unit_statistics())
    fit(policy, two_ways(16), 200)
    ancestral = Diffusion(TOY, DiffusionSettings(width=64, blocks=2, sampler="ancestral"))
    ancestral.load_state_dict(policy.state_dict())
    for one, solver_steps in ((policy, 10), (policy, 100), (ancestral, 100)):
        ends = sampled_ends(one, 200, solver_steps)
        left, right = int((ends < -0.7).sum()), int((ends > 0.7).sum())
        assert min(left, right) > 60
        assert left + right > 180


def test_more_steps_than_it_was_trained_with_are_refused() -> None:
    policy = Diffusion(TOY, DiffusionSettings(width=16, blocks=1, train_steps=20))
    with pytest.raises(ValueError, match=r"solver steps = 50: .* trained with 20 steps of noise; choose 1 to 20"):
        policy.sample_chunks(policy.encode(random_batch(1).seen), 1, 50, generator())


@pytest.mark.parametrize("field", ["target", "sampler"])
def test_what_it_does_not_know_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=rf"{field} = 'velocity': .* or "):
        DiffusionSettings(**{field: "velocity"})
