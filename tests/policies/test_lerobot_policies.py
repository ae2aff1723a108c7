"""LeRobot's policies keep the contract of every policy. One module, because importing LeRobot takes ten seconds."""

import ast
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import teleop_studio.policies.lerobot_policies
from teleop_studio.policies import build_policy
from teleop_studio.policies.checkpoint import load_policy
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.policy import Policy, Seen, Statistics
from teleop_studio.training.settings import settings_for
from teleop_studio.training.trainer import Trainer
from tests.policies.tiny_vla import shrink_gemma, write_weights
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
STEPS = {"act": 1}
TAUGHT = ("pi0", "pi05", "smolvla")  # told the task in words
each = pytest.mark.parametrize("name", sorted((*TINY, *TAUGHT)))
each_untold = pytest.mark.parametrize("name", sorted(TINY))
each_told = pytest.mark.parametrize("name", TAUGHT)
TASKS = ("lift the bottle", "push the bottle")


@pytest.fixture(scope="module", autouse=True)
def _weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Folders of tiny weights for the policies that start from some."""
    with pytest.MonkeyPatch.context() as patch:
        shrink_gemma(patch)
        for name in TAUGHT:
            TINY_WEIGHTS[name] = write_weights(tmp_path_factory.mktemp(name), name)
        yield


TINY_WEIGHTS: dict[str, Path] = {}


def settings_of(name: str) -> dict[str, Any]:
    return TINY.get(name) or {"weights": str(TINY_WEIGHTS[name])}


def built(name: str, config: PolicyConfig = TOY, **overrides: Any) -> Policy:
    settings = settings_of(name)
    if overrides:
        settings = {**settings, "overrides": {**settings["overrides"], **overrides}}
    torch.manual_seed(0)
    policy = build_policy(name, config, settings)
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
    learnt = [parameter for parameter in policy.parameters() if parameter.requires_grad]
    reached = [parameter for parameter in learnt if parameter.grad is not None]
    assert all(bool(torch.isfinite(parameter.grad).all()) for parameter in reached)  # type: ignore[arg-type]
    # Of the language models' last layer LeRobot asks nothing but keys and values.
    assert len(reached) == len(learnt) if name in TINY else len(reached) > 0.8 * len(learnt)


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
    assert sampled.trace.shape == (STEPS.get(name, 5) + 1, 3, 16, 7)
    assert sampled.velocity_norm.shape == (STEPS.get(name, 5), 3)
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
    for part, parameter in policy.named_parameters():  # type: ignore[attr-defined]
        parameter.requires_grad_(parameter.requires_grad and "backbone" not in part)
    learnt = [parameter for parameter in policy.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, 1e-2)
    losses = []
    for _ in range(25):
        loss, parts = policy.loss(batch, generator())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(parts["chunk"]))
    assert losses[-1] < 0.6 * losses[0]


@each
def test_unknown_settings_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' does not take these settings.*colour"):
        build_policy(name, TOY, {"colour": "blue"})


@each_untold
def test_unknown_presets_and_overrides_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' does not take these settings.*flavour"):
        build_policy(name, TOY, {"overrides": {"flavour": "sweet"}})
    with pytest.raises(ValueError, match="no preset 'huge'"):
        build_policy(name, TOY, {"preset": "huge"})


@each_untold
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
        build_policy(name, TOY, settings_of(name)).fit_normalizer(lacking)


@each
def test_our_trainer_trains_it_and_a_checkpoint_plays_without_pickle(name: str, tmp_path: Path) -> None:
    small = {"batch": 4, "held_out_moments": 4, "steps": 2}
    settings = replace(settings_for(name, settings_of(name)), **small)
    trainer = Trainer(settings, toy_dataset(tmp_path / "cache"))
    trainer.advance()
    assert trainer.measure() > 0.0
    folder = trainer.save(tmp_path / "run")
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    policy, info = load_policy(folder)
    assert info.name == name
    seen = random_batch(1, policy.config).seen
    with torch.no_grad():
        chunks = [p.sample_chunks(p.encode(seen), 1, 5, generator()).chunks for p in (policy, trainer.averaged)]
    torch.testing.assert_close(chunks[0], chunks[1], atol=0, rtol=0)


def test_act_does_not_learn_from_padded_goals() -> None:
    policy, batch = built("act"), random_batch(2)
    cut = replace(batch, valid=torch.cat([torch.ones(2, 10), torch.zeros(2, 6)], 1))
    wrong = replace(cut, actions=torch.where(cut.valid[..., None] > 0, cut.actions, torch.tensor(50.0)))
    losses = [policy.loss(one, generator())[0] for one in (cut, wrong)]
    torch.testing.assert_close(losses[0], losses[1], atol=1e-6, rtol=0)


def test_act_starts_from_a_pretrained_backbone_when_one_is_at_hand(tmp_path: Path) -> None:
    backbone = built("act").network.model.backbone  # type: ignore[attr-defined]
    pretrained = {name: tensor + 1.0 for name, tensor in backbone.state_dict().items()}
    save_file({**pretrained, "fc.weight": torch.zeros(1000, 512)}, tmp_path / "model.safetensors")
    policy = build_policy("act", TOY, {**TINY["act"], "backbone": str(tmp_path)})
    taken = policy.network.model.backbone.state_dict()  # type: ignore[attr-defined]
    assert all(torch.equal(taken[name], tensor) for name, tensor in pretrained.items())
    assert not policy.settings()["backbone"]  # it is among the checkpoint's weights
    save_file({"conv1.weight": pretrained["conv1.weight"]}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"has no weights for bn1\.weight and \d+ other parts.*hf download timm"):
        build_policy("act", TOY, {**TINY["act"], "backbone": str(tmp_path)})


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


@each_told
def test_a_task_is_told_in_words_and_an_unknown_one_is_refused(name: str) -> None:
    policy = built(name, replace(TOY, tasks=TASKS))
    seen = random_batch(1).seen
    with torch.no_grad():
        chunks = [
            policy.sample_chunks(policy.encode(replace(seen, task=(text,))), 1, 4, generator()).chunks
            for text in ("lift the bottle", " Lift the Bottle", "push the bottle")
        ]
        with pytest.raises(ValueError, match=r"not taught the task 'dance'.*'lift the bottle', 'push the bottle'"):
            policy.encode(replace(seen, task=("dance",)))
    torch.testing.assert_close(chunks[0], chunks[1], atol=0, rtol=0)
    assert float((chunks[0] - chunks[2]).abs().max()) > 1e-4


@each_told
def test_only_the_expert_is_trained_unless_all_is_wished(name: str) -> None:
    counts = []
    for train in ("expert", "all"):
        policy = build_policy(name, TOY, {**settings_of(name), "train": train})
        counts.append(sum(parameter.numel() for parameter in policy.parameters() if parameter.requires_grad))
    assert 0 < counts[0] < counts[1]


@each_told
def test_the_weights_of_the_folder_are_taken(name: str) -> None:
    first, second = built(name), built(name)
    folder = load_file(TINY_WEIGHTS[name] / "model.safetensors")
    held = {f"network.{key}": tensor for key, tensor in folder.items()}
    for state in (first.state_dict(), second.state_dict()):
        assert all(torch.equal(state[key], tensor) for key, tensor in held.items())


@each_told
def test_without_weights_it_says_what_is_needed_and_how_to_get_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none are chosen.*hf download lerobot/.*FOLDER as the policy's setting"):
        build_policy(name, TOY)
    with pytest.raises(ValueError, match=r"There is no folder .*nowhere"):
        build_policy(name, TOY, {"weights": str(tmp_path / "nowhere")})
    with pytest.raises(ValueError, match=r"has no config.json and no model.safetensors"):
        build_policy(name, TOY, {"weights": str(tmp_path)})


@each_told
def test_weights_that_do_not_fit_are_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(TINY_WEIGHTS[name], folder)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("model.action_in_proj.weight")
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ValueError, match=r"no weights for 1 parts of the network, model.action_in_proj.weight"):
        build_policy(name, TOY, {"weights": str(folder)})
    other = {"smolvla": "pi0"}.get(name, "smolvla")
    (folder / "config.json").write_text(json.dumps({"type": other}))
    with pytest.raises(ValueError, match=f"is of a policy '{other}', not '{name}'"):
        build_policy(name, TOY, {"weights": str(folder)})


def test_a_name_on_the_hub_that_can_not_be_reached_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=r"nobody/nothing can not be fetched from the hub: .*hf download"):
        build_policy("smolvla", TOY, {"weights": "nobody/nothing"})


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(TINY_WEIGHTS["smolvla"], folder)
    (folder / "vlm" / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match=r"There is no usable tokenizer in .*vlm"):
        build_policy("smolvla", TOY, {"weights": str(folder)})


def test_a_task_with_too_many_words_is_refused() -> None:
    policy = built("smolvla", replace(TOY, tasks=("lift " * 60,)))
    with pytest.raises(ValueError, match="is 60 tokens long; the policy reads 48"):
        policy.encode(random_batch(1).seen)


def test_the_flow_ends_at_the_clean_chunk_that_its_last_step_predicts() -> None:
    """x - t v at the last step's t is where the last Euler step lands: time and velocity are LeRobot's way round."""
    policy = built("smolvla")
    with torch.no_grad():
        sampled = policy.sample_chunks(policy.encode(random_batch(1).seen), 2, 1, generator())
        noise = torch.randn((2, 16, 10), generator=generator())[..., :7]
    torch.testing.assert_close(sampled.trace[0], noise, atol=1e-6, rtol=0)
    pulled = (sampled.trace[1] - sampled.trace[0]).norm(dim=-1).mean(-1)
    torch.testing.assert_close(sampled.velocity_norm[0], pulled, atol=1e-5, rtol=0)


def test_pi05_reads_the_pose_as_words() -> None:
    policy, batch = built("pi05"), random_batch(1)
    moved = replace(batch.seen, state=batch.seen.state + 1.0)
    with torch.no_grad():
        chunks = [policy.sample_chunks(policy.encode(seen), 1, 4, generator()).chunks for seen in (batch.seen, moved)]
    assert float((chunks[0] - chunks[1]).abs().max()) > 1e-4
