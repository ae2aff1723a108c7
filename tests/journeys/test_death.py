"""kill -9 of each process: what is lost, what is not, and how the operator goes on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from recorders.episode_reader import EpisodeReader
from recorders.verify import verify
from teleop_studio.processes.shared_ring import sweep
from teleop_studio.processes.supervisor import BUILDER, CAMERAS, CONTROL, INFERENCE, RECORDER, SIM
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace
from tests.journeys.conftest import SMALL_RIG
from tests.journeys.driving import until

pytestmark = pytest.mark.alone


def _kill(studio: Studio, name: str) -> None:
    live = studio._live
    assert live is not None
    live.processes.kill(name)


def _recover(studio: Studio) -> None:
    """What an operator does after a fault."""
    studio.resume()
    until(studio, lambda s: s.state is State.IDLE, "the rig to hold again")
    studio.teleop()
    until(studio, lambda s: s.state is State.TELEOP and s.alignment_gap == 0, "teleoperation")
    studio.stop()
    studio.resume()


def _record_a_little(studio: Studio) -> None:
    until(studio, lambda s: s.state is State.IDLE and s.cameras["front"].age_ms < 1000, "a rig that delivers")
    studio.record("a take")
    until(studio, lambda s: s.recorder.frames_written > 200, "two hundred frames")


@pytest.mark.parametrize("name", [CONTROL, SIM])
def test_a_killed_control_or_simulator_is_a_fault_and_resume_starts_it_again(studio: Studio, name: str) -> None:
    before = len(studio.episodes())
    _record_a_little(studio)
    _kill(studio, name)
    status = until(studio, lambda s: s.state is State.FAULT, "the fault")
    assert status.notices
    # What had been recorded is kept, and says that it was cut off.
    until(studio, lambda _: len(studio.episodes()) == before + 1, "the take to be saved")
    episode = studio.episodes()[-1]
    assert episode.outcome == "interrupted"
    with EpisodeReader(episode.path) as reader:
        (fault,) = [event for event in reader.events() if event.kind == "fault"]
        assert fault.detail["text"] in status.notices
        assert reader.frames.stamp_ns[0] < fault.stamp_ns
    _recover(studio)


def test_a_killed_recorder_loses_no_finished_episode_and_the_running_take_is_recovered(studio: Studio) -> None:
    _record_a_little(studio)
    studio.accept()
    until(studio, lambda s: s.recorder.building == 0 and not s.recorder.recording, "the first take")
    finished = [row.path.read_bytes() for row in studio.episodes()]
    studio.stop()
    studio.resume()
    _record_a_little(studio)
    _kill(studio, RECORDER)
    until(studio, lambda s: s.state is State.FAULT, "the fault")
    # The builder is told at once, whether or not the operator goes on.
    until(studio, lambda _: len(studio.episodes()) == len(finished) + 1, "the recovered take")
    assert [row.path.read_bytes() for row in studio.episodes()][: len(finished)] == finished
    assert studio.episodes()[-1].outcome == "interrupted"
    _recover(studio)


def test_a_take_that_ended_while_no_builder_was_there_is_built_by_the_next_one(studio: Studio) -> None:
    before = len(studio.episodes())
    _record_a_little(studio)
    _kill(studio, BUILDER)
    until(studio, lambda s: s.state is State.FAULT, "the builder's death to be noticed")
    until(studio, lambda s: not s.recorder.recording, "the take to end")
    _recover(studio)
    until(studio, lambda _: len(studio.episodes()) == before + 1, "the take")
    assert studio.episodes()[-1].outcome == "interrupted"


def test_killed_cameras_come_back_by_themselves_and_the_gap_is_listed(studio: Studio) -> None:
    _record_a_little(studio)
    live = studio._live
    assert live is not None
    frames = studio.status.cameras["front"].frames
    _kill(studio, CAMERAS)
    status = until(studio, lambda s: s.cameras["front"].frames > frames + 10, "pictures again")
    assert status.state is State.RECORDING
    assert any("cameras start again" in notice for notice in status.notices)
    before = len(studio.episodes())
    studio.accept()
    until(studio, lambda _: len(studio.episodes()) == before + 1, "the take")
    episode = studio.episodes()[-1].path
    assert verify(episode) == []
    with EpisodeReader(episode) as reader:
        for camera in reader.cameras:
            # The new process counts from 0 again: only the clock can tell what was due meanwhile.
            missing = sum(gap.count for gap in reader.gaps() if gap.stream == camera)
            due = reader.info.duration_s * 15
            assert missing >= 3
            assert abs(reader.info.images[camera] + missing - due) <= 0.02 * due + 4
    studio.stop()
    studio.resume()


def test_a_killed_policy_process_is_a_fault_that_resume_mends(studio: Studio) -> None:
    live = studio._live
    assert live is not None
    until(studio, lambda _: live.processes.is_ready(INFERENCE), "the policy process")
    _kill(studio, INFERENCE)
    until(studio, lambda s: s.state is State.FAULT, "the fault")
    _recover(studio)
    until(studio, lambda _: live.processes.is_ready(INFERENCE), "the policy process")


_WINDOW = """
import json, sys, time
from pathlib import Path
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace
from tests.journeys.conftest import SMALL_RIG

if __name__ == "__main__":
    studio = Studio(SMALL_RIG, Workspace.create(Path(sys.argv[1])))
    studio.open()
    while studio.poll().state is not State.IDLE:
        time.sleep(0.01)
    studio.record("a take")
    while studio.poll().recorder.frames_written < 300:
        time.sleep(0.01)
    processes = studio._live.processes
    names = [ring.spec.name for ring in (processes.rings.ticks, *processes.rings.frames.values())]
    print(json.dumps({"pids": [child.pid for child in processes._children.values()], "rings": names}), flush=True)
    while True:
        studio.poll()
        time.sleep(0.01)
"""


def test_when_the_window_is_killed_everything_else_ends_by_itself_and_the_take_survives(tmp_path: Path) -> None:
    program = tmp_path / "window.py"
    program.write_text(_WINDOW)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    window = subprocess.Popen(
        [sys.executable, str(program), str(tmp_path / "workspace")], stdout=subprocess.PIPE, env=environment
    )
    assert window.stdout is not None
    told = json.loads(window.stdout.readline())
    children = [psutil.Process(pid) for pid in told["pids"]]
    os.kill(window.pid, signal.SIGKILL)
    window.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []

    # The next window finds the take and what the old one left in shared memory.
    sweep()
    assert not any(Path("/dev/shm", name).exists() for name in told["rings"])
    studio = Studio(SMALL_RIG, Workspace.create(tmp_path / "workspace"))
    studio.open()
    try:
        until(studio, lambda _: len(studio.episodes()) == 1, "the take of the killed window")
        assert studio.episodes()[0].outcome == "interrupted"
    finally:
        studio.close()
