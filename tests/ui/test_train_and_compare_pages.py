"""Train: one click, live figures, stop and resume. Compare: two episodes on one time line."""

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from teleop_studio.status import State
from tests.ui.cockpit import Cockpit
from tests.ui.stand_in_studio import training_status


def press(cockpit: Cockpit, name: str) -> None:
    found = cockpit.window.findChild(QPushButton, name)
    assert found is not None
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)
    cockpit.refresh()


@pytest.fixture
def train(cockpit: Cockpit) -> Any:
    cockpit.window.show_page("train")
    cockpit.refresh()
    return cockpit.window.pages["train"]


def test_one_click_trains(cockpit: Cockpit, train: Any) -> None:
    press(cockpit, "train")
    assert cockpit.studio.calls == [("train", "flow-matching", 6500, None)]
    assert not train.new_run.start.isEnabled()
    assert train.progress.stop.isVisible()


def test_without_demonstrations_there_is_nothing_to_train(cockpit: Cockpit, train: Any) -> None:
    cockpit.studio.rows.clear()
    cockpit.refresh()
    assert not train.new_run.start.isEnabled()
    assert "no demonstrations" in train.new_run.data.text()


def test_the_figures_follow_the_run(cockpit: Cockpit, train: Any) -> None:
    run = cockpit.studio.workspace.runs / "first"
    cockpit.studio.training = training_status(run, 3900, 6500, running=True)
    cockpit.refresh()
    assert train.progress.name.text() == "first"
    assert train.progress.figures["step"].text == "3900 / 6500"
    assert train.progress.figures["remaining"].text == "3:03"
    assert len(train.progress.loss.curve.getData()[0]) == 195
    assert train.progress.held_out.curve.getData()[1][-1] == pytest.approx(64.3, abs=0.5)  # mrad


def test_before_the_first_step_the_pictures_that_are_ready_are_counted(cockpit: Cockpit, train: Any) -> None:
    begun = training_status(cockpit.studio.workspace.runs / "first", 0, 6500, running=True)
    cockpit.studio.training = replace(begun, prepared=12)
    cockpit.refresh()
    assert train.progress.state.text() == "flow-matching, 40 episodes, pictures of 12 ready"
    cockpit.studio.training = replace(begun, prepared=40)
    cockpit.refresh()
    assert train.progress.state.text() == "flow-matching, 40 episodes"


def test_stop_and_keep_then_resume(cockpit: Cockpit, train: Any) -> None:
    press(cockpit, "train")
    press(cockpit, "stop_training")
    assert not train.progress.stop.isVisible()
    assert "stopped and kept" in train.progress.state.text()
    half = next(row.key for row in train.runs.list.rows if "002" in row.title)
    train.runs.list.select(half)
    cockpit.refresh()
    press(cockpit, "resume_run")
    assert cockpit.verbs == ["train", "stop_training", "resume_training"]
    assert str(cockpit.studio.calls[-1][1]) == half


def test_a_failed_run_shows_why(cockpit: Cockpit, train: Any) -> None:
    failed = training_status(cockpit.studio.workspace.runs / "first", 100, 6500, running=False)
    cockpit.studio.training = replace(failed, error="The disk is full. Free 2 GB.")
    cockpit.refresh()
    assert train.progress.state.text() == "The disk is full. Free 2 GB."


def test_the_newest_run_drives_when_none_was_chosen(cockpit: Cockpit) -> None:
    cockpit.window.commands.autonomous()
    assert cockpit.studio.calls == [("autonomous", cockpit.studio.runs()[0].path)]


def test_deploy_takes_the_run_along(cockpit: Cockpit, train: Any) -> None:
    chosen = next(row.key for row in train.runs.list.rows if "mean" in row.title)
    train.runs.list.select(chosen)
    cockpit.refresh()
    press(cockpit, "deploy_run")
    assert cockpit.window.page_name == "deploy"
    QTest.keyClick(cockpit.window, Qt.Key.Key_P)
    assert [(verb, str(run)) for verb, run in cockpit.studio.calls] == [("autonomous", chosen)]


def test_trials_are_run_with_the_chosen_policy(cockpit: Cockpit) -> None:
    cockpit.window.show_page("deploy")
    cockpit.refresh()
    page: Any = cockpit.window.pages["deploy"]
    page.trials.count.setValue(12)
    press(cockpit, "evaluate")
    assert cockpit.studio.calls == [("evaluate", (page.policy.chosen_run,), 12, True)]
    assert page.trials.job.isVisible()


