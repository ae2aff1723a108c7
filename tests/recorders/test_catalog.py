"""Episodes of a folder: listed in order, labelled, put away, never dropped silently."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from recorders.catalog import episode_info, label, list_episodes, move_to_bin
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.errors import EpisodeCorrupt, EpisodeFormatUnknown, EpisodeMissing
from tests.recorders.takes import recorded

ROOT = Path(__file__).parents[2]


def built(folder: Path) -> Path:
    return build_episode(recorded(folder))


def test_episodes_are_numbered_in_the_order_they_were_built(tmp_path: Path) -> None:
    paths = [built(tmp_path) for _ in range(3)]
    assert [(info.number, info.path) for info in list_episodes(tmp_path)] == list(enumerate(paths, 1))


def test_a_folder_that_is_not_there_has_no_episodes(tmp_path: Path) -> None:
    assert list_episodes(tmp_path / "episodes") == []


def test_a_broken_file_is_listed_with_its_problem(tmp_path: Path) -> None:
    good, broken = built(tmp_path), built(tmp_path)
    os.truncate(broken, broken.stat().st_size // 2)
    stranger = tmp_path / "notes.h5"
    stranger.write_text("shopping list")
    infos = {info.path: info for info in list_episodes(tmp_path)}
    assert infos[good].problem == ""
    assert infos[broken].number == 2
    assert f"The episode {broken.name} is damaged" in infos[broken].problem
    assert "move it to the bin" in infos[stranger].problem


def test_a_file_of_another_format_or_a_newer_version_is_told_apart(tmp_path: Path) -> None:
    path = built(tmp_path)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = [2, 0]
    with pytest.raises(EpisodeFormatUnknown, match=r"has format version 2\.0; this app reads 1\.x"):
        EpisodeReader(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["format"]
    with pytest.raises(EpisodeCorrupt, match="no episode of this app"):
        EpisodeReader(path)
    with pytest.raises(EpisodeMissing, match="no episode file"):
        EpisodeReader(tmp_path / "gone.h5")


def test_a_file_that_changes_is_read_anew_and_one_that_goes_is_forgotten(tmp_path: Path) -> None:
    first, second = built(tmp_path), built(tmp_path)
    assert [info.problem for info in list_episodes(tmp_path)] == ["", ""]
    second.write_bytes(b"damaged")
    assert [bool(info.problem) for info in list_episodes(tmp_path)] == [False, True]
    second.unlink()
    assert [info.path for info in list_episodes(tmp_path)] == [first]


def copies(folder: Path, count: int) -> None:
    """As many episodes more as `count`, all with the content of a first one."""
    path = built(folder)
    for number in range(2, count + 1):
        shutil.copy(path, folder / f"{number:06d}-{path.name[7:]}")


def test_many_episodes_are_listed_by_the_next_start_without_opening_them(tmp_path: Path) -> None:
    copies(tmp_path, 25)
    infos = list_episodes(tmp_path)
    for info in infos:  # what can not be opened any more can only come from the cache
        stat = info.path.stat()
        info.path.write_bytes(bytes(stat.st_size))
        os.utime(info.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    code = "import sys, pathlib, recorders.catalog as c; print(c.list_episodes(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout == f"{infos}\n"


@pytest.mark.parametrize("content", ["", "[]", '{"version": 0, "files": {}}', '{"version": 1, "files": {"a": 3}}'])
def test_a_cache_that_can_not_be_used_costs_nothing_but_time(tmp_path: Path, content: str) -> None:
    path = built(tmp_path)
    (tmp_path / ".catalog.json").write_text(content)
    assert [info.path for info in list_episodes(tmp_path)] == [path]


def test_the_newest_label_counts_everywhere_and_the_file_stays_as_it_was(tmp_path: Path) -> None:
    first, second = built(tmp_path), built(tmp_path)
    before = first.read_bytes()
    label(first, "failure")
    label(first, "unrated")
    assert [info.outcome for info in list_episodes(tmp_path)] == ["unrated", "success"]
    assert episode_info(first).outcome == "unrated"
    with EpisodeReader(first) as reader:
        assert reader.info.outcome == "unrated"
    assert first.read_bytes() == before
    with pytest.raises(ValueError, match="outcome 'great' is none of"):
        label(second, "great")


def test_a_torn_label_line_costs_only_itself(tmp_path: Path) -> None:
    path = built(tmp_path)
    label(path, "failure")
    with open(tmp_path / "labels.jsonl", "ab") as file:
        file.write(b'{"uuid": "x", "outc')
    assert episode_info(path).outcome == "failure"
    label(path, "stopped")
    assert episode_info(path).outcome == "stopped"


def test_the_bin_hides_an_episode_and_its_number_is_not_given_again(tmp_path: Path) -> None:
    built(tmp_path)
    second = built(tmp_path)
    moved = move_to_bin(second)
    assert moved.parent == tmp_path / ".bin"
    assert [info.number for info in list_episodes(tmp_path)] == [1]
    with pytest.raises(EpisodeMissing, match="in the bin already"):
        move_to_bin(second)
    assert built(tmp_path).name.startswith("000003-")
    with EpisodeReader(moved) as reader:
        assert reader.info.number == 2


def test_the_bin_keeps_two_files_of_one_name(tmp_path: Path) -> None:
    path = built(tmp_path)
    moved = move_to_bin(path)
    path.write_bytes(b"another one")
    assert move_to_bin(path) != moved
    assert moved.exists()
