"""True stamps become a regular grid: which picture, which joint values, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.errors import TransferRefused
from recorders.resample import chosen_pictures, default_fps, grid_stamps, on_grid
from tests.recorders.takes import (
    CAMERAS,
    JOINTS,
    PICTURE_NS,
    START_NS,
    TICK_NS,
    add_second,
    description,
    frame,
    picture,
    recorded,
)

HOUR_NS = 3_600_000_000_000


def true_base(stamp_ns: np.ndarray) -> np.ndarray:
    """The motion of `takes.frame` at any moment, (T, D)."""
    return np.sin((stamp_ns[:, None] - START_NS) / TICK_NS / 50 + np.arange(len(JOINTS)))


@given(first=st.integers(0, 10**15), fps=st.integers(1, 240))
def test_rows_do_not_drift_however_long_the_take_is(first: int, fps: int) -> None:
    stamps = grid_stamps(first, first + 10_000_000_000, fps)
    assert len(stamps) == 10 * fps + 1
    assert (stamps[0], stamps[fps], stamps[-1]) == (first, first + 10**9, first + 10**10)
    assert np.ptp(np.diff(stamps)) <= 1


def test_the_grid_of_an_hour_ends_at_its_hour() -> None:
    assert grid_stamps(7, 7 + HOUR_NS, 30)[-1] == 7 + HOUR_NS
    assert grid_stamps(7, 6 + HOUR_NS, 30)[-1] < 7 + HOUR_NS
    np.testing.assert_array_equal(grid_stamps(5, 5, 30), [5])


def test_joints_lie_on_the_motion_between_the_ticks_and_grippers_are_held(tmp_path: Path) -> None:
    with EpisodeReader(build_episode(recorded(tmp_path, 2))) as reader:
        rows = on_grid(reader, 33)
        position, action = reader.frames.follower_position, reader.frames.action
    truth = true_base(rows.stamp_ns)
    reading = true_base(rows.stamp_ns + 1000)  # readings are stamped 1 us before their tick
    inside = rows.stamp_ns < START_NS + 199 * TICK_NS - 1000
    # Between ticks 10 ms apart a straight line misses this sine by at most (1/50)^2 / 8.
    np.testing.assert_allclose(rows.state[inside, :6], reading[inside, :6] + 3, atol=6e-5)
    np.testing.assert_allclose(rows.action[:, :6], truth[:, :6] + 7, atol=6e-5)
    np.testing.assert_allclose(rows.velocity[inside, :6], reading[inside, :6] + 4, atol=6e-5)
    assert set(rows.state[:, 6]) <= set(position[:, 6])
    assert set(rows.action[:, 6]) <= set(action[:, 6])
    newest = (rows.stamp_ns - START_NS) // TICK_NS
    np.testing.assert_array_equal(rows.action[:, 6], action[newest, 6])


def test_a_row_takes_the_newest_picture_not_after_it_and_says_how_old_it_was(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description(cameras=CAMERAS[:1]))
    for index in range(100):
        writer.add_frame(frame(index))
    shown = [0, 1, 2, 10, 11]
    for index in shown:
        writer.add_image("front", START_NS + index * PICTURE_NS + 4_000_000, index, picture(index, CAMERAS[0]))
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        rows = on_grid(reader, 50)
        pictures = list(chosen_pictures(reader, "front", rows))
        stream = reader.images("front")
        assert rows.stamp_ns[0] == stream.stamp_ns[0]
        for row, stamp in enumerate(rows.stamp_ns):
            newest = max(k for k in range(len(shown)) if stream.stamp_ns[k] <= stamp)
            assert rows.picture_index["front"][row] == newest
            assert rows.picture_age_ns["front"][row] == stamp - stream.stamp_ns[newest]
            np.testing.assert_array_equal(pictures[row], stream[newest])
    assert rows.picture_age_ns["front"].max() > 8 * PICTURE_NS - 20_000_000  # across the pictures that are missing


def test_a_reading_that_was_used_twice_counts_once(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description(cameras=()))
    for index in range(5):
        entry = frame(index)
        if index == 2:  # its servos did not answer in time
            entry = type(entry)(
                entry.stamp_ns, entry.leader, frame(1).follower, entry.requested, entry.action, "leader"
            )
        writer.add_frame(entry)
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        rows = on_grid(reader, 100)
        follower = reader.frames.follower_position
    middle = (follower[1, 0] + follower[3, 0]) / 2
    assert rows.state[2, 0] == pytest.approx(middle, abs=1e-4)


def test_a_hole_in_the_ticks_is_told(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description(cameras=()))
    for index in (0, 1, 2, 30, 31):
        writer.add_frame(frame(index))
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        assert on_grid(reader, 30).longest_gap_s == pytest.approx(0.28)


def test_an_episode_without_a_common_moment_is_refused(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    add_second(writer, 0, CAMERAS[:1])
    path = build_episode(writer.finish("success"))
    with EpisodeReader(path) as reader, pytest.raises(TransferRefused, match="no picture of camera 'wrist'"):
        on_grid(reader, 30)
    writer = EpisodeWriter(tmp_path, description(cameras=CAMERAS[:1]))
    writer.add_frame(frame(0))
    writer.add_image("front", START_NS + 10**9, 0, picture(0, CAMERAS[0]))
    path = build_episode(writer.finish("success"))
    with EpisodeReader(path) as reader, pytest.raises(TransferRefused, match=r"no moment .* 1\.000 s before"):
        on_grid(reader, 30)


def test_rows_come_at_the_fastest_cameras_rate_unless_told_otherwise() -> None:
    assert default_fps([15.0, 29.97], 100.0) == 30
    assert default_fps([], 100.0) == 100
