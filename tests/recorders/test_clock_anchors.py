"""A wall clock that jumps shows as a step between two anchors, and nowhere else."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorders.clock_anchors import ClockJump, clock_jumps, read_clocks, wall_time_ns
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from tests.recorders.takes import START_NS, add_second, description, frame

WALL_NS = 1_800_000_000_000_000_000
S = 10**9


def test_both_clocks_are_read_at_one_moment() -> None:
    before = time.monotonic_ns()
    mono_ns, wall_ns = read_clocks()
    after, wall_after = time.monotonic_ns(), time.time_ns()
    assert before <= mono_ns <= after
    assert 0 <= (wall_after - wall_ns) < 10 * S


def test_a_clock_that_is_set_back_during_a_take_moves_no_stamp(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    anchors = [(START_NS, WALL_NS), (START_NS + 10 * S, WALL_NS - 3590 * S), (START_NS + 11 * S, WALL_NS - 3589 * S)]
    for mono_ns, wall_ns in anchors:
        writer.add_clock_anchor(mono_ns, wall_ns)
    add_second(writer, 0)
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        assert reader.clock_anchors().tolist() == [list(anchor) for anchor in anchors]
        assert reader.clock_jumps() == [ClockJump(START_NS, START_NS + 10 * S, -3600.0)]
        assert reader.wall_time_ns(START_NS + 9 * S) == WALL_NS + 9 * S
        assert reader.wall_time_ns(START_NS + 10 * S + 7) == WALL_NS - 3590 * S + 7
        np.testing.assert_array_equal(reader.frames.stamp_ns, [frame(index).stamp_ns for index in range(100)])
        assert reader.info.duration_s == pytest.approx(0.99)


def test_a_take_without_anchors_knows_no_wall_clock(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    writer.add_frame(frame(0))
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        assert reader.clock_anchors().shape == (0, 2)
        assert reader.clock_jumps() == []
        assert reader.wall_time_ns(START_NS) is None


@given(slews=st.lists(st.integers(-5_000_000, 5_000_000), max_size=20))
def test_a_clock_that_is_slewed_has_not_jumped(slews: list[int]) -> None:
    """NTP changes the rate by at most 0.5 ms/s."""
    anchors = [(k * 10 * S, WALL_NS + k * 10 * S + sum(slews[:k])) for k in range(len(slews) + 1)]
    assert clock_jumps(np.array(anchors)) == []


@given(at_ns=st.integers(-100 * S, 100 * S))
def test_before_the_first_anchor_its_own_offset_holds(at_ns: int) -> None:
    anchors = np.array([(0, WALL_NS), (10 * S, WALL_NS + 70 * S)])
    assert wall_time_ns(anchors, at_ns) == WALL_NS + at_ns + (60 * S if at_ns >= 10 * S else 0)
