"""A take follows the rings by number: what was overwritten before it could be read is named in the episode."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recorders.episode_reader import Gap
from teleop_studio.chunk import ActionChunk
from teleop_studio.control.sources import HOLD, LEADER, POLICY
from teleop_studio.processes.rings import TICK_SLOTS, chunk_row
from tests.processes.take_bench import FRAME_SLOTS, PICTURE_NS, START_NS, TICK_NS, Bench, D


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.rings.close()


def test_every_tick_and_picture_comes_into_the_file_as_it_lay_in_the_rings(bench: Bench) -> None:
    bench.pictures(range(1))
    take = bench.begin()
    for second in range(3):
        bench.ticks(50)
        bench.pictures(range(1 + 15 * second, 16 + 15 * second))
        take.follow()
    assert (take.frames, take.images, take.missing, take.gaps) == (150, 2 * 46, 0, 0)
    assert (take.written, take.due) == (242, 242)
    assert take.first_ns == START_NS
    with bench.finished() as reader:
        frames = reader.frames
        np.testing.assert_array_equal(frames.stamp_ns, START_NS + TICK_NS * np.arange(150))
        np.testing.assert_array_equal(frames.leader_position[:, 0], np.arange(150))
        np.testing.assert_array_equal(frames.follower_position[:, 3], np.arange(150) + 0.25)
        np.testing.assert_array_equal(frames.follower_velocity[:, 6], np.arange(150) + 1000.25)
        np.testing.assert_array_equal(frames.leader_effort[:, 2], np.arange(150) + 2000.0)
        np.testing.assert_array_equal(frames.requested[:, 1], np.arange(150) + 0.5)
        np.testing.assert_array_equal(frames.action[:, 1], np.arange(150) + 0.75)
        np.testing.assert_array_equal(frames.leader_stamp_ns, frames.stamp_ns - 2000)
        np.testing.assert_array_equal(reader.images("wrist").sequence, np.arange(46))
        assert abs(int(reader.images("front")[30].mean()) - 30) <= 1
        assert reader.gaps() == []


def test_the_take_begins_at_the_first_tick_after_the_soft_start(bench: Bench) -> None:
    bench.ticks(5)  # before the operator asked for it
    take = bench.begin()
    bench.tick(HOLD)
    for _ in range(20):
        bench.tick(aligning=True)
    take.follow()
    assert (take.frames, take.images, take.first_ns) == (0, 0, 0)
    first_ns = bench.tick()
    bench.tick(HOLD)  # once it runs, whatever drives belongs to it
    take.follow()
    assert take.first_ns == first_ns
    with bench.finished() as reader:
        assert reader.frames.leader_position[:, 0].tolist() == [26.0, 27.0]
        assert reader.frames.source.tolist() == [LEADER, HOLD]


def test_of_the_pictures_taken_during_the_soft_start_only_the_newest_is_kept(bench: Bench) -> None:
    """The first frame needs a picture that is not after it; those before are no part of the take."""
    take = bench.begin()
    for sequence in range(20):
        bench.tick(aligning=True)
        bench.pictures(range(sequence, sequence + 1))
        take.follow()
    for _ in range(60):
        bench.tick()
    bench.pictures(range(20, 22))
    take.follow()
    with bench.finished() as reader:
        stamps = reader.images("front").stamp_ns
        before = stamps[stamps <= take.first_ns]
        assert len(before) == 1
        assert before[0] == START_NS + take_sequence_before(take.first_ns) * PICTURE_NS
        assert reader.gaps() == []


def take_sequence_before(stamp_ns: int) -> int:
    return (stamp_ns - START_NS) // PICTURE_NS


def test_ticks_that_were_overwritten_are_one_gap_and_counted_once(bench: Bench) -> None:
    take = bench.begin()
    bench.ticks(10)
    take.follow()
    bench.ticks(TICK_SLOTS + 100)
    take.follow()
    assert take.frames + take.missing == 10 + TICK_SLOTS + 100
    assert take.missing >= 100
    assert take.due == 10 + TICK_SLOTS + 100
    with bench.finished() as reader:
        last = 10 + take.missing
        assert reader.gaps() == [Gap("frames", 10, take.missing, START_NS + 9 * TICK_NS, START_NS + last * TICK_NS)]
        kept = reader.frames.leader_position[:, 0]
        np.testing.assert_array_equal(kept[:10], np.arange(10))
        np.testing.assert_array_equal(kept[10:], np.arange(10 + take.missing, TICK_SLOTS + 110))


def test_ticks_overwritten_before_the_take_began_are_no_gap(bench: Bench) -> None:
    take = bench.begin()
    for _ in range(TICK_SLOTS + 100):
        bench.tick(aligning=True)
    bench.ticks(3)
    take.follow()
    assert (take.frames, take.missing, take.gaps) == (3, 0, 0)


def test_a_jump_in_the_ticks_own_count_is_a_gap(bench: Bench) -> None:
    take = bench.begin()
    bench.ticks(4)
    bench.index += 3  # control could not publish them
    bench.ticks(2)
    take.follow()
    assert (take.frames, take.missing, take.gaps) == (6, 3, 1)
    with bench.finished() as reader:
        assert reader.gaps() == [Gap("frames", 4, 3, START_NS + 3 * TICK_NS, START_NS + 7 * TICK_NS)]


def test_pictures_that_were_overwritten_are_a_gap_of_their_own_camera(bench: Bench) -> None:
    bench.pictures(range(1))
    take = bench.begin()
    bench.ticks(5)
    take.follow()
    for sequence in range(1, FRAME_SLOTS + 11):
        bench.picture("front", sequence)
    bench.picture("wrist", 1)
    bench.ticks(5)
    take.follow()
    assert take.images + take.missing == (FRAME_SLOTS + 11) + 2
    with bench.finished() as reader:
        sequence = reader.images("front").sequence
        assert sequence[0] == 0
        missing = int(sequence[1]) - 1
        assert missing >= 10
        next_ns = START_NS + (missing + 1) * PICTURE_NS
        assert reader.gaps() == [Gap("front", 1, missing, START_NS, next_ns)]
        assert sequence[1:].tolist() == list(range(1 + missing, FRAME_SLOTS + 11))
        assert reader.images("wrist").sequence.tolist() == [0, 1]


def test_a_picture_that_the_camera_skipped_is_a_gap(bench: Bench) -> None:
    bench.pictures(range(1))
    take = bench.begin()
    bench.ticks(5)
    bench.picture("wrist", 1)
    bench.picture("wrist", 5)
    take.follow()
    assert (take.missing, take.gaps) == (3, 1)
    with bench.finished() as reader:
        assert reader.gaps() == [Gap("wrist", 2, 3, START_NS + PICTURE_NS, START_NS + 5 * PICTURE_NS)]


def test_a_camera_that_starts_again_counts_on_without_a_false_gap(bench: Bench) -> None:
    """A restarted camera process counts from 0 again: nothing can be said of what was due meanwhile."""
    bench.pictures(range(1))
    take = bench.begin()
    bench.ticks(5)
    bench.picture("front", 90, START_NS + PICTURE_NS)
    take.follow()
    gaps = take.gaps
    bench.picture("front", 0, START_NS + 2 * PICTURE_NS)
    bench.picture("front", 1, START_NS + 3 * PICTURE_NS)
    take.follow()
    assert take.gaps == gaps
    assert take.images == 5


def test_nothing_after_the_last_tick_asked_for_is_written(bench: Bench) -> None:
    take = bench.begin()
    bench.ticks(10)
    take.follow(until_tick=6)
    assert take.frames == 6
    take.follow()
    assert take.frames == 10


def test_chunks_of_the_take_are_kept_and_earlier_and_refused_ones_are_not(bench: Bench) -> None:
    before, mine = (ActionChunk(START_NS + k, 1 / 15, np.full((16, D), float(k))) for k in (1, 2))
    bench.rings.chunks.push(chunk_row(0, before, D), 0)
    take = bench.begin()
    bench.tick(POLICY)
    bench.rings.chunks.push(chunk_row(1, None, D), 0)
    bench.rings.chunks.push(chunk_row(2, mine, D), 0)
    take.follow()
    take.follow()
    with bench.finished() as reader:
        (chunk,) = reader.chunks()
        assert (chunk.start_ns, chunk.dt_s) == (mine.start_ns, mine.dt_s)
        np.testing.assert_array_equal(chunk.actions, mine.actions)
        assert reader.frames.source.tolist() == [POLICY]


def test_an_alert_that_comes_and_goes_is_two_events(bench: Bench) -> None:
    take = bench.begin()
    bench.ticks(2)
    raised_ns = bench.tick(alert=(1, 4))
    bench.tick(alert=(1, 4))
    gone_ns = bench.tick()
    take.follow()
    with bench.finished() as reader:
        told = [(event.stamp_ns, event.kind, event.detail) for event in reader.events()]
    assert told == [(raised_ns, "servo alert", {"joints": [1, 4]}), (gone_ns, "servo alert", {"joints": []})]


def test_a_servo_that_does_not_answer_for_a_while_is_told_because_its_last_values_are_repeated(bench: Bench) -> None:
    take = bench.begin()
    bench.ticks(2)
    gone_ns = bench.tick(silent=(3,))
    take.follow()
    bench.tick(silent=(3,))
    back_ns = bench.tick()
    take.follow()
    with bench.finished() as reader:
        told = [(event.stamp_ns, event.kind, event.detail) for event in reader.events()]
    assert told == [
        (gone_ns, "no answer", {"arm": "leader", "joints": [3]}),
        (back_ns, "no answer", {"arm": "leader", "joints": []}),
    ]


def test_an_alert_that_stands_when_the_take_begins_is_told(bench: Bench) -> None:
    take = bench.begin()
    stamp_ns = bench.tick(alert=(2,))
    take.follow()
    with bench.finished() as reader:
        assert [(event.stamp_ns, event.detail) for event in reader.events()] == [(stamp_ns, {"joints": [2]})]
