"""The builder never gives a take up: what finds no room waits for it, what a crash left is brought back when asked."""

from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

from recorders.episode_writer import EpisodeWriter
from recorders.verify import verify
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Child
from tests.processes.small_disk import SmallDisk, small_disk
from tests.recorders.takes import add_second, description, recorded

pytestmark = pytest.mark.alone
PATIENCE_S = 60.0


class Builder:
    def __init__(self, folder: Path, logs: Path) -> None:
        self.child = Child("builder", "builder_process", ((folder,),), logs / "builder.log")

    def next(self) -> Any:
        """The next message."""
        assert wait([self.child._connection], PATIENCE_S)
        return self.child._connection.recv()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 100) as disk:
        yield disk


@pytest.fixture
def builder(disk: SmallDisk, tmp_path: Path) -> Iterator[Builder]:
    builder = Builder(disk.folder, tmp_path)
    assert builder.next() == m.Ready()
    yield builder
    builder.child.stop()


def test_a_take_without_room_waits_is_told_once_and_is_saved_as_soon_as_there_is_room(
    builder: Builder, disk: SmallDisk
) -> None:
    journal = recorded(disk.folder)
    disk.leave_free(0.5)
    builder.child.send(m.BuildEpisode(journal))
    waiting = builder.next()
    assert isinstance(waiting, m.TakeWaiting)
    assert waiting.why.startswith("The disk is nearly full")
    disk.leave_free(50)
    saved = builder.next()  # it was told once: the next word is that it is saved
    assert isinstance(saved, m.TakeSaved)
    assert saved.journal == journal
    assert verify(saved.path) == []
    assert not journal.exists()


def test_other_takes_are_told_while_one_waits(builder: Builder, disk: SmallDisk) -> None:
    journals = [recorded(disk.folder, seconds=1) for _ in range(2)]
    disk.leave_free(0.5)
    for journal in journals:
        builder.child.send(m.BuildEpisode(journal))
    assert [builder.next().journal for _ in journals] == journals
    disk.leave_free(50)
    assert [builder.next().journal for _ in journals] == journals


def test_what_a_recorder_that_died_has_left_is_brought_back_when_asked(builder: Builder, disk: SmallDisk) -> None:
    writer = EpisodeWriter(disk.folder, description())
    for second in range(2):
        add_second(writer, second)
    writer._file.close()  # the lock goes, the end was never written
    builder.child.send(m.RecoverTakes())
    recovered = builder.next()
    assert isinstance(recovered, m.TakeRecovered)
    assert "was cut off" in recovered.text
    assert recovered.path is not None
    assert verify(recovered.path) == []


def test_a_take_that_a_recovery_built_first_is_saved_all_the_same(builder: Builder, disk: SmallDisk) -> None:
    journal = recorded(disk.folder)
    builder.child.send(m.RecoverTakes(disk.folder))
    builder.child.send(m.BuildEpisode(journal))
    recovered, saved = builder.next(), builder.next()
    assert isinstance(recovered, m.TakeRecovered)
    assert saved == m.TakeSaved(journal, recovered.path)


def test_a_cut_off_take_without_room_is_told_once_and_brought_back_when_there_is_room(
    disk: SmallDisk, tmp_path: Path
) -> None:
    recorded(disk.folder)
    disk.leave_free(0.5)
    builder = Builder(disk.folder, tmp_path)
    try:
        told = builder.next()
        assert isinstance(told, m.TakeRecovered)
        assert "could not be brought back. The disk is nearly full" in told.text
        assert builder.next() == m.Ready()
        builder.child.send(m.RecoverTakes())
        disk.leave_free(50)
        recovered = builder.next()
        assert recovered.path is not None
    finally:
        builder.child.stop()


def test_a_journal_that_is_not_there_is_a_lost_take(builder: Builder, disk: SmallDisk) -> None:
    builder.child.send(m.BuildEpisode(disk.folder / ".journal" / "gone"))
    lost = builder.next()
    assert isinstance(lost, m.TakeLost)
    assert lost.why.startswith("There is no journal")
