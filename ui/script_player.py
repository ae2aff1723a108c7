"""Carries out the steps of an unattended run in the window."""

import traceback
from collections.abc import Iterator

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from teleop_studio.script import Picture, Say, Show, Step, Wait
from teleop_studio.session import StudioError
from ui.bridge import Bridge
from ui.main_window import MainWindow

_REFRESHES_BEFORE_PICTURE = 6  # the page's lists, charts and pictures need a few refreshes after it is turned to


class ScriptPlayer(QObject):
    """Takes steps at every refresh until one has to wait."""

    def __init__(self, script: Iterator[Step], window: MainWindow, bridge: Bridge) -> None:
        super().__init__(window)
        self._script, self._window = script, window
        self._picture: Picture | None = None
        self._patience = 0
        self.exit_code = 0
        bridge.polled.connect(self._go_on)
        self._bridge = bridge

    def _go_on(self) -> None:
        try:
            if self._picture is not None:
                self._patience -= 1
                if self._patience > 0:
                    return
                picture, self._picture = self._picture, None
                self._take_picture(picture)
            while self._carry_out(next(self._script)):
                pass
        except StopIteration:
            self._end(0)
        except StudioError as error:
            print(f"Failed: {error}", flush=True)
            self._end(1)
        except Exception:  # the run's exit code tells; nobody sits before the window
            traceback.print_exc()
            self._end(1)

    def _carry_out(self, step: Step) -> bool:
        """Whether the next step may follow at once."""
        match step:
            case Say(text):
                print(text, flush=True)
                self._window.footer.say(text)
            case Show(page):
                self._window.show_page(page)
            case Picture():
                self._window.resize(step.width, step.height)
                self._window.show_page(step.page)
                self._picture, self._patience = step, _REFRESHES_BEFORE_PICTURE
            case Wait():
                pass
        return isinstance(step, Say | Show)

    def _take_picture(self, picture: Picture) -> None:
        picture.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._window.grab().save(str(picture.path)):
            raise OSError(f"The picture {picture.path} could not be written. Check the folder's permissions and space.")

    def _end(self, code: int) -> None:
        self._bridge.polled.disconnect(self._go_on)
        self.exit_code = code
        self._window.close_now()
        QApplication.exit(code)
