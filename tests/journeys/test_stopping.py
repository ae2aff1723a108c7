"""STOP past the window, a window that hangs, and the gentle exit, on the live simulated rig."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from drivers.arms import STUDIO_FOLLOWER
from teleop_studio.processes.stop_channel import stop_all
from teleop_studio.processes.tick_row import SOURCES
from teleop_studio.session import StudioError
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace
from tests.journeys.conftest import SMALL_RIG
from tests.journeys.driving import PATIENCE_S, until

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio with a stop channel of its own: the other rigs of this user are not to be stopped."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="run") as runtime:
        patch.setenv("XDG_RUNTIME_DIR", runtime)
        studio = Studio(SMALL_RIG, Workspace.create(Path(tmp_path_factory.mktemp("workspace"))))
        studio.open()
        try:
            until(studio, lambda status: status.state is State.IDLE, "the rig to open")
            yield studio
        finally:
            studio.close()


@pytest.fixture
def moving(studio: Studio) -> Studio:
    """A take is being recorded while the scripted hand moves the leader."""
    if studio.status.state is not State.IDLE:
        studio.resume()
        until(studio, lambda s: s.state is State.IDLE, "the arm to be taken up")
    studio.new_scene(5)
    until(studio, lambda _: studio.scene_ready, "the new scene")
    studio.record("grasp the bottle")
    until(studio, lambda s: s.recorder.frames_written > 10, "the take to begin")
    studio.scripted_operator("left", 5)
    until(studio, lambda s: s.recorder.frames_written > 60, "some frames")
    return studio


def _first_hold_ns(studio: Studio, after_ns: int) -> int:
    """Stamp of the first tick after `after_ns` in which the arm was held; the studio is not polled meanwhile."""
    live = studio._live
    assert live is not None
    end_s = time.monotonic() + PATIENCE_S
    index = live.rings.ticks.written - 1
    while time.monotonic() < end_s:
        while index < live.rings.ticks.written:
            item = live.rings.ticks.read(index)
            index += 1
            if item is None or int(item[1]["stamp_ns"]) < after_ns:
                continue
            if SOURCES[int(item[1]["source"])] == "hold":
                return int(item[1]["stamp_ns"])
        time.sleep(0.005)
    raise AssertionError("the arm was never held")


def _kept_as_stopped(studio: Studio, before: int) -> None:
    until(studio, lambda _: len(studio.episodes()) == before + 1, "the take to be kept")
    assert studio.episodes()[-1].outcome == "stopped"


def test_a_window_that_hangs_is_noticed_the_arm_holds_and_the_take_is_kept(moving: Studio) -> None:
    before = len(moving.episodes())
    hung_ns = time.monotonic_ns()
    held_s = (_first_hold_ns(moving, hung_ns) - hung_ns) * 1e-9
    # Of cycles that were served: on a loaded machine some are not.
    assert 1.3 < held_s < 4.0
    status = until(moving, lambda s: s.state is State.STOPPED, "the stop to be heard")
    assert any("said nothing for 1.5 s" in notice for notice in status.notices)
    _kept_as_stopped(moving, before)


def test_the_stop_command_stops_this_rig_and_says_that_it_was_one(moving: Studio) -> None:
    before = len(moving.episodes())
    asked_ns = time.monotonic_ns()
    report = stop_all()
    confirmed_ns = time.monotonic_ns()
    assert (report.stopped, report.silent) == (1, ())
    assert _first_hold_ns(moving, asked_ns) <= confirmed_ns + 20_000_000
    until(moving, lambda s: s.state is State.STOPPED, "the stop to be heard")
    _kept_as_stopped(moving, before)
    assert stop_all(torque_off=True).stopped == 1
    until(moving, lambda s: s.state is State.LIMP, "the torque to go off")


def test_rest_is_slow_ends_limp_at_the_rest_pose_and_stop_interrupts_it(moving: Studio) -> None:
    with pytest.raises(StudioError, match="Can not rest while recording"):
        moving.rest()
    moving.stop()
    moving.rest()
    assert moving.poll().state is State.REST
    moving.stop()
    assert moving.poll().state is State.STOPPED
    moving.rest()
    until(moving, lambda s: s.state is State.LIMP, "the follower to come to rest")
    action = moving.history(2.0).action
    last = action[np.isfinite(action).all(axis=1)][-1]
    np.testing.assert_allclose(last, STUDIO_FOLLOWER.rest, atol=0.01)


def test_a_leader_far_away_comes_to_the_follower_before_it_drives(studio: Studio) -> None:
    studio.resume()
    until(studio, lambda s: s.state is State.IDLE, "the arm to be taken up")
    # The follower lies at rest, the leader stands where the scripted hand left it.
    gaps = until(studio, lambda s: len(s.joint_gaps) > 0, "the gaps").joint_gaps
    assert max(abs(gap) for gap in gaps) > 0.2
    studio.teleop()
    until(studio, lambda s: s.mirroring, "the leader to be led")
    status = until(studio, lambda s: not s.mirroring and not s.aligning, "the leader to drive")
    assert status.state is State.TELEOP
    assert max(abs(gap) for gap in status.joint_gaps) < 0.3  # what is left is how far the follower sags
