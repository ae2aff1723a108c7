"""A disk or a folder that refuses while a take runs ends it with a sentence, and keeps what was written before."""

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recorders.catalog import list_episodes
from recorders.episode_builder import build_episode
from recorders.episode_writer import JOURNAL_FILE, JOURNALS, EpisodeWriter
from recorders.errors import DiskError, DiskFull
from recorders.repair import recover
from recorders.verify import verify
from tests.recorders.takes import description, frame, recorded


def a_file(folder: Path) -> None:
    folder.write_text("not a folder")


def a_file_in_the_place_of_the_journals(folder: Path) -> None:
    folder.mkdir()
    (folder / JOURNALS).write_text("not a folder")


def a_link_to_itself(folder: Path) -> None:
    folder.symlink_to(folder)


@pytest.mark.parametrize("make", [a_file, a_file_in_the_place_of_the_journals, a_link_to_itself])
def test_a_take_is_not_begun_where_it_could_not_be_written(tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = tmp_path / "episodes"
    make(folder)
    with pytest.raises(DiskError, match=r"could not start a take at .*episodes\. Check the disk and the permissions"):
        EpisodeWriter(folder, description())


def add_frames(writer: EpisodeWriter, first: int, end: int) -> None:
    for index in range(first, end):
        writer.add_frame(frame(index))


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, code: int, after: int = 0) -> None:
    """From the call after the first `after` ones on `os.<name>` fails, as on a disk that became read-only or broke."""
    really, left = getattr(os, name), after

    def refusing(*arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(code, os.strerror(code))
        return really(*arguments)

    monkeypatch.setattr(os, name, refusing)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EIO, errno.ESTALE, errno.EDQUOT])
def test_a_disk_that_refuses_a_write_ends_the_take_and_keeps_what_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    writer = EpisodeWriter(tmp_path, description())
    writer.add_frame(frame(0))
    with monkeypatch.context() as broken:
        refuse(broken, "writev", code, after=99)
        with pytest.raises(DiskFull if code == errno.EDQUOT else DiskError, match="could not write the journal"):
            add_frames(writer, 1, 1000)
    with pytest.raises(DiskError, match="could not write the journal"):
        writer.finish("success")
    (result,) = recover(tmp_path)
    (info,) = list_episodes(tmp_path)
    assert (result.outcome, info.frames, verify(info.path)) == ("interrupted", 100, [])


def test_a_disk_that_can_not_sync_is_not_said_to_have_the_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = EpisodeWriter(tmp_path, description())
    writer.add_frame(frame(0))
    refuse(monkeypatch, "fdatasync", errno.EIO)
    with pytest.raises(DiskError, match="Input/output error"):
        writer.finish("success")


@pytest.mark.parametrize("name", ["rename", "fsync"])
def test_a_build_on_a_disk_that_became_read_only_keeps_its_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    journal = recorded(tmp_path)
    with monkeypatch.context() as broken:
        refuse(broken, name, errno.EROFS)
        with pytest.raises(DiskError, match="Read-only file system"):
            build_episode(journal)
    assert (journal / JOURNAL_FILE).exists()
    recover(tmp_path)
    (info,) = list_episodes(tmp_path)
    assert (info.frames, info.outcome, verify(info.path)) == (100, "success", [])


def test_a_folder_that_is_removed_while_a_take_runs_does_not_pass_for_a_saved_take(tmp_path: Path) -> None:
    folder = tmp_path / "episodes"
    writer = EpisodeWriter(folder, description())
    add_frames(writer, 0, 100)
    shutil.rmtree(folder)
    with pytest.raises(DiskError, match="No such file or directory"):
        writer.finish("success")


def test_a_folder_that_is_renamed_while_a_take_runs_has_the_take_under_its_new_name(tmp_path: Path) -> None:
    folder = tmp_path / "episodes"
    writer = EpisodeWriter(folder, description())
    add_frames(writer, 0, 100)
    folder.rename(tmp_path / "moved")
    with contextlib.suppress(DiskError):  # the first sync looks for the folder, later ones do not
        writer.finish("success")
    recover(tmp_path / "moved")
    (info,) = list_episodes(tmp_path / "moved")
    assert (info.frames, verify(info.path)) == (100, [])
