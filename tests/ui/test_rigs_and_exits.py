"""Choosing a rig, the exits of the arm, and closing over an arm that stands by its torque."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QPushButton
from pytestqt.qtbot import QtBot

from teleop_studio.rig import RigConfig
from teleop_studio.rig_file import save_rig
from teleop_studio.status import State
from tests.ui.cockpit import Cockpit, close_cockpit, open_cockpit
from ui import theme
from ui.widgets.closing import closing_words


@pytest.fixture
def bench(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Cockpit]:
    """A window over a rig with real arms."""
    qapp.setQuitOnLastWindowClosed(False)
    theme.apply(qapp)
    opened = open_cockpit(tmp_path, simulated=False)
    yield opened
    close_cockpit(opened)


def entries(cockpit: Cockpit) -> dict[str, QAction]:
    cockpit.window.rig_menu.fill()
    return {entry.text(): entry for entry in cockpit.window.rig_menu.actions() if entry.text()}


# --- rigs ------------------------------------------------------------------------------------------------------------


def test_the_menu_lists_the_workspaces_rigs_and_says_which_can_not_be_used(cockpit: Cockpit) -> None:
    rigs = cockpit.studio.workspace.rigs
    save_rig(RigConfig(name="kitchen", scene="fork"), rigs / "kitchen.toml")
    (rigs / "broken.toml").write_text("leader = 3\n")
    found = entries(cockpit)
    assert found["Simulated rig"].isChecked()
    kitchen = next(text for text in found if text.startswith("kitchen"))
    assert not found[kitchen].isChecked()
    assert not found["broken (can not be used)"].isEnabled()
    assert "broken.toml" in found["broken (can not be used)"].toolTip()
    assert {"Close rig", "Set up"} <= set(found)


def test_another_rig_is_opened_once_the_present_one_is_closed(cockpit: Cockpit) -> None:
    save_rig(RigConfig(name="kitchen", scene="fork"), cockpit.studio.workspace.rigs / "kitchen.toml")
    found = entries(cockpit)
    cockpit.studio.closing = True
    found[next(text for text in found if text.startswith("kitchen"))].trigger()
    cockpit.refresh(3)
    assert cockpit.verbs == ["closed"]
    cockpit.studio.closing = False
    record = cockpit.window.pages["record"]
    cockpit.refresh(2)
    assert cockpit.studio.calls == [("closed",), ("use_rig", "kitchen"), ("opened",)]
    assert cockpit.window.pages["record"] is not record  # other cameras, other joints
    assert cockpit.window.page_name == "record"


def test_ctrl_g_opens_the_menu_at_the_rigs_chip(cockpit: Cockpit) -> None:
    QTest.keyClick(cockpit.window, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    menu = cockpit.window.rig_menu
    assert menu.isVisible()
    menu.close()
    QTest.mouseClick(cockpit.window.state_bar.chips["rig"], Qt.MouseButton.LeftButton)
    assert menu.isVisible()
    menu.close()


def test_the_menu_of_an_open_real_rig_says_what_closing_it_does(bench: Cockpit) -> None:
    assert "The follower's torque goes softly and it sinks: support it." in entries(bench)


# --- exits -----------------------------------------------------------------------------------------------------------


def test_shift_r_goes_to_rest_and_is_not_resume(cockpit: Cockpit) -> None:
    QTest.keyClick(cockpit.window, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    cockpit.refresh()
    assert cockpit.verbs == ["rest"]
    assert cockpit.window.state_bar.word == "To rest"
    QTest.keyClick(cockpit.window, Qt.Key.Key_Escape)
    assert cockpit.verbs == ["rest", "stop"]


@pytest.mark.parametrize("name", ["stop", "rest", "torque_off"])
def test_each_exit_says_what_the_arm_does(cockpit: Cockpit, name: str) -> None:
    said = {
        "stop": (cockpit.window.state_bar.stop_button.toolTip(), "Hold the arm where it is"),
        "rest": (cockpit.window.actions_by_name["rest"].toolTip(), "moves slowly to its rest pose and goes limp there"),
        "torque_off": (cockpit.window.actions_by_name["torque_off"].toolTip(), "Release the arm"),
    }
    tooltip, words = said[name]
    assert words in tooltip


def test_closing_a_real_rig_needs_two_presses_and_a_simulated_one_does_not(bench: Cockpit) -> None:
    QTest.keyClick(bench.window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert bench.verbs == []
    assert bench.notices[-1][1:] == ("Press again to close the rig.", closing_words("soften"))
    QTest.keyClick(bench.window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert bench.verbs == ["closed"]


def test_the_simulated_rig_and_its_window_close_without_a_question(cockpit: Cockpit) -> None:
    cockpit.window.commands.close_rig()
    assert cockpit.verbs == ["closed"]
    cockpit.goto(State.IDLE)
    assert cockpit.window.close()


def asked(bench: Cockpit) -> QDialog:
    assert not bench.window.close()
    assert bench.window.isVisible()
    dialog = bench.window.findChild(QDialog, "closing_dialog")
    assert dialog is not None
    return dialog


def test_a_window_over_a_standing_arm_says_first_what_the_arm_will_do(bench: Cockpit) -> None:
    dialog = asked(bench)
    assert dialog.words.text() == closing_words(bench.studio.rig.on_close)  # type: ignore[attr-defined]
    QTest.mouseClick(dialog.findChild(QPushButton, "stay"), Qt.MouseButton.LeftButton)  # type: ignore[arg-type]
    assert bench.window.isVisible()
    QTest.mouseClick(asked(bench).findChild(QPushButton, "close_now"), Qt.MouseButton.LeftButton)  # type: ignore[arg-type]
    assert not bench.window.isVisible()
    assert bench.verbs == []


def test_rest_then_close_waits_until_the_arm_has_come_to_rest(bench: Cockpit) -> None:
    QTest.mouseClick(asked(bench).findChild(QPushButton, "rest_and_close"), Qt.MouseButton.LeftButton)  # type: ignore[arg-type]
    bench.refresh(3)
    assert bench.verbs == ["rest"]
    assert bench.window.isVisible()
    bench.goto(State.LIMP)
    assert not bench.window.isVisible()


def test_a_stop_on_the_way_to_rest_keeps_the_window(bench: Cockpit) -> None:
    QTest.mouseClick(asked(bench).findChild(QPushButton, "rest_and_close"), Qt.MouseButton.LeftButton)  # type: ignore[arg-type]
    bench.refresh(2)
    bench.goto(State.STOPPED)
    bench.goto(State.LIMP)
    assert bench.window.isVisible()


def test_esc_in_the_question_stops_the_arm_and_stays(bench: Cockpit) -> None:
    QTest.keyClick(asked(bench), Qt.Key.Key_Escape)
    assert bench.verbs == ["stop"]
    assert bench.window.isVisible()


def test_a_limp_arm_needs_no_question(bench: Cockpit) -> None:
    bench.goto(State.LIMP)
    assert bench.window.close()


def test_while_another_program_has_the_keyboard_the_bar_says_so(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = cockpit.window.state_bar.detail
    cockpit.goto(State.TELEOP)
    assert detail.text() == "Space records."
    inactive = Qt.ApplicationState.ApplicationInactive
    monkeypatch.setattr(QGuiApplication, "applicationState", staticmethod(lambda: inactive))
    cockpit.refresh()
    assert detail.text().startswith("Keys do nothing: the window is not active")
    assert "teleop-studio stop" in detail.text()
    monkeypatch.undo()
    cockpit.refresh()
    assert detail.text() == "Space records."
