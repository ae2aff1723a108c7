from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from teleop_studio.chunk import Observation
from teleop_studio.policies.checkpoint_folder import checkpoint_path, checkpoints
from teleop_studio.policies.player import PolicyPlayer
from teleop_studio.training.chunk_dataset import build_dataset
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.run_folder import RunConfig, request_stop, write_config
from teleop_studio.training.run_status import read_status
from teleop_studio.training.trainer import Trainer
from teleop_studio.training.training_loop import train
from tests.training.shown_tasks import CAMERAS, SMALL, TOY, shown, spot, tip_of, toy_dataset


def run_in(folder: Path) -> Path:
    write_config(folder, RunConfig(SMALL, (), (), 0.0))
    return folder


def last_tensors(run: Path) -> dict[str, torch.Tensor]:
    folder = checkpoints(run)[-1]
    tensors: dict[str, torch.Tensor] = load_file(folder / "model.safetensors")
    tensors.update(load_file(folder / "trainer.safetensors"))
    return tensors


def test_a_resumed_run_is_the_uninterrupted_one_to_the_last_bit(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path / "cache")
    whole, cut = run_in(tmp_path / "whole"), run_in(tmp_path / "cut")
    list(train(SMALL, whole, dataset))
    for progress in train(SMALL, cut, dataset):
        if progress.step == 6:
            break  # as after a crash: steps 5 and 6 are lost, the checkpoint of step 4 stands
    list(train(SMALL, cut, dataset))

    expected, found = last_tensors(whole), last_tensors(cut)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, found[name]), name
    loss, resumed = read_status(whole).loss_curve, read_status(cut).loss_curve
    np.testing.assert_array_equal(loss[:, 0], resumed[:, 0])
    np.testing.assert_array_equal(loss, resumed)
    np.testing.assert_array_equal(read_status(whole).held_out_curve, read_status(cut).held_out_curve)


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path / "cache")
    losses = [Trainer(replace(SMALL, seed=seed), dataset).advance() for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_checkpoints_come_at_their_steps_and_only_the_newest_can_be_resumed(tmp_path: Path) -> None:
    run = run_in(tmp_path / "run")
    list(train(replace(SMALL, steps=10), run, toy_dataset(tmp_path / "cache")))
    assert [int(folder.name) for folder in checkpoints(run)] == [4, 8, 10]
    resumable = [int(folder.name) for folder in checkpoints(run) if (folder / "trainer.safetensors").exists()]
    assert resumable == [10]
    held_out = read_status(run).held_out_curve
    assert held_out[:, 0].tolist() == [4, 8, 10]
    assert np.isfinite(held_out).all()


def test_nothing_of_a_run_is_pickled(tmp_path: Path) -> None:
    run = run_in(tmp_path / "run")
    list(train(replace(SMALL, steps=4), run, toy_dataset(tmp_path / "cache")))
    files = {path for path in run.rglob("*") if path.is_file() and not path.name.startswith("events.out.tfevents.")}
    assert {path.suffix for path in files} == {".json", ".jsonl", ".safetensors"}


def test_a_stop_request_saves_and_ends(tmp_path: Path) -> None:
    run = run_in(tmp_path / "run")
    progress = train(SMALL, run, toy_dataset(tmp_path / "cache"))
    next(progress)
    request_stop(run)
    last = list(progress)[-1]
    assert (last.step, last.stopped) == (2, True)
    assert [int(folder.name) for folder in checkpoints(run)] == [2]


def test_a_longer_run_goes_on_from_its_end(tmp_path: Path) -> None:
    run, dataset = run_in(tmp_path / "run"), toy_dataset(tmp_path / "cache")
    list(train(replace(SMALL, steps=4), run, dataset))
    steps = [progress.step for progress in train(replace(SMALL, steps=8), run, dataset)]
    assert steps == [6, 8, 8]


def test_recordings_that_changed_since_are_refused(tmp_path: Path) -> None:
    run = run_in(tmp_path / "run")
    list(train(replace(SMALL, steps=4), run, toy_dataset(tmp_path / "cache", count=4)))
    with pytest.raises(TrainingError, match=r"recordings have changed: the run was trained on \d+ moments"):
        list(train(SMALL, run, toy_dataset(tmp_path / "cache", count=3)))


def test_a_checkpoint_without_the_trainers_files_can_only_be_played(tmp_path: Path) -> None:
    run, dataset = run_in(tmp_path / "run"), toy_dataset(tmp_path / "cache")
    list(train(replace(SMALL, steps=8), run, dataset))
    with pytest.raises(TrainingError, match=r"can still be played"):
        Trainer(SMALL, dataset).resume(checkpoint_path(run, 4))


def test_all_moments_are_seen_once_an_epoch(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path / "cache")
    trainer = Trainer(replace(SMALL, batch=7), dataset)
    count = len(dataset.train)
    seen = np.concatenate([trainer.batches.moments(step) for step in range(-(-2 * count // 7))])
    assert sorted(seen[:count]) == sorted(seen[count : 2 * count]) == sorted(dataset.train)
    assert seen[:count].tolist() != seen[count : 2 * count].tolist()


def test_what_is_learnt_comes_out_of_the_player(tmp_path: Path) -> None:
    """Spot left: go left; spot right: go right. Learnt from pictures alone, played from the saved checkpoint."""
    # The arm is held at its start, so that its pose does not give the side away.
    held = [replace(d, follower=np.tile(d.follower[:1], (100, 1))) for d in (shown(k, 1.0) for k in range(6))]
    dataset = build_dataset(held, TOY, tip_of, tmp_path / "cache")
    settings = replace(
        SMALL,
        steps=200,
        batch=16,
        policy_settings={"width": 64, "blocks": 2},
        checkpoint_every=1000,
        held_out_every=100,
        warmup_steps=20,
        learning_rate=3e-3,
    )
    run = run_in(tmp_path / "run")
    losses = [progress.loss for progress in train(settings, run, dataset) if progress.loss is not None]
    assert losses[-1] < 0.5 * losses[0]
    error = read_status(run).held_out_curve
    assert error[-1, 1] < 0.15  # rad; nothing learnt would leave about 0.2
    player = PolicyPlayer.load(run)
    middles = []
    for column in (8, 48):
        seen = Observation(0, shown(0).follower[:1], {name: spot(column)[None] for name in CAMERAS})
        middles.append(float(player.sample(player.encode(seen), 8)[1].actions[-1, :, 8, 0].mean()))
    assert middles[0] < -0.2
    assert middles[1] > 0.2


@pytest.fixture
def two_threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.usefixtures("two_threads")
def test_training_takes_one_thread(tmp_path: Path) -> None:
    next(train(SMALL, run_in(tmp_path / "run"), toy_dataset(tmp_path / "cache")))
    assert torch.get_num_threads() == 1


def test_the_averages_decay_is_that_of_the_recipe() -> None:
    assert SMALL.ema_decay(1000) == pytest.approx(0.994, abs=5e-4)
    assert SMALL.ema_decay(20_000) == 0.999
    assert SMALL.learning_rate_at(0) < SMALL.learning_rate_at(3) == SMALL.learning_rate


def test_a_policy_that_can_not_be_built_is_refused_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"'flow-matching' does not take these settings.*colour"):
        Trainer(replace(SMALL, policy_settings={"colour": "blue"}), toy_dataset(tmp_path / "cache"))
