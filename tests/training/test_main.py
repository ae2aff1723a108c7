import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recorders.catalog import say
from teleop_studio.policies.checkpoint_folder import checkpoints
from teleop_studio.policies.player import PolicyPlayer
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.main import _stopped_by_signal, run_training
from teleop_studio.training.run_episodes import read_episodes
from teleop_studio.training.run_folder import begin_run, lengthen_run, read_config, stop_requested
from teleop_studio.training.run_status import list_runs, read_status
from teleop_studio.training.settings import TrainSettings
from tests.training.shown_tasks import CAMERAS, JOINTS, recorded

OWN_PROCESS = """
import os, sys
from pathlib import Path
from teleop_studio.training.main import run_training
code = run_training(Path(sys.argv[1]))
print("nice", os.nice(0), "threads", sys.modules["torch"].get_num_threads())
sys.exit(code)
"""


def trained(run: Path, data: Path, steps: int, resume: bool = False) -> int:
    if resume:
        lengthen_run(run, steps)
    else:
        begin_run(run, TrainSettings(steps=steps), [data])
    # At normal priority: the test's own process must not become slow for good.
    return run_training(run, niceness=0)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "first"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for number in range(2):
        recorded(tmp_path / "episodes", number, enlarged=2)
    return tmp_path / "episodes"


def test_a_run_goes_from_recordings_to_a_policy_and_can_be_lengthened(run: Path, data: Path) -> None:
    assert trained(run, data, 1) == 0
    status = read_status(run)
    assert (status.running, status.finished, status.error) == (False, True, "")
    assert (status.step, status.steps, status.episodes) == (1, 1, 2)
    assert status.prepared == 2
    assert 0.0 < status.held_out_error < 3.0
    assert [(episode.number, episode.held_out) for episode in read_episodes(run)] == [(1, True), (2, False)]
    recorded(data, 3, enlarged=2)  # a resumed run keeps to its own episodes
    assert trained(run, data, 2, resume=True) == 0
    assert [int(folder.name) for folder in checkpoints(run)] == [1, 2]
    assert [(info.name, info.step, info.episodes) for info in list_runs(run.parent)] == [("first", 2, 2)]
    player = PolicyPlayer.load(run)
    assert (player.config.cameras, player.config.joint_names, player.step) == (CAMERAS, JOINTS, 2)
    assert (player.config.executed_steps, player.config.solver_steps) == (8, 10)


def test_a_run_that_is_done_or_exists_is_refused_and_left_as_it_was(
    run: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trained(run, data, 1) == 0
    assert run_training(run, niceness=0) == 1
    assert "first has done all its 1 steps. Give more steps" in capsys.readouterr().err
    with pytest.raises(TrainingError, match=r"exists already\. Resume it, or choose another name\."):
        trained(run, data, 1)
    assert read_status(run).finished


def test_why_a_run_failed_stands_in_its_folder_and_it_can_be_started_again(tmp_path: Path, run: Path) -> None:
    data = tmp_path / "episodes"
    assert trained(run, data, 1) == 1
    status = read_status(run)
    assert (status.running, status.finished) == (False, False)
    assert status.error.startswith("There is nothing to learn from in")
    for number in range(2):
        recorded(data, number, enlarged=2)
    assert run_training(run, niceness=0) == 0  # it remembers where its recordings lie
    status = read_status(run)
    assert (status.finished, status.error, status.steps) == (True, "", 1)
    assert len(read_config(run).episodes) == 2


def test_a_run_goes_on_with_the_bytes_it_began_with_or_not_at_all(run: Path, data: Path) -> None:
    assert trained(run, data, 1) == 0
    began = read_episodes(run)
    first = read_config(run).episodes[0]
    say(first, split="train")  # what is held out stays so, whatever is said later
    assert trained(run, data, 2, resume=True) == 0
    assert read_episodes(run) == began
    shutil.copy(recorded(data.parent / "other", 5, enlarged=2), first)
    assert trained(run, data, 3, resume=True) == 1
    assert "The recordings have changed since the run began" in read_status(run).error


def test_a_run_that_did_not_write_down_what_it_held_out_does_not_go_on(run: Path, data: Path) -> None:
    assert trained(run, data, 1) == 0
    (run / "episodes.json").unlink()
    assert trained(run, data, 2, resume=True) == 1
    assert "did not write down the episodes it held out" in read_status(run).error


def test_runs_share_one_cache_of_pictures(tmp_path: Path, run: Path, data: Path) -> None:
    cache = tmp_path / "cache"
    for name in ("first", "second"):
        begin_run(run.with_name(name), TrainSettings(steps=1), [data])
        assert run_training(run.with_name(name), cache, niceness=0) == 0
        files = {path: path.stat().st_ino for path in cache.iterdir()}
        assert len(files) == 4
        if name == "first":
            built = files
    assert files == built
    assert not list(run.parent.glob(".pictures"))


def test_an_unforeseen_failure_names_itself_and_leaves_a_trace(
    tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        recorded(tmp_path / "episodes", number)  # 64 x 48: smaller than the policy's pictures
    assert trained(run, tmp_path / "episodes", 1) == 1
    assert "Traceback" in capsys.readouterr().err
    assert "64x48 is smaller than the 64x64" in read_status(run).error


def test_in_a_process_of_its_own_a_run_takes_the_lowest_priority_and_one_thread(tmp_path: Path, run: Path) -> None:
    begin_run(run, TrainSettings(steps=1), [tmp_path / "nowhere"])
    command = [sys.executable, "-c", OWN_PROCESS, str(run)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.strip()) == (1, "nice 19 threads 1")


def test_ending_the_process_politely_stops_the_run(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with _stopped_by_signal(tmp_path):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop_requested(tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before
