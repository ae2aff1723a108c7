"""A damaged journal gives back every whole record and nothing else, or stays where it is and is reported."""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import JOURNAL_FILE, JOURNALS, EpisodeWriter
from recorders.errors import EpisodeCorrupt
from recorders.journal import Kind, scan
from recorders.repair import recover, repair
from tests.recorders.hostile_journals import KINDS, TOO_SHORT, HostileJournal, bring_back, forged_record
from tests.recorders.takes import CAMERAS, PICTURE_NS, START_NS, add_second, description, picture, recorded

# A worker of pytest-xdist has a thread that waits for its master and holds no lock.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

JOURNALS_OF_A_KIND = 3

Taken = tuple[str, bytes]


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Taken, Taken]:
    """The name and the content of two journals."""
    return whole_take(tmp_path_factory.mktemp("one")), whole_take(tmp_path_factory.mktemp("another"))


def whole_take(folder: Path) -> Taken:
    writer = EpisodeWriter(folder, description())
    add_second(writer, 0)
    writer.add_event(START_NS, "mark", {"why": "test"})
    writer.add_gap("front", 500, 3)
    add_second(writer, 1)
    writer.add_chunk(START_NS, 0.1, np.ones((4, 7)))
    journal = writer.finish("success")
    return journal.name, (journal / JOURNAL_FILE).read_bytes()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace(" ", "-"))
def test_a_bad_journal_loses_nothing_and_invents_nothing(
    takes: tuple[Taken, Taken], tmp_path: Path, kind: HostileJournal
) -> None:
    (name, original), (_, another) = takes
    for seed in range(JOURNALS_OF_A_KIND):
        content = kind.make(Random(f"{kind.name} {seed}"), original, another)
        verdict = bring_back(tmp_path / str(seed), name, content, original)
        assert verdict.ok, verdict
        assert verdict.found != TOO_SHORT or kind.may_be_too_short, verdict
        assert verdict.growth_bytes < 128 << 20
        assert verdict.sentence.endswith((".", "'.")), verdict


def test_whole_records_of_an_older_take_are_not_taken_for_this_one(takes: tuple[Taken, Taken], tmp_path: Path) -> None:
    """A disk may bring up what it held before where a power cut kept the new bytes from it."""
    (name, original), (_, another) = takes
    assert next(scan(memoryview(original))).tag != next(scan(memoryview(another))).tag
    cut = [record.payload_at for record in scan(memoryview(original))][200]
    journal = tmp_path / JOURNALS / name
    journal.mkdir(parents=True)
    (journal / JOURNAL_FILE).write_bytes(original[:cut] + another[len(another) // 2 :])
    (result,) = recover(tmp_path)
    assert result.outcome == "interrupted"
    assert result.path is not None
    with EpisodeReader(result.path) as reader:
        assert np.all(np.diff(reader.frames.stamp_ns) > 0)


def put_behind(journal: Path, kind: int, payload: bytes) -> None:
    """A whole record more, as only a program with a fault would write it."""
    file = journal / JOURNAL_FILE
    last = list(scan(memoryview(file.read_bytes())))[-1]
    with open(file, "ab") as opened:
        opened.write(forged_record(kind, payload, count=last.count + 1, tag=last.tag))


@pytest.mark.parametrize(
    ("kind", "payload", "why"),
    [
        (Kind.EVENT, b"[" * 100_000, "recursion"),
        (Kind.CHUNK, b"", "buffer"),
        (Kind.CHUNK, struct.pack("<dII", 0.1, 2**32 - 1, 2**32 - 1), "reshape"),
        (Kind.GAP, b'{"stream": "front", "first_missing": 1e300, "count": 2}', "integer"),
        (Kind.SOURCE_NAME, b"\xff", "decode"),
        (Kind.IMAGE, b"", "buffer"),
    ],
)
def test_a_record_that_no_version_writes_is_named_and_the_journal_kept(
    tmp_path: Path, kind: int, payload: bytes, why: str
) -> None:
    journal = recorded(tmp_path)
    put_behind(journal, kind, payload)
    with pytest.raises(
        EpisodeCorrupt, match=rf"Record \d+ of the journal \(kind {int(kind)}\).*{why}.*Keep the journal"
    ):
        build_episode(journal)
    assert journal.exists()


@pytest.mark.parametrize("name", ["../../up", "/etc/passwd", ""])
def test_a_journal_can_not_name_a_place_outside_its_folder(tmp_path: Path, name: str) -> None:
    journal = recorded(tmp_path)
    content = (journal / JOURNAL_FILE).read_bytes()
    first = next(scan(memoryview(content)))
    payload = bytes(first.payload).replace(journal.name.encode(), name.encode())
    rest = content[first.payload_at + len(first.payload) :]
    (journal / JOURNAL_FILE).write_bytes(forged_record(first.kind, payload, tag=first.tag) + rest)
    with pytest.raises(EpisodeCorrupt, match="Record 0 of the journal"):
        build_episode(journal)


def unreadable(journal: Path) -> None:
    (journal / JOURNAL_FILE).write_bytes(bytes(5000))


def gone(journal: Path) -> None:
    (journal / JOURNAL_FILE).rename(journal / "copy")


@pytest.mark.parametrize("damage", [unreadable, gone])
def test_a_journal_that_can_not_be_read_is_told_once_and_listed_by_repair_every_time(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    journal = recorded(tmp_path)
    damage(journal)
    before = {path.name for path in journal.iterdir()}
    (first,) = recover(tmp_path)
    (second,) = recover(tmp_path)
    assert (first.problem, first.told, second.problem, second.told) == (True, False, True, True)
    assert repair(tmp_path) == [first.text] == [second.text]
    assert before <= {path.name for path in journal.iterdir()}


def test_a_take_with_pictures_but_no_control_tick_is_kept(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    for index in range(60):
        writer.add_image("front", START_NS + index * PICTURE_NS, index, picture(index, CAMERAS[0]))
    journal = writer.finish("success")
    (result,) = recover(tmp_path)
    assert result.problem
    assert "holds no control tick" in result.text
    assert (journal / JOURNAL_FILE).exists()


def test_what_a_kill_leaves_of_a_take_that_had_not_begun_is_removed_without_a_word(tmp_path: Path) -> None:
    """But not at once: another process may be about to put the journal there."""
    empty = tmp_path / JOURNALS / "0-empty"
    empty.mkdir(parents=True)
    assert recover(tmp_path) == []
    assert empty.exists()
    os.utime(empty, (0, 0))
    assert recover(tmp_path) == []
    assert not empty.exists()
    empty.mkdir()
    (empty / JOURNAL_FILE).touch()
    (result,) = recover(tmp_path)
    assert (result.problem, result.path) == (False, None)
    assert not empty.exists()
