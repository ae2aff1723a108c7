"""Rings in shared memory: nothing torn, nothing silently lost, nothing left behind."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop_studio.processes.shared_ring import RingSpec, SharedRing, sweep

SEGMENTS = Path("/dev/shm")
needs_segments = pytest.mark.skipif(not SEGMENTS.is_dir(), reason="shared memory has no folder here")


@pytest.fixture
def ring() -> Iterator[SharedRing]:
    ring = SharedRing.create("test", slots=4, shape=(3,), dtype=np.int64)
    yield ring
    ring.close()


def child(duty: str, spec: RingSpec | None = None, *more: str) -> list[str]:
    return [sys.executable, "-m", "tests.processes.ring_child", duty, pickle.dumps(spec).hex(), *more]


def put(ring: SharedRing, *values: int) -> None:
    for value in values:
        ring.push(np.full(ring.spec.shape, value), stamp_ns=1000 + value)


class TestInOneProcess:
    def test_an_empty_ring_has_nothing(self, ring: SharedRing) -> None:
        assert ring.written == 0
        assert ring.latest() is None
        assert ring.read(0) is None
        assert ring.newest_stamp_ns() == 0

    def test_what_was_pushed_is_read_with_its_stamp(self, ring: SharedRing) -> None:
        assert ring.push(np.array([1, 2, 3]), stamp_ns=77) == 0
        found = ring.read(0)
        assert found is not None
        assert found[0] == 77
        assert found[1].tolist() == [1, 2, 3]
        assert ring.newest_stamp_ns() == 77

    def test_what_was_read_is_a_copy(self, ring: SharedRing) -> None:
        put(ring, 5)
        found = ring.read(0)
        assert found is not None
        put(ring, 6, 7, 8, 9)
        assert found[1].tolist() == [5, 5, 5]

    @given(count=st.integers(0, 30), slots=st.integers(1, 9))
    @settings(deadline=None)
    def test_the_newest_items_are_there_and_all_others_are_none(self, count: int, slots: int) -> None:
        ring = SharedRing.create("property", slots, (2,), np.int64)
        try:
            put(ring, *range(count))
            for index in range(-2, count + 3):
                found = ring.read(index)
                if max(0, count - slots) <= index < count:
                    assert found is not None
                    assert (found[0], found[1].tolist()) == (1000 + index, [index, index])
                else:
                    assert found is None
            newest = ring.latest()
            assert (newest[0] if newest else -1) == count - 1
        finally:
            ring.close()

    @given(count=st.integers(0, 30), slots=st.integers(1, 9), first=st.integers(0, 30), end=st.integers(0, 33))
    @settings(deadline=None)
    def test_runs_give_what_single_reads_give(self, count: int, slots: int, first: int, end: int) -> None:
        ring = SharedRing.create("runs", slots, (2,), np.int64)
        try:
            put(ring, *range(count))
            at, seen = first, []
            while at < min(end, count):
                index, items = ring.read_run(at, end)
                assert index >= at
                seen += [(index + k, item.tolist()) for k, item in enumerate(items)]
                at = index + len(items)
            there = range(max(first, count - slots), min(end, count))
            assert seen == [(index, [index, index]) for index in there]
        finally:
            ring.close()

    def test_what_was_overwritten_is_left_out_of_a_run(self, ring: SharedRing) -> None:
        put(ring, *range(6))
        ring._sequence[2] = 2 * 6 + 1  # the writer is busy with item 6 where item 2 was
        index, items = ring.read_run(1, 6)
        assert (index, items.tolist()) == (3, [[3, 3, 3]])
        index, items = ring.read_run(4, 6)
        assert (index, items.tolist()) == (4, [[4, 4, 4], [5, 5, 5]])

    def test_an_item_is_read_into_a_buffer_and_its_stamp_without_it(self, ring: SharedRing) -> None:
        put(ring, *range(6))
        out = np.zeros(3, np.int64)
        assert ring.read_into(5, out) == ring.stamp_ns(5) == 1005
        assert out.tolist() == [5, 5, 5]
        for index in (-1, 1, 6):
            assert ring.read_into(index, out) is None
            assert ring.stamp_ns(index) is None

    def test_during_a_write_the_old_item_is_gone_and_the_new_one_not_there_yet(self, ring: SharedRing) -> None:
        put(ring, *range(6))
        seen: list[Any] = []

        class Item:
            """Looks at the ring while it is copied into it."""

            def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
                seen.extend((ring.read(2), ring.read(6), ring.written, ring.latest()))
                return np.full(3, 6)

        ring.push(Item(), stamp_ns=1006)
        overtaken, early, written, newest = seen
        assert overtaken is None
        assert early is None
        assert written == 6
        assert newest[2].tolist() == [5, 5, 5]
        found = ring.read(6)
        assert found is not None
        assert found[1].tolist() == [6, 6, 6]

    def test_a_write_that_was_never_finished_is_written_anew_by_the_next_writer(self, ring: SharedRing) -> None:
        put(ring, 0)

        class Crash:
            def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ring.push(Crash(), stamp_ns=1)
        assert ring.read(1) is None
        assert ring.written == 1
        again = SharedRing.attach(ring.spec)
        put(again, 1)
        again.close()
        found = ring.read(1)
        assert found is not None
        assert found[1].tolist() == [1, 1, 1]

    def test_rows_with_fields_keep_every_field(self) -> None:
        dtype = [("index", np.int64), ("flag", np.bool_), ("vector", np.float64, (3,)), ("rgb", np.uint8, (2, 2, 3))]
        ring = SharedRing.create("fields", 3, (), dtype)
        try:
            row: Any = np.zeros((), dtype)
            row["index"], row["flag"], row["vector"], row["rgb"] = 9, True, [1, np.nan, 3], 200
            ring.push(row, 1)
            found = ring.read(0)
            assert found is not None
            assert found[1].tobytes() == row.tobytes()
        finally:
            ring.close()

    def test_two_ends_see_the_same(self, ring: SharedRing) -> None:
        far = SharedRing.attach(pickle.loads(pickle.dumps(ring.spec)))
        put(far, 4)
        found = ring.read(0)
        assert found is not None
        assert found[1].tolist() == [4, 4, 4]
        far.close()
        put(ring, 5)  # closing the far end took nothing away
        assert ring.written == 2

    @pytest.mark.parametrize(("tag", "slots"), [("a/b", 4), ("", 4), ("ä", 4), ("fine", 0)])
    def test_an_impossible_ring_is_refused(self, tag: str, slots: int) -> None:
        with pytest.raises(ValueError, match="a plain tag and at least one slot"):
            SharedRing.create(tag, slots, (3,), np.int64)

    def test_a_tag_in_use_is_refused_and_the_ring_stays(self, ring: SharedRing) -> None:
        with pytest.raises(FileExistsError):
            SharedRing.create("test", 4, (3,), np.int64)
        put(ring, 1)
        assert ring.written == 1


class TestTwoProcesses:
    @pytest.mark.parametrize(("slots", "values"), [(1, 4096), (2, 40_000), (8, 7)])
    def test_a_reader_beside_a_hammering_writer_never_sees_a_torn_item(self, slots: int, values: int) -> None:
        count = 10_000 if values < 10_000 else 3_000
        ring = SharedRing.create("hammer", slots, (values,), np.int64)
        writer = subprocess.Popen(child("write", ring.spec, str(count)))
        try:
            checked = last = 0
            while ring.written < count:
                assert writer.poll() in (None, 0)
                newest = ring.latest()
                if newest is None:
                    continue
                index, stamp_ns, item = newest
                assert stamp_ns == 3 * index
                assert np.all(item == index), f"item {index} is torn"
                assert index >= last
                checked, last = checked + 1, index
                overtaken = ring.read(index - slots)
                assert overtaken is None or overtaken[1][0] == index - slots
            assert checked > 0
            assert writer.wait(30) == 0
            newest = ring.latest()
            assert newest is not None
            assert newest[0] == count - 1
        finally:
            writer.kill()
            writer.wait()
            ring.close()

    def test_a_reader_that_follows_by_index_gets_every_item_or_knows_which_are_lost(self) -> None:
        count = 10_000
        ring = SharedRing.create("follow", 64, (16,), np.int64)
        writer = subprocess.Popen(child("write", ring.spec, str(count)))
        try:
            got, lost, index = 0, 0, 0
            while index < count:
                if index >= ring.written:
                    assert writer.poll() in (None, 0)
                    continue
                found = ring.read(index)
                if found is None:
                    lost += 1
                    assert ring.written > index + 64 - 2  # nothing but being overtaken loses an item
                else:
                    got += 1
                    assert found[1][0] == found[1][-1] == index
                index += 1
            assert got + lost == count
            assert got > 0
        finally:
            writer.kill()
            writer.wait()
            ring.close()

    @needs_segments
    def test_an_attached_process_that_ends_leaves_the_segment_and_no_complaint(self, ring: SharedRing) -> None:
        put(ring, 8)
        ended = subprocess.run(child("look", ring.spec), capture_output=True, text=True, timeout=60, check=True)
        assert ended.stdout == "[8, 8, 8]\n"
        assert ended.stderr == ""  # Python's resource tracker would warn of a leak, and unlink
        assert (SEGMENTS / ring.spec.name).exists()

    @needs_segments
    def test_an_attached_process_that_is_killed_leaves_the_segment(self, ring: SharedRing) -> None:
        hanging = subprocess.Popen(child("hang", ring.spec), stdout=subprocess.PIPE, text=True)
        assert hanging.stdout is not None
        assert hanging.stdout.readline() == "attached\n"
        hanging.kill()
        hanging.communicate()
        assert (SEGMENTS / ring.spec.name).exists()
        put(ring, 1)


class TestNothingIsLeft:
    @needs_segments
    def test_the_owner_removes_the_segment_once(self) -> None:
        ring = SharedRing.create("short", 2, (1,), np.int64)
        far = SharedRing.attach(ring.spec)
        far.close()
        assert (SEGMENTS / ring.spec.name).exists()
        ring.close()
        ring.close()
        assert not (SEGMENTS / ring.spec.name).exists()
        with pytest.raises(FileNotFoundError):
            SharedRing.attach(ring.spec)

    @needs_segments
    def test_a_killed_owner_leaves_nothing_after_a_sweep(self) -> None:
        ended = subprocess.run(child("own"), capture_output=True, text=True, timeout=60, check=False)
        name = ended.stdout.strip()
        assert name.endswith("_orphan")
        sweep()
        assert not (SEGMENTS / name).exists()

    def test_a_sweep_takes_dead_owners_segments_and_nothing_else(self, tmp_path: Path) -> None:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        dead, alive = process.pid, os.getpid()
        gone = [f"tstudio_{dead}_0badc0_rig_ticks", f"tstudio_{dead}_x"]
        kept = [f"tstudio_{alive}_0badc0_rig_ticks", f"psm_{dead}", f"my_tstudio_{dead}_x", "tstudio_x_y", "tstudio_"]
        kept.append(f"tstudio_{10**30}_x")
        for name in (*gone, *kept):
            (tmp_path / name).touch()
        assert sorted(sweep(tmp_path)) == sorted(gone)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)

    def test_what_can_not_be_removed_does_not_stop_the_sweep(self, tmp_path: Path) -> None:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        (tmp_path / f"tstudio_{process.pid}_a").mkdir()
        (tmp_path / f"tstudio_{process.pid}_b").touch()
        assert sweep(tmp_path) == [f"tstudio_{process.pid}_b"]

    def test_without_such_a_folder_there_is_nothing_to_sweep(self, tmp_path: Path) -> None:
        assert sweep(tmp_path / "none") == []
