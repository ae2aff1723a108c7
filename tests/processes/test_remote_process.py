"""A whole training on another machine, which is this one behind a program that stands where ssh does."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from teleop_studio.policies.checkpoint_folder import checkpoints
from teleop_studio.policies.player import PolicyPlayer
from teleop_studio.processes.remote_launch import launch_remote
from teleop_studio.remote.assignment import assign, read_assignment
from teleop_studio.remote.hosts import add_host
from teleop_studio.session import StudioError
from teleop_studio.status import TrainingStatus
from teleop_studio.train_choices import TrainChoices
from teleop_studio.training.run_folder import FAILED, begin_run, read_state, request_pause, request_stop
from teleop_studio.training.run_status import read_status
from teleop_studio.training.settings import TrainSettings
from teleop_studio.trainings import Trainings
from teleop_studio.workspace import Workspace
from tests.remote.near_host import NearHost
from tests.training.shown_tasks import recorded

PATIENCE_S = 240.0
TINY = TrainSettings(
    policy_settings={"width": 16, "blocks": 1},
    steps=100_000,
    batch=4,
    checkpoint_every=40,
    held_out_every=40,
    log_every=1,
    held_out_moments=4,
    device="cpu",
    processes=1,
)


@pytest.fixture
def workspace(tmp_path: Path, near: NearHost) -> Workspace:
    workspace = Workspace.create(tmp_path / "work space")
    add_host(workspace.training_hosts, near.host)
    return workspace


@pytest.fixture
def near(tmp_path: Path) -> NearHost:
    return NearHost(tmp_path / "near")


@pytest.fixture
def ends(near: NearHost) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Processes that are ended afterwards, and with them what they started on the host."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()
    for launched in near.home.rglob(".launched.json"):
        with contextlib.suppress(psutil.Error):
            psutil.Process(json.loads(launched.read_text())["pid"]).kill()


def begun(workspace: Workspace, near: NearHost, settings: TrainSettings = TINY) -> Path:
    for number in range(2):
        recorded(workspace.episodes, number, enlarged=2)
    run = workspace.runs / "a run"
    begin_run(run, settings, (workspace.episodes,))
    assign(run, near.host.name, workspace.training_hosts)
    return run


def until(run: Path, process: "subprocess.Popen[bytes]", is_so: Callable[[TrainingStatus], bool]) -> TrainingStatus:
    """The first status of which `is_so`; an end before it is a failure that shows what was said."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        ended = process.poll() is not None
        status = read_status(run)
        if is_so(status):
            return status
        assert not ended, (status, (run / "trainer.log").read_text())
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(read_status(run))


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.campaign
def test_a_run_trains_elsewhere_through_cuts_and_kills_and_its_policy_plays_here(
    workspace: Workspace, near: NearHost, ends: list["subprocess.Popen[bytes]"]
) -> None:
    run = begun(workspace, near)
    process = launch_remote(run)
    ends.append(process)
    status = until(run, process, lambda status: status.checkpoint_step > 0)
    assert status.running
    assert status.device.endswith("on box")
    trainer = psutil.Process(json.loads(next(near.home.rglob(".launched.json")).read_text())["pid"])

    near.cut()  # the line fails: the last known state stands, with the time since when nothing was heard
    status = until(run, process, lambda status: "has been silent since" in status.note)
    assert status.running
    assert "The training there goes on" in status.note
    near.mend()
    step = status.step
    until(run, process, lambda status: status.step > step and not status.note)

    process.kill()  # this computer's side dies: the training there does not
    process.wait()
    status = read_status(run)
    assert not status.running
    assert "Resume the run to follow it again" in status.error
    assert trainer.is_running()
    process = launch_remote(run)
    ends.append(process)
    step = status.step
    until(run, process, lambda status: status.running and status.step > step)
    assert json.loads(next(near.home.rglob(".launched.json")).read_text())["pid"] == trainer.pid  # no second one

    trainer.kill()  # the trainer there dies
    status = until(run, process, lambda status: not status.running)
    assert "on box ended unexpectedly at step" in status.error
    process = launch_remote(run)
    ends.append(process)
    saved = status.checkpoint_step
    until(run, process, lambda status: status.running and status.checkpoint_step > saved)

    request_pause(run)
    until(run, process, lambda status: status.paused)
    request_stop(run)
    status = until(run, process, lambda status: not status.running)
    assert (status.error, status.stopping, process.wait(PATIENCE_S)) == ("", False, 0)
    there = next(near.home.glob("*/runs/*"))
    assert [path.name for path in checkpoints(run)] == [path.name for path in checkpoints(there)]
    assert (run / "metrics.jsonl").read_bytes() == (there / "metrics.jsonl").read_bytes()
    player = PolicyPlayer.load(run)
    assert player.config.cameras == ("front", "wrist")
    assert not (run / ".remote").exists()


@pytest.mark.alone
def test_a_host_that_can_not_be_reached_at_the_start_is_a_failure_with_its_reason(
    workspace: Workspace, near: NearHost, ends: list["subprocess.Popen[bytes]"]
) -> None:
    run = begun(workspace, near)
    near.cut()
    ends.append(launch_remote(run))
    assert ends[0].wait(PATIENCE_S) == 1
    state = read_state(run)
    assert state is not None
    assert (state.phase, state.pid) == (FAILED, ends[0].pid)
    assert "box does not answer: ssh: connect to host box port 22: No route to host" in state.error
    assert read_assignment(run).program == ""


def test_a_training_for_an_unknown_host_is_refused_before_anything_is_made(workspace: Workspace) -> None:
    with pytest.raises(StudioError, match=r"no training host 'moon'\. Known hosts: box\."):
        Trainings(workspace).start(TrainChoices(host="moon"))
    assert list(workspace.runs.iterdir()) == []


def test_the_host_side_needs_nothing_but_the_run_and_says_so_as_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "teleop_studio.processes.remote_host", "look", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.removeprefix("teleop-studio:"))
    assert (told["running"], told["status"], told["checkpoints"], told["log"]) == (False, None, {}, [])
