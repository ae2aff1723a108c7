"""Trainings through their folders and processes: begun, refused, ended early, stopped before they could say a word."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from teleop_studio.remote.assignment import assign
from teleop_studio.session import StudioError
from teleop_studio.status import TrainingStatus
from teleop_studio.train_choices import TrainChoices
from teleop_studio.training.run_folder import (
    FINISHED,
    PAUSED,
    STOPPED,
    TRAINING,
    RunConfig,
    RunState,
    begin_run,
    write_config,
    write_state,
)
from teleop_studio.training.settings import TrainSettings
from teleop_studio.trainings import Trainings
from teleop_studio.workspace import Workspace

PATIENCE_S = 120.0


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "workspace")


@pytest.fixture
def trainings(workspace: Workspace) -> Iterator[Trainings]:
    trainings = Trainings(workspace)
    yield trainings
    if trainings._process is not None and trainings._process.poll() is None:
        trainings._process.kill()
        trainings._process.wait()


def begun(folder: Path, state: RunState, steps: int = 100) -> Path:
    """A run of this test's process, which therefore looks alive while its phase says that it works."""
    write_config(folder, RunConfig(TrainSettings(steps=steps), (), (), 1000.0))
    write_state(folder, state)
    return folder


def started(trainings: Trainings, workspace: Workspace, steps: int = 5, out: Path | None = None) -> Path:
    """A training in a workspace without episodes: it ends by itself as soon as it looks for them."""
    return trainings.start(TrainChoices(steps=steps, out=out))


def ended(trainings: Trainings) -> TrainingStatus:
    """The status once the trainer's process is gone."""
    assert trainings._process is not None
    trainings._process.wait(PATIENCE_S)
    trainings._read_s = 0.0
    status = trainings.status()
    assert status is not None
    return status


@pytest.mark.parametrize(
    ("phase", "elsewhere", "computes"),
    [(TRAINING, False, True), (PAUSED, False, False), (TRAINING, True, False), (FINISHED, False, False)],
)
def test_only_a_training_that_works_here_keeps_others_waiting(
    workspace: Workspace, phase: str, elsewhere: bool, computes: bool
) -> None:
    run = begun(workspace.runs / "one", RunState(phase, 100, 4, step=7))
    if elsewhere:
        assign(run, "gpubox", workspace.training_hosts)
    trainings = Trainings(workspace)
    trainings._follow(run)
    assert trainings.computes_here is computes


def test_an_unknown_policy_and_no_steps_are_refused_before_anything_is_made(
    trainings: Trainings, workspace: Workspace
) -> None:
    with pytest.raises(StudioError, match=r"'magic' is unknown\. Known policies: .*flow-matching"):
        trainings.start(TrainChoices("magic"))
    with pytest.raises(StudioError, match="at least one step"):
        trainings.start(TrainChoices(steps=0))
    with pytest.raises(StudioError, match="is no run name"):
        trainings.start(TrainChoices(steps=1, name="../up"))
    with pytest.raises(StudioError, match=r"no training host 'gpubox'"):
        trainings.start(TrainChoices(host="gpubox"))
    with pytest.raises(StudioError, match=r"network = 'mpl' is nothing that Flow matching has\. Choose one of: mlp"):
        trainings.start(TrainChoices(policy_settings={"network": "mpl"}))
    with pytest.raises(StudioError, match=r"A training has no setting bach\. It has: .*batch"):
        trainings.start(TrainChoices(training={"bach": 3}))
    with pytest.raises(StudioError, match=r"batch = '3': it must be a whole number from 1 on"):
        trainings.start(TrainChoices(training={"batch": "3"}))
    with pytest.raises(StudioError, match=r"device = 'gpu': it must be 'auto', 'cpu'"):
        trainings.start(TrainChoices(device="gpu"))
    with pytest.raises(StudioError, match=r"Flow matching starts from no pretrained weights"):
        trainings.start(TrainChoices(weights=workspace.root))
    assert list(workspace.runs.iterdir()) == []
    assert trainings.status() is None
    with pytest.raises(StudioError, match="nothing to stop"):
        trainings.stop()


def test_a_running_training_of_an_earlier_window_is_followed_and_is_the_only_one(workspace: Workspace) -> None:
    run = begun(workspace.runs / "earlier", RunState(TRAINING, 100, 4, step=7))
    trainings = Trainings(workspace)
    status = trainings.status()
    assert status is not None
    assert (status.run, status.running, status.step) == (run, True, 7)
    with pytest.raises(StudioError, match=r"The run earlier is training\. Stop it first"):
        started(trainings, workspace)
    with pytest.raises(StudioError, match="The run earlier is training"):
        trainings.resume(run)
    trainings.stop()
    status = trainings.status()
    assert status is not None
    assert status.stopping


