"""The app as a whole: scripts, pictures, fonts, and what the window must not import."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QFont, QFontInfo, QFontMetrics, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from teleop_studio.script import Picture, Say, Show, Step, Wait
from teleop_studio.session import StudioError
from teleop_studio.status import State
from tests.ui.cockpit import Cockpit
from tests.ui.stand_in_studio import StandInStudio
from ui import app, theme
from ui.pages import PAGES


def test_a_script_turns_pages_and_saves_pictures(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studio = StandInStudio(tmp_path)

    def script() -> Iterator[Step]:
        studio.open()
        yield Say("Looking at every page")
        yield Show("train")
        for _ in range(3):
            yield Wait()
        for page in PAGES:
            yield Picture(page, tmp_path / "pictures" / f"{page}.png", 1400, 900)

    assert app.run(studio, script()) == 0  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    assert "Looking at every page" in printed
    assert "offscreen" in printed
    for page in PAGES:
        image = QImage(str(tmp_path / "pictures" / f"{page}.png"))
        assert (image.width(), image.height()) == (1400, 900)


@pytest.mark.parametrize("error", [StudioError("No rig is open. Open one first."), KeyError("evaluate")])
def test_a_script_that_fails_prints_why_and_ends_with_1(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def script() -> Iterator[Step]:
        yield Wait()
        raise error

    assert app.run(StandInStudio(tmp_path), script()) == 1  # type: ignore[arg-type]
    printed = capsys.readouterr()
    assert str(error) in printed.out + printed.err


def test_by_hand_the_rig_is_opened_and_quit_ends_with_0(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    studio = StandInStudio(tmp_path)
    polled = studio.poll

    def poll_and_quit() -> object:
        if studio.polls == 3:
            next(w for w in qapp.topLevelWidgets() if w.objectName() == "main_window").close()
        return polled()

    studio.poll = poll_and_quit  # type: ignore[assignment, method-assign]
    assert app.run(studio) == 0  # type: ignore[arg-type]
    assert studio.calls == [("opened",)]
    assert studio.status.state is State.IDLE


def test_the_bundled_font_is_used_and_has_its_glyphs(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)
    chosen = theme.font(14, QFont.Weight.DemiBold)
    assert QFontInfo(chosen).family() == "Inter"
    metrics = QFontMetrics(chosen)
    assert all(metrics.inFontUcs4(ord(glyph)) for glyph in "Aτ·–—…")
    assert metrics.horizontalAdvance("1111") == metrics.horizontalAdvance("0000")
    assert (theme.FONTS / "OFL.txt").is_file()


def test_every_state_has_a_word_and_a_colour_of_its_own() -> None:
    looks = [theme.STATE_LOOKS[state] for state in State]
    assert len({look.word for look in looks}) == len({look.colour for look in looks}) == len(State)


def test_the_window_imports_no_torch_no_hdf5_no_serial_no_simulator() -> None:
    code = (
        "import sys, ui.app, ui.pages\n"
        "for page in ui.pages.PAGES.values(): page.load()\n"
        "print(sorted({'torch', 'h5py', 'serial', 'mujoco', 'cv2', 'dynamixel_sdk'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unexpected_error_is_shown_and_the_window_lives(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    app._report_exceptions(cockpit.bridge)
    try:
        raise RuntimeError("nobody thought of this")
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert "nobody thought of this" in cockpit.notices[-1][2]
    assert "nobody thought of this" in capsys.readouterr().err
    cockpit.refresh()
    assert cockpit.window.isVisible()
