"""Record: the big button follows the state, the list labels, replays and bins."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from teleop_studio.status import JobStatus, State
from tests.ui.cockpit import Cockpit, close_cockpit, open_cockpit


@pytest.fixture
def page(cockpit: Cockpit) -> Any:
    cockpit.window.show_page("record")
    cockpit.refresh()
    return cockpit.window.pages["record"]


def press(page: QWidget, name: str) -> None:
    found = page.findChild(QPushButton, name)
    assert found is not None
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(
    ("state", "word", "enabled"),
    [
        (State.IDLE, "Record", True),
        (State.TELEOP, "Record", True),
        (State.RECORDING, "Accept", True),
        (State.RESET, "Record next", True),
        (State.POLICY, "Accept", True),
        (State.STOPPED, "Record", False),
        (State.CLOSED, "Record", False),
    ],
)
def test_the_big_button_says_what_space_does(
    cockpit: Cockpit, page: Any, state: State, word: str, enabled: bool
) -> None:
    cockpit.goto(state)
    assert page.take.record.text() == word
    assert page.take.record.isEnabled() is enabled


def test_a_click_on_the_big_button_records_the_task_that_was_typed(cockpit: Cockpit, page: Any) -> None:
    page.take.task.setText("lift the bottle")
    QTest.mouseClick(page.take.record, Qt.MouseButton.LeftButton)
    assert cockpit.studio.calls == [("record", "lift the bottle")]


def test_an_accepted_take_appears_on_top_of_the_list(cockpit: Cockpit, page: Any) -> None:
    cockpit.goto(State.RECORDING)
    cockpit.window.commands.failure()
    cockpit.refresh()
    top = page.episodes.list.rows[0]
    assert top.title.startswith("Episode 13")
    assert top.right == "failure"


def test_the_selected_episode_is_labelled_replayed_and_binned(cockpit: Cockpit, page: Any) -> None:
    row = page.episodes.list.rows[2]
    page.episodes.list.select(row.key)
    press(page, "mark_failure")
    assert page.episodes.list.rows[2].right == "failure"
    assert page.episodes.list.selected_key == row.key
    press(page, "replay_episode")
    press(page, "bin_episode")
    assert cockpit.verbs == ["label", "replay", "move_to_bin"]
    assert row.key not in [other.key for other in page.episodes.list.rows]


def test_without_a_selection_the_list_says_so(cockpit: Cockpit, page: Any) -> None:
    press(page, "bin_episode")
    assert cockpit.verbs == []
    assert cockpit.notices[-1][1] == "No episode is selected."


def test_scripted_recording_shows_its_progress(cockpit: Cockpit, page: Any) -> None:
    page.sim.episodes.setValue(25)
    page.sim.fast.setChecked(True)
    press(page, "record_scripted")
    assert cockpit.studio.calls == [("record_scripted", 25, True)]
    cockpit.studio.job = JobStatus("Recording 25 demonstrations", 10, 25, "From the left", 9, 5, 5)
    cockpit.refresh()
    assert page.sim.job.isVisible()
    assert not page.sim.batch.isVisible()
    assert page.sim.job.bar.value() == 10
    assert "9 of 10 succeeded, left 5, right 5" in page.sim.job.detail.text()
    press(page, "cancel_job")
    assert cockpit.verbs[-1] == "cancel_job"


def test_the_demo_operator_alternates_or_keeps_the_chosen_side(cockpit: Cockpit, page: Any) -> None:
    for _ in range(3):
        cockpit.window.commands.demo_operator()
    page.sim.side.setCurrentIndex(2)
    for _ in range(2):
        cockpit.window.commands.demo_operator()
    assert [side for _, side in cockpit.studio.calls] == ["left", "right", "left", "right", "right"]


def test_a_real_rig_has_no_scripted_operator(qtbot: QtBot, qapp: QApplication, tmp_path: Any) -> None:
    cockpit = open_cockpit(tmp_path, simulated=False)
    assert not cockpit.window.pages["record"].sim.isVisible()  # type: ignore[attr-defined]
    assert not cockpit.window.state_bar.chips["simulated"].isVisible()
    QTest.keyClick(cockpit.window, Qt.Key.Key_D)
    assert cockpit.verbs == []
    assert "simulated rig only" in cockpit.notices[-1][1]
    close_cockpit(cockpit)
