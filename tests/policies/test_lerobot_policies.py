"""LeRobot's policies keep the contract of every policy. One module, because importing LeRobot takes ten seconds."""

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import teleop_studio.policies.lerobot_policies
from teleop_studio.policies import build_policy
from teleop_studio.policies.checkpoint import load_policy
from teleop_studio.policies.policy import Policy, Seen, Statistics
from teleop_studio.training.settings import settings_for
from teleop_studio.training.trainer import Trainer
from tests.policies.toy_task import TOY, random_batch, unit_statistics
from tests.training.shown_tasks import toy_dataset

pytestmark = pytest.mark.slow

# Sizes for a test; everything else is as in the registry.
TINY: dict[str, dict[str, Any]] = {
    "act": {
        "overrides": {
            "dim_model": 32,
            "n_heads": 2,
            "dim_feedforward": 64,
            "n_encoder_layers": 1,
            "n_vae_encoder_layers": 1,
            "latent_dim": 4,
        }
    },
    "diffusion-policy": {
        "overrides": {
            "down_dims": [16, 32],
            "n_groups": 4,
            "diffusion_step_embed_dim": 16,
            "spatial_softmax_num_keypoints": 8,
        }
    },
}
STEPS = {"act": 1, "diffusion-policy": 5}
each = pytest.mark.parametrize("name", sorted(TINY))


def built(name: str, **overrides: Any) -> Policy:
    settings = {**TINY[name], "overrides": {**TINY[name]["overrides"], **overrides}}
    torch.manual_seed(0)
    policy = build_policy(name, TOY, settings)
    policy.fit_normalizer(unit_statistics())
    return policy


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_lerobot_is_not_imported_before_a_policy_is_built() -> None:
    for path in Path(teleop_studio.policies.lerobot_policies.__path__[0]).glob("*.py"):
        for statement in ast.parse(path.read_text()).body:
            assert "lerobot." not in ast.unparse(statement).split("\n")[0].replace("policies.lerobot_policies.", ""), (
                path
            )


@each
def test_the_loss_is_one_number_and_reaches_every_parameter(name: str) -> None:
    policy = built(name)
    loss, parts = policy(random_batch(4), generator())
    assert loss.shape == ()
    assert "chunk" in parts
    loss.backward()  # type: ignore[no-untyped-call]
    for parameter in policy.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()


@each
def test_all_randomness_comes_from_the_generator(name: str) -> None:
    policy, batch = built(name), random_batch(4)
    losses = []
    for seed, noise in ((1, 3), (2, 3), (1, 4)):
        torch.manual_seed(seed)
        untouched = torch.get_rng_state()
        losses.append(policy.loss(batch, generator(noise))[0].item())
        assert torch.equal(torch.get_rng_state(), untouched)
    assert losses[0] == losses[1] != losses[2]


@each
def test_samples_have_their_shapes_and_end_where_the_trace_ends(name: str) -> None:
    policy, batch = built(name), random_batch(1)
    with torch.no_grad():
        sampled = policy.sample_chunks(policy.encode(batch.seen), 3, 5, generator())
    assert sampled.chunks.shape == (3, 16, 7)
    assert sampled.trace.shape == (STEPS[name] + 1, 3, 16, 7)
    assert sampled.velocity_norm.shape == (STEPS[name], 3)
    torch.testing.assert_close(sampled.trace[-1], sampled.chunks, atol=0, rtol=0)


@each
def test_a_row_of_conditions_gives_one_chunk_each(name: str) -> None:
    policy, batch = built(name), random_batch(3)
    state = batch.seen.state + torch.tensor([0.0, 10.0, 0.0])[:, None, None]
    moved = replace(batch, seen=replace(batch.seen, state=state))
    with torch.no_grad():
        chunks = [policy.sample_chunks(policy.encode(b.seen), 3, 5, generator()).chunks for b in (batch, moved)]
    difference = (chunks[0] - chunks[1]).abs().amax((1, 2))
    assert float(difference[1]) > 1e-3
    torch.testing.assert_close(difference[[0, 2]], torch.zeros(2), atol=1e-5, rtol=0)


@each
def test_settings_and_weights_rebuild_the_policy(name: str) -> None:
    policy, batch = built(name), random_batch(1)
    again = build_policy(name, TOY, json.loads(json.dumps(policy.settings())))
    again.load_state_dict(policy.state_dict())
    with torch.no_grad():
        chunks = [p.sample_chunks(p.encode(batch.seen), 2, 4, generator()).chunks for p in (policy, again)]
    torch.testing.assert_close(chunks[0], chunks[1], atol=0, rtol=0)


@each
def test_a_batch_is_learnt(name: str) -> None:
    policy, batch = built(name), random_batch(2)
    # Only what is not a ResNet, whose eleven million weights would take minutes; and always with the same noise.
    learnt = [p for part, p in policy.named_parameters() if "backbone" not in part]  # type: ignore[attr-defined]
    optimizer = torch.optim.AdamW(learnt, 1e-2)
    losses = []
    for _ in range(25):
        loss, parts = policy.loss(batch, generator())
        optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=learnt)
        optimizer.step()
        losses.append(float(parts["chunk"]))
    assert losses[-1] < 0.6 * losses[0]


