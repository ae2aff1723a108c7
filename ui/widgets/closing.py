"""What the follower does when the rig is closed, said before it does it."""

import functools
from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from teleop_studio.status import State, StudioStatus
from ui import theme
from ui.widgets.panel import button, soft_label

_WORDS = {
    "soften": "The follower's torque goes softly and it sinks: support it.",
    "rest": "The follower moves slowly to its rest pose and goes limp there: keep clear of its way.",
    "hold": "The follower goes on holding its pose, with torque, until its power is switched off.",
}


def closing_words(on_close: str) -> str:
    """For `RigConfig.on_close`."""
    return _WORDS.get(on_close, _WORDS["soften"])


def must_be_said(status: StudioStatus) -> bool:
    """Whether closing moves or releases a real arm."""
    return not status.simulated and status.state not in (State.CLOSED, State.LIMP)


class ClosingDialog(QDialog):
    """Asked once, when the window is closed over an arm that stands by its torque. Esc stops the arm and stays."""

    def __init__(self, on_close: str, close: Callable[[], None], rest: Callable[[], None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("closing_dialog")
        self.setWindowTitle("Close Teleop Studio")
        self.setModal(True)
        title = QLabel("Close Teleop Studio?")
        title.setFont(theme.font(17))
        self.words = QLabel(closing_words(on_close))
        self.words.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 18, 24, 18)
        column.setSpacing(12)
        column.addWidget(title)
        column.addWidget(self.words)
        column.addWidget(soft_label("A running take is closed and kept. A training goes on without the window.", True))
        row = QHBoxLayout()
        row.addStretch(1)
        for name, text, tooltip, run, first in (
            ("stay", "Stay", "Close nothing", self.reject, False),
            ("rest_and_close", "Rest, then close", "First to the rest pose (Shift+R), then close", rest, False),
            ("close_now", "Close now", self.words.text(), close, True),
        ):
            made = button(name, text, tooltip, functools.partial(self._answer, run))
            made.setAutoDefault(first)
            made.setDefault(first)
            row.addWidget(made)
        column.addLayout(row)
        self.setMinimumWidth(460)

    def _answer(self, run: Callable[[], None]) -> None:
        self.accept()
        run()
