"""A run that a crash or a reboot interrupted: said once, with the way on beside it."""

from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from teleop_studio.status import RunInfo
from ui import theme
from ui.bridge import Bridge
from ui.widgets.panel import Panel, button


class InterruptedBar(Panel):
    """Hidden while there is nothing to say, or something trains."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._bridge = bridge
        self._run: RunInfo | None = None
        self._put_away: set[Path] = set()
        self.setStyleSheet(f"QFrame#panel {{ border-color: {theme.WARN}; }}")
        self.said = QLabel("")
        self.said.setObjectName("interrupted_said")
        self.said.setWordWrap(True)
        self.resume = button("resume_interrupted", "Resume", "Go on from its last checkpoint", self._resume)
        self.leave = button(
            "leave_interrupted", "Not now", "Put this away; the run stays in the list", self._leave, True
        )
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.said, 1)
        row.addWidget(self.leave)
        row.addWidget(self.resume)
        self.body.addLayout(row)
        self.hide()

    def refresh(self, runs: list[RunInfo], training: bool) -> None:
        found = next((run for run in runs if run.interrupted and run.path not in self._put_away), None)
        self._run = found
        self.setVisible(found is not None and not training)
        if found is not None:
            self.said.setText(interrupted_words(found))
            self.resume.setEnabled(found.step > 0)

    def _resume(self) -> None:
        if self._run is not None:
            self._bridge.call(self._bridge.studio.resume_training, self._run.path)

    def _leave(self) -> None:
        if self._run is not None:
            self._put_away.add(self._run.path)
            self.hide()


def interrupted_words(run: RunInfo) -> str:
    advice = f"Resume it: it goes on from step {run.step}." if run.step else "It had saved nothing yet: train it anew."
    return f"The run {run.name} was interrupted, by a crash or because the machine was switched off. {advice}"
