"""The operator and a disk that fills up: warned, stopped in time, refused, and free to go on once there is room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recorders.episode_reader import EpisodeReader
from recorders.verify import verify
from teleop_studio.session import StudioError
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace
from tests.journeys.conftest import SMALL_RIG
from tests.journeys.driving import meanwhile, until
from tests.processes.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(Path(tmp_path_factory.mktemp("disk")) / "disk", 200) as disk:
        yield disk


@pytest.fixture(scope="module")
def studio(disk: SmallDisk) -> Iterator[Studio]:
    studio = Studio(SMALL_RIG, Workspace.create(disk.folder / "workspace"))
    studio.open()
    try:
        until(studio, lambda status: status.state is State.IDLE, "the rig to open")
        yield studio
    finally:
        studio.close()


def test_bookmark_and_stop_stand_in_the_file_when_they_happened(studio: Studio) -> None:
    studio.operator = "Ada"
    studio.record("a take")
    until(studio, lambda s: s.recorder.frames_written > 100, "a hundred frames")
    with_words, without = studio.bookmark("slipped"), studio.bookmark()
    until(studio, lambda s: s.recorder.frames_written > 150, "more frames")
    studio.stop()
    until(studio, lambda s: s.recorder.building == 0 and bool(studio.episodes()), "the episode file")
    with pytest.raises(StudioError, match="Can not bookmark while stopped"):
        studio.bookmark()
    with EpisodeReader(studio.episodes()[0].path) as reader:
        kinds = [event.kind for event in reader.events() if event.kind in ("bookmark", "stop")]
        at_s = [(event.stamp_ns - int(reader.frames.stamp_ns[0])) * 1e-9 for event in reader.events()]
        assert kinds == ["bookmark", "bookmark", "stop"]
        assert (reader.info.operator, reader.info.outcome) == ("Ada", "stopped")
        assert at_s[:2] == pytest.approx([with_words, without], abs=1e-6)
        assert at_s[2] == pytest.approx(reader.info.duration_s, abs=0.5)
    studio.resume()


def test_the_next_take_may_begin_at_once(studio: Studio) -> None:
    before = len(studio.episodes())
    studio.record("first")
    until(studio, lambda s: s.recorder.frames_written > 100, "a hundred frames")
    studio.accept()
    studio.record("second")
    assert studio.poll().state is State.RECORDING
    until(studio, lambda s: s.recorder.recording and s.recorder.frames_written > 50, "the second take")
    studio.accept()
    until(studio, lambda _: len(studio.episodes()) == before + 2, "both episodes")
    assert [row.task for row in studio.episodes()[-2:]] == ["first", "second"]
    assert [verify(row.path) for row in studio.episodes()[-2:]] == [[], []]
    studio.stop()
    studio.resume()


def test_a_disk_that_fills_up_warns_ends_the_take_refuses_the_next_and_forgives(
    studio: Studio, disk: SmallDisk
) -> None:
    before = len(studio.episodes())
    studio.record("until the disk is full")
    until(studio, lambda s: s.recorder.frames_written > 100, "a hundred frames")
    meanwhile(studio, lambda: disk.leave_free(85), "the disk to fill")
    status = until(studio, lambda s: s.recorder.disk_left_s < 600, "the room to be noticed")
    assert status.state is State.RECORDING
    assert any("The disk is filling up" in notice for notice in status.notices)
    meanwhile(studio, lambda: disk.leave_free(60), "the disk to fill")
    status = until(studio, lambda s: s.state is State.RESET, "the take to be ended")
    assert any("while there is still room to save it" in notice for notice in status.notices)
    until(studio, lambda s: s.recorder.building == 0 and len(studio.episodes()) == before + 1, "the episode")
    assert studio.episodes()[-1].outcome == "interrupted"
    with pytest.raises(StudioError, match=r"Can not record: the disk is nearly full\. It has room for 0 s"):
        studio.record("one more")
    assert studio.poll().state is State.RESET
    meanwhile(studio, lambda: disk.leave_free(150), "the disk to fill")
    until(studio, lambda s: s.recorder.disk_left_s > 60, "the new room to be noticed")
    studio.record("one more")
    until(studio, lambda s: s.recorder.frames_written > 20, "frames")
    studio.discard()
    studio.stop()
    studio.resume()


def test_a_folder_that_can_not_be_written_any_more_leads_back_to_where_the_operator_was(
    studio: Studio, disk: SmallDisk
) -> None:
    """Last: the disk stays as it is."""
    studio.teleop()
    until(studio, lambda s: s.state is State.TELEOP and s.alignment_gap == 0, "the soft start")
    meanwhile(studio, lambda: disk.forbid_writing(studio.workspace.episodes), "the disk to be read-only")
    studio.record("nowhere")
    status = until(studio, lambda s: s.state is State.TELEOP, "the refusal")
    assert any("Read-only file system. The app could not start a take" in notice for notice in status.notices)
    assert not status.recorder.recording
