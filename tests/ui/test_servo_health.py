"""Servos in the main window: well, to be watched, in trouble, and the reboot."""

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPushButton

from teleop_studio.status import ServoHealth, State, StudioStatus
from tests.ui.cockpit import Cockpit, near
from tests.ui.fake_arm import JOINTS, healthy_servos
from ui import theme
from ui.widgets.servo_dialog import ServoDialog
from ui.widgets.servo_marks import JointServos, ServoColumn, ServoStrip
from ui.widgets.servo_words import figures, servo_chip, short_error, worst_first

OVERLOAD = "overload: the load was too high for too long"
WELL = StudioStatus(joint_names=JOINTS, leader_servos=healthy_servos(11, 5.0), follower_servos=healthy_servos(1, 12.1))


def with_servo(status: StudioStatus, joint: int, **changes: object) -> StudioStatus:
    servos = list(status.follower_servos)
    servos[joint] = replace(servos[joint], **changes)  # type: ignore[arg-type]
    return replace(status, follower_servos=tuple(servos))


@pytest.mark.parametrize(
    ("status", "text", "colour"),
    [
        (StudioStatus(), "servos –", theme.FAINT),
        (WELL, "servos ok 45 °C", theme.GOOD),
        (with_servo(WELL, 6, level="warn", temperature_c=64), "gripper 64 °C", theme.WARN),
        (with_servo(WELL, 2, level="bad", errors=(OVERLOAD,)), "elbow overload", theme.BAD),
        (with_servo(WELL, 2, errors=(OVERLOAD,)), "elbow overload", theme.BAD),
        (
            with_servo(with_servo(WELL, 1, level="bad"), 2, level="bad", errors=(OVERLOAD,)),
            "2 servos: shoulder_lift …",
            theme.BAD,
        ),
    ],
)
def test_the_chip_tells_the_worst_servo(status: StudioStatus, text: str, colour: str) -> None:
    assert servo_chip(status)[:2] == (text, colour)


def test_a_servo_that_was_never_read_has_dashes_not_zeros() -> None:
    silent = ServoHealth("elbow", 3, "xl330-m288")
    assert math.isnan(silent.temperature_c)
    assert figures(silent) == "not read yet"
    assert servo_chip(StudioStatus(follower_servos=(silent,)))[0] == "servos ok"


@pytest.mark.parametrize(
    ("error", "short"),
    [(OVERLOAD, "overload"), ("Input voltage is too low. Check the supply.", "Input voltage is too low")],
)
def test_an_errors_name_is_what_stands_before_its_explanation(error: str, short: str) -> None:
    assert short_error(error) == short


def test_the_worst_comes_first() -> None:
    status = with_servo(with_servo(WELL, 0, level="warn"), 5, level="bad")
    assert [one.servo.joint for one in worst_first(status)] == ["wrist_roll", "shoulder_pan"]


def test_a_servo_with_an_error_brings_a_bar_with_its_reboot_on_every_page(cockpit: Cockpit) -> None:
    bar = cockpit.window.trouble
    assert not bar.isVisible()
    cockpit.studio.follower_servos = with_servo(WELL, 2, level="bad", errors=(OVERLOAD,)).follower_servos
    cockpit.goto(State.FAULT)
    for page in ("record", "train"):
        cockpit.window.show_page(page)
        cockpit.refresh()
        assert bar.isVisible()
        assert bar.title.text() == "Follower elbow: overload"
        assert bar.detail.text().startswith("Overload: the load was too high for too long. Servo 3: 37 °C, 12.1 V")
    QTest.mouseClick(bar.reboot, Qt.MouseButton.LeftButton)
    assert cockpit.studio.calls == [("reboot_servo", "follower", "elbow")]
    cockpit.studio.follower_servos = WELL.follower_servos
    cockpit.refresh()
    assert not bar.isVisible()


def test_a_warm_servo_is_no_alarm(cockpit: Cockpit) -> None:
    cockpit.studio.follower_servos = with_servo(WELL, 6, level="warn", temperature_c=64).follower_servos
    cockpit.refresh()
    assert not cockpit.window.trouble.isVisible()
    assert cockpit.window.state_bar.chips["servos"].text == "gripper 64 °C"


def test_j_opens_the_table_which_selects_the_faulty_servo_and_reboots_it(cockpit: Cockpit) -> None:
    cockpit.studio.leader_servos = (
        replace(cockpit.studio.leader_servos[0], errors=("overheating: let it cool down",), level="bad"),
        *cockpit.studio.leader_servos[1:],
    )
    cockpit.refresh()
    QTest.keyClick(cockpit.window, Qt.Key.Key_J)
    dialog = cockpit.window.findChild(QDialog, "servo_dialog")
    assert isinstance(dialog, ServoDialog)
    assert not dialog.isModal()
    assert "overheating: let it cool down." in dialog.said.text()
    reboot = dialog.findChild(QPushButton, "reboot_servo")
    assert reboot is not None
    assert reboot.text() == "Reboot leader shoulder_pan"
    QTest.mouseClick(reboot, Qt.MouseButton.LeftButton)
    assert cockpit.studio.calls == [("reboot_servo", "leader", "shoulder_pan")]


def test_the_tables_lines_are_chosen_by_arrow_keys_and_clicks(cockpit: Cockpit) -> None:
    cockpit.window.show_servos()
    table = cockpit.window.findChild(ServoDialog).table  # type: ignore[union-attr]
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert table.selected is not None
    assert table.selected.key == ("follower", "shoulder_lift")
    _, line = table._lines()[9]
    QTest.mouseClick(table, Qt.MouseButton.LeftButton, pos=QPoint(40, round(line.center().y())))
    assert table.selected.key == ("leader", "elbow")


def test_a_joint_with_two_servos_shows_the_worse_one() -> None:
    twin = replace(WELL.follower_servos[1], servo_id=21, level="bad", errors=(OVERLOAD,))
    servos = JointServos.of(replace(WELL, follower_servos=(*WELL.follower_servos, twin)))
    assert servos.follower[1] == twin
    assert OVERLOAD in servos.tooltip(1)


def test_figures_stand_beside_each_joint_and_are_painted_only_when_they_change(cockpit: Cockpit) -> None:
    column = cockpit.window.pages["record"].findChild(ServoColumn)
    assert column is not None
    shown = column.servos
    assert shown.known
    cockpit.refresh(5)
    assert column.servos is shown
    cockpit.studio.follower_servos = with_servo(WELL, 2, level="bad", errors=(OVERLOAD,)).follower_servos
    cockpit.refresh()
    assert near(column, theme.BAD, 30).any()
    QTest.mouseClick(column, Qt.MouseButton.LeftButton)
    assert cockpit.window.findChild(ServoDialog).isVisible()  # type: ignore[union-attr]


def test_the_deploy_page_has_a_cell_for_each_servo(cockpit: Cockpit) -> None:
    cockpit.window.show_page("deploy")
    cockpit.refresh()
    strip = cockpit.window.pages["deploy"].findChild(ServoStrip)
    assert strip is not None
    assert strip.width() >= 15 * len(JOINTS)
    assert not near(strip, theme.BAD, 30).any()
    cockpit.studio.follower_servos = with_servo(WELL, 2, level="bad").follower_servos
    cockpit.refresh()
    assert near(strip, theme.BAD, 30).sum() > 50
