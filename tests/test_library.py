"""The lists of episodes: looked through beside the window, changed by the operator, broken files named."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from drivers.arms import STUDIO_FOLLOWER
from drivers.kinematics import Chain, pose_of
from recorders.catalog import Catalog, list_episodes
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.survey import look_through
from teleop_studio.collection_work import Survey
from teleop_studio.episode_view import measured_side
from teleop_studio.library import Library
from teleop_studio.processes import collection_messages as m
from teleop_studio.processes.child import ChildFailed
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


def looked_through(workspace: Workspace) -> Library:
    """A library whose episodes a survey has looked through, in this process."""
    for folder in (workspace.episodes, workspace.trials):
        catalog = Catalog(folder)
        catalog.refresh()
        list(look_through(catalog, measured_side))
    return Library(workspace)


def followed(library: Library, done: Callable[[], bool]) -> list[str]:
    """What `poll` says until something is done."""
    said: list[str] = []
    end_s = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end_s, said
        said += library.poll()
        time.sleep(0.02)
    return said + library.poll()


@pytest.fixture
def library(workspace: Workspace) -> Iterator[Library]:
    library = Library(workspace)
    yield library
    library.close()


def test_the_side_is_told_from_the_gripper_s_path(workspace: Workspace) -> None:
    left, right, straight = (grasp(workspace.episodes, lateral) for lateral in (0.05, -0.05, 0.0))
    rows = looked_through(workspace).episodes()
    assert {row.path: row.side for row in rows} == {left: "left", right: "right", straight: ""}


@pytest.mark.alone
def test_episodes_are_looked_through_by_another_process_while_the_lists_are_there_at_once(
    workspace: Workspace, library: Library
) -> None:
    paths = [grasp(workspace.episodes, 0.05), grasp(workspace.trials, -0.05)]
    first = library.episodes()
    assert [(row.side, row.hints) for row in first] == [("", ())]
    assert library.thumbnail(paths[0]) is None
    library.poll()
    assert library.surveying == 2
    assert library.measuring
    assert followed(library, lambda: not library.surveying) == []
    assert [row.side for row in library.episodes() + library.trials()] == ["left", "right"]
    thumbnail = library.thumbnail(paths[1])
    assert thumbnail is not None
    assert thumbnail.shape == (72, 96, 3)
    later = grasp(workspace.episodes, -0.05)
    library.saved(later)
    followed(library, lambda: len(library.episodes()) == 2 and library.episodes()[1].side == "right")


@pytest.mark.alone
def test_a_survey_that_was_killed_goes_on_where_it_was(workspace: Workspace, library: Library) -> None:
    for lateral in (0.05, -0.05):
        grasp(workspace.episodes, lateral)
    followed(library, lambda: library.survey_pid is not None)
    assert library.survey_pid is not None
    os.kill(library.survey_pid, signal.SIGKILL)
    assert followed(library, lambda: not library.surveying) == []
    assert [row.side for row in library.episodes()] == ["left", "right"]


def test_an_episode_that_ends_the_survey_twice_is_left_out_and_named(workspace: Workspace) -> None:
    survey = Survey((workspace.episodes,), workspace.logs)
    path = workspace.episodes / "000001-aaaaaaaa.h5"
    said = []
    for _ in range(2):
        survey.heard(m.LookingThrough(path))
        said += survey.heard(ChildFailed("The survey process ended unexpectedly (exit code -11).", ""))
    assert survey.given_up == 1
    assert said == [
        "The episode 000001-aaaaaaaa.h5 could not be looked through. The survey process ended unexpectedly "
        f"(exit code -11). Check it with `teleop-studio verify {path}`."
    ]


def test_a_survey_that_can_not_keep_what_it_finds_is_not_started_again(workspace: Workspace) -> None:
    survey = Survey((workspace.episodes,), workspace.logs)
    assert survey.heard(m.LookedThrough("Episodes can not be looked through. The folder is full.")) == [
        "Episodes can not be looked through. The folder is full."
    ]
    assert survey.poll(waiting=5) == []
    assert survey.pid is None
    assert survey.given_up >= 5


def test_an_episode_that_was_looked_through_is_not_looked_at_again(workspace: Workspace) -> None:
    path = grasp(workspace.episodes, 0.05)
    looked_through(workspace).episodes()
    stat = path.stat()
    path.write_bytes(bytes(stat.st_size))  # whoever looked again would find nothing
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    fresh = Library(workspace)
    assert fresh.episodes()[0].side == "left"
    assert fresh.surveying == 0


def test_a_broken_file_is_listed_and_keeps_nothing_waiting(workspace: Workspace) -> None:
    good, broken = grasp(workspace.episodes, 0.05), grasp(workspace.episodes, 0.05)
    os.truncate(broken, broken.stat().st_size // 2)
    library = looked_through(workspace)
    assert {row.path: row.side for row in library.episodes()} == {good: "left", broken: ""}
    assert library.surveying == 0
    assert f"The episode {broken.name} is damaged" in library.episodes()[1].problem
    with pytest.raises(StudioError, match=rf"The episode {broken.name} can not be opened. .*move it to the bin"):
        library.open(broken)
    with pytest.raises(StudioError, match="could not be labelled"):
        library.label(broken, "failure")
    with pytest.raises(StudioError, match="can not be opened"):
        library.pictures(broken)
    with pytest.raises(StudioError, match="can not be trimmed"):
        library.trim(broken, 0.0, 1.0)
    assert library.thumbnail(broken) is None


def test_a_file_that_vanishes_before_it_is_looked_through_does_no_harm(workspace: Workspace) -> None:
    path = grasp(workspace.episodes, 0.05)
    library = Library(workspace)
    library.episodes()
    path.unlink()
    assert library.episodes() == []
    assert not library.measuring
    with pytest.raises(StudioError, match="could not be given a note"):
        library.set_note(path, "gone")


def test_an_episode_of_an_unknown_arm_has_no_side(workspace: Workspace) -> None:
    build_episode(recorded(workspace.episodes, extra={"follower": {"arm": "octopus"}}))
    library = looked_through(workspace)
    assert [row.side for row in library.episodes()] == [""]
    with pytest.raises(StudioError, match="'octopus'; known arms"):
        library.open(library.episodes()[0].path)


def test_what_the_operator_says_is_in_the_list_at_once(workspace: Workspace) -> None:
    path = grasp(workspace.episodes, 0.05)
    library = Library(workspace)
    library.operator = "ada"
    library.add_tag(path, "slow")
    library.add_tag(path, "new light")
    library.remove_tag(path, "slow")
    library.set_note(path, "second try")
    library.set_split(path, "held_out")
    (row,) = library.episodes()
    assert (row.tags, row.note, row.split) == (("new light",), "second try", "held_out")
    assert (row.operator, row.cameras, row.binned) == ("ada", ("front", "wrist"), False)
    assert row.size_mb == pytest.approx(path.stat().st_size / 1e6)
    assert '"who": "ada"' in (workspace.episodes / "labels.jsonl").read_text()
    for wrong in (lambda: library.add_tag(path, "two\nlines"), lambda: library.set_split(path, "test")):
        with pytest.raises(StudioError, match=r"is no tag|is none of"):
            wrong()


def test_two_windows_see_what_the_other_one_does(workspace: Workspace) -> None:
    path = grasp(workspace.episodes, 0.05)
    one, other = Library(workspace), Library(workspace)
    assert one.episodes() == other.episodes()
    one.label(path, "failure")
    assert [row.outcome for row in other.episodes()] == ["failure"]
    moved = other.move_to_bin(path)
    assert one.episodes() == []
    assert [row.path for row in one.binned()] == [moved]


def test_an_episode_of_the_bin_is_shown_there_and_can_be_restored(workspace: Workspace) -> None:
    path, trial = grasp(workspace.episodes, 0.05), grasp(workspace.trials, 0.05)
    library = looked_through(workspace)
    moved = [library.move_to_bin(path), library.move_to_bin(trial)]
    assert [(row.path, row.binned, row.side) for row in library.binned()] == [(p, True, "left") for p in moved]
    assert library.thumbnail(moved[0]) is not None
    assert library.statistics().episodes == 0
    assert [library.restore(p) for p in moved] == [path, trial]
    assert [row.path for row in library.episodes() + library.trials()] == [path, trial]
    assert library.binned() == []
    assert library.count == 1
    with pytest.raises(StudioError, match="could not be restored"):
        library.restore(moved[0])


def test_statistics_are_of_what_is_listed(workspace: Workspace) -> None:
    paths = [grasp(workspace.episodes, lateral) for lateral in (0.05, -0.05)]
    before = Library(workspace).statistics()
    assert (before.episodes, before.looked_through, before.joint_names) == (2, 0, ())
    library = looked_through(workspace)
    library.label(paths[1], "failure")
    found = library.statistics()
    assert (found.episodes, found.looked_through, found.frames) == (2, 2, 400)
    assert found.duration_s == pytest.approx(2 * 1.99)
    assert found.outcomes == {"success": 1, "failure": 1}
    assert found.operators == {"ada": 2}
    assert found.pictures == {"front": (2, 0), "wrist": (2, 0)}
    states = []
    for path in paths:
        with EpisodeReader(path) as reader:
            states.append(reader.frames.follower_position)
    both = np.concatenate(states)
    np.testing.assert_allclose(found.state_mean, both.mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.state_std, both.std(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(found.state_max, both.max(axis=0))
    assert library.statistics() is found
    library.move_to_bin(paths[0])
    np.testing.assert_allclose(library.statistics().state_mean, states[1].mean(axis=0), rtol=1e-10, atol=1e-12)
    assert library.statistics().outcomes == {"failure": 1}


def test_lists_are_the_same_until_something_changes(workspace: Workspace) -> None:
    path = grasp(workspace.episodes, 0.05)
    grasp(workspace.episodes, -0.05)
    library = looked_through(workspace)
    rows = library.episodes()
    while library.episodes() is not rows:  # the stamps of the folder are too fresh to be trusted
        rows = library.episodes()
    assert library.episodes() is rows
    library.label(path, "failure")
    after = library.episodes()
    assert after is not rows
    assert after[1] is rows[1]


@pytest.mark.alone
def test_a_poll_costs_nothing_while_nothing_changes(workspace: Workspace) -> None:
    for _ in range(3):
        grasp(workspace.episodes, 0.05)
    library = looked_through(workspace)
    took_s = []
    for _ in range(200):
        start_s = time.perf_counter()
        library.episodes()
        library.poll()
        took_s.append(time.perf_counter() - start_s)
    assert np.median(took_s) < 1e-3


@pytest.mark.alone
def test_a_trim_appears_and_its_original_lies_in_the_bin(workspace: Workspace, library: Library) -> None:
    path = grasp(workspace.episodes, 0.05)
    with pytest.raises(StudioError, match=r"can not be trimmed\. 1\.00 to 9\.00 s is not inside it"):
        library.trim(path, 1.0, 9.0)
    assert library.trimming == 0
    library.trim(path, 0.5, 1.5)
    assert library.trimming == 1
    assert followed(library, lambda: not library.trimming) == []
    (row,) = library.episodes()
    assert (row.number, row.duration_s) == (2, pytest.approx(1.0))
    assert [binned.number for binned in library.binned()] == [1]


@pytest.mark.alone
def test_a_trim_that_can_not_be_done_says_why_and_leaves_the_episode(workspace: Workspace, library: Library) -> None:
    path = grasp(workspace.episodes, 0.05)
    library.trim(path, 0.5, 1.5)
    path.rename(path.with_suffix(".away"))
    (said,) = followed(library, lambda: not library.trimming)
    assert f"The episode {path.name} was not trimmed and is as it was. There is no episode file" in said


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
