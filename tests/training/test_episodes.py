from pathlib import Path

import numpy as np
import pytest

from drivers.arms import ARMS
from drivers.kinematics import Chain
from teleop_studio.training.episodes import choose_episodes, common_task, demonstrations
from teleop_studio.training.errors import TrainingError
from tests.training.shown_tasks import CAMERAS, JOINTS, recorded, shown


def test_good_and_unrated_takes_of_people_are_chosen(tmp_path: Path) -> None:
    kept = [
        recorded(tmp_path, 0, "human", "success", seconds=0.2),
        recorded(tmp_path, 1, "scripted", "unrated", seconds=0.2),
        recorded(tmp_path, 2, "mixed", "success", seconds=0.2),
    ]
    recorded(tmp_path, 3, "policy", "success", seconds=0.2)
    recorded(tmp_path, 4, "human", "failure", seconds=0.2)
    (tmp_path / "000099-broken.h5").write_bytes(b"not an episode")
    assert choose_episodes(tmp_path) == kept
    assert choose_episodes([kept[1]]) == [kept[1]]


def test_when_nothing_is_left_the_reasons_are_given(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"Found no episodes at all\. Record demonstrations"):
        choose_episodes(tmp_path)
    recorded(tmp_path, 0, "policy", seconds=0.2)
    recorded(tmp_path, 1, "human", "failure", seconds=0.2)
    with pytest.raises(TrainingError, match=r"2 episodes, all left out: driven by policy; labelled failure"):
        choose_episodes(tmp_path)


def test_a_file_gives_the_demonstration_that_was_recorded(tmp_path: Path) -> None:
    path = recorded(tmp_path, 1)
    expected = shown(1, 1.0)
    for found in demonstrations([path]):
        np.testing.assert_array_equal(found.frame_ns, expected.frame_ns)
        assert (found.number, found.split, len(found.content_sha256)) == (1, "", 64)
        np.testing.assert_array_equal(found.follower_ns, expected.follower_ns)
        np.testing.assert_array_equal(found.follower, expected.follower)
        np.testing.assert_array_equal(found.action, expected.action)
        assert found.by_human.all()
        np.testing.assert_array_equal(found.pictures["wrist"].stamp_ns, expected.pictures["wrist"].stamp_ns)
        picture, original = found.pictures["wrist"][3].astype(int), expected.pictures["wrist"][3].astype(int)
        assert np.abs(picture - original).mean() < 8  # JPEG


def test_the_task_is_the_rigs(tmp_path: Path) -> None:
    task = common_task([recorded(tmp_path, k, seconds=0.2) for k in range(2)])
    assert task.config.joint_names == JOINTS
    assert task.config.cameras == CAMERAS
    assert task.config.absolute_joints == ("gripper",)
    home = ARMS["studio-follower"].home
    assert task.tip_of is not None
    np.testing.assert_allclose(task.tip_of(np.array(home)), Chain(ARMS["studio-follower"]).forward(home))


def test_episodes_of_different_rigs_are_not_mixed(tmp_path: Path) -> None:
    paths = [recorded(tmp_path, 0, seconds=0.2), recorded(tmp_path, 1, cameras=("front",), seconds=0.2)]
    with pytest.raises(TrainingError, match=r"recorded on different rigs: .*the cameras front and .*front, wrist"):
        common_task(paths)


def test_imported_episodes_without_an_arm_are_learnt_from_without_its_geometry(tmp_path: Path) -> None:
    task = common_task([recorded(tmp_path, k, arm="", seconds=0.2) for k in range(2)])
    assert task.tip_of is None
    assert task.config.joint_names == JOINTS
    with pytest.raises(
        TrainingError, match=r"different rigs: studio-follower with 7 joints .* and an unnamed arm with"
    ):
        common_task([recorded(tmp_path, 0, arm="", seconds=0.2), recorded(tmp_path, 1, seconds=0.2)])


def test_joints_that_are_not_in_radians_are_refused(tmp_path: Path) -> None:
    path = recorded(tmp_path, 0, arm="", seconds=0.2, position_unit="lerobot units")
    with pytest.raises(TrainingError, match=r"The joints of 000001-.* are in 'lerobot units', not in rad"):
        common_task([path])


def test_an_episode_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"has no pictures\. A policy looks at cameras"):
        common_task([recorded(tmp_path, 0, cameras=(), seconds=0.2)])


def test_an_arm_that_is_not_known_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the arm 'six-legs', which this program does not know"):
        common_task([recorded(tmp_path, 0, arm="six-legs", seconds=0.2)])