@each
def test_unknown_settings_and_presets_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' does not take these settings.*colour"):
        build_policy(name, TOY, {"colour": "blue"})
    with pytest.raises(ValueError, match=rf"'{name}' does not take these settings.*flavour"):
        build_policy(name, TOY, {"overrides": {"flavour": "sweet"}})
    with pytest.raises(ValueError, match="no preset 'huge'"):
        build_policy(name, TOY, {"preset": "huge"})


@each
def test_several_tasks_are_refused_because_it_is_not_told_which(name: str) -> None:
    with pytest.raises(ValueError, match="have 2: lift, push"):
        build_policy(name, replace(TOY, tasks=("lift", "push")), TINY[name])


@each
def test_goals_are_learnt_as_they_are_and_not_relative_to_the_measured_arm(name: str) -> None:
    policy = built(name)
    policy.normalizer.chunk_mean.fill_(0.25)  # type: ignore[attr-defined]
    batch = random_batch(1)
    silenced = replace(batch.seen, state=batch.seen.state * 0.0)
    with torch.no_grad():
        condition = policy.encode(silenced)
        here = policy.sample_chunks(condition, 1, 5, generator()).chunks
        there = policy.sample_chunks(replace(condition, state=condition.state + 1.0), 1, 5, generator()).chunks
    torch.testing.assert_close(here, there, atol=0, rtol=0)


@each
def test_statistics_without_absolute_goals_are_refused(name: str) -> None:
    bare = unit_statistics()
    lacking = Statistics(*(getattr(bare, field) for field in list(bare.__dataclass_fields__)[:6]))
    with pytest.raises(ValueError, match="learn absolute goals"):
        build_policy(name, TOY, TINY[name]).fit_normalizer(lacking)


@each
def test_our_trainer_trains_it_and_a_checkpoint_plays_without_pickle(name: str, tmp_path: Path) -> None:
    small = {"batch": 4, "held_out_moments": 4, "steps": 2}
    settings = replace(settings_for(name, TINY[name]), **small)
    trainer = Trainer(settings, toy_dataset(tmp_path / "cache"))
    trainer.advance()
    assert trainer.measure() > 0.0
    folder = trainer.save(tmp_path / "run")
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    policy, info = load_policy(folder)
    assert info.name == name
    seen = random_batch(1).seen
    with torch.no_grad():
        chunks = [p.sample_chunks(p.encode(seen), 1, 5, generator()).chunks for p in (policy, trainer.averaged)]
    torch.testing.assert_close(chunks[0], chunks[1], atol=0, rtol=0)


def test_act_does_not_learn_from_padded_goals() -> None:
    policy, batch = built("act"), random_batch(2)
    cut = replace(batch, valid=torch.cat([torch.ones(2, 10), torch.zeros(2, 6)], 1))
    wrong = replace(cut, actions=torch.where(cut.valid[..., None] > 0, cut.actions, torch.tensor(50.0)))
    losses = [policy.loss(one, generator())[0] for one in (cut, wrong)]
    torch.testing.assert_close(losses[0], losses[1], atol=1e-6, rtol=0)


def test_act_samples_one_chunk_n_times() -> None:
    policy = built("act")
    with torch.no_grad():
        chunks = policy.sample_chunks(policy.encode(random_batch(1).seen), 4, 10, generator()).chunks
    torch.testing.assert_close(chunks, chunks[:1].expand(4, -1, -1), atol=0, rtol=0)


@pytest.mark.parametrize("scheduler", ["DDIM", "DDPM"])
def test_diffusion_policy_draws_its_samples_from_the_generator(scheduler: str) -> None:
    policy = built("diffusion-policy", noise_scheduler_type=scheduler)
    with torch.no_grad():
        condition = policy.encode(random_batch(1).seen)
        chunks = []
        for seed, noise in ((1, 3), (2, 3), (1, 4)):
            torch.manual_seed(seed)
            chunks.append(policy.sample_chunks(condition, 2, 5, generator(noise)).chunks)
    torch.testing.assert_close(chunks[0], chunks[1], atol=0, rtol=0)
    assert float((chunks[0] - chunks[2]).abs().max()) > 0.01
    assert float((chunks[0][0] - chunks[0][1]).abs().max()) > 0.01


def test_diffusion_policy_sees_its_history() -> None:
    config = replace(TOY, observations=2)
    torch.manual_seed(0)
    policy = build_policy("diffusion-policy", config, TINY["diffusion-policy"])
    policy.fit_normalizer(unit_statistics())
    one = random_batch(1).seen
    assert one.pictures is not None
    seen = Seen(one.pictures.expand(-1, 2, -1, -1, -1, -1), one.state.expand(-1, 2, -1), one.task)
    earlier = replace(seen, state=torch.cat([seen.state[:, :1] + 10.0, seen.state[:, 1:]], 1))
    with torch.no_grad():
        chunks = [policy.sample_chunks(policy.encode(s), 1, 5, generator()).chunks for s in (seen, earlier)]
    assert float((chunks[0] - chunks[1]).abs().max()) > 1e-3


def test_diffusion_policy_refuses_more_solver_steps_than_it_was_trained_with() -> None:
    policy = built("diffusion-policy")
    with torch.no_grad(), pytest.raises(ValueError, match="solver_steps = 101: this policy was trained with 100"):
        policy.sample_chunks(policy.encode(random_batch(1).seen), 1, 101, generator())
