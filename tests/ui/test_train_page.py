"""Train: one click trains the default; everything else is a choice, and every run can be followed, tried, resumed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from teleop_studio.train_choices import TrainChoices
from tests.ui.cockpit import Cockpit, press
from tests.ui.stand_in_trainings import training_status
from ui.commands import BEST, NEWEST
from ui.widgets.train.host_dialog import HostDialog


@pytest.fixture
def train(cockpit: Cockpit) -> Any:
    cockpit.window.show_page("train")
    cockpit.refresh()
    return cockpit.window.pages["train"]


def choose(page: Any, policy: str) -> None:
    page.new_run.policy.setCurrentIndex(page.new_run.policy.findData(policy))


def test_one_click_trains_the_default(cockpit: Cockpit, train: Any) -> None:
    press(cockpit, "train")
    assert cockpit.studio.calls == [("train", TrainChoices())]
    assert not train.new_run.start.isEnabled()
    assert train.progress.stop.isVisible()


def test_each_policy_says_what_it_does(cockpit: Cockpit, train: Any) -> None:
    assert train.new_run.policy.currentText() == "Flow matching"
    choose(train, "mean-regression")
    assert "average" in train.new_run.summary.text()
    press(cockpit, "train")
    assert cockpit.studio.calls == [("train", TrainChoices("mean-regression"))]


def test_a_policy_that_lacks_a_package_is_greyed_with_what_to_install(cockpit: Cockpit, train: Any) -> None:
    choice = train.new_run.policy
    index = choice.model().index(choice.findData("smolvla"), 0)
    assert not index.flags() & Qt.ItemFlag.ItemIsEnabled
    assert "pip install" in index.data(Qt.ItemDataRole.AccessibleTextRole)


def test_without_demonstrations_there_is_nothing_to_train(cockpit: Cockpit, train: Any) -> None:
    cockpit.studio.rows.clear()
    cockpit.refresh()
    assert not train.new_run.start.isEnabled()
    assert "no demonstrations" in train.new_run.data.text()


def test_more_offers_the_choices_of_the_policy(cockpit: Cockpit, train: Any) -> None:
    assert not train.choices.isVisible()
    press(cockpit, "more_choices")
    assert train.choices.isVisible()
    assert list(train.choices.own) == ["network", "encoder", "augment"]
    choose(train, "act")
    assert list(train.choices.own) == ["preset"]
    assert train.choices.steps.value() == 20000  # what suits this policy


def test_only_what_differs_from_the_defaults_is_chosen(cockpit: Cockpit, train: Any) -> None:
    press(cockpit, "more_choices")
    train.choices.own["network"].setCurrentText("unet")
    train.choices.steps.setValue(3000)
    train.choices.name.setText("wide")
    train.choices.device.setCurrentIndex(1)
    assert train.new_run.changed.text() == "network unet, 3,000 steps, as wide, on the processor"
    press(cockpit, "train")
    wanted = TrainChoices(steps=3000, name="wide", policy_settings={"network": "unet"}, device="cpu")
    assert cockpit.studio.calls == [("train", wanted)]


def test_defaults_puts_every_choice_back(cockpit: Cockpit, train: Any) -> None:
    press(cockpit, "more_choices")
    train.choices.own["augment"].setCurrentIndex(2)
    train.choices.seed.setValue(4)
    press(cockpit, "default_choices")
    assert train.choices.chosen() == TrainChoices()
    assert not train.new_run.changed.isVisible()


def test_a_frozen_encoder_asks_for_the_folder_of_its_weights(cockpit: Cockpit, train: Any) -> None:
    press(cockpit, "more_choices")
    assert not train.choices.backbone.isVisible()
    train.choices.own["encoder"].setCurrentText("frozen")
    cockpit.refresh()
    assert not train.new_run.start.isEnabled()
    assert "backbone" in train.new_run.data.text()
    train.choices.backbone.path.setText("/models/dino")
    cockpit.refresh()
    press(cockpit, "train")
    settings = cockpit.studio.calls[0][1].policy_settings  # type: ignore[attr-defined]
    assert settings == {"encoder": "frozen", "backbone": "/models/dino"}


def test_a_policy_with_pretrained_weights_takes_their_folder(cockpit: Cockpit, train: Any) -> None:
    cockpit.studio.trainings.kinds["smolvla"] = replace(cockpit.studio.trainings.kinds["smolvla"], missing="")
    train.new_run.reread()
    press(cockpit, "more_choices")
    assert not train.choices.weights.isVisible()
    choose(train, "smolvla")
    assert train.choices.weights.isVisible()
    train.choices.weights.path.setText("/models/smolvla")
    press(cockpit, "train")
    assert cockpit.studio.calls[0][1].weights == Path("/models/smolvla")  # type: ignore[attr-defined]


def add_a_host(cockpit: Cockpit, page: Any) -> Any:
    press(cockpit, "more_choices")
    page.choices.host.setCurrentText("Add a host…")
    page.choices.host.activated.emit(page.choices.host.currentIndex())
    dialog = page.findChild(HostDialog)
    QTest.keyClicks(dialog.address, "ada@gpubox.lan")
    press(cockpit, "add_host")
    return dialog


def test_a_host_is_added_checked_and_trained_on(cockpit: Cockpit, train: Any) -> None:
    dialog = add_a_host(cockpit, train)
    assert cockpit.studio.calls == [("add_training_host", "gpubox", "ada@gpubox.lan", "")]
    assert "Looking at gpubox" in dialog.said.text()
    cockpit.studio.trainings.found("gpubox", device="NVIDIA RTX 4090")
    cockpit.refresh(10)
    assert train.choices.host.currentText() == "gpubox"
    press(cockpit, "train")
    assert cockpit.studio.calls[-1] == ("train", TrainChoices(host="gpubox"))


def test_a_host_that_is_gone_is_forgotten(cockpit: Cockpit, train: Any) -> None:
    add_a_host(cockpit, train)
    cockpit.studio.trainings.found("gpubox", device="NVIDIA H100")
    cockpit.refresh(8)
    press(cockpit, "forget_host")
    assert cockpit.studio.calls[-1] == ("remove_training_host", "gpubox")
    assert train.choices.host.currentText() == "this computer"
    assert train.choices.host.findData("gpubox") < 0
    assert not train.choices.forget.isVisible()


def test_a_host_that_can_not_train_says_why_and_can_be_checked_again(cockpit: Cockpit, train: Any) -> None:
    dialog = add_a_host(cockpit, train)
    cockpit.studio.trainings.found("gpubox", problem="ssh asks for a password. Copy your key with ssh-copy-id.")
    cockpit.refresh(10)
    assert "ssh-copy-id" in dialog.said.text()
    press(cockpit, "add_host")
    assert cockpit.studio.calls[-1] == ("check_training_host", "gpubox")


def test_the_figures_follow_the_run(cockpit: Cockpit, train: Any) -> None:
    run = cockpit.studio.workspace.runs / "first"
    cockpit.studio.training = training_status(run, 3900, 6500, running=True)
    cockpit.refresh()
    assert train.progress.name.text() == "first"
    assert train.progress.figures["step"].text == "3900 / 6500"
    assert train.progress.figures["remaining"].text == "3:03"
    assert len(train.progress.loss.curve.getData()[0]) == 195
    assert train.progress.held_out.curve.getData()[1][-1] == pytest.approx(64.3, abs=0.5)  # mrad


def test_device_and_best_checkpoint_are_said_and_ringed(cockpit: Cockpit, train: Any) -> None:
    cockpit.studio.training = training_status(cockpit.studio.workspace.runs / "first", 3900, 6500, running=True)
    cockpit.refresh()
    assert train.progress.state.text() == (
        "Flow matching, 40 episodes, on CPU, 2 threads · best: step 3000, by held-out error"
    )
    assert list(train.progress.held_out.best.getData()[0]) == [3000]


def test_before_the_first_step_the_pictures_that_are_ready_are_counted(cockpit: Cockpit, train: Any) -> None:
    begun = replace(
        training_status(cockpit.studio.workspace.runs / "first", 0, 6500, running=True), device="", prepared=12
    )
    cockpit.studio.training = begun
    cockpit.refresh()
    assert train.progress.state.text() == "Flow matching, 40 episodes · pictures of 12 ready"
    cockpit.studio.training = replace(begun, prepared=40)
    cockpit.refresh()
    assert train.progress.state.text() == "Flow matching, 40 episodes"


def test_pause_and_go_on(cockpit: Cockpit, train: Any) -> None:
    press(cockpit, "train")
    press(cockpit, "pause_training")
    assert train.progress.pause.text() == "Go on"
    assert "paused" in train.progress.state.text()
    press(cockpit, "pause_training")
    assert train.progress.pause.text() == "Pause"
    assert cockpit.verbs == ["train", "pause_training", "resume_training"]


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


def test_a_finished_run_is_trained_longer(cockpit: Cockpit, train: Any) -> None:
    finished, half, _ = train.runs.list.rows
    train.runs.list.select(half.key)
    cockpit.refresh()
    assert not train.runs.longer.isVisible()
    train.runs.list.select(finished.key)
    cockpit.refresh()
    assert train.runs.longer.isVisible()
    assert (train.runs.resume.text(), train.runs.longer.value()) == ("Train longer", 9750)
    train.runs.longer.setValue(8000)
    cockpit.refresh()
    press(cockpit, "resume_run")
    assert cockpit.studio.calls == [("resume_training", Path(finished.key), 8000)]
    cockpit.refresh()
    assert not train.runs.resume.isEnabled()  # one at a time


def test_the_newest_checkpoint_is_tried_while_the_training_goes_on(cockpit: Cockpit, train: Any) -> None:
    run = cockpit.studio.trainings.run_rows[1].path
    cockpit.studio.training = replace(training_status(run, 300, 6500, running=True), checkpoint_step=0)
    cockpit.refresh()
    assert not train.progress.try_newest.isEnabled()
    cockpit.studio.training = training_status(run, 2600, 6500, running=True)
    cockpit.refresh()
    press(cockpit, "try_newest")
    assert cockpit.window.page_name == "deploy"
    assert cockpit.window.commands.choices.checkpoint == NEWEST
    QTest.keyClick(cockpit.window, Qt.Key.Key_P)
    assert cockpit.studio.calls == [("autonomous", run / "checkpoints" / "00002600")]


def test_a_failed_run_shows_why(cockpit: Cockpit, train: Any) -> None:
    failed = training_status(cockpit.studio.workspace.runs / "first", 100, 6500, running=False)
    cockpit.studio.training = replace(failed, error="The disk is full. Free 2 GB.")
    cockpit.refresh()
    assert train.progress.state.text() == "The disk is full. Free 2 GB."


def test_the_runs_say_policy_best_and_how_far(cockpit: Cockpit, train: Any) -> None:
    first, half, _ = train.runs.list.rows
    assert (first.detail, first.note, first.right) == ("Flow matching · best 6000", "54 mrad", "step 6500")
    assert half.right == "40% of 6500"


def interrupt(cockpit: Cockpit) -> Path:
    rows = cockpit.studio.trainings.run_rows
    rows[1] = replace(rows[1], interrupted=True)
    return rows[1].path


def test_an_interrupted_run_is_marked_and_resumed_with_one_click(cockpit: Cockpit, train: Any) -> None:
    run = interrupt(cockpit)
    train.enter()
    cockpit.refresh()
    assert train.runs.list.rows[1].right == "interrupted at 40%"
    assert "goes on from step 2600" in train.interrupted.said.text()
    press(cockpit, "resume_interrupted")
    assert cockpit.studio.calls == [("resume_training", run)]
    assert not train.interrupted.isVisible()


def test_an_interrupted_run_that_was_put_away_is_not_said_again(cockpit: Cockpit, train: Any) -> None:
    interrupt(cockpit)
    train.enter()
    cockpit.refresh()
    press(cockpit, "leave_interrupted")
    train.enter()
    cockpit.refresh()
    assert not train.interrupted.isVisible()


def test_deploy_takes_the_run_along(cockpit: Cockpit, train: Any) -> None:
    chosen = next(row.key for row in train.runs.list.rows if "mean" in row.title)
    train.runs.list.select(chosen)
    cockpit.refresh()
    press(cockpit, "deploy_run")
    assert cockpit.window.page_name == "deploy"
    assert cockpit.window.commands.choices.checkpoint == BEST
    QTest.keyClick(cockpit.window, Qt.Key.Key_P)
    assert [(verb, str(run)) for verb, run in cockpit.studio.calls] == [("autonomous", chosen)]


def test_the_newest_run_drives_when_none_was_chosen(cockpit: Cockpit) -> None:
    cockpit.window.commands.autonomous()
    assert cockpit.studio.calls == [("autonomous", cockpit.studio.runs()[0].path)]
