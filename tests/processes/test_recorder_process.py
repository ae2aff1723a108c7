"""The recorder at work: nobody waits for the disk, and nothing is called saved before it is on it."""

import errno
import os
import threading
from collections.abc import Iterator
from multiprocessing import Pipe as make_pipe
from pathlib import Path
from typing import Any

import pytest

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.repair import recover
from recorders.verify import verify
from teleop_studio.control.sources import LEADER, POLICY
from teleop_studio.processes import messages as m
from teleop_studio.processes import recorder_process
from teleop_studio.processes.child import ParentGone, Pipe
from tests.processes.small_disk import SmallDisk, small_disk
from tests.processes.take_bench import RIG, START_NS, Bench

PATIENCE_S = 30.0


class RecorderBench:
    """The recorder's own main in a thread, its pipe, and rings filled by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bench = Bench(folder)
        self._ours, theirs = make_pipe()
        self._thread = threading.Thread(target=self._run, args=(Pipe(theirs),), daemon=True)
        self._thread.start()
        self.takes = 0
        self.wait_for(m.Ready)

    def _run(self, pipe: Pipe) -> None:
        try:
            recorder_process.main(pipe, RIG, self.bench.rings.specs, self.folder)
        except ParentGone:
            return

    def send(self, message: Any) -> None:
        self._ours.send(message)

    def begin(self, **changes: Any) -> None:
        self.takes += 1
        first = self.bench.rings.ticks.written
        values = {"task": "grasp", "source": "human", "first_tick": first, "take": self.takes, **changes}
        self.send(m.StartTake(self.folder, **values))

    def record(self, seconds: float = 1.0, **changes: Any) -> m.TakeProgress:
        """A take of `seconds`, all of it in the journal."""
        self.begin(**changes)
        self.bench.seconds(None, seconds)
        return self.wait_for(m.TakeProgress, lambda p: p.take == self.takes and p.frames_written >= 100 * seconds)

    def wait_for(self, kind: type, wanted: Any = lambda _: True) -> Any:
        """The next message of `kind` for which `wanted` holds; those before it are dropped."""
        while self._ours.poll(PATIENCE_S):
            message = self._ours.recv()
            if isinstance(message, kind) and wanted(message):
                return message
        raise AssertionError(f"the recorder said no {kind.__name__} within {PATIENCE_S:.0f} s")

    def waiting(self) -> list[Any]:
        """All that it has said and nobody has heard yet."""
        found = []
        while self._ours.poll(0):
            found.append(self._ours.recv())
        return found

    def leave(self) -> None:
        """What the recorder sees when the window dies."""
        self._ours.close()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self.bench.rings.close()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[RecorderBench]:
    recorder = RecorderBench(tmp_path)
    yield recorder
    recorder.leave()


def opened(journal: Path) -> EpisodeReader:
    path = build_episode(journal)
    assert verify(path) == []
    return EpisodeReader(path)


class HeldDisk:
    """A disk whose sync does not come to an end until it is let go, or that then refuses."""

    def __init__(self, patch: pytest.MonkeyPatch, refuses: bool = False) -> None:
        self.release = threading.Event()
        sync = os.fdatasync

        def held(descriptor: int) -> None:
            assert self.release.wait(PATIENCE_S)
            if refuses:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            sync(descriptor)

        patch.setattr(os, "fdatasync", held)


def test_the_next_take_runs_while_the_disk_still_writes_the_last(
    recorder: RecorderBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.record()
    disk = HeldDisk(monkeypatch)
    recorder.send(m.FinishTake("success"))
    ended = recorder.wait_for(m.TakeEnded)
    assert (ended.progress.frames_written, ended.why) == (160, "")
    recorder.record(2.0)
    assert not [message for message in recorder.waiting() if isinstance(message, m.TakeClosed)]
    disk.release.set()
    first = recorder.wait_for(m.TakeClosed).journal
    recorder.send(m.FinishTake("failure"))
    second = recorder.wait_for(m.TakeClosed).journal
    with opened(first) as reader:
        assert (reader.info.frames, reader.info.outcome) == (100, "success")
    with opened(second) as reader:
        assert (reader.info.frames, reader.info.outcome) == (200, "failure")


def test_a_disk_that_refuses_the_last_sync_is_told_and_the_next_take_goes_on(
    recorder: RecorderBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.record()
    with monkeypatch.context() as patch:
        disk = HeldDisk(patch, refuses=True)
        recorder.send(m.FinishTake("success"))
        recorder.wait_for(m.TakeEnded)
        disk.release.set()
        lost = recorder.wait_for(m.TakeLost)
    assert "The disk refused: Input/output error" in lost.why
    assert lost.journal is not None
    recorder.record()
    recorder.send(m.FinishTake("success"))
    with opened(recorder.wait_for(m.TakeClosed).journal) as reader:
        assert reader.info.frames == 100


def test_what_only_the_app_knows_stands_in_the_file(recorder: RecorderBench) -> None:
    recorder.record(operator="Ada", task="lift the bottle", extra={"seed": 5})
    recorder.send(m.MarkEvent(START_NS + 300_000_000, "bookmark", {"text": "slipped"}))
    recorder.send(m.MarkEvent(START_NS + 900_000_000, "fault", {"text": "Servo 3 is silent."}))
    recorder.send(m.FinishTake("interrupted"))
    with opened(recorder.wait_for(m.TakeClosed).journal) as reader:
        said = reader.description
        assert (said.operator, said.task, reader.info.extra["seed"]) == ("Ada", "lift the bottle", 5)
        events = [(event.stamp_ns - START_NS, event.kind, event.detail) for event in reader.events()]
        assert events == [
            (300_000_000, "bookmark", {"text": "slipped"}),
            (900_000_000, "fault", {"text": "Servo 3 is silent."}),
        ]
        assert said.calibration["follower"]["joints"][2]["home_ticks"] == 2048
        assert said.cameras[0].calibration["mount"] == "base"
        assert len(reader.clock_anchors()) == 2
        loop = reader.loop_statistics
        assert loop is not None
        assert (loop.ticks, loop.missed_deadlines) == (100, 0)


def test_a_take_over_makes_the_episode_mixed(recorder: RecorderBench) -> None:
    recorder.begin(source="policy")
    recorder.bench.tick(POLICY)
    recorder.send(m.MarkEvent(recorder.bench.now_ns, m.TAKEOVER, {}))
    recorder.bench.tick(LEADER)
    recorder.wait_for(m.TakeProgress, lambda p: p.frames_written == 2)
    recorder.send(m.FinishTake("success"))
    with opened(recorder.wait_for(m.TakeClosed).journal) as reader:
        assert reader.info.source == "mixed"
        assert [event.kind for event in reader.events()] == [m.TAKEOVER]
    recorder.record(source="policy")  # the next one is a policy's again
    recorder.send(m.FinishTake("success"))
    with opened(recorder.wait_for(m.TakeClosed).journal) as reader:
        assert reader.info.source == "policy"


def test_a_discarded_take_leaves_nothing_and_the_next_begins_at_once(recorder: RecorderBench) -> None:
    recorder.record()
    recorder.send(m.DiscardTake())
    assert recorder.wait_for(m.TakeDropped) == m.TakeDropped("discarded", 1)
    recorder.record()
    recorder.send(m.FinishTake("success"))
    journal = recorder.wait_for(m.TakeClosed).journal
    recorder.leave()
    assert [path.name for path in journal.parent.iterdir()] == [journal.name]
    recorder.__init__(recorder.folder)  # type: ignore[misc]


def test_when_the_window_dies_the_running_take_is_kept_as_interrupted(tmp_path: Path) -> None:
    recorder = RecorderBench(tmp_path)
    recorder.record()
    recorder.leave()
    (result,) = recover(tmp_path)
    assert (result.outcome, result.duration_s) == ("interrupted", pytest.approx(0.99))
    assert "was finished but not saved" in result.text


def test_what_was_said_just_before_the_window_closed_is_still_obeyed(tmp_path: Path) -> None:
    recorder = RecorderBench(tmp_path)
    recorder.record()
    recorder.send(m.MarkEvent(START_NS + 950_000_000, "closed", {}))
    recorder.send(m.FinishTake("stopped"))
    recorder.leave()
    (result,) = recover(tmp_path)
    assert result.outcome == "stopped"
    assert result.path is not None
    with EpisodeReader(result.path) as reader:
        assert [event.kind for event in reader.events()] == ["closed"]


# --- the disk ----------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 128) as disk:
        yield disk


@pytest.fixture
def on_disk(disk: SmallDisk) -> Iterator[RecorderBench]:
    recorder = RecorderBench(disk.folder / "episodes")
    yield recorder
    recorder.leave()


def test_the_room_that_is_left_is_told_before_the_first_take(on_disk: RecorderBench, disk: SmallDisk) -> None:
    left_s = on_disk.wait_for(m.DiskRoom).left_s
    disk.leave_free(90)
    assert on_disk.wait_for(m.DiskRoom, lambda room: room.left_s < left_s).left_s > 60


def test_a_take_that_would_find_less_than_a_minute_is_refused(on_disk: RecorderBench, disk: SmallDisk) -> None:
    disk.leave_free(70)
    on_disk.begin()
    refused = on_disk.wait_for(m.TakeRefused)
    assert refused.take == 1
    assert refused.why.startswith("The disk is nearly full. It has room for ")
    disk.leave_free(120)
    on_disk.record()
    on_disk.send(m.FinishTake("success"))
    on_disk.wait_for(m.TakeClosed)


def test_a_disk_that_fills_up_during_a_take_ends_it_while_it_can_still_be_saved(
    on_disk: RecorderBench, disk: SmallDisk
) -> None:
    on_disk.record()
    disk.leave_free(60)  # less than the reserve, more than the take needs
    ended = on_disk.wait_for(m.TakeEnded)
    assert ended.why.startswith("The disk is full: the take was ended while there is still room")
    assert not ended.cut_off
    with opened(on_disk.wait_for(m.TakeClosed).journal) as reader:
        assert (reader.info.outcome, reader.info.frames, reader.info.recovered) == ("interrupted", 100, False)
        assert [event.kind for event in reader.events()] == ["disk full"]
    on_disk.begin()
    assert "Free some space" in on_disk.wait_for(m.TakeRefused).why


def test_a_disk_that_is_full_at_a_stroke_cuts_the_take_off_and_it_can_be_recovered(
    on_disk: RecorderBench, disk: SmallDisk
) -> None:
    on_disk.record()
    disk.fill()
    while not (said := [message for message in on_disk.waiting() if isinstance(message, m.TakeEnded)]):
        on_disk.bench.seconds(None, 0.1)
    assert said[0].why.startswith("The disk is full")
    disk.leave_free(100)
    (result,) = recover(on_disk.folder)
    assert (result.outcome, result.path is not None) == ("interrupted", True)


def test_a_folder_that_can_not_be_written_refuses_the_take_and_says_so(on_disk: RecorderBench, disk: SmallDisk) -> None:
    on_disk.folder.mkdir()
    disk.forbid_writing(on_disk.folder)
    on_disk.begin()
    why = on_disk.wait_for(m.TakeRefused).why
    assert why.startswith("The disk refused: Read-only file system. The app could not start a take")
    assert "permissions" in why