def test_a_finished_run_is_neither_resumed_nor_trained_over(trainings: Trainings, workspace: Workspace) -> None:
    run = begun(workspace.runs / "done", RunState(FINISHED, 100, 4, step=100))
    with pytest.raises(StudioError, match="The run done has finished"):
        trainings.resume(run)
    with pytest.raises(StudioError, match="done holds a run already"):
        started(trainings, workspace, out=run)
    with pytest.raises(StudioError, match="is no training run that can be read"):
        trainings.resume(workspace.runs / "nothing")
    assert trainings._process is None


@pytest.mark.alone
def test_a_second_training_is_refused_from_the_moment_of_the_launch(trainings: Trainings, workspace: Workspace) -> None:
    run = started(trainings, workspace)
    # Nothing lies in the run's folder yet that could tell of a trainer.
    with pytest.raises(StudioError, match=f"The run {run.name} is training"):
        started(trainings, workspace)
    ended(trainings)
    started(trainings, workspace)  # and allowed again when it has ended


@pytest.mark.alone
def test_a_trainer_that_finds_nothing_to_learn_from_says_so(trainings: Trainings, workspace: Workspace) -> None:
    started(trainings, workspace)
    status = ended(trainings)
    assert not status.running
    assert not status.finished
    assert "episode" in status.error


@pytest.mark.alone
def test_a_trainer_that_ends_before_its_first_word_is_told_with_the_last_line_of_its_log(
    trainings: Trainings, workspace: Workspace, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    trainings.start(TrainChoices(steps=5, out=run))
    assert trainings._process is not None
    trainings._process.kill()
    trainings._process.wait()
    (run / "trainer.log").write_text("Traceback\n  somewhere\nMemoryError: no room for the pictures\n\n")
    status = ended(trainings)
    assert status.error == "The training process ended. MemoryError: no room for the pictures"


@pytest.mark.alone
def test_a_resumed_run_is_not_judged_by_what_its_last_trainer_said(trainings: Trainings, workspace: Workspace) -> None:
    """Its folder still says "stopped" with an error until the new trainer speaks."""
    run = begun(workspace.runs / "again", RunState(STOPPED, 100, 4, step=50, error="The disk is full."))
    trainings.resume(run)
    assert trainings.starting
    status = trainings.status()
    assert status is not None
    assert (status.error, status.finished) == ("", False)
    assert ended(trainings).error  # it has no checkpoint and no episodes
    assert not trainings.starting


@pytest.mark.alone
def test_a_training_that_is_stopped_before_its_first_word_ends_and_is_no_failure(
    trainings: Trainings, workspace: Workspace
) -> None:
    started(trainings, workspace)
    assert trainings.starting
    trainings.stop()
    status = ended(trainings)
    assert (status.running, status.finished, status.error) == (False, False, "")
    started(trainings, workspace)


def test_a_trainer_outlives_the_window_that_started_it(workspace: Workspace) -> None:
    """It is the leader of a session of its own, so that no signal to the window's group reaches it."""
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from teleop_studio.processes.training_launch import launch_training\n"
        "print(launch_training(Path(sys.argv[1]), Path(sys.argv[1]) / 'cache').pid)"
    )
    begin_run(workspace.runs / "a", TrainSettings(steps=5), [])
    told = subprocess.run(
        [sys.executable, "-c", program, str(workspace.runs / "a")],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
        check=True,
    )
    trainer = psutil.Process(int(told.stdout))
    try:
        assert os.getsid(trainer.pid) == trainer.pid
    finally:
        trainer.kill()
    psutil.wait_procs([trainer], timeout=10)


def test_a_followed_run_whose_configuration_gets_damaged_is_an_error_to_read_and_not_the_end_of_the_window(
    workspace: Workspace,
) -> None:
    run = begun(workspace.runs / "flow-matching-001", RunState(TRAINING, 100, 2, step=40))
    trainings = Trainings(workspace)
    assert trainings.status() is not None

    (run / "config.json").write_text("{")
    trainings._read_s = 0.0
    status = trainings.status()

    assert status is not None
    assert not status.running
    assert status.step == 40
    assert "no training run that can be read" in status.error
