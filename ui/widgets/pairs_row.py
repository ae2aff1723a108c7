"""Starts and ends the recording of both sides of every layout."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from teleop_studio.status import State, StudioStatus
from ui.bridge import Bridge
from ui.widgets.panel import button, caption, spin_box

_WHY = (
    "Show each layout twice, once past either side. A policy then has to learn both ways: shown from one side only, "
    "the layout itself would tell it which"
)


class PairsRow(QWidget):
    """Hidden until `opener` asks for it; what to do now is said in large letters elsewhere on the page."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.opener = button("pairs", "Both sides", _WHY, lambda: None, quiet=True)
        self.opener.setCheckable(True)
        self.layouts = spin_box("pair_layouts", "number of layouts", 1, 500, 20)
        self.layouts.setFixedWidth(70)
        self.of = caption("layouts")
        self.start = button("start_pairs", "Record both sides", _WHY, self._start)
        self.end = button("end_pairs", "End the pairs", "Record as usual again; what was kept stays", self._end)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.layouts)
        row.addWidget(self.of)
        row.addWidget(self.start, 1)
        row.addWidget(self.end, 1)
        self.hide()

    def refresh(self, status: StudioStatus) -> None:
        running = status.pair is not None
        for widget in (self.layouts, self.of, self.start):
            widget.setVisible(not running)
        self.end.setVisible(running)
        self.start.setEnabled(status.state in (State.IDLE, State.TELEOP, State.RESET))
        self.opener.setVisible(not running)
        self.setVisible(running or self.opener.isChecked())

    def _start(self) -> None:
        self._bridge.call(self._bridge.studio.start_pairs, self.layouts.value())
        self.opener.setChecked(False)

    def _end(self) -> None:
        self._bridge.call(self._bridge.studio.end_pairs)
