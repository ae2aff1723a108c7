"""The journal gives back every whole record, whatever happens to its bytes."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorders.episode_writer import EpisodeWriter
from recorders.errors import EpisodeBusy
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


def test_the_journal_is_brought_to_the_disk_every_second_and_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[float, int]] = []
    really = os.fdatasync

    def watched(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        really(descriptor)
        synced.append((time.monotonic(), size))

    monkeypatch.setattr(os, "fdatasync", watched)
    writer = EpisodeWriter(tmp_path, description())
    begin, index = time.monotonic(), 0
    while time.monotonic() < begin + 1.5:
        writer.add_frame(frame(index))
        index += 1
    journal = writer.finish("success")
    assert synced[-1][1] == (journal / "take.journal").stat().st_size
    moments = [moment - begin for moment, _ in synced]
    assert len(moments) >= 3
    assert moments[1] < 5.0


def test_a_journal_being_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "take.journal"
    writer = JournalWriter(path)
    with pytest.raises(EpisodeBusy, match="being written by another process"), opened_journal(path):
        pass
    writer.close()
    with opened_journal(path) as data:
        assert len(data) == 0
