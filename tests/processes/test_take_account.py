"""What a take says about itself at its end: nothing that was due and did not come stays unsaid."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recorders.clock_anchors import clock_jumps
from recorders.episode_reader import EpisodeReader, Gap
from teleop_studio.control.sources import LEADER, POLICY
from tests.processes.take_bench import FRAME_SLOTS, PICTURE_NS, START_NS, TICK_NS, Bench

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.rings.close()


def missing_of(reader: EpisodeReader, stream: str) -> int:
    return sum(gap.count for gap in reader.gaps() if gap.stream == stream)


def told(reader: EpisodeReader, kind: str) -> list[dict[str, object]]:
    return [event.detail for event in reader.events() if event.kind == kind]


def test_a_whole_take_has_nothing_to_account_for(bench: Bench) -> None:
    take = bench.begin()
    bench.seconds(take, 5)
    with bench.finished(take) as reader:
        assert reader.gaps() == []
        assert reader.events() == []
        assert reader.info.images == {"front": 150, "wrist": 150}
    assert take.progress().missing == 0


def test_a_camera_that_never_delivers_is_missing_from_the_first_tick_on(bench: Bench) -> None:
    take = bench.begin()
    bench.seconds(take, 2, ("front",))
    assert take.progress().pictures["wrist"] == (0, 59)  # told while the take runs
    with bench.finished(take) as reader:
        assert (reader.info.images["wrist"], missing_of(reader, "wrist")) == (0, 59)
        assert told(reader, "camera shortfall") == [{"camera": "wrist", "written": 0, "missing": 59}]
        assert missing_of(reader, "front") == 0


def test_a_camera_that_freezes_is_missing_from_then_on(bench: Bench) -> None:
    """It shows no jump of its count, because nothing comes after."""
    take = bench.begin()
    bench.seconds(take, 1)
    bench.seconds(take, 2, ("front",))
    written = take.progress().pictures["wrist"][0]
    with bench.finished(take) as reader:
        (gap,) = reader.gaps()
        last_ns = int(reader.images("wrist").stamp_ns[-1])
    assert (gap.stream, gap.first_missing, gap.t0_ns, gap.t1_ns) == ("wrist", written, last_ns, -1)
    assert abs(written + gap.count - 90) <= 1


def test_a_camera_that_counts_only_what_it_delivers_still_has_its_pause_listed(bench: Bench) -> None:
    take = bench.begin()
    for sequence in range(30):
        bench.picture("front", sequence)
    for sequence in range(30, 45):  # a second later, as if nothing had been
        bench.picture("front", sequence, START_NS + (sequence + 30) * PICTURE_NS)
    for _ in range(250):
        bench.tick()
    take.follow()
    with bench.finished(take) as reader:
        gap = reader.gaps()[0]
        assert gap == Gap("front", 30, 30, START_NS + 29 * PICTURE_NS, START_NS + 60 * PICTURE_NS)
        assert reader.images("front").sequence.tolist() == [*range(30), *range(60, 75)]


def test_a_camera_that_was_started_anew_is_numbered_on_and_its_pause_is_a_gap(bench: Bench) -> None:
    take = bench.begin()
    for sequence in range(20):
        bench.picture("front", sequence)
    for sequence in range(10):
        bench.picture("front", sequence, START_NS + (sequence + 50) * PICTURE_NS)
    for _ in range(200):
        bench.tick()
    take.follow()
    with bench.finished(take) as reader:
        assert reader.gaps()[0] == Gap("front", 20, 30, START_NS + 19 * PICTURE_NS, START_NS + 50 * PICTURE_NS)
        assert reader.images("front").sequence.tolist() == [*range(20), *range(50, 60)]


def test_a_camera_at_half_its_rate_falls_short_by_half(bench: Bench) -> None:
    take = bench.begin()
    for number in range(0, 90, 2):
        bench.picture("front", number // 2, START_NS + number * PICTURE_NS)
        bench.picture("wrist", number // 2, START_NS + number * PICTURE_NS)
    for _ in range(300):
        bench.tick()
    take.follow()
    with bench.finished(take) as reader:
        assert reader.info.images["front"] == 45
        assert 40 <= missing_of(reader, "front") <= 45
        assert len(told(reader, "camera shortfall")) == 2


def test_one_late_picture_is_no_shortfall(bench: Bench) -> None:
    take = bench.begin()
    bench.seconds(take, 3)
    for _ in range(10):  # the newest is on its way
        bench.tick()
    with bench.finished(take) as reader:
        assert reader.gaps() == []


def test_pictures_overwritten_just_before_the_end_are_listed(bench: Bench) -> None:
    """The recorder did not come to read while the ring went around, and the take ends."""
    take = bench.begin()
    bench.seconds(take, 1)
    for sequence in range(30, 30 + 2 * FRAME_SLOTS):
        bench.picture("wrist", sequence)
    for _ in range(100 + round(2 * FRAME_SLOTS / 0.3)):
        bench.tick()
    with bench.finished(take) as reader:
        assert reader.info.images["wrist"] + missing_of(reader, "wrist") >= 30 + 2 * FRAME_SLOTS
        assert missing_of(reader, "wrist") >= FRAME_SLOTS


def test_the_loop_is_measured_over_the_take_alone(bench: Bench) -> None:
    bench.missed, bench.retries = 7, 3
    bench.tick(aligning=True)
    take = bench.begin()
    for index in range(200):
        bench.missed, bench.retries = (9, 4) if index > 100 else (7, 3)
        bench.tick(late_ns=2_000_000 if index == 50 else 0)
    loop = take.close()
    assert (loop.ticks, loop.missed_deadlines, loop.bus_retries) == (200, 2, 1)
    assert (loop.period_error_p50_ms, loop.period_error_max_ms) == (0.01, 2.0)  # p50 rounded up to the next hundredth
    assert loop.period_error_p99_ms == 2.0  # two of 199 periods are off by 2 ms
    bench.writer.discard()


def test_the_errors_of_the_loop_agree_with_all_stamps_sorted(bench: Bench) -> None:
    take = bench.begin()
    late_ns = np.random.default_rng(4).exponential(300_000, 1500).astype(int)
    stamps = [bench.tick(late_ns=int(late)) for late in late_ns]
    errors_ms = np.abs(np.diff(stamps) - TICK_NS) * 1e-6
    loop = take.close()
    assert loop.period_error_p50_ms == pytest.approx(np.percentile(errors_ms, 50), abs=0.02)
    assert loop.period_error_p99_ms == pytest.approx(np.percentile(errors_ms, 99), abs=0.05)
    assert loop.period_error_max_ms == pytest.approx(errors_ms.max(), abs=0.001)
    bench.writer.discard()


def test_a_soft_start_within_the_take_is_two_events(bench: Bench) -> None:
    """After a take-over the follower comes to the leader before it copies it."""
    take = bench.begin()
    bench.tick(POLICY)
    begun_ns = bench.tick(LEADER, aligning=True)
    bench.tick(LEADER, aligning=True)
    over_ns = bench.tick(LEADER)
    with bench.finished(take) as reader:
        events = [(event.stamp_ns, event.kind, event.detail) for event in reader.events()]
    assert events == [(begun_ns, "soft start", {"largest_gap_rad": 0.25}), (over_ns, "soft start over", {})]


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS])
def test_a_wall_clock_that_jumps_an_hour_changes_no_duration_and_is_seen(bench: Bench, step_ns: int) -> None:
    take = bench.begin()
    bench.seconds(take, 12)
    bench.wall_ahead_ns += step_ns
    bench.seconds(take, 13)
    with bench.finished(take) as reader:
        assert reader.info.duration_s == pytest.approx(24.99)
        assert np.diff(reader.frames.stamp_ns).max() == TICK_NS
        (jump,) = clock_jumps(reader.clock_anchors())
        (event,) = told(reader, "wall clock jump")
    assert jump.step_s == pytest.approx(step_ns * 1e-9)
    assert START_NS < jump.after_ns < START_NS + 12_000_000_000 < jump.before_ns
    assert event == {"after_ns": jump.after_ns, "before_ns": jump.before_ns, "step_s": jump.step_s}


def test_the_clocks_are_anchored_at_both_ends_and_every_ten_seconds(bench: Bench) -> None:
    take = bench.begin()
    bench.seconds(take, 25)
    with bench.finished(take) as reader:
        anchors = reader.clock_anchors()
    assert np.round((anchors[:, 0] - START_NS) * 1e-9).tolist() == [0, 10, 20, 25]
    assert set((anchors[:, 1] - anchors[:, 0]).tolist()) == {bench.wall_ahead_ns}
