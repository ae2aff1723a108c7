"""Leader, hold, replay and the way to rest as action sources."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop_studio.control.sources import HoldSource, LeaderSource, ReplaySource, RestSource
from teleop_studio.processes.tick_row import SOURCES
from tests.control.arms import HOME, D, reading
from tests.control.test_safety import in_reach

AT_HOME = reading(HOME, 0)
STAMPS = np.array([500, 510, 530, 560], np.int64) * 1_000_000
ROWS = np.arange(4)[:, None] * np.ones(D)


def row_at(source: ReplaySource, ms: float) -> float:
    goal = source.action(round(ms * 1e6), AT_HOME, AT_HOME)
    assert goal is not None
    return float(goal[0])


def test_the_leader_source_asks_for_the_leaders_pose():
    leader = reading(HOME + 0.1, 0)
    np.testing.assert_array_equal(LeaderSource().action(0, leader, AT_HOME), leader.position)


def test_the_hold_source_asks_for_nothing():
    assert HoldSource().action(0, AT_HOME, AT_HOME) is None


def test_every_source_has_a_number_in_the_tick_row():
    assert {LeaderSource.name, HoldSource.name, ReplaySource.name, RestSource.name, "policy"} == set(SOURCES)


class TestReplay:
    def test_it_keeps_the_timing_of_the_recording(self):
        source = ReplaySource(STAMPS, ROWS)
        assert [row_at(source, ms) for ms in (1000, 1009, 1010, 1029, 1030, 1059, 1060, 1100)] == [
            0,
            0,
            1,
            1,
            2,
            2,
            3,
            3,
        ]

    def test_it_is_finished_when_the_last_row_is_due(self):
        source = ReplaySource(STAMPS, ROWS)
        row_at(source, 0)
        row_at(source, 59.9)
        assert not source.finished
        row_at(source, 60)
        assert source.finished

    def test_it_waits_at_its_first_row_while_the_follower_is_aligned_with_it(self):
        source = ReplaySource(STAMPS, ROWS)
        for ms in range(0, 5000, 10):
            assert row_at(source, ms) == 0
            source.hold_start()
        assert not source.finished
        assert row_at(source, 5000) == 0
        assert row_at(source, 5010) == 1

    def test_a_hold_in_the_middle_stands_still_and_goes_on_from_there(self):
        source = ReplaySource(STAMPS, ROWS)
        row_at(source, 0)
        assert row_at(source, 30) == 2
        for ms in range(40, 500, 10):
            source.hold_start()
            assert row_at(source, ms) == 2
        assert row_at(source, 520) == 3

    @given(steps=st.lists(st.integers(0, 30_000_000), min_size=1, max_size=40))
    def test_it_never_goes_back_and_never_skips_ahead_of_its_time(self, steps):
        source = ReplaySource(STAMPS, ROWS)
        now_ns, last = 0, 0.0
        for step in [0, *steps]:
            now_ns += step
            row = row_at(source, now_ns * 1e-6)
            assert row >= last
            assert STAMPS[int(row)] - STAMPS[0] <= now_ns
            last = row

    def test_rows_without_a_command_hold_the_last_one_and_never_begin_a_replay(self):
        rows = ROWS.copy()
        rows[[0, 2]] = np.nan
        source = ReplaySource(STAMPS, rows)
        assert [row_at(source, ms) for ms in (0, 19, 20, 49, 50)] == [1, 1, 1, 1, 3]

    @pytest.mark.parametrize(
        ("stamps", "rows", "said"),
        [
            (STAMPS[:3], ROWS, "as many stamps as actions, at least one; got 3, 4"),
            (STAMPS[:0], ROWS[:0], "at least one; got 0, 0"),
            (STAMPS[[0, 2, 1, 3]], ROWS, "runs backwards after row 1"),
            (STAMPS, ROWS * np.nan, "commands nothing"),
            (STAMPS, ROWS[:, 0], "commands nothing"),
        ],
    )
    def test_a_recording_that_can_not_be_played_is_refused(self, stamps, rows, said):
        with pytest.raises(ValueError, match=said):
            ReplaySource(stamps, rows)


@settings(deadline=None, max_examples=60)
@given(start=in_reach, pose=in_reach, speed=st.floats(0.1, 2.0))
def test_the_way_to_rest_is_smooth_no_faster_than_asked_and_ends_there(start, pose, speed) -> None:
    source = RestSource(pose, speed)
    follower = reading(start, 0)
    goals = [source.action(0, follower, follower)]
    np.testing.assert_allclose(goals[0], start, atol=1e-12)
    now_ns = 0
    while not source.finished:
        now_ns += 10_000_000
        goals.append(source.action(now_ns, follower, follower))
        assert now_ns < 200e9
    np.testing.assert_allclose(goals[-1], pose, atol=1e-12)
    way = np.array(goals)
    assert np.abs(np.diff(way, axis=0)).max() <= speed * 0.01 + 1e-9
    # Straight in joint space: every joint is as far on its way as the others.
    far = pose - start
    if far @ far > 1e-6:
        share = (way - start) @ far / (far @ far)
        np.testing.assert_allclose(way, start + share[:, None] * far, atol=1e-9)
        assert np.diff(share).min() >= -1e-9
