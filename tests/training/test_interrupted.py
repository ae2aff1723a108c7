"""A trainer as a process of its own: paused, killed in the middle of its work, and taken up again."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from teleop_studio.session import StudioError
from teleop_studio.train_choices import TrainChoices
from teleop_studio.training.run_folder import begin_run, is_running, read_state, request_stop
from teleop_studio.training.run_status import read_status
from teleop_studio.trainings import Trainings
from teleop_studio.workspace import Workspace
from tests.training.shown_tasks import SMALL, recorded

PATIENCE_S = 200.0
AT_NORMAL_PRIORITY = """
import sys
from pathlib import Path
from teleop_studio.training.main import run_training
sys.exit(run_training(Path(sys.argv[1]), niceness=0))
"""


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[Callable[[Path], "subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(run: Path) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen([sys.executable, "-c", AT_NORMAL_PRIORITY, str(run)], start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def until(process: "subprocess.Popen[bytes]", said: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not said():
        assert time.monotonic() < end_s
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        assert said(), "the trainer ended by itself"


@pytest.mark.alone
@pytest.mark.slow
def test_a_run_outlives_the_window_a_pause_and_a_crash_and_measures_no_step_twice(
    tmp_path: Path, trainer: Callable[[Path], "subprocess.Popen[bytes]"]
) -> None:
    workspace = Workspace.create(tmp_path / "workspace")
    for number in range(2):
        recorded(workspace.episodes, number, enlarged=2)
    run = workspace.runs / "long"
    settings = replace(SMALL, steps=1_000_000, processes=1, log_every=1, checkpoint_every=5, held_out_every=1_000_000)
    begin_run(run, settings, [workspace.episodes])

    process = trainer(run)
    until(process, lambda: read_status(run).checkpoint_step >= 5)
    Trainings(workspace).pause()
    until(process, lambda: read_status(run).paused)
    paused = read_status(run)
    assert (paused.running, paused.checkpoint_step) == (True, paused.step)
    before = psutil.Process(process.pid).cpu_times()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)
    after = psutil.Process(process.pid).cpu_times()
    assert after.user + after.system - before.user - before.system < 0.3
    window = Trainings(workspace)  # another one than that which paused it
    with pytest.raises(StudioError, match=r"The run long is paused\. Stop it first"):
        window.start(TrainChoices())
    window.resume(run)
    until(process, lambda: read_status(run).step > paused.step)

    process.send_signal(signal.SIGKILL)
    process.wait()
    dead = read_status(run)
    assert (dead.running, dead.paused) == (False, False)
    assert dead.error.endswith(f"Resume it: it goes on from step {dead.checkpoint_step}.")
    assert [info.name for info in Trainings(workspace).interrupted()] == ["long"]

    process = trainer(run)
    until(process, lambda: read_status(run).running and read_status(run).step > dead.step + 5)
    state = read_state(run)
    assert state is not None
    assert is_running(state)
    assert state.pid == process.pid
    assert Trainings(workspace).interrupted() == ()
    request_stop(run)
    assert process.wait(PATIENCE_S) == 0
    end = read_status(run)
    assert (end.running, end.error, end.checkpoint_step) == (False, "", end.step)
    np.testing.assert_array_equal(end.loss_curve[:, 0], np.arange(1, end.step + 1))
