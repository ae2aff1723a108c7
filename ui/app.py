"""Starts the window over a `Studio`, with or without a display, by hand or by script."""

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from teleop_studio.script import Step
from teleop_studio.status import State
from ui import theme
from ui.bridge import Bridge
from ui.main_window import MainWindow
from ui.script_player import ScriptPlayer

if TYPE_CHECKING:
    from teleop_studio.studio import Studio

_log = logging.getLogger(__name__)


def run(studio: "Studio", script: Iterator[Step] | None = None) -> int:
    """Show the window until it is closed; the exit code.

    Without a script the rig is opened once the window stands. A script drives everything itself; its end closes the
    window, an exception in it is printed and gives 1. The caller closes `studio`.
    """
    app = make_application()
    bridge = Bridge(studio)
    window = MainWindow(bridge)
    _report_exceptions(bridge)
    window.closed.connect(app.quit)
    window.show()
    bridge.start()
    player = None
    if script is not None:
        player = ScriptPlayer(script, window, bridge)
    elif studio.status.state is State.CLOSED:
        QTimer.singleShot(0, lambda: bridge.call(studio.open))
    try:
        code = app.exec()
    finally:
        sys.excepthook = sys.__excepthook__
        bridge.stop()
        # Destroyed now, in this order, and not by the interpreter's end in any order.
        for gone in (window, bridge):
            gone.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return player.exit_code if player is not None and player.exit_code else code


def make_application() -> QApplication:
    """The application with our look; offscreen, and saying so, when there is no display."""
    if sys.platform == "linux" and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("teleop-studio")
    app.setApplicationDisplayName("Teleop Studio")
    app.setQuitOnLastWindowClosed(False)  # the main window's end ends the app, no other window's
    theme.apply(app)
    if QGuiApplication.platformName() == "offscreen":
        print("No display: the window runs offscreen.", flush=True)
    return app


def _report_exceptions(bridge: Bridge) -> None:
    """An unexpected error is logged with its trace and shown; the window lives on, for STOP must stay in reach."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _log.error("unexpected error in the window", exc_info=(kind, error, trace))
        traceback.print_exception(kind, error, trace)
        bridge.notice.emit(
            "error", f"Unexpected error in the window: {kind.__name__}.", f"{error} The log has the details."
        )

    sys.excepthook = report
