from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from teleop_studio.training.demonstration import Demonstration
from teleop_studio.training.moments import Moments, history_of, moments_of
from tests.training.shown_tasks import GRIPPER, START_NS, TICK_NS, TOY, SpotPictures, shown, tip_of

DT_NS = round(1e9 / 15)


def moments(demonstration: Demonstration) -> Moments:
    return moments_of(demonstration, TOY, tip_of)


def test_there_is_a_moment_each_fifteenth_of_a_second() -> None:
    found = moments(shown(seconds=2.0))
    assert len(found.stamp_ns) == 30
    assert abs(np.diff(found.stamp_ns) - DT_NS).max() <= 2  # pictures come at 30 Hz, so every other one


def test_a_moment_is_its_newest_picture_and_the_newest_reading_not_after_it() -> None:
    demonstration = shown()
    found = moments(demonstration)
    for k, stamp_ns in enumerate(found.stamp_ns):
        pictures = demonstration.pictures["front"].stamp_ns
        assert pictures[found.picture_index[k, 0]] == stamp_ns
        reading = np.flatnonzero(demonstration.follower_ns <= stamp_ns)[-1]
        np.testing.assert_array_equal(found.state[k], demonstration.follower[reading])


def test_cameras_out_of_step_are_paired_by_time_and_the_newer_one_is_the_moment() -> None:
    demonstration = shown()
    late = demonstration.pictures["wrist"].stamp_ns + 12_000_000
    pictures = {"front": demonstration.pictures["front"], "wrist": SpotPictures(late, 8)}
    found = moments(replace(demonstration, pictures=pictures))
    front, wrist = (pictures[name].stamp_ns[found.picture_index[:, k]] for k, name in enumerate(TOY.cameras))
    np.testing.assert_array_equal(found.stamp_ns, np.maximum(front, wrist))
    assert (np.abs(front - wrist) < 34_000_000).all()


def test_goals_are_those_sent_from_the_moment_on() -> None:
    demonstration = shown()
    found = moments(demonstration)
    due_ns = found.stamp_ns[3] + DT_NS * np.arange(16)
    expected = np.interp(due_ns - START_NS, demonstration.frame_ns - START_NS, demonstration.action[:, 0])
    np.testing.assert_allclose(found.actions[3, :, 0], expected, atol=1e-9)
    assert found.valid[3].all()


def test_past_the_end_the_last_goal_repeats_and_does_not_count() -> None:
    demonstration = shown()
    found = moments(demonstration)
    due_ns = found.stamp_ns[:, None] + DT_NS * np.arange(16)
    np.testing.assert_array_equal(found.valid, due_ns <= demonstration.frame_ns[-1])
    assert found.valid[-1].tolist() == [True] + [False] * 15
    np.testing.assert_allclose(found.actions[-1][1:, 0], demonstration.action[-1, 0])


def test_what_a_policy_drove_is_not_learnt() -> None:
    demonstration = shown()
    by_human = np.ones(200, np.bool_)
    by_human[80:140] = False
    found = moments(replace(demonstration, by_human=by_human))
    first_ns, last_ns = START_NS + 80 * TICK_NS, START_NS + 140 * TICK_NS
    assert not ((found.stamp_ns > first_ns) & (found.stamp_ns < last_ns - TICK_NS)).any()
    assert (found.stamp_ns > last_ns).any()
    due_ns = found.stamp_ns[:, None] + DT_NS * np.arange(16)
    before = found.stamp_ns < first_ns
    assert not (found.valid & (due_ns > first_ns))[before].any()  # a chunk ends there and does not go on afterwards
    assert moments(shown(by="policy")).stamp_ns.size == 0


def test_a_hole_in_the_commands_ends_the_chunk() -> None:
    demonstration = shown()
    action = demonstration.action.copy()
    action[100:130] = np.nan
    found = moments(replace(demonstration, action=action))
    assert np.isfinite(found.actions).all()
    hole = START_NS + 100 * TICK_NS
    due_ns = found.stamp_ns[:, None] + DT_NS * np.arange(16)
    assert not (found.valid & (due_ns >= hole))[found.stamp_ns < hole].any()


def test_a_camera_that_stood_still_is_not_believed() -> None:
    demonstration = shown()
    all_ns = demonstration.pictures["front"].stamp_ns
    lost = np.concatenate([all_ns[:20], all_ns[35:]])
    pictures = {"front": SpotPictures(lost, 8), "wrist": demonstration.pictures["wrist"]}
    found = moments(replace(demonstration, pictures=pictures))
    still = (found.stamp_ns > all_ns[19] + 100_000_000) & (found.stamp_ns < all_ns[35])
    assert not still.any()
    assert len(found.stamp_ns) < 30


