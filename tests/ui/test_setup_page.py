"""Set up: from the open rig to a saved and opened one, by keys, with what is missing said on the way."""

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QWidget

from teleop_studio.setup_status import FoundServo, SetupStatus
from teleop_studio.status import State
from tests.contracts.test_pages import parts_of
from tests.ui.cockpit import Cockpit, near
from tests.ui.stand_in_setup import (
    FOLLOWER_PORT,
    FORBIDDEN_PORT,
    LEADER_PORT,
    calibration_step,
    found_cameras,
    full_setup,
    koch_ports,
)
from ui import theme
from ui.widgets.camera_view import CameraView
from ui.widgets.setup.progress import CALIBRATION, CAMERAS, IDS, PORTS, ROLES, SAVE, TITLES, parts

LOGITECH, NAMELESS = (camera.device for camera in found_cameras())


@pytest.fixture
def page(cockpit: Cockpit) -> Any:
    """The page over a set-up that runs and has scanned."""
    cockpit.goto(State.CLOSED)
    cockpit.window.show_page("setup")
    press(cockpit, Qt.Key.Key_Return)
    cockpit.refresh(2)
    cockpit.studio.calls.clear()
    return cockpit.window.pages["setup"]


def press(cockpit: Cockpit, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(cockpit.window, key, modifier)
    cockpit.refresh()


def click(page: QWidget, name: str) -> None:
    found = page.findChild(QPushButton, name)
    assert found is not None
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)


def texts(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]


def choose_both(cockpit: Cockpit, page: Any) -> None:
    page.show_part(ROLES)
    click(page, "port_1_leader")
    click(page, "port_2_follower")
    cockpit.refresh()


# --- beginning -------------------------------------------------------------------------------------------------------


def test_one_press_closes_the_open_rig_begins_and_scans(cockpit: Cockpit) -> None:
    cockpit.window.show_page("setup")
    cockpit.refresh()
    gate = cockpit.window.pages["setup"].gate  # type: ignore[attr-defined]
    assert gate.begin.text() == "Close the simulated rig and begin"
    assert "sinks: support it" in gate.says.text()
    press(cockpit, Qt.Key.Key_Return)
    cockpit.refresh(3)
    assert cockpit.verbs == ["closed", "setup.begin", "setup.scan"]


def test_the_set_up_waits_until_the_closing_rig_lets_go_of_the_ports(cockpit: Cockpit) -> None:
    cockpit.window.show_page("setup")
    cockpit.studio.closing = True
    press(cockpit, Qt.Key.Key_Return)
    cockpit.refresh(3)
    assert cockpit.verbs == ["closed"]
    assert not cockpit.window.pages["setup"].gate.begin.isEnabled()  # type: ignore[attr-defined]
    cockpit.studio.closing = False
    cockpit.refresh(3)
    assert cockpit.verbs == ["closed", "setup.begin", "setup.scan"]


def test_why_the_set_up_ended_stands_where_it_begins(cockpit: Cockpit) -> None:
    cockpit.goto(State.CLOSED)
    cockpit.studio.setup.status = SetupStatus(problem="The set-up process died. Its log is logs/setup.log.")
    cockpit.window.show_page("setup")
    cockpit.refresh()
    assert "The set-up process died. Its log is logs/setup.log." in texts(cockpit.window.pages["setup"])


# --- ports -----------------------------------------------------------------------------------------------------------


def test_each_port_tells_what_answered_and_a_forbidden_one_what_to_do(cockpit: Cockpit, page: Any) -> None:
    seen = texts(page.ports)
    assert seen.count("6 servos at 1 Mbaud") == 2
    assert "<b>3</b>&nbsp;&nbsp;xl330-m288" in seen
    assert any(text.startswith(f"This user may not open {FORBIDDEN_PORT}. Add yourself") for text in seen)
    assert any("latency timer to 1 ms" in text for text in seen)
    tops = {label.text(): label.mapTo(page, QPoint(0, 0)).y() for label in page.ports.findChildren(QLabel)}
    assert tops["OpenRB-150"] < tops[FORBIDDEN_PORT]  # what answered comes first


def test_f5_scans_again_at_all_baud_rates_where_that_is_ticked(cockpit: Cockpit, page: Any) -> None:
    page.ports.all_bauds.setChecked(True)
    press(cockpit, Qt.Key.Key_F5)
    assert cockpit.studio.calls == [("setup.scan", (), True)]


