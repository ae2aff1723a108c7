"""Episodes of a folder: listed in order, labelled, put away, never dropped silently."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from recorders.catalog import Catalog, episode_info, label, list_episodes, move_to_bin, restore, say
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


def test_a_restored_episode_is_the_one_it_was(tmp_path: Path) -> None:
    path = built(tmp_path)
    say(path, "ada", outcome="failure", add_tags=["odd"], split="train")
    before, listed = path.read_bytes(), list_episodes(tmp_path)
    moved = move_to_bin(path)
    assert list_episodes(tmp_path) == []
    (binned,) = list_episodes(tmp_path, binned=True)
    assert (binned.path, binned.number, binned.outcome, binned.tags) == (moved, 1, "failure", ("odd",))
    assert restore(moved) == path
    assert path.read_bytes() == before
    assert list_episodes(tmp_path) == listed
    assert list_episodes(tmp_path, binned=True) == []
    with pytest.raises(EpisodeMissing, match=r"no episode .* in the bin\. It may have been restored already"):
        restore(moved)
    with pytest.raises(EpisodeMissing, match="in the bin"):
        restore(path)


def test_restoring_takes_the_place_of_no_other_file(tmp_path: Path) -> None:
    path = built(tmp_path)
    content = path.read_bytes()
    first = move_to_bin(path)
    path.write_bytes(b"in its place")
    second = move_to_bin(path)
    path.write_bytes(b"and once more")
    assert restore(first).read_bytes() == content
    assert restore(second).read_bytes() == b"in its place"
    assert path.read_bytes() == b"and once more"
    assert len(list(tmp_path.glob("*.h5"))) == 3


def test_a_name_that_the_bin_had_to_count_is_given_back(tmp_path: Path) -> None:
    path = built(tmp_path)
    first = move_to_bin(path)
    path.write_bytes(first.read_bytes())
    second = move_to_bin(path)
    assert second.name != path.name
    assert restore(second) == path


KILL_AT_EACH_STEP = """
import os, signal, sys
from pathlib import Path
from recorders.catalog import BIN, move_to_bin, restore
folder, name = Path(sys.argv[1]), sys.argv[2]
for step in range(100):
    child = os.fork()
    if child == 0:
        left = step
        def die(event, arguments):
            global left
            if event.startswith("os.") or event == "open":
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
        sys.addaudithook(die)
        (move_to_bin if (folder / name).exists() else lambda path: restore(folder / BIN / name))(folder / name)
        os._exit(0)
    done = os.waitpid(child, 0)[1] == 0
    print((folder / name).exists() + (folder / BIN / name).exists(), done)
"""


def test_a_move_that_is_killed_at_any_step_leaves_the_episode_under_one_name(tmp_path: Path) -> None:
    path = built(tmp_path)
    command = [sys.executable, "-c", KILL_AT_EACH_STEP, str(tmp_path), path.name]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    assert "1 False" in said
    assert "1 True" in said
    assert set(said) == {"1 False", "1 True"}


def test_a_binned_episode_can_still_be_labelled(tmp_path: Path) -> None:
    moved = move_to_bin(built(tmp_path))
    say(moved, note="why it lies here")
    assert list_episodes(tmp_path, binned=True)[0].note == "why it lies here"
    assert episode_info(moved).note == "why it lies here"


def test_numbers_go_on_after_an_episode_that_is_in_the_bin_and_one_that_was_restored(tmp_path: Path) -> None:
    built(tmp_path)
    moved = move_to_bin(built(tmp_path))
    assert built(tmp_path).name.startswith("000003-")
    restore(moved)
    assert built(tmp_path).name.startswith("000004-")


def test_a_list_is_the_same_object_until_something_changes(tmp_path: Path) -> None:
    path = built(tmp_path)
    catalog = Catalog(tmp_path)
    catalog.refresh()
    before = catalog.infos
    catalog.refresh(scan=False)
    assert catalog.infos is before
    label(path, "failure")
    catalog.refresh(scan=False)
    assert catalog.infos[0].outcome == "failure"
    built(tmp_path)
    catalog.refresh(scan=False)
    assert len(catalog.infos) == 2


def test_a_large_folder_is_read_a_little_at_a_time(tmp_path: Path) -> None:
    path = built(tmp_path)
    for number in range(2, 41):
        os.link(path, tmp_path / f"{number:06d}-{path.name[7:]}")
    catalog = Catalog(tmp_path)
    catalog.refresh(budget_s=0.0)
    assert 0 < len(catalog.infos) < 40
    assert len(catalog.infos) + catalog.unread == 40
    while catalog.unread:
        catalog.refresh(budget_s=0.0)
    assert [info.number for info in catalog.infos] == list(range(1, 41))


def test_what_the_file_says_is_in_its_entry(tmp_path: Path) -> None:
    (info,) = list_episodes(tmp_path) or [episode_info(built(tmp_path))]
    assert (info.operator, info.size_bytes) == ("ada", info.path.stat().st_size)
    with h5py.File(info.path) as file:
        assert info.content_sha256 == file.attrs["content_sha256"]
