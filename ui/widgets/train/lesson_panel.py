"""The lesson "why not average?" on the Train page: start it, follow it, show its figure."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from teleop_studio.learning_status import LessonStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.panel import Panel, button, soft_label
from ui.widgets.rows import clock

_WHAT = (
    "Demonstrations pass a box on both sides. One policy averages them, one keeps both ways: which fails, and why? "
    "In the simulation, beside your work."
)


class LessonPanel(Panel):
    """Works in the background: nothing else on any page waits for it."""

    figure_wanted = Signal()

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("Lesson", parent)
        self._bridge = bridge
        self.what = soft_label(_WHAT, wrap=True)
        self.start = button("lesson", "Lesson: why not average?", "Record, train two policies, try both", self._start)
        self.phase = QLabel("")
        self.phase.setObjectName("lesson_phase")
        self.phase.setMinimumWidth(10)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("progress of the lesson")
        self.remaining = soft_label("")
        self.cancel = button(
            "cancel_lesson", "Cancel", "End the lesson; starting it again goes on from here", self._cancel, True
        )
        self.figure = button("show_lesson", "Show the figure", "The figure with its numbers", self.figure_wanted.emit)
        self.header.addWidget(self.remaining)
        self.header.addWidget(self.cancel)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.figure, 1)
        buttons.addWidget(self.start, 1)
        for widget in (self.what, self.phase, self.bar):
            self.body.addWidget(widget)
        self.body.addLayout(buttons)

    def refresh(self, lesson: LessonStatus | None) -> None:
        running = lesson is not None and not lesson.finished
        self.phase.setVisible(lesson is not None)
        for widget in (self.bar, self.remaining, self.cancel):
            widget.setVisible(running)
        self.start.setVisible(not running)
        self.start.setText("Once more" if lesson is not None else "Lesson: why not average?")
        self.figure.setVisible(lesson is not None and lesson.figure is not None)
        self.what.setVisible(lesson is None or (lesson.finished and not lesson.verdict and not lesson.error))
        if lesson is None:
            return
        self.bar.setMaximum(max(lesson.total, 1))
        self.bar.setValue(lesson.done)
        self.remaining.setText(f"{clock(lesson.eta_s)} left" if lesson.eta_s >= 0 else "")
        self.phase.setText(lesson_words(lesson))
        self.phase.setWordWrap(True)
        self.phase.setStyleSheet(f"font-size: 12px; color: {theme.BAD if lesson.error else theme.TEXT}")

    def _start(self) -> None:
        self._bridge.call(self._bridge.studio.lesson)

    def _cancel(self) -> None:
        self._bridge.call(self._bridge.studio.cancel_lesson)


def lesson_words(lesson: LessonStatus) -> str:
    """Which part of it runs, or what came out."""
    if lesson.error:
        return lesson.error
    if lesson.finished:
        return lesson.verdict
    count = f" {lesson.done} of {lesson.total}." if lesson.total else ""
    part = f"Part {lesson.phase + 1} of {len(lesson.phases)}: {lesson.phases[lesson.phase]}."
    return f"{part}{count} {lesson.detail}".strip()
