"""A window with its bridge, driven by hand: no timer runs, every refresh is the test's."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
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


def close_cockpit(cockpit: Cockpit) -> None:
    cockpit.window.close()
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
