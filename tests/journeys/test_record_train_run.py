"""The main job through `Studio`: demonstrations are recorded, a policy learns from them and drives the follower."""

import math
from pathlib import Path

import numpy as np
import pytest

from recorders.episode_reader import EpisodeReader
from recorders.verify import verify
from teleop_studio.session import StudioError
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.train_choices import TrainChoices
from tests.journeys.driving import until

pytestmark = pytest.mark.alone

DEMONSTRATIONS = 4


@pytest.fixture(scope="module")
def trained_run(studio: Studio) -> Path:
    studio.record_scripted(DEMONSTRATIONS, fast=True, seed=0)
    status = until(studio, lambda s: s.job is not None and s.job.finished, "the demonstrations")
    assert status.job is not None
    assert not status.job.error
    run = studio.train(TrainChoices(steps=12))
    until(studio, lambda s: s.training is not None and (s.training.finished or bool(s.training.error)), "the training")
    return run


def test_scripted_demonstrations_come_from_both_sides_and_are_whole(studio: Studio, trained_run: Path) -> None:
    rows = studio.episodes()
    until(studio, lambda _: not studio.library.measuring, "the sides to be measured")
    rows = studio.episodes()
    assert len(rows) == DEMONSTRATIONS
    assert {row.side for row in rows} == {"left", "right"}
    assert all(row.gaps == 0 and row.outcome == "success" and row.source == "scripted" for row in rows)
    assert verify(studio.workspace.episodes) == []


def test_no_object_pose_reaches_a_recording(studio: Studio, trained_run: Path) -> None:
    with EpisodeReader(studio.episodes()[0].path) as reader:
        said = repr(reader.info.extra) + repr(reader.events())
        arrays = {name: np.asarray(value).shape for name, value in vars(reader.frames).items()}
    assert "bottle" not in said
    # Seven joints and nothing else: a pose would be wider, or have a name of its own.
    assert all(shape[1:] in ((), (7,)) for shape in arrays.values()), arrays


def test_training_tells_its_loss_and_the_error_of_sampled_chunks(studio: Studio, trained_run: Path) -> None:
    training = studio.poll().training
    assert training is not None
    assert training.error == ""
    assert training.finished
    assert training.step == 12
    assert math.isfinite(training.loss)
    assert math.isfinite(training.held_out_error)
    assert [info.path for info in studio.runs()] == [trained_run]


def test_the_policy_drives_the_follower_and_shows_what_it_thinks(studio: Studio, trained_run: Path) -> None:
    studio.new_scene(1000)
    until(studio, lambda _: studio.scene_ready, "the new scene")
    studio.autonomous(trained_run)
    until(studio, lambda s: s.state is State.POLICY, "the policy to be loaded")
    until(studio, lambda s: s.inference.chunks >= 3, "three chunks")
    overlay = studio.overlay
    assert overlay is not None
    assert overlay.tip_paths.shape == (11, 32, 16, 3)
    pixels = studio.project("front", overlay.tip_paths[-1])
    assert pixels.shape == (32, 16, 2)
    studio.accept("failure")
    until(studio, lambda s: s.state is State.IDLE and len(studio.trials()) == 1, "the trial to be saved")

    trial = studio.trials()[0]
    assert (trial.source, trial.outcome, trial.run) == ("policy", "failure", trained_run.name)
    with EpisodeReader(trial.path) as reader:
        assert set(reader.frames.source) <= {"policy", "hold"}
        assert len(reader.chunks()) >= 3
        moved = np.abs(reader.frames.action[-1] - reader.frames.action[0]).max()
    assert moved > 1e-3


def test_stop_ends_a_trial_and_keeps_it(studio: Studio, trained_run: Path) -> None:
    before = len(studio.trials())
    studio.autonomous(trained_run)
    until(studio, lambda s: s.state is State.POLICY and s.recorder.frames_written > 20, "the trial to be recorded")
    studio.stop()
    assert studio.poll().state is State.STOPPED
    until(studio, lambda _: len(studio.trials()) == before + 1, "the trial to be saved")
    assert studio.trials()[-1].outcome == "stopped"
    with pytest.raises(StudioError, match="Resume first"):
        studio.autonomous(trained_run)
    studio.resume()
    assert studio.poll().state is State.IDLE


def test_a_demonstration_and_a_trial_open_side_by_side(studio: Studio, trained_run: Path) -> None:
    for row in (studio.episodes()[0], studio.trials()[0]):
        view = studio.open_episode(row.path)
        try:
            middle_s = view.duration_s / 2
            picture = view.image_at("front", middle_s)
            assert picture is not None
            assert picture.shape == (72, 96, 3)
            assert picture.std() > 5
            assert view.follower.shape == view.action.shape == (len(view.time_s), 7)
            assert np.isfinite(view.project("front", view.tip_path, middle_s)).all()
        finally:
            view.close()


def test_a_run_of_another_camera_set_is_refused_in_words(studio: Studio, tmp_path: Path) -> None:
    studio.autonomous(tmp_path / "no-run")
    status = until(studio, lambda s: not s.inference.loading and bool(s.notices), "the refusal")
    assert "no-run can not be used" in status.notices[-1]
    assert status.state is State.IDLE


def test_evaluation_in_lock_step_is_repeatable(studio: Studio, trained_run: Path) -> None:
    outcomes = []
    for _ in range(2):
        first = len(studio.trial_results)
        studio.evaluate([trained_run], trials=2, seed=1000, record=False)
        status = until(studio, lambda s: s.job is not None and s.job.finished, "the trials")
        assert status.job is not None
        assert status.job.error == ""
        found = sorted(studio.trial_results[first:], key=lambda result: result.seed)
        outcomes.append([(r.seed, r.success, r.failed, r.duration_s, r.left_samples) for r in found])
    assert len(outcomes[0]) == 2
    assert outcomes[0] == outcomes[1]