def test_a_run_that_gets_its_first_checkpoint_can_be_chosen_at_once(cockpit: Cockpit) -> None:
    listed = cockpit.studio.runs()
    cockpit.studio.runs = lambda: listed[2:]  # type: ignore[method-assign]
    cockpit.window.show_page("deploy")
    panel: Any = cockpit.window.pages["deploy"].policy  # type: ignore[attr-defined]
    assert panel.run.count() == 1
    cockpit.studio.runs = lambda: listed  # type: ignore[method-assign]
    cockpit.refresh(70)
    assert panel.run.count() == 3
    assert panel.chosen_run == listed[2].path  # the operator's choice does not jump


def test_solver_and_executed_steps_reach_the_studio(cockpit: Cockpit) -> None:
    cockpit.window.show_page("deploy")
    samples = cockpit.window.pages["deploy"].fan.samples  # type: ignore[attr-defined]
    samples.solver.setValue(6)
    samples.executed.setValue(4)
    assert cockpit.studio.calls == [("set_solver_steps", 6), ("set_executed_steps", 4)]


@pytest.fixture
def compare(cockpit: Cockpit) -> Any:
    cockpit.window.show_page("compare")
    cockpit.refresh()
    return cockpit.window.pages["compare"]


def test_the_newest_pair_is_opened(cockpit: Cockpit, compare: Any) -> None:
    assert [view.row.source for view in cockpit.studio.opened] == ["scripted", "policy"]
    assert compare.timeline.end_s == max(side.duration_s for side in compare.sides)


def test_one_scrubber_moves_both(cockpit: Cockpit, compare: Any) -> None:
    middle = QPoint(compare.timeline.width() // 2, 20)
    before = [side.picture._sequence for side in compare.sides]
    QTest.mouseClick(compare.timeline, Qt.MouseButton.LeftButton, pos=middle)
    cockpit.refresh()
    assert compare.timeline.time_s == pytest.approx(compare.timeline.end_s / 2, rel=0.1)
    assert [side.picture._sequence for side in compare.sides] == [number + 1 for number in before]
    assert all(side.layer._now > 0 for side in compare.sides)


def test_play_runs_to_the_end_and_starts_over(cockpit: Cockpit, compare: Any) -> None:
    compare.timeline.set_time(compare.timeline.end_s - 0.05)
    compare.play.click()
    times = []
    for _ in range(4):
        cockpit.refresh()
        times.append(compare.timeline.time_s)
    assert compare.timeline.end_s in times
    assert min(times) < 0.1


def test_arrow_keys_step_one_frame(cockpit: Cockpit, compare: Any) -> None:
    QTest.keyClick(compare.timeline, Qt.Key.Key_Right)
    QTest.keyClick(compare.timeline, Qt.Key.Key_Right)
    QTest.keyClick(compare.timeline, Qt.Key.Key_Left)
    assert compare.timeline.time_s == pytest.approx(1 / 30)


def test_another_choice_closes_the_episode_before(cockpit: Cockpit, compare: Any) -> None:
    first = compare.human.view
    compare.human.choice.setCurrentIndex(3)
    compare.human.choice.activated.emit(3)
    assert first.closed
    assert compare.human.view.row.path == compare.human.choice.currentData()


def test_leaving_closes_both_files_and_coming_back_opens_them(cockpit: Cockpit, compare: Any) -> None:
    cockpit.window.show_page("record")
    assert all(view.closed for view in cockpit.studio.opened)
    cockpit.window.show_page("compare")
    assert [side.view.closed for side in compare.sides] == [False, False]
    assert len(cockpit.studio.opened) == 4


def test_an_episode_that_can_not_be_opened_is_told(cockpit: Cockpit, compare: Any) -> None:
    cockpit.studio.rows.clear()
    compare.human.choice.activated.emit(0)
    assert "can not be opened" in cockpit.notices[-1][1]
    assert not compare.human.view.closed


def test_the_state_does_not_matter_for_looking(cockpit: Cockpit, compare: Any) -> None:
    cockpit.goto(State.FAULT)
    compare.timeline.set_time(1.0)
    cockpit.refresh()
    assert compare.clock.text() == "1.00 s"
