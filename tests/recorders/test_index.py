"""The index is only ever a copy: whatever becomes of it, the list is the same."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from recorders.annotations import annotate
from recorders.catalog import Catalog, list_episodes, move_to_bin
from recorders.episode_builder import build_episode
from recorders.index import INDEX_FILE, INDEX_FOLDER, Figures, Index, Survey, index_stamp, use_index
from recorders.survey import look_through
from tests.recorders.takes import recorded

ROOT = Path(__file__).parents[2]


def index_of(folder: Path) -> Path:
    return folder / INDEX_FOLDER / INDEX_FILE


def unreadable(path: Path) -> None:
    """The same size and time, but only what was remembered of it can be listed."""
    stat = path.stat()
    path.write_bytes(bytes(stat.st_size))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def looked_through(folder: Path) -> Catalog:
    catalog = Catalog(folder)
    catalog.refresh()
    for _ in look_through(catalog, lambda info, positions: "left"):
        pass
    catalog.refresh()
    return catalog


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for _ in range(2):
        build_episode(recorded(tmp_path))
    return tmp_path


def test_the_next_process_lists_without_opening_a_file(folder: Path) -> None:
    infos = list_episodes(folder)
    for info in infos:
        unreadable(info.path)
    code = "import sys, pathlib, recorders.catalog as c; print(c.list_episodes(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(folder)]
    assert subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout == f"{infos}\n"


def test_what_a_survey_found_is_in_the_list_of_everybody(folder: Path) -> None:
    looked_through(folder)
    infos = Catalog(folder)
    infos.refresh()
    assert [(info.surveyed, info.side) for info in infos.infos] == [(True, "left"), (True, "left")]
    assert infos.unsurveyed() == []
    thumbnail = use_index(folder, lambda index: index.thumbnail(infos.key(infos.infos[0])))
    assert thumbnail.startswith(b"\xff\xd8")


def test_what_a_survey_found_follows_an_episode_into_the_bin(folder: Path) -> None:
    first = looked_through(folder).infos[0]
    move_to_bin(first.path)
    (binned,) = list_episodes(folder, binned=True)
    assert (binned.uuid, binned.surveyed, binned.side) == (first.uuid, True, "left")


def damaged(path: Path) -> None:
    path.write_bytes(b"shopping list" * 1000)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwritten_inside(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * (path.stat().st_size - 4096))


def of_another_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("pragma user_version = 99")
    connection.close()


def of_other_tables(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("drop table surveys")
    connection.close()


def of_other_rows(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("update files set said = '[]'")
    connection.close()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def gone(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize(
    "harm",
    [damaged, cut_off, overwritten_inside, of_another_version, of_other_tables, of_other_rows, empty, gone],
    ids=lambda harm: harm.__name__,
)
def test_an_index_that_can_not_be_used_is_made_anew(folder: Path, harm) -> None:  # type: ignore[no-untyped-def]
    looked_through(folder)
    harm(index_of(folder))
    catalog = Catalog(folder)
    catalog.refresh()
    assert [info.number for info in catalog.infos] == [1, 2]
    assert [info.problem for info in catalog.infos] == ["", ""]
    assert len(use_index(folder, Index.news).files) == 2
    assert [info.surveyed for info in looked_through(folder).infos] == [True, True]


def test_a_list_that_is_open_survives_the_loss_of_the_index(folder: Path) -> None:
    catalog = looked_through(folder)
    gone(index_of(folder))
    catalog.refresh()
    assert [info.surveyed for info in catalog.infos] == [True, True]
    build_episode(recorded(folder))
    catalog.refresh()
    assert [info.surveyed for info in catalog.infos] == [True, True, False]


def test_a_folder_where_no_index_can_be_made_is_listed_all_the_same(folder: Path) -> None:
    (folder / INDEX_FOLDER).write_text("in the way")
    assert [info.number for info in list_episodes(folder)] == [1, 2]
    assert use_index(folder, lambda index: index.kept) is False


def test_an_index_that_is_locked_for_long_is_read_without_waiting_for_it(folder: Path) -> None:
    looked_through(folder)
    holder = sqlite3.connect(index_of(folder), isolation_level=None)
    holder.execute("begin exclusive")
    build_episode(recorded(folder))
    assert [info.number for info in list_episodes(folder)] == [1, 2, 3]
    holder.execute("rollback")
    holder.close()
    assert len(use_index(folder, Index.news).surveys) == 2


def test_the_index_of_a_folder_that_may_not_be_written_still_serves(folder: Path, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    looked_through(folder)
    # As on a read-only disk: neither the lock nor the side files of SQLite can be made.
    shutil.rmtree(folder / INDEX_FOLDER / "lock", ignore_errors=True)
    (folder / INDEX_FOLDER / "lock").unlink(missing_ok=True)
    (folder / INDEX_FOLDER / "lock").mkdir()
    for info in list_episodes(folder):
        unreadable(info.path)
    catalog = Catalog(folder)
    catalog.refresh()
    assert [(info.problem, info.surveyed) for info in catalog.infos] == [("", True), ("", True)]


def test_the_stamp_of_an_index_changes_with_what_is_in_it(folder: Path) -> None:
    list_episodes(folder)
    before = index_stamp(folder)
    use_index(folder, lambda index: index.put_surveys({("a", 1, 2): Survey(Figures())}))
    assert index_stamp(folder) != before


WORK = """
import sys
from pathlib import Path
from recorders.catalog import Catalog
from recorders.survey import look_through
folder = Path(sys.argv[1])
for _ in range(20):
    catalog = Catalog(folder)
    catalog.refresh()
    list(look_through(catalog, lambda info, positions: "left"))
    assert [info.problem for info in catalog.infos] == ["", ""]
"""


def test_processes_that_use_and_lose_an_index_at_a_time_do_not_disturb_each_other(folder: Path) -> None:
    command = [sys.executable, "-c", WORK, str(folder)]
    with subprocess.Popen(command, cwd=ROOT) as one, subprocess.Popen(command, cwd=ROOT) as other:
        while one.poll() is None or other.poll() is None:
            if index_of(folder).exists():
                damaged_safely(folder)
        assert (one.wait(), other.wait()) == (0, 0)
    assert [info.surveyed for info in looked_through(folder).infos] == [True, True]


def damaged_safely(folder: Path) -> None:
    """Damage as it is found on a disk: at a moment when nobody writes."""
    use_index(folder, lambda index: index._connection.execute("update files set said = '[]'") and None)


def test_a_name_or_an_identity_that_sqlite_can_not_take_is_only_read_again(folder: Path) -> None:
    first = list_episodes(folder)[0].path
    odd = folder / os.fsdecode(b"caf\xe9.h5")
    shutil.copy(first, odd)
    assert odd in [info.path for info in list_episodes(folder)]
    assert [info.surveyed for info in looked_through(folder).infos] == [True, True, True]
    assert len(use_index(folder, Index.news).files) == 2


def test_the_json_file_of_earlier_versions_is_removed(folder: Path) -> None:
    (folder / ".catalog.json").write_text("{}")
    list_episodes(folder)
    assert not (folder / ".catalog.json").exists()


def test_a_label_is_seen_without_a_look_at_the_files(folder: Path) -> None:
    catalog = looked_through(folder)
    first, second = catalog.infos
    annotate(folder, first.uuid, outcome="failure", add_tags=["x"])
    assert catalog.refresh(scan=False)
    assert [(info.outcome, info.tags) for info in catalog.infos] == [("failure", ("x",)), ("success", ())]
    assert catalog.infos[1] is second
