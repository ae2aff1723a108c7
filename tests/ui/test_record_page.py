"""Record: the big button follows the state, the list labels, replays and bins."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from teleop_studio.status import JobStatus, State
from tests.ui.cockpit import Cockpit, close_cockpit, near, open_cockpit
from ui import theme
from ui.commands import Commands
from ui.pages.record import TakePanel
from ui.widgets.camera_wall import arranged


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


def test_the_operators_name_goes_with_the_next_take_and_is_there_again(cockpit: Cockpit, page: Any) -> None:
    page.take.operator.setText("Ada")
    assert cockpit.studio.operator == ""  # not at each letter
    QTest.mouseClick(page.take.record, Qt.MouseButton.LeftButton)
    assert cockpit.studio.operator == "Ada"
    page.take.operator.setText("Grace")
    QTest.keyClick(page.take.operator, Qt.Key.Key_Return)
    assert cockpit.studio.operator == "Grace"
    again = TakePanel(cockpit.bridge, Commands(cockpit.bridge), cockpit.window.actions_by_name)
    assert again.operator.text() == "Grace"


def test_a_bookmark_is_told_with_its_time_and_refused_without_a_take(cockpit: Cockpit, page: Any) -> None:
    cockpit.window.commands.bookmark()
    assert cockpit.notices[-1][:2] == ("error", "Can not bookmark while idle.")
    cockpit.goto(State.RECORDING)
    cockpit.refresh(29)
    QTest.mouseClick(page.take.bookmark, Qt.MouseButton.LeftButton)
    assert cockpit.notices[-1][:2] == ("info", "Bookmark at 1.0 s.")


@pytest.mark.parametrize(
    ("state", "shown"),
    [(State.IDLE, "teleop"), (State.RECORDING, "bookmark"), (State.POLICY, "bookmark"), (State.FAULT, "resume")],
)
def test_of_three_buttons_the_one_that_is_of_use_is_shown(
    cockpit: Cockpit, page: Any, state: State, shown: str
) -> None:
    cockpit.goto(state)
    assert [name for name in ("teleop", "bookmark", "resume") if getattr(page.take, name).isVisible()] == [shown]


@pytest.mark.parametrize(
    ("left_s", "text", "colour", "chip"),
    [
        (float("inf"), "–", theme.FAINT, False),
        (40 * 3600.0, "40 h", theme.TEXT, False),
        (2520.0, "42 min", theme.TEXT, False),
        (540.0, "9 min", theme.WARN, True),
        (75.0, "75 s", theme.BAD, True),
    ],
)
def test_the_disk_turns_amber_and_red_and_then_shows_on_the_bar_too(
    cockpit: Cockpit, page: Any, left_s: float, text: str, colour: str, chip: bool
) -> None:
    cockpit.studio.disk_left_s = left_s
    cockpit.refresh()
    assert page.take.disk.text == text
    assert near(page.take.disk, colour, 30).any()
    assert cockpit.window.state_bar.chips["disk"].isVisible() is chip


def test_each_camera_tells_what_is_missing_of_it(cockpit: Cockpit, page: Any) -> None:
    cockpit.studio.missing = {"wrist": 14}
    cockpit.goto(State.RECORDING)
    assert page.cameras.views["front"].corner == "30 fps"
    assert page.cameras.views["wrist"].corner == "14 missing"
    assert page.take.frames.text == "3 / 17"
    assert near(page.cameras.views["wrist"], theme.BAD, 40).any()


@pytest.mark.parametrize(
    ("count", "width", "most_height", "columns", "height"),
    [
        (1, 812, 404, 1, 404),
        (2, 812, 404, 2, 300),
        (3, 812, 404, 3, 196),
        (4, 812, 404, 2, 196),
        (4, 1440, 572, 4, 263),
    ],
)
def test_cameras_stand_where_their_pictures_are_largest(
    count: int, width: int, most_height: int, columns: int, height: int
) -> None:
    assert arranged(count, width, most_height) == (columns, height)


def test_four_cameras_leave_room_for_the_joints(cockpit: Cockpit, page: Any) -> None:
    cockpit.studio.camera_names = ("front", "wrist", "left", "top")
    cockpit.refresh(2)
    views = [view.geometry() for view in page.cameras.views.values()]
    assert not any(one.intersects(other) for one in views for other in views if one is not other)
    assert all(page.cameras.rect().contains(view) for view in views)
    assert page.chart.height() > 200


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


def test_the_script_records_both_sides_of_every_layout_when_asked(cockpit: Cockpit, page: Any) -> None:
    page.sim.side.setCurrentText("both sides")
    press(page, "record_scripted")
    assert cockpit.studio.calls == [("record_scripted", 40, False, True)]
    assert cockpit.window.commands.choices.side == ""  # the demo operator alternates


def test_scripted_recording_shows_its_progress(cockpit: Cockpit, page: Any) -> None:
    page.sim.episodes.setValue(25)
    page.sim.fast.setChecked(True)
    press(page, "record_scripted")
    assert cockpit.studio.calls == [("record_scripted", 25, True, False)]
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
    assert cockpit.window.state_bar.chips["rig"].text != "simulated"
    QTest.keyClick(cockpit.window, Qt.Key.Key_D)
    assert cockpit.verbs == []
    assert "simulated rig only" in cockpit.notices[-1][1]
    close_cockpit(cockpit)
