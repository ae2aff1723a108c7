"""The one conversation between the window and `Studio`: polls it, hands out its status, catches its errors."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from teleop_studio.session import StudioError
from teleop_studio.status import StudioStatus
from teleop_studio.workspace import WorkspaceError

if TYPE_CHECKING:
    from teleop_studio.studio import Studio

PERIOD_MS = 33
_log = logging.getLogger(__name__)


class Bridge(QObject):
    """Polls `Studio` at 30 Hz. Widgets pull pictures and histories from `studio` when `polled` arrives."""

    polled = Signal(object)  # StudioStatus
    notice = Signal(str, str, str)  # level ("info", "warning", "error"), title, detail

    def __init__(self, studio: "Studio", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.studio = studio
        self.status: StudioStatus = studio.status
        self.refresh_ms = 0.0  # smoothed time of one refresh: poll and everything that listens
        self._notices: tuple[str, ...] = ()
        self._broken = ""  # the poll error shown last; the same one is not shown thirty times a second
        self._timer = QTimer(self)
        self._timer.setInterval(PERIOD_MS)
        self._timer.timeout.connect(self.refresh)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def refresh(self) -> None:
        """Poll once and tell everyone; called by the timer."""
        began = time.perf_counter()
        try:
            self.status = self.studio.poll()
            self._broken = ""
        except StudioError as error:
            if str(error) != self._broken:
                self._broken = str(error)
                self._complain(error)
            return
        self._pass_on_notices(self.status.notices)
        self.polled.emit(self.status)
        self.refresh_ms += 0.1 * ((time.perf_counter() - began) * 1e3 - self.refresh_ms)

    def call[**P, R](self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """What `verb` returns; an error for the operator becomes a notice and gives None."""
        try:
            return verb(*args, **kwargs)
        except (StudioError, WorkspaceError) as error:
            self._complain(error)
            return None

    def picture(self, path: Path) -> QImage:
        """A picture that Studio has made; a null one when it can not be read any more."""
        return QImage(str(path))

    def _complain(self, error: Exception) -> None:
        _log.warning("%s", error)
        self.notice.emit("error", *split_message(str(error)))

    def _pass_on_notices(self, notices: tuple[str, ...]) -> None:
        for text in added(self._notices, notices):
            self.notice.emit("warning", *split_message(text))
        self._notices = notices


def split_message(text: str) -> tuple[str, str]:
    """First sentence as the title, the rest as the detail."""
    title, mark, detail = text.partition(". ")
    return (title.rstrip(".") + ".", detail.strip()) if mark else (text, "")


def added(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """The entries of `now` that were appended to `before`; old ones may have dropped off its front."""
    for kept in range(min(len(before), len(now)), 0, -1):
        if before[-kept:] == now[:kept]:
            return now[kept:]
    return now