def test_a_camera_without_pictures_gives_no_moments() -> None:
    demonstration = shown()
    pictures = {"front": demonstration.pictures["front"], "wrist": SpotPictures(np.zeros(0, np.int64), 8)}
    assert len(moments(replace(demonstration, pictures=pictures)).stamp_ns) == 0


def _closed_at(demonstration: Demonstration) -> int:
    return int(demonstration.frame_ns[np.flatnonzero(demonstration.action[:, GRIPPER] < 0.5)[0]])


def test_the_next_grasp_is_known_until_it_happens() -> None:
    demonstration = shown()
    found = moments(demonstration)
    closed_ns = _closed_at(demonstration)
    np.testing.assert_array_equal(found.landmarks_valid[:, 3], found.stamp_ns <= closed_ns)
    assert found.landmarks_valid[:, :3].all()
    np.testing.assert_allclose(found.landmarks[:, :3], tip_of(found.state))
    reading = np.flatnonzero(demonstration.follower_ns <= closed_ns)[-1]
    np.testing.assert_allclose(found.landmarks[0, 3:], tip_of(demonstration.follower[reading]))


def test_of_two_grasps_the_next_one_counts() -> None:
    demonstration = shown()
    action = demonstration.action.copy()
    action[:, GRIPPER] = np.select([_between(50, 80), _between(150, 200)], [0.0, 0.0], 1.0)
    found = moments(replace(demonstration, action=action))
    target = found.landmarks[:, 3]
    between = (found.stamp_ns > START_NS + 50 * TICK_NS) & (found.stamp_ns <= START_NS + 150 * TICK_NS)
    assert len(np.unique(target[found.stamp_ns <= START_NS + 50 * TICK_NS])) == 1
    assert len(np.unique(target[between])) == 1
    assert target[0] != target[between][0]


@pytest.mark.parametrize(("opened", "closed"), [(1.0, 1.0), (0.0, 0.0), (1.0, 0.9)])
def test_a_gripper_that_hardly_moves_grasps_nothing(opened: float, closed: float) -> None:
    demonstration = shown()
    action = demonstration.action.copy()
    action[:, GRIPPER] = np.where(_between(0, 100), opened, closed)
    found = moments(replace(demonstration, action=action))
    assert not found.landmarks_valid[:, 3:].any()


@pytest.mark.parametrize(("opened", "closed"), [(1.0, 0.6), (0.45, 0.1)])
def test_a_thick_or_a_thin_thing_is_grasped_all_the_same(opened: float, closed: float) -> None:
    demonstration = shown()
    action = demonstration.action.copy()
    action[:, GRIPPER] = np.where(_between(0, 100), opened, closed)
    found = moments(replace(demonstration, action=action))
    np.testing.assert_array_equal(found.landmarks_valid[:, 3], found.stamp_ns <= START_NS + 100 * TICK_NS)


def _between(first: int, last: int) -> NDArray[np.bool_]:
    ticks = np.arange(200)
    return (ticks >= first) & (ticks < last)


def test_the_history_of_a_moment_never_looks_ahead_and_ends_with_the_moment_itself() -> None:
    demonstration = shown()
    slow = replace(demonstration, pictures={**demonstration.pictures, "wrist": _slow(demonstration)})
    found = moments_of(slow, TOY, tip_of)
    history = history_of(slow, TOY, found.stamp_ns, 4)
    assert history.picture_index.shape == (len(found.stamp_ns), 4, 2)
    np.testing.assert_array_equal(history.picture_index[:, -1], found.picture_index)
    np.testing.assert_array_equal(history.state[:, -1], found.state)
    assert (np.diff(history.picture_index, axis=1) >= 0).all()
    assert (history.picture_index[0] == 0).all()


def test_one_picture_is_all_the_history_there_is() -> None:
    demonstration = shown()
    single = replace(
        demonstration, pictures={name: SpotPictures(demonstration.frame_ns[:1], 8) for name in TOY.cameras}
    )
    history = history_of(single, TOY, demonstration.frame_ns[:3], 2)
    np.testing.assert_array_equal(history.picture_index, np.zeros((3, 2, 2)))


def _slow(demonstration: Demonstration) -> SpotPictures:
    """A picture each 90 ms: more than a step of the grid apart."""
    return SpotPictures(np.arange(demonstration.frame_ns[0], demonstration.frame_ns[-1], 90_000_000), 8)
