"""The lists of episodes: counted, measured without holding up the window, broken files named."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from drivers.arms import STUDIO_FOLLOWER
from drivers.kinematics import Chain, pose_of
from recorders.catalog import list_episodes
from recorders.episode_builder import build_episode
from recorders.episode_writer import EpisodeWriter
from teleop_studio.library import Library
from teleop_studio.session import StudioError
from teleop_studio.workspace import Workspace
from tests.recorders.takes import CAMERAS, add_second, description, frame, picture, recorded

HOME = np.array(STUDIO_FOLLOWER.home)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "workspace")


def grasp(folder: Path, lateral_m: float, ticks: int = 200) -> Path:
    """An episode whose tip leaves the straight way to its grasp by `lateral_m` (+: the arm's left)."""
    chain = Chain(STUDIO_FOLLOWER)
    start = chain.tcp_pose(HOME)
    joints, path = HOME, []
    for share in np.linspace(0, 1, 20):
        bow = lateral_m * np.sin(np.pi * share)
        target = pose_of(start[:3, 3] + [0.08 * share, bow, -0.05 * share], yaw=0.0, pitch=0.6)
        joints = chain.inverse(target, joints).joints
        path.append(joints)
    positions = np.array([np.interp(np.linspace(0, 19, ticks), np.arange(20), column) for column in np.transpose(path)])
    writer = EpisodeWriter(folder, description(joint_names=STUDIO_FOLLOWER.names))
    for k, position in enumerate(positions.T):
        tick = frame(k)
        follower = type(tick.follower)(tick.stamp_ns, position, np.zeros(7), np.zeros(7))
        writer.add_frame(type(tick)(tick.stamp_ns, tick.leader, follower, tick.requested, tick.action, "leader"))
    for camera in CAMERAS:
        writer.add_image(camera.name, frame(0).stamp_ns, 0, picture(0, camera))
    return build_episode(writer.finish("success"))


def measured(library: Library) -> dict[Path, str]:
    library.episodes()
    while library.measuring:
        library.measure_one_side()
    return {row.path: row.side for row in library.episodes()}


def test_the_side_is_measured_from_the_gripper_s_path(workspace: Workspace) -> None:
    left, right, straight = (grasp(workspace.episodes, lateral) for lateral in (0.05, -0.05, 0.0))
    assert measured(Library(workspace)) == {left: "left", right: "right", straight: ""}


def test_the_side_comes_later_than_the_list_and_one_call_measures_one_episode(workspace: Workspace) -> None:
    for lateral in (0.05, -0.05):
        grasp(workspace.episodes, lateral)
    library = Library(workspace)
    assert not library.measuring
    assert [row.side for row in library.episodes()] == ["", ""]
    library.measure_one_side()
    assert [row.side for row in library.episodes()] == ["left", ""]
    assert library.measuring
    library.measure_one_side()
    assert not library.measuring


@pytest.mark.alone
def test_measuring_fits_between_two_pictures_of_the_window(workspace: Workspace) -> None:
    for _ in range(12):
        grasp(workspace.episodes, 0.05, ticks=1000)
    library = Library(workspace)
    library.episodes()
    took_s = []
    while library.measuring:
        start_s = time.perf_counter()
        library.measure_one_side()
        took_s.append(time.perf_counter() - start_s)
    # The quickest of twelve: what it takes when nobody else wants the core.
    assert min(took_s) < 2e-3


def test_an_episode_is_measured_only_once(workspace: Workspace) -> None:
    path = grasp(workspace.episodes, 0.05)
    library = Library(workspace)
    measured(library)
    os.truncate(path, 0)  # whoever measured it again would find nothing
    library.episodes()
    assert not library.measuring
    assert library.episodes()[0].side == "left"


def test_a_broken_file_is_listed_and_keeps_nothing_waiting(workspace: Workspace) -> None:
    good, broken = grasp(workspace.episodes, 0.05), grasp(workspace.episodes, 0.05)
    os.truncate(broken, broken.stat().st_size // 2)
    library = Library(workspace)
    sides = measured(library)
    assert sides == {good: "left", broken: ""}
    assert f"The episode {broken.name} is damaged" in library.episodes()[1].problem
    with pytest.raises(StudioError, match=rf"The episode {broken.name} can not be opened. .*move it to the bin"):
        library.open(broken)
    with pytest.raises(StudioError, match="could not be labelled"):
        library.label(broken, "failure")
    with pytest.raises(StudioError, match="can not be opened"):
        library.pictures(broken)


def test_a_file_that_vanishes_before_it_is_measured_does_no_harm(workspace: Workspace) -> None:
    path = grasp(workspace.episodes, 0.05)
    library = Library(workspace)
    library.episodes()
    path.unlink()
    library.measure_one_side()
    assert not library.measuring
    assert library.episodes() == []


def test_an_episode_of_an_unknown_arm_has_no_side(workspace: Workspace) -> None:
    build_episode(recorded(workspace.episodes, extra={"follower": {"arm": "octopus"}}))
    library = Library(workspace)
    assert list(measured(library).values()) == [""]
    with pytest.raises(StudioError, match="'octopus'; known arms"):
        library.open(library.episodes()[0].path)


def test_the_count_follows_what_is_saved_binned_and_found(workspace: Workspace) -> None:
    paths = [grasp(workspace.episodes, 0.05) for _ in range(2)]
    library = Library(workspace)
    assert (library.count, library.newest) == (2, None)
    library.saved(grasp(workspace.episodes, 0.05))
    assert library.count == 3
    trial = grasp(workspace.trials, 0.05)
    library.saved(trial)
    assert (library.count, library.newest) == (3, trial)
    library.move_to_bin(paths[0])
    assert len(library.episodes()) == library.count == 2
    assert [row.path for row in library.trials()] == [trial]
    with pytest.raises(StudioError, match="could not be moved to the bin"):
        library.move_to_bin(paths[0])


def test_a_label_shows_in_the_list(workspace: Workspace) -> None:
    path = grasp(workspace.episodes, 0.05)
    library = Library(workspace)
    library.label(path, "failure")
    assert [row.outcome for row in library.episodes()] == ["failure"]
    with pytest.raises(StudioError, match="'excellent' is none of"):
        library.label(path, "excellent")


def test_the_pictures_that_are_missing_count_as_due(workspace: Workspace) -> None:
    writer = EpisodeWriter(workspace.episodes, description())
    add_second(writer, 0)
    writer.add_gap("wrist", 12, 4)
    writer.add_gap("frames", 5, 100)  # ticks are no pictures
    path = build_episode(writer.finish("success"))
    assert Library(workspace).pictures(path) == (60, 64)
    assert list_episodes(workspace.episodes)[0].gaps == 2
