"""The journal gives back every whole record, whatever happens to its bytes."""

import errno
import os
import queue
import threading
import time
from collections import deque
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorders.episode_builder import build_episode
from recorders.episode_writer import JOURNAL_FILE, EpisodeWriter
from recorders.errors import DiskError, EpisodeBusy
from recorders.journal import JournalWriter, Kind, opened_journal, record_bytes, scan
from tests.recorders.takes import description, frame

PAYLOADS = [bytes([index]) * (index * 37 % 200) + b"TSJ1" * (index % 3) for index in range(12)]


def written(folder: Path) -> bytes:
    path = folder / "take.journal"
    path.unlink(missing_ok=True)
    writer = JournalWriter(path)
    for index, payload in enumerate(PAYLOADS):
        writer.append(Kind.EVENT, index % 4, index * 1000, payload)
    writer.close()
    return path.read_bytes()


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return written(tmp_path_factory.mktemp("journal"))


def payloads_by_count(data: bytes) -> dict[int, bytes]:
    return {record.count: bytes(record.payload) for record in scan(memoryview(data))}


def test_all_records_come_back_in_order(journal: bytes) -> None:
    records = list(scan(memoryview(journal)))
    assert [bytes(record.payload) for record in records] == PAYLOADS
    assert [(r.kind, r.stream, r.count, r.stamp_ns) for r in records] == [
        (Kind.EVENT, index % 4, index, index * 1000) for index in range(12)
    ]
    assert sum(map(record_bytes, records)) == len(journal)


@given(cut=st.integers(0, 2000))
def test_a_torn_tail_costs_only_the_record_that_was_torn(journal: bytes, cut: int) -> None:
    kept = journal[: max(0, len(journal) - cut)]
    ends, size = [], 0
    for record in scan(memoryview(journal)):
        size += record_bytes(record)
        ends.append(size)
    whole = sum(end <= len(kept) for end in ends)
    assert payloads_by_count(kept) == dict(enumerate(PAYLOADS[:whole]))


@given(offset=st.integers(0, 2000), value=st.integers(1, 255))
def test_a_changed_byte_costs_only_the_record_it_is_in(journal: bytes, offset: int, value: int) -> None:
    damaged = bytearray(journal)
    offset %= len(damaged)
    damaged[offset] ^= value
    hit = size = 0
    for record in scan(memoryview(journal)):
        size += record_bytes(record)
        if offset < size:
            hit = record.count
            break
    assert payloads_by_count(bytes(damaged)) == {n: p for n, p in enumerate(PAYLOADS) if n != hit}


@given(tail=st.binary(max_size=300), begin=st.integers(0, 2000), length=st.integers(0, 400))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_garbage_never_becomes_a_record(journal: bytes, tail: bytes, begin: int, length: int) -> None:
    begin %= len(journal)
    damaged = journal[:begin] + bytes(min(length, len(journal) - begin)) + journal[begin + length :] + tail
    found = payloads_by_count(damaged)
    assert all(PAYLOADS[count] == payload for count, payload in found.items())


class Disk:
    """Stands between the journal and `fdatasync`: tells when a sync is over, can hold one up or refuse it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._really = os.fdatasync
        self.synced: queue.Queue[int] = queue.Queue()
        self.asked = threading.Event()
        self.may = threading.Event()
        self.may.set()
        self.refuses = False
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _sync(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        self.asked.set()
        assert self.may.wait(60)
        if self.refuses:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._really(descriptor)
        self.synced.put(size)

    def has(self, size: int) -> bool:
        """Waits until so much is on the disk."""
        return any(self.synced.get(timeout=60) >= size for _ in range(100))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_what_was_added_is_brought_to_the_disk_without_anything_that_follows(tmp_path: Path, disk: Disk) -> None:
    writer = EpisodeWriter(tmp_path, description())
    for index in range(3):
        writer.add_frame(frame(index))
        begin = time.monotonic()
        assert disk.has(writer.bytes_written)
        assert time.monotonic() - begin < 10
    writer.discard()


def test_the_journal_is_brought_to_the_disk_twice_a_second(tmp_path: Path, disk: Disk) -> None:
    writer = EpisodeWriter(tmp_path, description())
    begin, index = time.monotonic(), 0
    while disk.synced.qsize() < 4:
        writer.add_frame(frame(index))
        index += 1
    # The first at once, the fourth after three half seconds; more only on a machine that is busy with something else.
    assert 1.0 < time.monotonic() - begin < 15.0
    size = writer.bytes_written
    writer.finish("success")
    assert disk.has(size)


def test_a_take_ends_without_waiting_for_the_disk_and_the_next_one_begins(tmp_path: Path, disk: Disk) -> None:
    writer = EpisodeWriter(tmp_path, description())
    writer.add_frame(frame(0))
    assert disk.has(writer.bytes_written)
    disk.may.clear()
    finishing = writer.begin_finish("success")
    following = EpisodeWriter(tmp_path, description())
    following.add_frame(frame(0))
    assert not finishing.saved()
    with pytest.raises(EpisodeBusy, match="being written by another process"):
        build_episode(finishing.journal)
    with pytest.raises(ValueError, match="is over"):
        writer.add_frame(frame(1))
    disk.may.set()
    assert finishing.wait() == writer.journal
    assert finishing.saved()
    assert build_episode(finishing.journal).exists()
    following.discard()


def test_a_take_that_the_disk_did_not_take_is_not_saved(tmp_path: Path, disk: Disk) -> None:
    writer = EpisodeWriter(tmp_path, description())
    writer.add_frame(frame(0))
    assert disk.has(writer.bytes_written)
    disk.refuses = True
    finishing = writer.begin_finish("success")
    with pytest.raises(DiskError, match="The disk refused"):
        finishing.wait()
    with pytest.raises(DiskError, match="The disk refused"):
        finishing.saved()
    with opened_journal(writer.journal / JOURNAL_FILE) as data:  # nobody holds it any more
        assert len(data) == writer.bytes_written


def test_a_sync_that_fails_ends_the_take_and_gives_the_journal_back(tmp_path: Path, disk: Disk) -> None:
    writer = EpisodeWriter(tmp_path, description())
    assert disk.has(writer.bytes_written)
    disk.refuses = True
    disk.asked.clear()
    writer.add_frame(frame(0))
    assert disk.asked.wait(60)
    with pytest.raises(DiskError, match="The disk refused"):
        deque(map(writer.add_frame, map(frame, range(1, 10**7))), maxlen=0)
    with pytest.raises(DiskError, match="The disk refused"):
        writer.finish("success")
    with opened_journal(writer.journal / JOURNAL_FILE) as data:
        assert len(data) == writer.bytes_written


def test_a_journal_being_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "take.journal"
    writer = JournalWriter(path)
    with pytest.raises(EpisodeBusy, match="being written by another process"), opened_journal(path):
        pass
    writer.close()
    with opened_journal(path) as data:
        assert len(data) == 0
