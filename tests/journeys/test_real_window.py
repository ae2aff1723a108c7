"""An operator at the real window over the real studio: only keys are pressed, only what is shown is believed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QSpinBox
from pytestqt.qtbot import QtBot

from teleop_studio.status import State
from teleop_studio.studio import Studio
from tests.journeys.driving import PATIENCE_S
from tests.ui.cockpit import pixels
from ui import theme
from ui.bridge import Bridge
from ui.main_window import MainWindow
from ui.widgets.camera_view import CameraView

pytestmark = pytest.mark.alone


class Operator:
    def __init__(self, studio: Studio, qtbot: QtBot) -> None:
        self.studio, self._qtbot = studio, qtbot
        self.bridge = Bridge(studio)
        self.window = MainWindow(self.bridge)
        self.window.resize(1280, 800)
        self.window.show()
        self.bridge.start()

    def press(self, key: Qt.Key) -> None:
        QTest.keyClick(self.window, key)

    def turn_to(self, number: int) -> None:
        QTest.keyClick(self.window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)

    def wait_for(self, done: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(done, timeout=round(PATIENCE_S * 1000))

    def wait_for_state(self, state: State) -> None:
        self.wait_for(lambda: self.studio.status.state is state)

    def leave(self) -> None:
        self.bridge.stop()
        self.window.close()
        self.window.deleteLater()
        self.bridge.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def operator(studio: Studio, qtbot: QtBot, qapp: QApplication) -> Iterator[Operator]:
    qapp.setQuitOnLastWindowClosed(False)
    theme.apply(qapp)
    operator = Operator(studio, qtbot)
    yield operator
    operator.leave()


def test_record_train_and_run_by_keys_alone(operator: Operator, studio: Studio) -> None:
    for count in (1, 2):
        operator.press(Qt.Key.Key_N)
        operator.wait_for(lambda: studio.scene_ready)
        operator.press(Qt.Key.Key_L)
        operator.wait_for(lambda: studio.status.state is State.TELEOP and studio.status.alignment_gap == 0)
        operator.press(Qt.Key.Key_Space)
        operator.wait_for_state(State.RECORDING)
        operator.press(Qt.Key.Key_D)
        operator.wait_for(lambda: studio.operator_busy)
        operator.wait_for(lambda: not studio.operator_busy)
        operator.press(Qt.Key.Key_Space)
        operator.wait_for(lambda count=count: len(studio.episodes()) == count)  # type: ignore[misc]

    operator.turn_to(3)
    steps = operator.window.findChild(QSpinBox, "training_steps")
    steps.setValue(10)
    operator.wait_for(operator.window.findChild(QPushButton, "train").isEnabled)
    QTest.mouseClick(operator.window.findChild(QPushButton, "train"), Qt.MouseButton.LeftButton)
    operator.wait_for(lambda: bool(studio.status.training and studio.status.training.finished))
    operator.turn_to(4)
    operator.press(Qt.Key.Key_P)
    operator.wait_for(lambda: studio.status.state is State.POLICY and studio.status.inference.chunks >= 2)
    assert studio.overlay is not None
    # A take begins once the soft start is over; before that there is nothing to keep.
    operator.wait_for(lambda: studio.status.recorder.frames_written > 0)
    operator.press(Qt.Key.Key_F)
    operator.wait_for(lambda: [row.outcome for row in studio.trials()] == ["failure"])

    operator.turn_to(5)
    compare = operator.window.pages["compare"]
    operator.wait_for(lambda: len(compare.findChildren(CameraView)) == 2)
    operator.wait_for(lambda: all(pixels(view).std() > 20 for view in compare.findChildren(CameraView)))


def test_escape_stops_the_arm_in_the_middle_of_a_take(operator: Operator, studio: Studio) -> None:
    before = len(studio.episodes())
    operator.press(Qt.Key.Key_Space)
    operator.wait_for(lambda: studio.status.recorder.recording and studio.status.recorder.frames_written > 20)
    operator.press(Qt.Key.Key_Escape)
    operator.wait_for_state(State.STOPPED)
    operator.wait_for(lambda: len(studio.episodes()) == before + 1)
    assert studio.episodes()[-1].outcome == "stopped"
    operator.press(Qt.Key.Key_R)
    operator.wait_for_state(State.IDLE)


@pytest.mark.campaign  # `make demo` itself in small; the same steps by keys are the test above
def test_the_demo_runs_from_end_to_end_and_leaves_report_and_pictures(tmp_path: Path) -> None:
    arguments = ["--fast", "--demonstrations", "2", "--steps", "4", "--trials", "2", "--out", str(tmp_path / "demo")]
    finished = subprocess.run(
        [sys.executable, "-m", "teleop_studio", "demo", *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S * 1.5,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert '"trials": 2' in finished.stdout.splitlines()[-1]
    assert (tmp_path / "demo" / "report.html").stat().st_size > 50_000
    for page in ("record", "train", "deploy", "compare"):
        picture = QImage(str(tmp_path / "demo" / f"{page}.png"))
        assert (picture.width(), picture.height()) == (1280, 800)
