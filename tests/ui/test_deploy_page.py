"""Deploy: which checkpoint drives, with how many steps, and what is shown of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from teleop_studio.status import State
from tests.ui.cockpit import Cockpit, press
from tests.ui.fake_arm import two_sided_overlay
from ui.commands import BEST, NEWEST


@pytest.fixture
def deploy(cockpit: Cockpit) -> Any:
    cockpit.window.show_page("deploy")
    cockpit.refresh()
    return cockpit.window.pages["deploy"]


def pick(combo: Any, data: object) -> None:
    """As the operator does: the list is opened and an entry clicked."""
    combo.setCurrentIndex(combo.findData(data))
    combo.activated.emit(combo.currentIndex())


def drive(cockpit: Cockpit) -> object:
    QTest.keyClick(cockpit.window, Qt.Key.Key_P)
    verb, path = cockpit.studio.calls[-1]
    assert verb == "autonomous"
    return path


def test_trials_are_run_with_the_chosen_policy_and_the_steps_that_are_set(cockpit: Cockpit, deploy: Any) -> None:
    deploy.trials.count.setValue(12)
    press(cockpit, "evaluate")
    assert cockpit.studio.calls == [("evaluate", (deploy.policy.chosen_run,), 12, True, 8, 10)]
    assert deploy.trials.job.isVisible()


def test_a_run_that_gets_its_first_checkpoint_can_be_chosen_at_once(cockpit: Cockpit) -> None:
    listed = cockpit.studio.runs()
    cockpit.studio.runs = lambda: listed[2:]
    cockpit.window.show_page("deploy")
    panel: Any = cockpit.window.pages["deploy"].policy  # type: ignore[attr-defined]
    assert panel.run.count() == 1
    cockpit.studio.runs = lambda: listed
    cockpit.refresh(70)
    assert panel.run.count() == 3
    assert panel.chosen_run == listed[2].path  # the operator's choice does not jump


def test_the_best_checkpoint_drives_unless_another_is_chosen(cockpit: Cockpit, deploy: Any) -> None:
    run = deploy.policy.chosen_run
    assert deploy.policy.checkpoint.currentText() == "best: 6000"
    assert drive(cockpit) == run
    cockpit.goto(State.IDLE)
    pick(deploy.policy.checkpoint, "3000")
    assert drive(cockpit) == run / "checkpoints" / "00003000"


def test_the_newest_checkpoint_follows_a_training_that_goes_on(cockpit: Cockpit, deploy: Any) -> None:
    rows = cockpit.studio.trainings.run_rows
    pick(deploy.policy.checkpoint, NEWEST)
    rows[0] = replace(rows[0], step=7000, checkpoints=(*rows[0].checkpoints, 7000))
    cockpit.refresh(60)
    assert deploy.policy.checkpoint.currentText() == "newest: 7000"
    assert drive(cockpit) == rows[0].path / "checkpoints" / "00007000"


def test_a_newer_checkpoint_never_changes_what_drives_but_is_announced(cockpit: Cockpit, deploy: Any) -> None:
    pick(deploy.policy.checkpoint, NEWEST)
    cockpit.studio.inference_words = {"step": 6000}
    cockpit.goto(State.POLICY)
    assert deploy.policy.newer.text() == "Step 6000 drives; step 6500 from the next start."
    assert cockpit.studio.calls == []


def test_another_run_begins_with_its_best_checkpoint(cockpit: Cockpit, deploy: Any) -> None:
    pick(deploy.policy.checkpoint, "500")
    pick(deploy.policy.run, cockpit.studio.trainings.run_rows[1].path)
    assert cockpit.window.commands.choices.checkpoint == BEST
    assert deploy.policy.checkpoint.currentText() == "best: 2000"


def test_the_device_is_said_while_a_policy_is_loaded(cockpit: Cockpit, deploy: Any) -> None:
    assert deploy.policy.where.text() == ""
    cockpit.goto(State.POLICY)
    assert deploy.policy.where.text() == "on CPU, 1 thread"


def test_a_policy_that_knows_several_tasks_is_told_which(cockpit: Cockpit, deploy: Any) -> None:
    cockpit.goto(State.POLICY)
    assert not deploy.policy.task.isVisible()
    cockpit.studio.inference_words = {"tasks": ("lift the bottle", "sort the screws"), "task": "lift the bottle"}
    cockpit.refresh()
    assert deploy.policy.task.currentText() == "lift the bottle"
    deploy.policy.task.setCurrentIndex(1)
    deploy.policy.task.activated.emit(1)
    cockpit.refresh()
    assert cockpit.studio.calls[-1] == ("set_policy_task", "sort the screws")
    assert deploy.policy.task.currentText() == "sort the screws"


def test_solver_and_executed_steps_reach_the_studio(cockpit: Cockpit, deploy: Any) -> None:
    press(cockpit, "solver_steps_4")
    deploy.fan.samples.executed.setValue(4)
    assert cockpit.studio.calls == [("set_solver_steps", 4), ("set_executed_steps", 4)]


def test_each_policy_offers_its_own_solver_steps_and_some_none(cockpit: Cockpit, deploy: Any) -> None:
    samples = deploy.fan.samples
    assert samples.solver.values == (1, 2, 4, 10, 25)
    assert samples.solver.value == 10
    pick(deploy.policy.run, cockpit.studio.trainings.run_rows[2].path)
    cockpit.refresh()
    assert not samples.solver.isVisible()


def test_steps_that_another_policy_does_not_offer_become_the_nearest_below(cockpit: Cockpit, deploy: Any) -> None:
    press(cockpit, "solver_steps_25")
    cockpit.studio.trainings.run_rows.append(cockpit.studio.trainings.run("diffusion-001", "diffusion", 6500, 0.06))
    deploy.policy.reread()
    pick(deploy.policy.run, cockpit.studio.trainings.run_rows[3].path)
    cockpit.refresh()
    assert cockpit.studio.calls[-1] == ("set_solver_steps", 10)
    assert deploy.fan.samples.solver.value == 10


def test_ensembling_is_off_until_it_is_switched_on(cockpit: Cockpit, deploy: Any) -> None:
    box = deploy.fan.samples.ensembling
    assert not box.isChecked()
    assert "neither" in box.toolTip()
    box.click()
    assert cockpit.studio.calls == [("set_temporal_ensembling", True)]


def show_trace(cockpit: Cockpit, rows: int, alike: bool = False) -> None:
    """A trace of that many rows; `alike`: every sample is the executed one."""
    overlay = two_sided_overlay(1.0)
    paths = np.linspace(overlay.tip_paths[0], overlay.tip_paths[-1], rows).astype(np.float32)
    if rows == 1:
        paths = overlay.tip_paths[-1:]
    if alike:
        paths = np.repeat(paths[:, :1], paths.shape[1], axis=1)
    cockpit.studio.overlay = replace(overlay, tip_paths=paths, stamp_ns=rows, velocity_norm=np.ones((rows - 1, 32)))
    cockpit.studio.polls = 1
    cockpit.goto(State.POLICY)
    cockpit.refresh(2)


@pytest.mark.parametrize("rows", [2, 5, 26])
def test_the_slider_has_as_many_steps_as_the_trace(cockpit: Cockpit, deploy: Any, rows: int) -> None:
    show_trace(cockpit, rows)
    assert deploy.denoise.slider.maximum() == deploy.denoise.step == rows - 1
    deploy.denoise.slider.setValue(0)
    cockpit.refresh()
    assert deploy.fan.layer.shown


def test_a_policy_without_solver_has_no_slider_and_its_equal_samples_are_said(cockpit: Cockpit, deploy: Any) -> None:
    show_trace(cockpit, 1, alike=True)
    assert not deploy.denoise.slider.isVisible()
    assert "answers at once" in deploy.denoise.at_once.text()
    assert deploy.fan.layer.shown
    assert deploy.fan.hint.text() == "All 32 samples are the same: this policy knows one answer."
    show_trace(cockpit, 11)
    assert deploy.denoise.slider.isVisible()
    assert deploy.denoise.step == 10
    assert deploy.fan.hint.text() == ""
