"""What a run does beside learning: it pauses, measures, keeps the best, says how long it takes, and draws curves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from teleop_studio.policies.checkpoint_folder import (
    HELD_OUT_ERROR,
    TRIALS,
    Best,
    best_checkpoint,
    checkpoint_path,
    checkpoints,
    choose_best,
    read_best,
)
from teleop_studio.policies.player import PolicyPlayer
from teleop_studio.training.chunk_dataset import ChunkDataset
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.run_folder import (
    RunConfig,
    clear_pause,
    request_pause,
    request_stop,
    write_config,
)
from teleop_studio.training.run_status import list_runs, read_status
from teleop_studio.training.training_loop import train
from tests.training.shown_tasks import SMALL, toy_dataset


class Clock:
    """Goes on by `tick_s` each time it is asked."""

    def __init__(self, tick_s: float = 0.0) -> None:
        self.now_s, self.tick_s = 100.0, tick_s

    def __call__(self) -> float:
        self.now_s += self.tick_s
        return self.now_s


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> ChunkDataset:
    return toy_dataset(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    write_config(folder, RunConfig(SMALL, (), (), 0.0))
    return folder


def steps_of(run: Path) -> list[int]:
    return [int(folder.name) for folder in checkpoints(run)]


def test_a_paused_run_saves_waits_and_goes_on_to_the_same_end(run: Path, dataset: ChunkDataset, tmp_path: Path) -> None:
    clock = Clock()
    progress = train(replace(SMALL, steps=6), run, dataset, clock=clock)
    next(progress)
    request_pause(run)
    paused = next(progress)
    assert (paused.step, paused.paused) == (2, True)
    assert steps_of(run) == [2]  # whatever happens to the machine during the pause
    clock.now_s += 3600.0
    clear_pause(run)
    rest = list(progress)
    assert [one.step for one in rest] == [4, 6, 6]
    assert not any(one.paused for one in rest)
    assert rest[-1].elapsed_s < 60.0  # the pause is no training

    other = tmp_path / "other"
    write_config(other, RunConfig(SMALL, (), (), 0.0))
    list(train(replace(SMALL, steps=6), other, dataset))
    np.testing.assert_array_equal(read_status(run).loss_curve, read_status(other).loss_curve)


def test_a_paused_run_can_be_stopped(run: Path, dataset: ChunkDataset) -> None:
    progress = train(SMALL, run, dataset)
    next(progress)
    request_pause(run)
    assert next(progress).paused
    request_stop(run)
    last = list(progress)[-1]
    assert (last.step, last.stopped, last.paused) == (2, True, False)


def test_the_first_checkpoint_comes_early_by_steps_or_by_time(run: Path, dataset: ChunkDataset, tmp_path: Path) -> None:
    settings = replace(SMALL, steps=10, checkpoint_every=8, first_checkpoint_steps=3)
    list(train(settings, run, dataset, clock=Clock()))
    assert steps_of(run) == [3, 8, 10]
    slow = tmp_path / "slow"
    write_config(slow, RunConfig(SMALL, (), (), 0.0))
    list(train(replace(settings, first_checkpoint_s=5.0), slow, dataset, clock=Clock(tick_s=2.0)))
    assert steps_of(slow)[0] < 3


def test_a_slow_run_is_saved_by_the_clock_too(run: Path, dataset: ChunkDataset) -> None:
    settings = replace(SMALL, steps=12, checkpoint_every=1000, checkpoint_every_s=60.0)
    list(train(settings, run, dataset, clock=Clock(tick_s=5.0)))
    assert len(steps_of(run)) > 3


def test_how_long_it_takes_is_known_after_two_steps(run: Path, dataset: ChunkDataset) -> None:
    clock = Clock(tick_s=0.5)  # asked a few times a step
    first = next(train(replace(SMALL, log_every=1000), run, dataset, clock=clock))
    assert first.step == 2
    assert first.eta_s == pytest.approx((SMALL.steps - 2) / first.steps_per_s)
    assert first.loss is not None


def test_the_checkpoint_chosen_by_held_out_error_is_played_until_trials_speak(run: Path, dataset: ChunkDataset) -> None:
    list(train(SMALL, run, dataset))
    error = {int(step): float(value) for step, value in read_status(run).held_out_curve}
    assert sorted(error) == [4, 8, 12] == steps_of(run)
    best = read_best(run)
    assert best is not None
    assert best == Best(best.step, HELD_OUT_ERROR, error[best.step], min(error.values()))
    assert best.value <= 1.1 * best.smallest
    assert PolicyPlayer.load(run).step == best.step
    status, info = read_status(run), list_runs(run.parent)[0]
    assert (status.checkpoint_step, status.best_step, status.best_by) == (12, best.step, HELD_OUT_ERROR)
    assert (info.checkpoints, info.best_step, info.best_by) == ((4, 8, 12), best.step, HELD_OUT_ERROR)

    chosen = next(step for step in (4, 8, 12) if step != best.step)
    assert choose_best(run, chosen, TRIALS, 0.9)
    assert PolicyPlayer.load(run).step == chosen
    assert not choose_best(run, best.step, HELD_OUT_ERROR, 0.0)  # an error does not overrule trials
    assert choose_best(run, best.step, TRIALS, 0.8)  # newer trials do
    assert best_checkpoint(run) == checkpoint_path(run, best.step)
    with pytest.raises(ValueError, match=r"run has no checkpoint of step 5\. It has: 4, 8, 12"):
        choose_best(run, 5, TRIALS, 1.0)
    with pytest.raises(ValueError, match=r"by = 'loss': checkpoints are chosen by 'held-out error' or 'trials'"):
        choose_best(run, 4, "loss", 0.1)


def test_a_later_checkpoint_is_better_unless_its_error_is_clearly_above_the_smallest(
    run: Path, dataset: ChunkDataset
) -> None:
    list(train(SMALL, run, dataset))
    (run / "best.json").unlink()
    assert choose_best(run, 4, HELD_OUT_ERROR, 0.100)
    assert choose_best(run, 8, HELD_OUT_ERROR, 0.108)
    assert not choose_best(run, 12, HELD_OUT_ERROR, 0.112)  # a tenth above the smallest, not above its neighbour
    assert not choose_best(run, 4, HELD_OUT_ERROR, 0.109)  # an earlier one has to be better
    assert choose_best(run, 4, HELD_OUT_ERROR, 0.100)
    assert choose_best(run, 12, HELD_OUT_ERROR, 0.050)


def test_without_a_choice_or_when_its_checkpoint_is_gone_the_newest_is_played(run: Path, dataset: ChunkDataset) -> None:
    list(train(replace(SMALL, steps=8), run, dataset))
    (run / "best.json").write_text('{"step": 3, "by": "trials", "value": 1.0}')
    assert read_best(run) is None
    assert best_checkpoint(run) == checkpoint_path(run, 8)
    (run / "best.json").write_text("{")
    assert best_checkpoint(run) == checkpoint_path(run, 8)


def scalars(run: Path, tag: str) -> list[tuple[int, float]]:
    """As TensorBoard reads them."""
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_tensorboard_reads_the_curves_and_a_resumed_run_measures_nothing_twice(
    run: Path, dataset: ChunkDataset
) -> None:
    for progress in train(SMALL, run, dataset):
        if progress.step == 6:
            break  # as after a crash: what was measured at step 6 will be measured again
    list(train(SMALL, run, dataset))
    loss, error = read_status(run).loss_curve, read_status(run).held_out_curve
    assert loss[:, 0].tolist() == [2, 4, 6, 8, 10, 12]
    np.testing.assert_allclose(scalars(run, "loss"), loss, rtol=1e-6)
    np.testing.assert_allclose(scalars(run, "held_out_error"), error, rtol=1e-6)
    assert [step for step, _ in scalars(run, "learning_rate")] == [2, 4, 6, 8, 10, 12]


def test_the_learning_rate_warms_up_and_decays_by_a_cosine_to_its_final_share() -> None:
    settings = replace(SMALL, steps=1000, warmup_steps=100, learning_rate=1.0, final_share=0.1)
    rate = [settings.learning_rate_at(step) for step in range(1000)]
    assert rate[0] == pytest.approx(0.01)
    assert rate[99] == pytest.approx(1.0)
    assert np.all(np.diff(rate[:100]) > 0)
    assert np.all(np.diff(rate[100:]) < 0)
    assert rate[549] == pytest.approx(0.55)  # half way between 1 and the final share
    assert rate[999] == pytest.approx(0.1)
    constant = replace(settings, schedule="constant")
    assert constant.learning_rate_at(50) < constant.learning_rate_at(100) == constant.learning_rate_at(999) == 1.0


def test_a_lengthened_run_warms_up_again_and_decays_over_what_was_added() -> None:
    settings = replace(SMALL, steps=1000, warmup_steps=100, learning_rate=1.0, final_share=0.1)
    longer = settings.lengthened(3000, saved_step=1000)
    assert longer.learning_rate_at(1000) == pytest.approx(0.01)
    assert longer.learning_rate_at(1099) == pytest.approx(1.0)
    assert longer.learning_rate_at(2999) == pytest.approx(0.1)
    assert settings.lengthened(500, saved_step=400) == settings  # fewer steps shorten nothing


def test_a_batch_in_shards_weighs_each_real_goal_alike(dataset: ChunkDataset, run: Path) -> None:
    from teleop_studio.training.trainer import Trainer

    shards = list(Trainer(replace(SMALL, shards=2), dataset).batches.shards(0, range(2)))
    real = [float(shard.batch.valid.sum()) for shard in shards]
    assert [shard.share for shard in shards] == pytest.approx([one / sum(real) for one in real])
    assert sum(len(shard.batch.actions) for shard in shards) == SMALL.batch
    assert shards[0].generator.initial_seed() != shards[1].generator.initial_seed()


def test_a_loss_that_is_no_number_ends_the_run_before_its_weights_are_kept(run: Path, dataset: ChunkDataset) -> None:
    broken = replace(dataset, actions=dataset.actions * float("nan"))
    with pytest.raises(TrainingError, match=r"The loss became nan at about step \d+"):
        list(train(replace(SMALL, checkpoint_every=1), run, broken))
    assert steps_of(run) == []
