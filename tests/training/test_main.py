import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from teleop_studio.policies.checkpoint_folder import checkpoints
from teleop_studio.policies.player import PolicyPlayer
from teleop_studio.training.main import _stopped_by_signal
from teleop_studio.training.run_folder import read_config, stop_requested
from teleop_studio.training.run_status import list_runs, read_status
from tests.training.shown_tasks import CAMERAS, JOINTS, recorded

# In a process of its own: a run takes the lowest priority and one thread for good.
CODE = """
import os, sys
from pathlib import Path
from teleop_studio.training.main import run_training
run, data, steps, resume = sys.argv[1:]
code = run_training(Path(run), Path(data), "flow-matching", int(steps), resume == "resume")
if "torch" in sys.modules:
    print("nice", os.nice(0), "threads", sys.modules["torch"].get_num_threads())
sys.exit(code)
"""


def trained(run: Path, data: Path, steps: int, resume: str = "new") -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", CODE, str(run), str(data), str(steps), resume]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for number in range(2):
        recorded(tmp_path / "episodes", number, enlarged=2)
    return tmp_path / "episodes"


def test_a_run_goes_from_recordings_to_a_policy_and_can_be_lengthened(tmp_path: Path, data: Path) -> None:
    run = tmp_path / "runs" / "first"
    result = trained(run, data, 2)
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "nice 19 threads 1", "")
    status = read_status(run)
    assert (status.running, status.finished, status.error) == (False, True, "")
    assert (status.step, status.steps, status.episodes) == (2, 2, 2)
    assert 0.0 < status.held_out_error < 3.0
    recorded(data, 3, enlarged=2)  # a resumed run keeps to its own episodes
    assert trained(run, data, 3, "resume").returncode == 0
    assert [int(folder.name) for folder in checkpoints(run)] == [2, 3]
    assert [(info.name, info.step, info.episodes) for info in list_runs(run.parent)] == [("first", 3, 2)]
    player = PolicyPlayer.load(run)
    assert (player.config.cameras, player.config.joint_names, player.step) == (CAMERAS, JOINTS, 3)
    assert (player.config.executed_steps, player.config.solver_steps) == (8, 10)


def test_a_run_that_is_done_or_exists_is_refused(tmp_path: Path, data: Path) -> None:
    run = tmp_path / "runs" / "first"
    assert trained(run, data, 1).returncode == 0
    again = trained(run, data, 1, "resume")
    assert again.returncode == 1
    assert "first has done all its 1 steps. Give more steps" in again.stderr
    anew = trained(run, data, 1)
    assert anew.returncode == 1
    assert "exists already. Resume it, or choose another name." in anew.stderr
    assert read_status(run).finished  # the finished run is left as it was


def test_why_a_run_failed_stands_in_its_folder(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "first"
    assert trained(run, tmp_path / "episodes", 2).returncode == 1
    status = read_status(run)
    assert not status.running
    assert status.error.startswith("There is nothing to learn from in")
    # After recording, the same run can be started again.
    for number in range(2):
        recorded(tmp_path / "episodes", number, enlarged=2)
    assert trained(run, tmp_path / "episodes", 1, "resume").returncode == 0
    status = read_status(run)
    assert (status.finished, status.error) == (True, "")
    assert len(read_config(run).episodes) == 2


def test_an_unforeseen_failure_names_itself_and_leaves_a_trace(tmp_path: Path) -> None:
    recorded(tmp_path / "episodes", 0)
    recorded(tmp_path / "episodes", 1)  # 64 x 48: smaller than the policy's pictures
    run = tmp_path / "runs" / "first"
    result = trained(run, tmp_path / "episodes", 2)
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert "64x48 is smaller than the 64x64" in read_status(run).error


def test_ending_the_process_politely_stops_the_run(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with _stopped_by_signal(tmp_path):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop_requested(tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before
