"""What the policy process tells of the policy it has loaded, and which of its tasks it may be told to do."""

from pathlib import Path

import pytest

from teleop_studio.live import Inference
from teleop_studio.policies.checkpoint_folder import checkpoint_path
from teleop_studio.processes.messages import RunLoaded
from teleop_studio.session import StudioError

RUN = Path("/workspace/runs/flow-matching-001")
TASKS = ("lift the bottle", "sort the screws")
LOADED = RunLoaded(checkpoint_path(RUN, 3000), 8, 10, "flow-matching", 3000, "CPU, 1 thread", TASKS, TASKS[0])


def test_a_checkpoint_is_told_by_its_runs_name_its_step_and_its_device() -> None:
    health = Inference(loaded=LOADED).health()
    assert (health.ready, health.run, health.step) == (True, "flow-matching-001", 3000)
    assert (health.policy, health.device, health.tasks, health.task) == (
        "flow-matching", "CPU, 1 thread", TASKS, TASKS[0],
    )  # fmt: skip


def test_while_another_run_is_loaded_its_name_is_told() -> None:
    health = Inference(loading=RUN.with_name("diffusion-001"), loaded=LOADED).health()
    assert (health.loading, health.ready, health.run) == (True, False, "diffusion-001")


def test_one_of_its_tasks_can_be_chosen() -> None:
    inference = Inference(loaded=LOADED)
    inference.choose_task(TASKS[1])
    assert inference.health().task == "sort the screws"


def test_another_task_is_refused_with_those_it_knows() -> None:
    inference = Inference(loaded=LOADED)
    with pytest.raises(StudioError, match=r"'fly'. It knows 'lift the bottle', 'sort the screws'"):
        inference.choose_task("fly")
    assert inference.health().task == TASKS[0]


def test_without_a_loaded_policy_there_is_nobody_to_tell() -> None:
    with pytest.raises(StudioError, match="No policy is loaded"):
        Inference().choose_task("lift the bottle")
    with pytest.raises(StudioError, match="No policy is loaded"):
        Inference(loading=RUN, loaded=LOADED).choose_task(TASKS[1])