def test_another_address_is_scanned_by_return_without_turning_the_page(cockpit: Cockpit, page: Any) -> None:
    page.ports.address.setFocus()
    QTest.keyClicks(page.ports.address, "socket://10.0.0.7:4000")
    QTest.keyClick(page.ports.address, Qt.Key.Key_Return)
    assert cockpit.studio.calls == [("setup.scan", ("socket://10.0.0.7:4000",), False)]
    assert page.part == PORTS


def test_no_port_at_all_says_what_to_plug_in(cockpit: Cockpit, page: Any) -> None:
    cockpit.studio.setup.status = SetupStatus(running=True)
    cockpit.refresh()
    assert any(text.startswith("No serial port was found. Plug in") for text in texts(page.ports))


# --- leader and follower ---------------------------------------------------------------------------------------------


def test_the_arm_that_is_moved_by_hand_is_the_one_whose_bar_grows(cockpit: Cockpit, page: Any) -> None:
    press(cockpit, Qt.Key.Key_W)
    assert cockpit.studio.calls == [("setup.identify", True)]
    cockpit.studio.setup.move(FOLLOWER_PORT, 0.4)
    cockpit.studio.setup.move(LEADER_PORT, 0.01)
    cockpit.refresh()
    rows = page.roles.rows
    assert [rows[path].bar.moves for path in (LEADER_PORT, FOLLOWER_PORT)] == [False, True]
    assert near(rows[FOLLOWER_PORT].bar, theme.GOOD).sum() > 500
    assert not near(rows[LEADER_PORT].bar, theme.GOOD).any()


def test_leaving_the_part_or_the_page_ends_the_watching(cockpit: Cockpit, page: Any) -> None:
    press(cockpit, Qt.Key.Key_W)
    press(cockpit, Qt.Key.Key_PageDown)
    assert cockpit.studio.calls[-1] == ("setup.identify", False)
    press(cockpit, Qt.Key.Key_W)
    cockpit.window.show_page("record")
    assert cockpit.studio.calls[-1] == ("setup.identify", False)


def test_the_only_arm_that_has_a_ports_servos_is_chosen_with_the_port(cockpit: Cockpit, page: Any) -> None:
    choose_both(cockpit, page)
    assert cockpit.studio.calls == [
        ("setup.choose_port", "leader", LEADER_PORT),
        ("setup.choose_arm", "leader", "koch-leader"),
        ("setup.choose_port", "follower", FOLLOWER_PORT),
        ("setup.choose_arm", "follower", "koch-follower"),
    ]
    assert page.roles.cards["leader"].arm.currentText() == "Koch v1.1 leader   (fits)"
    assert page.roles.rows[LEADER_PORT].buttons["leader"].isChecked()
    assert not page.roles.rows[LEADER_PORT].buttons["follower"].isChecked()


def test_of_several_fitting_arms_the_operator_chooses_and_a_wrong_one_is_said(cockpit: Cockpit, page: Any) -> None:
    ports = tuple(replace(port, fits=("koch-leader", "gello-koch")) for port in koch_ports()[:1])
    cockpit.studio.setup._set(ports=ports)
    page.show_part(ROLES)
    click(page, "port_1_leader")
    cockpit.refresh()
    card = page.roles.cards["leader"]
    assert card.remark.text() == "2 arms have these servos: choose yours."
    card.arm.setCurrentIndex(card.arm.findData("omx-leader"))
    card.arm.activated.emit(card.arm.currentIndex())
    cockpit.refresh()
    assert cockpit.studio.calls[-1] == ("setup.choose_arm", "leader", "omx-leader")
    assert card.remark.text().startswith("The servos on this port are not this arm's")


# --- ids -------------------------------------------------------------------------------------------------------------


