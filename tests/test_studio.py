"""What a studio says before a rig is open: every verb answers in words, and looking is always allowed."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from teleop_studio.rig import SIMULATED_SCENES, ArmConfig, RigConfig
from teleop_studio.rig_file import save_rig
from teleop_studio.session import StudioError
from teleop_studio.status import State
from teleop_studio.studio import DEFAULT_TASK, Studio
from teleop_studio.workspace import Workspace

RUN = Path("runs/flow-matching-001")


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(RigConfig(), Workspace.create(tmp_path / "workspace"))


@pytest.mark.parametrize(
    "verb",
    [
        lambda studio: studio.teleop(),
        lambda studio: studio.record("grasp"),
        lambda studio: studio.accept(),
        lambda studio: studio.discard(),
        lambda studio: studio.resume(),
        lambda studio: studio.torque_off(),
        lambda studio: studio.autonomous(RUN),
        lambda studio: studio.replay(Path("000001.h5")),
        lambda studio: studio.new_scene(3),
        lambda studio: studio.scripted_operator("left"),
        lambda studio: studio.record_scripted(3),
        lambda studio: studio.evaluate([RUN], 3, fast=False),
    ],
)
def test_what_needs_a_rig_says_that_none_is_open(studio: Studio, verb: Callable[[Studio], None]) -> None:
    with pytest.raises(StudioError, match=r"No rig is open\. Open one first"):
        verb(studio)
    assert studio.poll().state is State.CLOSED


def test_a_side_that_there_is_not_is_refused(studio: Studio) -> None:
    with pytest.raises(StudioError, match="grasps from left or right"):
        studio.scripted_operator("above")


def test_stop_and_close_are_always_allowed(studio: Studio) -> None:
    for _ in range(2):
        studio.stop()
        studio.cancel_job()
        studio.close()
    assert studio.poll().state is State.CLOSED


def test_looking_at_a_closed_rig_shows_nothing_and_breaks_nothing(studio: Studio) -> None:
    status = studio.poll()
    assert (status.rig, status.scene, status.simulated, status.episodes) == ("simulated", "bottle", True, 0)
    assert (status.job, status.training, status.notices, status.cameras) == (None, None, (), {})
    assert studio.image("front") is None
    assert studio.overlay is None
    assert all(math.isnan(share) for share in studio.overlay_shares())
    assert studio.history(5.0).leader.shape == (0, 7)
    assert (studio.episodes(), studio.trials(), studio.runs(), studio.trial_results) == ([], [], [], [])
    assert not studio.scene_ready
    assert not studio.operator_busy
    assert studio.trial_score is None
    assert studio.project("front", [[0.2, 0.0, 0.1]]).shape == (1, 2)  # of the arm at home


@pytest.mark.parametrize("steps", [0, 64])
def test_executed_steps_beyond_a_chunk_are_refused_and_the_old_ones_stay(studio: Studio, steps: int) -> None:
    with pytest.raises(ValueError, match=f"executed steps = {steps}"):
        studio.set_executed_steps(steps)
    assert studio.executed_steps == 8
    studio.set_executed_steps(3)
    assert studio.executed_steps == 3


def test_chunks_are_averaged_over_time_only_when_it_is_wished(studio: Studio) -> None:
    assert not studio.temporal_ensembling
    studio.set_temporal_ensembling(True)
    assert studio.temporal_ensembling


@pytest.mark.parametrize("steps", [0, 101])
def test_solver_steps_that_can_not_be_shown_are_refused_and_the_old_ones_stay(studio: Studio, steps: int) -> None:
    with pytest.raises(ValueError, match=f"solver steps = {steps}"):
        studio.set_solver_steps(steps)
    assert studio.solver_steps == 10


def test_every_simulated_scene_has_a_task_in_words() -> None:
    assert set(DEFAULT_TASK) == set(SIMULATED_SCENES)
    assert all(DEFAULT_TASK.values())


def test_an_episode_that_is_not_there_is_told(studio: Studio) -> None:
    with pytest.raises(StudioError, match=r"000009\.h5 can not be opened"):
        studio.open_episode(studio.workspace.episodes / "000009.h5")


def test_another_rig_is_taken_while_none_is_open_and_what_was_set_stays(studio: Studio) -> None:
    studio.operator = "Ada"
    studio.set_executed_steps(5)
    pair = RigConfig(
        "bench", ArmConfig("studio-leader", "/dev/none1"), ArmConfig("studio-follower", "/dev/none2"), cameras=()
    )
    studio.use_rig(pair)
    status = studio.poll()
    assert (status.rig, status.simulated, studio.rig) == ("bench", False, pair)
    assert (studio.operator, studio.executed_steps) == ("Ada", 5)
    assert studio.camera_names == ()


def test_an_arm_that_is_not_calibrated_is_not_opened(studio: Studio) -> None:
    studio.use_rig(
        RigConfig("koch", ArmConfig("koch-leader", "/dev/a"), ArmConfig("koch-follower", "/dev/b"), cameras=())
    )
    with pytest.raises(StudioError, match=r"The leader \(koch-leader on /dev/a\) is not calibrated"):
        studio.open()
    assert studio.poll().state is State.CLOSED


def test_the_rigs_of_the_workspace_and_all_arms_are_listed(studio: Studio) -> None:
    save_rig(RigConfig("b"), studio.workspace.rigs / "b.toml")
    save_rig(RigConfig("a"), studio.workspace.rigs / "a.toml")
    assert [path.stem for path in studio.rigs()] == ["a", "b"]
    arms = {name: (title, role) for name, title, role in studio.known_arms()}
    assert arms["koch-leader"] == ("Koch v1.1 leader", "leader")
    assert {role for _, role in arms.values()} <= {"leader", "follower", ""}
