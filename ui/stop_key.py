"""Esc as STOP: heard in every window, dialog, menu and text field of the app."""

import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent

_SAME_PRESS_S = 0.03


class StopKey(QObject):
    """An event filter on the application.

    A QAction's shortcut is dead while a modal dialog or a menu is open; a filter sees the key first. The event goes
    on to its receiver, so Esc still closes what it would close.
    """

    def __init__(self, app: QCoreApplication, stop: Callable[[], None]) -> None:
        super().__init__(app)
        self._app = app
        self._stop = stop
        self._heard_at = 0.0
        app.installEventFilter(self)

    def remove(self) -> None:
        self._app.removeEventFilter(self)
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            assert isinstance(event, QKeyEvent)
            if event.key() == Qt.Key.Key_Escape and not event.isAutoRepeat():
                self._press()
        return False

    def _press(self) -> None:
        # One press arrives several times: as ShortcutOverride and KeyPress, at the window and at the focused widget.
        now = time.monotonic()
        if now - self._heard_at > _SAME_PRESS_S:
            self._heard_at = now
            self._stop()
