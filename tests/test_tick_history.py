"""The last half minute of ticks: in order, without what the ring lost, with honest percentiles."""

from collections.abc import Iterator

import numpy as np
import pytest

from teleop_studio.processes.shared_ring import SharedRing
from teleop_studio.processes.tick_row import tick_dtype
from teleop_studio.tick_history import TickHistory

D, SLOTS = 7, 64
PERIOD_NS = 10_000_000


class Ticks:
    """A tick ring that is filled by hand."""

    def __init__(self, tag: str = "history", index: int = 0) -> None:
        self.ring = SharedRing.create(tag, SLOTS, (), tick_dtype(D))
        self.index = index

    def push(self, stamp_ns: int | None = None, missed: int = 0, retries: int = 0) -> None:
        row = np.zeros((), tick_dtype(D))
        row["index"] = self.index
        row["stamp_ns"] = self.index * PERIOD_NS if stamp_ns is None else stamp_ns
        row["leader_position"], row["follower_position"], row["action"] = (
            self.index,
            self.index + 0.25,
            self.index + 0.5,
        )
        row["missed_deadlines"], row["bus_retries"] = missed, retries
        self.ring.push(row, int(row["stamp_ns"]))
        self.index += 1

    def run(self, count: int) -> None:
        for _ in range(count):
            self.push()


@pytest.fixture
def ticks() -> Iterator[Ticks]:
    ticks = Ticks()
    yield ticks
    ticks.ring.close()


def followed(ticks: Ticks, history: TickHistory, count: int) -> None:
    """`count` ticks, looked at as often as a window does."""
    for _ in range(count):
        ticks.push()
        history.follow(ticks.ring)


def test_before_the_first_tick_there_is_nothing_to_show(ticks: Ticks) -> None:
    history = TickHistory(D)
    history.follow(ticks.ring)
    shown = history.recent(5.0)
    assert shown.time_s.shape == (0,)
    assert shown.leader.shape == shown.follower.shape == shown.action.shape == (0, D)
    health = history.health(100.0, "normal")
    assert (health.rate_hz, health.ticks, health.period_error_p50_ms) == (100.0, 0, 0.0)


def test_each_tick_is_shown_once_oldest_first_with_times_that_end_at_zero(ticks: Ticks) -> None:
    history = TickHistory(D)
    history.follow(ticks.ring)
    for count in (5, 1, 0, 30):
        ticks.run(count)
        history.follow(ticks.ring)
    shown = history.recent(60.0)
    np.testing.assert_array_equal(shown.leader[:, 0], np.arange(36))
    np.testing.assert_array_equal(shown.follower[:, 3], np.arange(36) + 0.25)
    np.testing.assert_array_equal(shown.action[:, 6], np.arange(36) + 0.5)
    np.testing.assert_allclose(shown.time_s, np.arange(-35, 1) * 0.01)


def test_a_window_that_opens_late_begins_with_the_newest_tick(ticks: Ticks) -> None:
    ticks.run(40)
    history = TickHistory(D)
    history.follow(ticks.ring)
    assert history.recent(60.0).leader[:, 0].tolist() == [39.0]


def test_only_the_wanted_seconds_are_given(ticks: Ticks) -> None:
    history = TickHistory(D)
    followed(ticks, history, 50)
    shown = history.recent(0.1)
    assert shown.leader[:, 0].tolist() == list(range(39, 50))
    assert shown.time_s[0] == pytest.approx(-0.1)


def test_when_the_arrays_are_full_the_oldest_ticks_go_and_the_order_stays(ticks: Ticks) -> None:
    history = TickHistory(D, rows=20)
    followed(ticks, history, 53)
    np.testing.assert_array_equal(history.recent(60.0).leader[:, 0], np.arange(33, 53))


def test_a_window_that_slept_goes_on_with_what_the_ring_still_has(ticks: Ticks) -> None:
    history = TickHistory(D)
    followed(ticks, history, 3)
    ticks.run(3 * SLOTS)
    history.follow(ticks.ring)
    shown = history.recent(60.0).leader[:, 0]
    assert shown[:3].tolist() == [0.0, 1.0, 2.0]
    # All but the margin that the writer may take while we read.
    np.testing.assert_array_equal(shown[3:], np.arange(ticks.index - SLOTS + 8, ticks.index))


def test_another_ring_with_fewer_ticks_is_followed_from_its_newest(ticks: Ticks) -> None:
    history = TickHistory(D)
    followed(ticks, history, 30)
    other = Ticks("history_other", index=100)
    try:
        other.run(4)
        history.follow(other.ring)
        assert history.recent(60.0).leader[-1, 0] == 103.0
        assert history.newest is not None
        assert int(history.newest["index"]) == 103
    finally:
        other.ring.close()


def test_the_loops_health_is_the_percentiles_of_its_period_errors(ticks: Ticks) -> None:
    history = TickHistory(D)
    errors_ms = np.abs(np.random.default_rng(0).normal(0, 0.2, 900))
    signs = np.where(np.arange(900) % 2, 1, -1)
    stamp_ns = 0
    ticks.push(0)
    history.follow(ticks.ring)
    for error_ms, sign in zip(errors_ms, signs, strict=True):
        stamp_ns += PERIOD_NS + round(sign * error_ms * 1e6)
        ticks.push(stamp_ns, missed=3, retries=2)
        history.follow(ticks.ring)
    health = history.health(100.0, "realtime")
    wanted = np.percentile(errors_ms, (50, 99, 99.9))
    found = (health.period_error_p50_ms, health.period_error_p99_ms, health.period_error_p999_ms)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert (health.ticks, health.missed_deadlines, health.bus_retries) == (901, 3, 2)
    assert health.scheduling == "realtime"


def test_a_late_tick_of_long_ago_no_longer_spoils_the_health(ticks: Ticks) -> None:
    history = TickHistory(D)
    followed(ticks, history, 5)
    late_ns = ticks.index * PERIOD_NS + 500_000_000
    ticks.push(late_ns)
    history.follow(ticks.ring)
    assert history.health(100.0, "normal").period_error_p999_ms > 400
    for k in range(1, 1100):
        ticks.push(late_ns + k * PERIOD_NS)
        history.follow(ticks.ring)
    assert history.health(100.0, "normal").period_error_p999_ms == pytest.approx(0.0, abs=1e-6)
