"""Keys do what the key sheet says, and stay silent where the operator types; Esc never does."""

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QMenu, QSpinBox

from teleop_studio.status import State
from tests.ui.cockpit import Cockpit
from ui.actions import KEYS
from ui.pages import PAGES

KEY_TABLE = [
    (State.TELEOP, Qt.Key.Key_Space, "record"),
    (State.RESET, Qt.Key.Key_Space, "record"),
    (State.RECORDING, Qt.Key.Key_Space, "accept"),
    (State.POLICY, Qt.Key.Key_Space, "accept"),
    (State.RECORDING, Qt.Key.Key_Backspace, "discard"),
    (State.RECORDING, Qt.Key.Key_S, "accept"),
    (State.RECORDING, Qt.Key.Key_F, "accept"),
    (State.RECORDING, Qt.Key.Key_B, "bookmark"),
    (State.POLICY, Qt.Key.Key_B, "bookmark"),
    (State.IDLE, Qt.Key.Key_S, "label"),
    (State.IDLE, Qt.Key.Key_F, "label"),
    (State.IDLE, Qt.Key.Key_L, "teleop"),
    (State.IDLE, Qt.Key.Key_P, "autonomous"),
    (State.POLICY, Qt.Key.Key_T, "take_over"),
    (State.STOPPED, Qt.Key.Key_R, "resume"),
    (State.IDLE, Qt.Key.Key_D, "scripted_operator"),
    (State.IDLE, Qt.Key.Key_N, "new_scene"),
    (State.POLICY, Qt.Key.Key_Escape, "stop"),
]


@pytest.mark.parametrize(("state", "key", "verb"), KEY_TABLE)
def test_a_key_calls_its_verb_once(cockpit: Cockpit, state: State, key: Qt.Key, verb: str) -> None:
    cockpit.goto(state)
    QTest.keyClick(cockpit.window, key)
    assert cockpit.verbs == [verb]


@pytest.mark.parametrize(("key", "outcome"), [(Qt.Key.Key_S, "success"), (Qt.Key.Key_F, "failure")])
def test_s_and_f_tell_the_outcome(cockpit: Cockpit, key: Qt.Key, outcome: str) -> None:
    cockpit.goto(State.RECORDING)
    QTest.keyClick(cockpit.window, key)
    assert cockpit.studio.calls == [("accept", outcome)]


def test_torque_needs_two_presses(cockpit: Cockpit) -> None:
    QTest.keyClick(cockpit.window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert cockpit.verbs == []
    assert "again" in cockpit.notices[-1][1]
    QTest.keyClick(cockpit.window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert cockpit.verbs == ["torque_off"]


@pytest.mark.parametrize(("number", "page"), list(enumerate(PAGES, start=1)))
def test_control_and_a_number_turns_to_a_page(cockpit: Cockpit, number: int, page: str) -> None:
    QTest.keyClick(cockpit.window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
    assert cockpit.window.page_name == page
    assert cockpit.window.stack.currentWidget() is cockpit.window.pages[page]


def test_every_action_has_a_name_a_key_of_its_own_and_a_tooltip(cockpit: Cockpit) -> None:
    actions = cockpit.window.findChildren(QAction, options=Qt.FindChildOption.FindDirectChildrenOnly)
    named = [action for action in actions if action.objectName()]
    keys = [action.shortcut().toString() for action in named]
    assert len(named) >= len(KEYS) + len(PAGES)
    assert len(set(keys)) == len(keys)
    assert all(keys)
    assert all(action.toolTip() and action.text() for action in named)


def test_the_key_sheet_lists_every_key_and_blocks_none(cockpit: Cockpit) -> None:
    QTest.keyClicks(cockpit.window, "?")
    sheet = cockpit.window.findChild(QDialog, "key_sheet")
    assert sheet is not None
    assert sheet.isVisible()
    shown = {label.text() for label in sheet.findChildren(QLabel)}
    assert {spec.key for spec in KEYS} | {"Esc", "?"} | {page.shortcut for page in PAGES.values()} <= shown
    cockpit.goto(State.TELEOP)
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert cockpit.verbs == ["stop"]
    assert not sheet.isVisible()


def test_typing_a_task_triggers_nothing_but_esc_still_stops(cockpit: Cockpit) -> None:
    task = cockpit.window.findChild(QLineEdit, "task_text")
    assert task is not None
    task.setFocus()
    QTest.keyClicks(task, "Spin left, push the red fork?")
    QTest.keyClick(task, Qt.Key.Key_Backspace)
    assert task.text() == "Spin left, push the red fork"
    assert cockpit.window.commands.choices.task == task.text()
    assert cockpit.verbs == []
    QTest.keyClick(task, Qt.Key.Key_Escape)
    assert cockpit.verbs == ["stop"]


def test_a_number_field_keeps_its_keys_but_esc_stops(cockpit: Cockpit) -> None:
    field = cockpit.window.findChild(QSpinBox, "scripted_episodes")
    assert field is not None
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "12")
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    QTest.keyClicks(field, " ")
    assert field.value() == 1
    assert cockpit.verbs == []
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert cockpit.verbs == ["stop"]


def test_esc_stops_under_a_modal_dialog(cockpit: Cockpit) -> None:
    cockpit.goto(State.POLICY)
    dialog = QDialog(cockpit.window)
    dialog.setModal(True)
    QTimer.singleShot(0, lambda: QTest.keyClick(dialog, Qt.Key.Key_Escape))
    dialog.exec()
    assert cockpit.verbs == ["stop"]
    assert cockpit.studio.session.state is State.STOPPED


def test_esc_stops_while_a_menu_is_open(cockpit: Cockpit) -> None:
    menu = cockpit.window.menu_button.menu()
    assert isinstance(menu, QMenu)
    menu.popup(cockpit.window.pos())
    QApplication.processEvents()
    assert QApplication.activePopupWidget() is menu
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    assert cockpit.verbs == ["stop"]
    assert not menu.isVisible()


def test_esc_is_heard_no_more_after_the_window_closed(cockpit: Cockpit) -> None:
    cockpit.window.close()
    QTest.keyClick(cockpit.window, Qt.Key.Key_Escape)
    assert cockpit.verbs == []


def test_the_stop_button_stops_on_every_page(cockpit: Cockpit) -> None:
    for count, page in enumerate(PAGES, start=1):
        cockpit.window.show_page(page)
        assert cockpit.window.state_bar.stop_button.isVisible()
        QTest.mouseClick(cockpit.window.state_bar.stop_button, Qt.MouseButton.LeftButton)
        assert cockpit.verbs == ["stop"] * count


def test_a_focused_button_does_not_swallow_space(cockpit: Cockpit) -> None:
    cockpit.goto(State.TELEOP)
    teleop = cockpit.window.pages["record"].findChild(QLineEdit, "task_text")
    assert teleop is not None
    button = cockpit.window.pages["record"].take.discard  # type: ignore[attr-defined]
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert cockpit.verbs == ["record"]