def test_the_odd_servo_is_selected_and_gets_another_id(cockpit: Cockpit, page: Any) -> None:
    odd = FoundServo(9, "xl330-m288", 1200, 52, 57_600, "An arm has no servo 9: it should be 6.")
    leader, follower = koch_ports()[:2]
    cockpit.studio.setup._set(ports=(leader, replace(follower, servos=(*follower.servos[:5], odd))))
    page.show_part(IDS)
    cockpit.refresh()
    assert parts(cockpit.studio.setup.status)[IDS].mark == "look"
    assert "An arm has no servo 9: it should be 6." in page.ids.selected.text()
    page.ids.new_id.setValue(6)
    click(page, "write_id")
    click(page, "write_baud")
    assert cockpit.studio.calls == [
        ("setup.set_id", FOLLOWER_PORT, 9, 6),
        ("setup.set_baud", FOLLOWER_PORT, (1, 2, 3, 4, 5, 9), 1_000_000),
    ]


def test_new_servos_are_gone_through_one_by_one_in_their_part(cockpit: Cockpit, page: Any) -> None:
    choose_both(cockpit, page)
    page.show_part(IDS)
    click(page, "new_leader")
    cockpit.refresh()
    assert page.part == IDS
    assert page.shown_part.currentWidget() is page.wizard
    assert page.wizard.title.text() == "Connect only shoulder_pan"
    assert page.wizard.why_not.text() == "No servo answers yet."


# --- calibration -----------------------------------------------------------------------------------------------------


