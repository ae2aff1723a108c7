"""Foreign episodes become ours: what is known is kept, what was made up is said, and nothing is half imported."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.errors import TransferCancelled, TransferRefused
from recorders.exporters.export import export
from recorders.importers.foreign import ImportWish
from recorders.importers.importing import STAGING, import_episodes, remove_leftovers
from recorders.repair import recover
from recorders.verify import verify
from tests.recorders.importers.foreign_files import JOINTS, ROWS, aloha_file, motion, robomimic_file
from tests.recorders.takes import recorded

ROOT = Path(__file__).parents[3]
RAD = ImportWish(unit="rad", fps=50)
CHILD = """
import sys, threading
from pathlib import Path
from recorders.importers.foreign import ImportWish
from recorders.importers.importing import import_episodes
def progress(done, total, detail):
    print(detail, flush=True)
    if detail.startswith("episode_1.hdf5"):
        threading.Event().wait()
import_episodes("act", Path(sys.argv[1]), Path(sys.argv[2]), ImportWish(unit="rad", fps=50), progress)
"""


def test_an_aloha_episode_becomes_one_of_ours(tmp_path: Path) -> None:
    aloha_file(tmp_path / "aloha" / "episode_0.hdf5")
    done = import_episodes("act", tmp_path / "aloha", tmp_path / "ours", ImportWish("rad", "fold the shirt", 50))
    (path,) = done.episodes
    assert verify(path) == []
    with EpisodeReader(path) as reader:
        frames, said, info = reader.frames, reader.description, reader.info
        np.testing.assert_allclose(frames.follower_position, motion(), atol=1e-7)
        np.testing.assert_allclose(frames.action, motion() + 1, atol=1e-6)
        np.testing.assert_allclose(frames.follower_velocity, motion() * 2, atol=1e-6)
        np.testing.assert_allclose(frames.follower_effort, motion() * 3, atol=1e-6)
        np.testing.assert_array_equal(frames.leader_position, frames.action)
        np.testing.assert_array_equal(np.diff(frames.stamp_ns), [20_000_000] * (ROWS - 1))
        stream = reader.images("cam_high")
        assert [int(stream[index].mean()) for index in range(ROWS)] == list(range(ROWS))
    assert (info.task, info.outcome, info.source) == ("fold the shirt", "unrated", "human")
    assert (said.control_hz, said.position_unit, len(said.joint_names)) == (50.0, "rad", JOINTS)
    assert said.joint_names[6] == "left_gripper"
    assert set(said.effort_units) == {"unknown"}
    imported = info.extra["imported"]
    assert (imported["format"], imported["from"], imported["episode"]) == ("act", "aloha", "episode_0.hdf5")
    assert imported["stamps"].startswith("made up: row / 50 s")
    assert imported["leader"] == "not in the data: the actions stand for it"
    assert any("ALOHA's names" in remark for remark in done.remarks)


def test_missing_velocity_is_computed_and_missing_effort_has_no_unit(tmp_path: Path) -> None:
    aloha_file(tmp_path / "e.hdf5", **{"observations/qvel": None, "observations/effort": None})
    (path,) = import_episodes("act", tmp_path / "e.hdf5", tmp_path / "ours", RAD).episodes
    with EpisodeReader(path) as reader:
        slope = np.gradient(motion(), 0.02, axis=0)
        np.testing.assert_allclose(reader.frames.follower_velocity, slope, atol=1e-5)
        assert not reader.frames.follower_effort.any()
        assert set(reader.description.effort_units) == {"none"}
        said = reader.info.extra["imported"]
    assert said["velocity"].startswith("computed")
    assert said["effort"] == "not in the data: zeros, unit none"


def test_units_are_asked_for_rather_than_guessed(tmp_path: Path) -> None:
    aloha_file(tmp_path / "e.hdf5")
    with pytest.raises(TransferRefused, match=r"does not say in which unit positions are. Give it: --unit rad, deg"):
        import_episodes("act", tmp_path / "e.hdf5", tmp_path / "ours", ImportWish(fps=50))
    with pytest.raises(TransferRefused, match=r"The unit 'turns' is unknown. Known units: rad, deg, percent"):
        import_episodes("act", tmp_path / "e.hdf5", tmp_path / "ours", ImportWish("turns", fps=50))
    with pytest.raises(TransferRefused, match=r"do not say how many rows a second has. Give it with --fps. ALOHA"):
        import_episodes("act", tmp_path / "e.hdf5", tmp_path / "ours", ImportWish("rad"))
    with pytest.raises(TransferRefused, match="The source 'ghost' is unknown"):
        import_episodes("act", tmp_path / "e.hdf5", tmp_path / "ours", ImportWish("rad", fps=50, source="ghost"))
    assert not (tmp_path / "ours").exists() or list((tmp_path / "ours").iterdir()) == []


def test_degrees_become_radians_and_grippers_the_share_they_are_open(tmp_path: Path) -> None:
    aloha_file(tmp_path / "e.hdf5", **{"observations/qpos": np.full((ROWS, JOINTS), 90.0)})
    (path,) = import_episodes("act", tmp_path / "e.hdf5", tmp_path / "ours", ImportWish("deg", fps=50)).episodes
    with EpisodeReader(path) as reader:
        first = reader.frames.follower_position[0]
        grippers = [name.endswith("gripper") for name in reader.joint_names]
        assert reader.position_unit == "rad"
    assert sum(grippers) == 2
    np.testing.assert_allclose(first, np.where(grippers, 0.9, np.pi / 2))


def test_percent_is_kept_and_marked(tmp_path: Path) -> None:
    aloha_file(tmp_path / "e.hdf5")
    (path,) = import_episodes("act", tmp_path / "e.hdf5", tmp_path / "ours", ImportWish("percent", fps=50)).episodes
    with EpisodeReader(path) as reader:
        assert reader.position_unit == "percent"
        np.testing.assert_allclose(reader.frames.follower_position, motion(), atol=1e-7)


def test_robomimic_joints_are_asked_for_and_put_together(tmp_path: Path) -> None:
    path = robomimic_file(tmp_path / "lift.hdf5", demos=12)
    done = import_episodes("robomimic", path, tmp_path / "ours", ImportWish("rad"))
    assert done.episodes == ()
    assert len(done.refused) == 12
    assert "Give them with --state: object, robot0_gripper_qpos, robot0_joint_pos" in done.refused[0][1]
    wish = ImportWish("rad", state=("robot0_joint_pos", "robot0_gripper_qpos"))
    done = import_episodes("robomimic", path, tmp_path / "ours", wish)
    assert len(done.episodes) == 12
    for number, episode in enumerate(done.episodes):  # demo_2 before demo_10
        with EpisodeReader(episode) as reader:
            np.testing.assert_allclose(reader.frames.action, motion(joints=7) + number)
            assert reader.description.control_hz == 20.0
            assert reader.cameras == ("agentview",)


def test_actions_that_are_no_joint_goals_are_refused(tmp_path: Path) -> None:
    path = robomimic_file(tmp_path / "lift.hdf5")
    done = import_episodes("robomimic", path, tmp_path / "ours", ImportWish("rad", state=("robot0_joint_pos",)))
    ((name, why),) = done.refused
    assert name == "demo_0"
    assert "The measured joints have shape (12, 6), the actions (12, 7)" in why


def test_what_can_not_be_read_is_named_and_the_rest_is_imported(tmp_path: Path) -> None:
    for number in range(3):
        aloha_file(tmp_path / "aloha" / f"episode_{number}.hdf5")
    broken = tmp_path / "aloha" / "episode_1.hdf5"
    os.truncate(broken, broken.stat().st_size // 2)
    done = import_episodes("act", tmp_path / "aloha", tmp_path / "ours", RAD)
    assert len(done.episodes) == 2
    ((name, why),) = done.refused
    assert name == "episode_1.hdf5"
    assert why.startswith("episode_1.hdf5 can not be read. OSError")
    assert sorted(path.name for path in (tmp_path / "ours").glob("*.h5")) == sorted(p.name for p in done.episodes)


def test_a_cancelled_import_keeps_what_was_finished_and_nothing_else(tmp_path: Path) -> None:
    for number in range(3):
        aloha_file(tmp_path / "aloha" / f"episode_{number}.hdf5")
    said: list[str] = []
    with pytest.raises(TransferCancelled, match="that were imported before it are kept"):
        import_episodes(
            "act",
            tmp_path / "aloha",
            tmp_path / "ours",
            RAD,
            lambda done, total, detail: said.append(detail),
            lambda: any(detail.startswith("episode_1") for detail in said),
        )
    assert len(list((tmp_path / "ours").glob("*.h5"))) == 1
    assert recover(tmp_path / "ours") == []
    assert not (tmp_path / "ours" / STAGING).exists()


@pytest.mark.alone
def test_a_killed_import_leaves_no_half_episode_for_the_next_start_to_recover(tmp_path: Path) -> None:
    for number in range(3):
        aloha_file(tmp_path / "aloha" / f"episode_{number}.hdf5")
    ours = tmp_path / "ours"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "aloha"), str(ours)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        while not child.stdout.readline().startswith("episode_1.hdf5"):
            assert child.poll() is None
        with pytest.raises(TransferRefused, match=r"Another import into .* is running"):
            import_episodes("act", tmp_path / "aloha", ours, RAD)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    assert recover(ours) == []
    assert len(list(ours.glob("*.h5"))) == 1
    assert (ours / STAGING).exists()
    remove_leftovers(ours)
    assert not (ours / STAGING).exists()
    remove_leftovers(ours)  # there is nothing to remove, and no folder is made
    assert not (ours / STAGING).exists()


def test_our_own_export_wins_over_a_contradicting_unit(tmp_path: Path) -> None:
    export("robomimic", [build_episode(recorded(tmp_path / "takes"))], tmp_path / "out")
    with pytest.raises(TransferRefused, match="The data say that they are in rad, not deg"):
        import_episodes("robomimic", tmp_path / "out", tmp_path / "ours", ImportWish("deg"))
    with h5py.File(tmp_path / "out" / "dataset.hdf5", "r+") as file:
        del file["data/demo_0/obs/joint_velocity"]
    (path,) = import_episodes("robomimic", tmp_path / "out", tmp_path / "ours").episodes
    with EpisodeReader(path) as reader:
        assert reader.info.extra["imported"]["velocity"].startswith("computed")
