import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from teleop_studio.training.errors import TrainingError
from teleop_studio.training.process_mark import process_mark
from teleop_studio.training.run_folder import (
    FAILED,
    FINISHED,
    STOPPED,
    TRAINING,
    RunConfig,
    RunState,
    add_metrics,
    forget_metrics_after,
    is_running,
    read_config,
    read_state,
    request_stop,
    write_config,
    write_state,
)
from teleop_studio.training.run_status import list_runs, read_status
from teleop_studio.training.settings import TrainSettings

AT_STEP_5 = RunState(TRAINING, steps=100, episodes=8, step=5, loss=0.5, elapsed_s=2.0, eta_s=38.0, steps_per_s=2.5)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = tmp_path / "flow-matching-001"
    write_config(run, RunConfig(TrainSettings(steps=100), (Path("/demos"),), (Path("/demos/000001.h5"),), 1000.0))
    return run


def test_the_config_comes_back(run: Path) -> None:
    assert read_config(run) == RunConfig(
        TrainSettings(steps=100), (Path("/demos"),), (Path("/demos/000001.h5"),), 1000.0
    )


def test_a_running_run_is_seen_as_its_trainer_wrote_it(run: Path) -> None:
    write_state(run, AT_STEP_5)
    status = read_status(run)
    assert (status.running, status.finished, status.stopping, status.error) == (True, False, False, "")
    assert (status.policy, status.step, status.steps, status.loss, status.eta_s) == ("flow-matching", 5, 100, 0.5, 38.0)
    assert np.isnan(status.held_out_error)
    request_stop(run)
    assert read_status(run).stopping


def test_a_trainer_that_died_is_told_from_one_that_runs(run: Path) -> None:
    write_state(run, AT_STEP_5)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    path = run / "status.json"
    said = json.loads(path.read_text()) | {"pid": child.pid, "pid_mark": process_mark(child.pid)}
    path.write_text(json.dumps(said))
    assert read_status(run).running
    child.kill()
    assert os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT) is not None  # dead, but not yet reaped: a zombie
    status = read_status(run)
    assert not status.running
    assert status.error == (
        "The training process ended unexpectedly at step 5. Start it again: no checkpoint was saved yet."
    )
    child.communicate()
    assert not read_status(run).running


def test_another_process_with_the_trainers_number_does_not_count(run: Path) -> None:
    write_state(run, AT_STEP_5)
    state = read_state(run)
    assert state is not None
    assert is_running(state)
    boot, _, started = state.pid_mark.partition(" ")
    assert not is_running(replace(state, pid_mark=f"{boot} {int(started) - 100}"))  # one second earlier
    # The machine was started anew since, and by chance a process has the same number and start.
    assert not is_running(replace(state, pid_mark=f"{'0' * len(boot)} {started}"))
    assert not is_running(replace(state, pid_mark=""))


@pytest.mark.parametrize("phase", [FINISHED, FAILED])
def test_a_run_that_ended_does_not_run(run: Path, phase: str) -> None:
    write_state(run, replace(AT_STEP_5, phase=phase, error="It broke. Mend it." if phase == FAILED else ""))
    status = read_status(run)
    assert (status.running, status.finished) == (False, phase == FINISHED)
    assert status.error == ("It broke. Mend it." if phase == FAILED else "")


def test_before_its_trainer_begins_a_run_is_all_zero(tmp_path: Path) -> None:
    status = read_status(tmp_path / "to-be")
    assert (status.running, status.step, status.error, len(status.loss_curve)) == (False, 0, "", 0)


def test_a_folder_that_is_no_run_says_so(run: Path) -> None:
    (run / "config.json").write_text("{}")
    with pytest.raises(TrainingError, match=r"is no training run that can be read"):
        read_status(run)
    assert list_runs(run.parent) == []


def test_curves_grow_line_by_line_and_a_half_written_line_waits(run: Path) -> None:
    add_metrics(run, 10, loss=0.5)
    add_metrics(run, 10, held_out_error=0.2)
    assert read_status(run).loss_curve.tolist() == [[10, 0.5]]
    assert read_status(run).held_out_curve.tolist() == [[10, 0.2]]
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 20, "lo')
        file.flush()
        assert read_status(run).loss_curve.tolist() == [[10, 0.5]]
        file.write('ss": 0.4}\n')
    assert read_status(run).loss_curve.tolist() == [[10, 0.5], [20, 0.4]]


def test_only_new_lines_are_read(run: Path) -> None:
    add_metrics(run, 10, loss=0.5)
    read_status(run)
    path = run / "metrics.jsonl"
    size = path.stat().st_size
    with path.open("r+b") as file:  # same file, same length: whoever reads it again stumbles
        file.write(b"x" * (size - 1))
    add_metrics(run, 20, loss=0.4)
    assert read_status(run).loss_curve.tolist() == [[10, 0.5], [20, 0.4]]


def test_resuming_forgets_what_was_measured_after_the_checkpoint(run: Path) -> None:
    for step in (10, 20, 30):
        add_metrics(run, step, loss=1.0 / step)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 40, "lo')  # cut off by a crash
    assert len(read_status(run).loss_curve) == 3
    forget_metrics_after(run, 20)
    add_metrics(run, 30, loss=7.0)
    assert read_status(run).loss_curve[:, 0].tolist() == [10, 20, 30]
    assert read_status(run).loss_curve[-1, 1] == 7.0


def test_runs_are_listed_newest_first_with_what_can_be_played(run: Path) -> None:
    newer = run.parent / "newer"
    write_config(newer, RunConfig(TrainSettings(steps=50), (), (), 2000.0))
    (run / "checkpoints" / "00000100").mkdir(parents=True)
    (run / "checkpoints" / "00000100" / "checkpoint.json").write_text("{}")
    (run.parent / ".pictures").mkdir()
    write_state(run, replace(AT_STEP_5, phase=FINISHED, step=100, held_out_error=0.03))
    assert [(info.name, info.step, info.steps, info.finished) for info in list_runs(run.parent)] == [
        ("newer", 0, 50, False),
        ("flow-matching-001", 100, 100, True),
    ]
    assert list_runs(run.parent)[1].held_out_error == 0.03
    assert list_runs(run.parent / "nowhere") == []


def test_the_list_tells_a_run_whose_trainer_is_gone_from_one_that_works_or_was_stopped(run: Path) -> None:
    write_state(run, AT_STEP_5)  # this process, which lives
    assert not list_runs(run.parent)[0].interrupted
    state = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**state, "pid_mark": "of another start"}))  # as after a reboot
    assert list_runs(run.parent)[0].interrupted
    write_state(run, replace(AT_STEP_5, phase=STOPPED))
    assert not list_runs(run.parent)[0].interrupted