def test_a_calibration_goes_on_by_return_once_it_is_ready_and_says_why_not_before(cockpit: Cockpit, page: Any) -> None:
    choose_both(cockpit, page)
    cockpit.studio.calls.clear()
    press(cockpit, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    press(cockpit, Qt.Key.Key_Return)
    assert cockpit.verbs == ["setup.start_calibration", "setup.next_step"]
    press(cockpit, Qt.Key.Key_Return)  # nothing has been moved yet
    assert cockpit.notices[-1][1:] == (
        "This step is not finished.",
        "Not moved far enough yet: shoulder_lift, wrist_roll.",
    )
    assert not page.wizard.next.isEnabled()
    cockpit.studio.setup.sweep(1.0)
    cockpit.refresh()
    press(cockpit, Qt.Key.Key_Return)
    press(cockpit, Qt.Key.Key_Return)
    assert cockpit.studio.setup.status.leader.calibration == "calibration/koch-leader.json"
    assert page.part == CALIBRATION
    assert "calibrated: koch-leader.json" in texts(page.calibration)


def test_the_swept_range_is_drawn_amber_until_it_is_plausible(cockpit: Cockpit, page: Any) -> None:
    cockpit.studio.setup._set(calibration=calibration_step("leader", 2, 0.3))
    cockpit.refresh()
    assert page.wizard.bars.joints[1].note == "move it further"
    assert near(page.wizard.bars, theme.WARN, 30).any()
    cockpit.studio.setup.sweep(1.0)
    cockpit.refresh()
    assert not near(page.wizard.bars, theme.WARN, 30).any()
    assert near(page.wizard.bars, theme.GOOD, 30).any()


def test_the_check_at_the_end_shows_values_the_arm_and_the_camera(cockpit: Cockpit, page: Any) -> None:
    cockpit.studio.setup._set(calibration=calibration_step("leader", 3), cameras=found_cameras())
    cockpit.refresh(2)
    assert page.wizard.sketch.isVisible()
    assert near(page.wizard.sketch, theme.FOLLOWER).sum() > 200
    assert page.wizard.picture.isVisible()
    assert near(page.wizard.picture, "#3c5a6e", 20).sum() > 500
    assert page.wizard.next.text() == "Finish"
    cockpit.studio.setup._set(calibration=replace(calibration_step("leader", 3), points=()))
    cockpit.refresh()
    assert not page.wizard.sketch.isVisible()


def test_other_parts_can_be_looked_at_while_an_arm_is_calibrated(cockpit: Cockpit, page: Any) -> None:
    cockpit.studio.setup._set(calibration=calibration_step("leader", 1))
    cockpit.refresh()
    assert page.part == CALIBRATION
    press(cockpit, Qt.Key.Key_PageUp)
    cockpit.refresh(3)
    assert page.shown_part.currentWidget() is page.ids
    press(cockpit, Qt.Key.Key_Return)
    assert page.shown_part.currentWidget() is page.wizard
    press(cockpit, Qt.Key.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
    assert cockpit.verbs == ["setup.cancel_calibration"]
    assert page.shown_part.currentWidget() is page.calibration


def test_a_calibration_file_that_fits_the_arm_is_offered(cockpit: Cockpit, page: Any) -> None:
    choose_both(cockpit, page)
    page.show_part(CALIBRATION)
    menu = page.calibration.cards["follower"].menu
    assert [entry.text() for entry in menu.actions() if entry.text()] == [
        "robots/koch_follower/black",
        "Another file …",
    ]
    menu.actions()[0].trigger()
    assert cockpit.studio.calls[-1] == ("setup.choose_calibration", "follower", "calibrations/black.json")
    leaders = page.calibration.cards["leader"].menu.actions()
    assert [entry.text() for entry in leaders] == ["Another file …"]


def test_an_arm_that_is_not_chosen_yet_is_not_calibrated(cockpit: Cockpit, page: Any) -> None:
    press(cockpit, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert cockpit.notices[-1][:2] == ("error", "The follower is not chosen yet.")


# --- cameras ---------------------------------------------------------------------------------------------------------


def test_cameras_are_looked_for_when_their_part_is_turned_to(cockpit: Cockpit, page: Any) -> None:
    page.show_part(CAMERAS)
    assert cockpit.studio.calls == [("setup.scan_cameras",)]
    page.show_part(CAMERAS)
    assert len(cockpit.studio.calls) == 1


def test_a_camera_is_used_under_its_name_in_the_chosen_size_and_taken_out_again(cockpit: Cockpit, page: Any) -> None:
    page.show_part(CAMERAS)
    cockpit.refresh()
    card = page.cameras.cards[LOGITECH]
    assert card.name.text() == "front"
    card.mode.setCurrentIndex(card.mode.findText("1280x720", Qt.MatchFlag.MatchStartsWith))
    QTest.mouseClick(card.use, Qt.MouseButton.LeftButton)
    cockpit.refresh()
    assert cockpit.studio.calls[-1] == ("setup.choose_camera", "front", LOGITECH, 1280, 720, 30.0)
    assert card.use.text() == "Used"
    assert card.use.isChecked()
    QTest.mouseClick(card.use, Qt.MouseButton.LeftButton)
    cockpit.refresh()
    assert cockpit.studio.calls[-1] == ("setup.drop_camera", "front")
    assert not card.use.isChecked()


def test_each_card_shows_its_cameras_picture(cockpit: Cockpit, page: Any) -> None:
    page.show_part(CAMERAS)
    cockpit.refresh(2)
    assert near(page.cameras.cards[LOGITECH].view, "#3c5a6e", 20).sum() > 300
    assert near(page.cameras.cards[NAMELESS].view, "#b45a6e", 20).sum() > 300


def test_a_network_camera_is_added_by_its_address(cockpit: Cockpit, page: Any) -> None:
    page.show_part(CAMERAS)
    page.cameras.address.setText("http://10.0.0.9/video")
    page.cameras.address_name.setText("top")
    QTest.keyClick(page.cameras.address, Qt.Key.Key_Return)
    cockpit.refresh()
    assert cockpit.studio.calls[-1][:3] == ("setup.choose_camera", "top", "http://10.0.0.9/video")
    assert "top" in page.cameras.others
    assert page.part == CAMERAS
    click(page, "drop_top")
    cockpit.refresh()
    assert not page.cameras.others


# --- saving ----------------------------------------------------------------------------------------------------------


def test_what_is_missing_is_said_instead_of_saving(cockpit: Cockpit, page: Any) -> None:
    press(cockpit, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert cockpit.verbs == []
    assert page.part == SAVE
    assert cockpit.notices[-1][1] == "The rig can not be saved yet."
    assert "The leader is not chosen" in page.saving.missing.text()
    assert not page.saving.save.isEnabled()


def test_save_and_open_writes_lets_go_of_the_ports_and_opens(cockpit: Cockpit, page: Any) -> None:
    full_setup(cockpit.studio.setup)
    page.show_part(SAVE)
    page.saving.name.setText("kitchen")
    cockpit.refresh()
    cockpit.studio.calls.clear()
    press(cockpit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    cockpit.refresh(3)
    assert cockpit.studio.calls == [("setup.save", "kitchen"), ("setup.end",), ("use_rig", "kitchen"), ("opened",)]
    assert (cockpit.studio.workspace.rigs / "kitchen.toml").is_file()
    assert cockpit.studio.session.state is State.IDLE


def test_the_list_marks_what_is_done(cockpit: Cockpit, page: Any) -> None:
    assert [part.mark for part in parts(cockpit.studio.setup.status)] == [
        "done",
        "todo",
        "done",
        "todo",
        "todo",
        "todo",
    ]
    full_setup(cockpit.studio.setup)
    cockpit.refresh()
    assert [made.part.mark for made in page.list.buttons] == ["done"] * len(TITLES)
    assert page.list.buttons[CAMERAS].part.summary == "front, wrist"


def test_why_the_last_thing_failed_stands_above_every_part(cockpit: Cockpit, page: Any) -> None:
    said = "Servo 3 (elbow_flex) did not take its id: it answered 7 instead of 6. Unplug the others and try again."
    cockpit.studio.setup._set(problem=said)
    for number in range(len(TITLES)):
        page.show_part(number)
        cockpit.refresh()
        assert page.problem.isVisible()
        assert page.problem.text() == said
    cockpit.studio.setup._set(problem="")
    cockpit.refresh()
    assert not page.problem.isVisible()


def test_what_is_being_done_is_shown_with_its_progress(cockpit: Cockpit, page: Any) -> None:
    cockpit.studio.setup._set(busy="Scanning OpenRB-150 at 57.6 kbaud", progress=0.25)
    cockpit.refresh()
    assert page.list.busy.text() == "Scanning OpenRB-150 at 57.6 kbaud …"
    assert page.list.bar.isVisible()
    assert page.list.bar.value() == 250
    assert not page.ports.scan.isEnabled()


# --- the page as a whole ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(TITLES)))
def test_every_part_fits_and_is_named_at_the_smallest_size(cockpit: Cockpit, page: Any, number: int) -> None:
    full_setup(cockpit.studio.setup)
    cockpit.studio.setup._set(busy="Scanning", problem="A sentence that is long enough to need two lines. " * 4)
    page.show_part(number)
    cockpit.refresh(3)
    for part in parts_of(page):
        corner = part.mapTo(page, QPoint(part.width(), part.height()))
        assert corner.x() <= page.width(), (part, part.objectName())
        assert corner.y() <= page.height(), (part, part.objectName())
        assert part.height() >= min(part.minimumSizeHint().height(), part.maximumHeight()), (part, part.objectName())
    for control in page.findChildren(QPushButton) + page.findChildren(QLineEdit):
        if control.isVisible() and not control.parentWidget().inherits("QAbstractSpinBox"):
            assert control.objectName(), control
            assert control.accessibleName(), control.objectName()


@pytest.mark.parametrize("number", [ROLES, CALIBRATION, CAMERAS])
def test_a_running_set_up_makes_no_widget_anew(cockpit: Cockpit, page: Any, number: int) -> None:
    full_setup(cockpit.studio.setup)
    page.show_part(number)
    cockpit.refresh(3)
    before = set(page.findChildren(QWidget))
    for step in range(30):
        cockpit.studio.setup.move(FOLLOWER_PORT, 0.01 * step)
        cockpit.studio.setup._set(cameras=found_cameras())  # new pictures
        cockpit.studio.setup._set(
            calibration=calibration_step("leader", 2, step / 30) if number == CALIBRATION else None
        )
        cockpit.refresh()
    assert set(page.findChildren(QWidget)) == before


def test_a_new_picture_of_a_camera_is_shown_and_the_same_one_is_not_taken_twice(qtbot: Any) -> None:
    view = CameraView("any")
    qtbot.addWidget(view)
    first, second = (camera.picture for camera in found_cameras())
    assert first is not None
    assert second is not None
    view.show_picture(first)
    taken = view._sequence
    view.show_picture(first)
    assert view._sequence == taken
    view.show_picture(second)
    assert view._sequence == taken + 1


def test_the_set_up_stays_as_it_is_when_another_rig_is_chosen(cockpit: Cockpit, page: Any) -> None:
    page.show_part(CAMERAS)
    cockpit.studio.use_rig(replace(cockpit.studio.rig, name="other"))
    cockpit.refresh()
    assert cockpit.window.pages["setup"] is page
    assert page.part == CAMERAS
    assert QApplication.focusWidget() is None or page.isVisible()
