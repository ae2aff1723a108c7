"""What trainer and player rely on, for every policy of the registry."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from teleop_studio.policies import POLICIES, build_policy
from teleop_studio.policies.policy import Policy
from tests.policies.toy_task import TOY, fit, random_batch, unit_statistics

# LeRobot's take ten seconds to import; tests/policies/test_lerobot_policies.py holds them to the same.
OURS = sorted(name for name, kind in POLICIES.items() if kind.extra != "lerobot-policies")

SMALL = {"width": 128, "blocks": 2}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, SMALL) for name in OURS),
    ("flow-matching", {"network": "unet", "width": 16, "draws": 1}),
    ("flow-matching", {"network": "dit", "width": 32, "blocks": 2}),
    ("diffusion", {"target": "epsilon", **SMALL}),
]

pytestmark = pytest.mark.parametrize(
    ("name", "own"), VARIANTS, ids=[" ".join([name, *map(str, own.values())]) for name, own in VARIANTS]
)


def built(name: str, own: dict[str, Any]) -> Policy:
    torch.manual_seed(0)
    policy = build_policy(name, TOY, own)
    policy.fit_normalizer(unit_statistics())
    return policy


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_loss_is_one_number_and_reaches_every_parameter(name: str, own: dict[str, Any]) -> None:
    policy = built(name, own)
    loss, parts = policy.loss(random_batch(4), generator())
    assert loss.shape == ()
    assert "chunk" in parts
    loss.backward()  # type: ignore[no-untyped-call]
    for parameter in policy.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()


def test_all_randomness_comes_from_the_generator(name: str, own: dict[str, Any]) -> None:
    policy, batch = built(name, own), random_batch(4)
    torch.manual_seed(1)
    first, _ = policy.loss(batch, generator(3))
    torch.manual_seed(2)
    second, _ = policy.loss(batch, generator(3))
    torch.testing.assert_close(first, second, atol=0, rtol=0)


def test_samples_have_their_shapes_and_end_where_the_trace_ends(name: str, own: dict[str, Any]) -> None:
    policy, batch = built(name, own), random_batch(1)
    with torch.no_grad():
        sampled = policy.sample_chunks(policy.encode(batch.seen), 5, 10, generator())
    assert sampled.chunks.shape == (5, 16, 7)
    steps = 10 if POLICIES[name].solver_steps else 1
    assert sampled.trace.shape == (steps + 1, 5, 16, 7)
    assert sampled.velocity_norm.shape == (steps, 5)
    torch.testing.assert_close(sampled.trace[-1], sampled.chunks, atol=0, rtol=0)


def test_a_row_of_conditions_gives_one_chunk_each(name: str, own: dict[str, Any]) -> None:
    policy, batch = built(name, own), random_batch(3)
    # The joints' goals are relative, so a moved arm must move its own chunk and no other.
    state = batch.seen.state + torch.tensor([0.0, 1.0, 0.0])[:, None, None]
    moved = replace(batch, seen=replace(batch.seen, state=state))
    with torch.no_grad():
        chunks = [policy.sample_chunks(policy.encode(b.seen), 3, 4, generator()).chunks for b in (batch, moved)]
    difference = (chunks[0] - chunks[1]).abs().amax((1, 2))
    assert float(difference[1]) > 0.1
    torch.testing.assert_close(difference[[0, 2]], torch.zeros(2), atol=1e-5, rtol=0)


def test_settings_and_weights_rebuild_the_policy(name: str, own: dict[str, Any]) -> None:
    policy, batch = built(name, own), random_batch(1)
    again = build_policy(name, TOY, json.loads(json.dumps(policy.settings())))
    again.load_state_dict(policy.state_dict())
    with torch.no_grad():
        chunks = [p.sample_chunks(p.encode(batch.seen), 2, 4, generator()).chunks for p in (policy, again)]
    torch.testing.assert_close(chunks[0], chunks[1], atol=0, rtol=0)


def test_a_batch_is_learnt(name: str, own: dict[str, Any]) -> None:
    policy, batch = built(name, own), random_batch(2)
    untrained = fit(policy, batch, 1)
    # Noise is drawn anew each time: it can not be learnt by heart.
    share = 0.75 if own.get("target") == "epsilon" else 0.5
    assert fit(policy, batch, 60) < share * untrained


def test_unknown_settings_are_refused(name: str, own: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' does not take these settings.*colour"):
        build_policy(name, TOY, {**own, "colour": "blue"})
