"""What every page of PAGES must do."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollBar,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from teleop_studio.status import JobStatus, State
from tests.ui.cockpit import Cockpit, close_cockpit, cockpit, open_cockpit, pixels
from tests.ui.stand_in_trainings import training_status
from ui import theme
from ui.pages import PAGES
from ui.pages.page import Page
from ui.widgets.camera_view import CameraView
from ui.widgets.nav_rail import GLYPHS

__all__ = ["cockpit"]
every_page = pytest.mark.parametrize("name", PAGES)
_INTERACTIVE = (QAbstractButton, QAbstractItemView, QSlider, QAbstractSpinBox, QComboBox, QLineEdit)


def parts_of(page: QWidget) -> list[QWidget]:
    """The visible parts that the page itself made, not those inside Qt's own composite widgets."""
    made_by_qt = (QComboBox, QAbstractSpinBox, QAbstractItemView, QScrollBar)
    return [w for w in page.findChildren(QWidget) if w.isVisible() and not isinstance(w.parentWidget(), made_by_qt)]


def fill(cockpit: Cockpit) -> None:
    """Give every page something to show."""
    cockpit.studio.training = training_status(cockpit.studio.workspace.runs / "flow-matching-003", 3900, 6500, True)
    cockpit.studio.job = JobStatus("Running 30 trials", 21, 30, "Trial 22 from an unseen start", 19, 12, 9)
    cockpit.goto(State.POLICY)
    cockpit.refresh(4)


def test_shortcuts_are_ctrl_and_the_page_number() -> None:
    assert [page.shortcut for page in PAGES.values()] == [f"Ctrl+{number + 1}" for number in range(len(PAGES))]


@every_page
def test_its_record_is_complete(name: str) -> None:
    record = PAGES[name]
    assert record.title
    assert record.tooltip
    assert record.glyph in GLYPHS
    assert not QKeySequence(record.shortcut).isEmpty()
    assert issubclass(record.load(), Page)  # type: ignore[arg-type]


@every_page
@pytest.mark.parametrize("state", State)
def test_it_shows_every_state(cockpit: Cockpit, name: str, state: State) -> None:
    cockpit.window.show_page(name)
    cockpit.goto(state)
    cockpit.refresh(3)
    assert cockpit.window.pages[name].isVisible()
    assert cockpit.window.state_bar.word == theme.STATE_LOOKS[state].word


@every_page
def test_its_picture_is_not_blank(cockpit: Cockpit, name: str) -> None:
    fill(cockpit)
    cockpit.window.show_page(name)
    cockpit.refresh(3)
    seen = pixels(cockpit.window.pages[name])[::3, ::3]
    assert seen.std() > 10
    assert len(np.unique(seen @ np.array([1, 256, 65536]))) > 100


@every_page
def test_everything_fits_at_the_smallest_size(cockpit: Cockpit, name: str) -> None:
    fill(cockpit)
    cockpit.window.show_page(name)
    cockpit.refresh(3)
    page = cockpit.window.pages[name]
    assert (cockpit.window.width(), cockpit.window.height()) == (1280, 800)
    for part in parts_of(page):
        corner = part.mapTo(page, QPoint(part.width(), part.height()))
        assert corner.x() <= page.width(), (part, part.objectName())
        assert corner.y() <= page.height(), (part, part.objectName())
        assert part.height() >= min(part.minimumSizeHint().height(), part.maximumHeight()), (part, part.objectName())
        if isinstance(part, QLabel) and not part.wordWrap():
            assert part.width() >= part.minimumSizeHint().width() or part.minimumWidth() > 0, part.text()


@every_page
def test_parts_do_not_lie_over_each_other(cockpit: Cockpit, name: str) -> None:
    fill(cockpit)
    cockpit.window.show_page(name)
    cockpit.refresh(3)
    for parent in [cockpit.window.pages[name], *parts_of(cockpit.window.pages[name])]:
        if parent.layout() is None:
            continue
        siblings = [w for w in parent.findChildren(QWidget) if w.parentWidget() is parent and w.isVisible()]
        for number, one in enumerate(siblings):
            for other in siblings[number + 1 :]:
                assert not one.geometry().intersects(other.geometry()), (one, other)


@every_page
def test_every_control_has_a_name_for_tests_and_for_screen_readers(cockpit: Cockpit, name: str) -> None:
    cockpit.window.show_page(name)
    cockpit.refresh()
    controls = [part for part in parts_of(cockpit.window.pages[name]) if isinstance(part, _INTERACTIVE)]
    assert controls
    for control in controls:
        assert control.objectName(), control
        assert control.accessibleName(), control.objectName()


@every_page
def test_a_hidden_page_is_neither_refreshed_nor_fed_pictures(cockpit: Cockpit, name: str) -> None:
    fill(cockpit)
    cockpit.window.show_page(name)
    cockpit.refresh(2)
    page = cockpit.window.pages[name]
    other = next(key for key in PAGES if key != name)
    cockpit.window.show_page(other)
    before = [view._sequence for view in page.findChildren(CameraView)]
    asked: list[object] = []
    page.refresh = asked.append  # type: ignore[method-assign, assignment]
    cockpit.refresh(3)
    assert not asked
    assert [view._sequence for view in page.findChildren(CameraView)] == before


@every_page
def test_opening_and_closing_the_window_leaks_nothing(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, name: str
) -> None:
    qapp.setQuitOnLastWindowClosed(False)
    theme.apply(qapp)
    ghosts: list[weakref.ref[QObject]] = []
    for number in range(5):
        opened = open_cockpit(tmp_path / str(number))
        opened.window.show_page(name)
        opened.refresh(2)
        ghosts += [weakref.ref(opened.window), weakref.ref(opened.window.pages[name]), weakref.ref(opened.bridge)]
        close_cockpit(opened)
        assert all(view.closed for view in opened.studio.opened)
        del opened
    gc.collect()
    assert [ghost() for ghost in ghosts if ghost() is not None] == []
    assert qapp.topLevelWidgets() == []
