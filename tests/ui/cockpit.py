"""A window with its bridge, driven by hand: no timer runs, every refresh is the test's."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from teleop_studio.status import State
from tests.ui.stand_in_studio import StandInStudio
from ui import theme
from ui.bridge import Bridge
from ui.main_window import MainWindow

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@dataclass
class Cockpit:
    studio: StandInStudio
    bridge: Bridge
    window: MainWindow
    notices: list[tuple[str, str, str]] = field(default_factory=list)

    def refresh(self, times: int = 1) -> None:
        for _ in range(times):
            self.bridge.refresh()
            QApplication.processEvents()

    def goto(self, state: State) -> None:
        self.studio.goto(state)
        self.refresh()

    @property
    def verbs(self) -> list[object]:
        return [call[0] for call in self.studio.calls]


def open_cockpit(folder: Path, simulated: bool = True) -> Cockpit:
    """A shown window over an opened rig."""
    studio = StandInStudio(folder, simulated)
    studio.open()
    studio.calls.clear()
    bridge = Bridge(studio)  # type: ignore[arg-type]  # the stand-in has Studio's surface, not its type
    cockpit = Cockpit(studio, bridge, MainWindow(bridge))
    bridge.notice.connect(lambda *notice: cockpit.notices.append(notice))
    cockpit.window.resize(1280, 800)
    cockpit.window.show()
    cockpit.refresh()
    return cockpit


def press(cockpit: Cockpit, name: str) -> None:
    """Click the visible button of that name, on the page that is shown or in a dialog over it."""
    found = next(made for made in cockpit.window.findChildren(QPushButton, name) if made.isVisible())
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)
    cockpit.refresh()


def close_cockpit(cockpit: Cockpit) -> None:
    cockpit.window.close_now()
    cockpit.window.deleteLater()
    cockpit.bridge.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def cockpit(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Cockpit]:
    # A quit that is posted when a test's window closes would end the event loop of a later test.
    qapp.setQuitOnLastWindowClosed(False)
    theme.apply(qapp)
    opened = open_cockpit(tmp_path)
    yield opened
    close_cockpit(opened)


def pixels(widget: QWidget) -> NDArray[np.int64]:
    """What `widget` shows, rgb (h, w, 3)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    seen = np.frombuffer(bytes(image.bits()), np.uint8).reshape(image.height(), image.width(), 4)
    return seen[..., 2::-1].astype(np.int64)


def near(widget: QWidget, colour: str, tolerance: int = 40) -> NDArray[np.bool_]:
    """(h, w): where `widget` shows nearly this colour."""
    wanted = QColor(colour)
    found: NDArray[np.bool_] = (
        np.abs(pixels(widget) - (wanted.red(), wanted.green(), wanted.blue())).max(-1) < tolerance
    )
    return found
