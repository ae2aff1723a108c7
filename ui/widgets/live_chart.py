"""The strip chart: leader, sent action and follower of the last ten seconds."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from teleop_studio.status import StudioStatus
from ui import theme
from ui.bridge import Bridge
from ui.commands import Commands
from ui.widgets.joint_chart import JointChart, Series
from ui.widgets.panel import Panel
from ui.widgets.servo_marks import ServoColumn, ServoStrip

SECONDS = 10.0
_EVERY = 2  # of the bridge's 30 Hz: faster than 15 Hz is not seen, and costs


class LiveChart(Panel):
    """With one column the servos' figures stand beside each joint, with more a strip of them in the heading."""

    def __init__(self, bridge: Bridge, commands: Commands, columns: int = 1, parent: QWidget | None = None) -> None:
        super().__init__("Joints, last 10 s", parent)
        self._bridge = bridge
        self._count = 0
        self.chart = JointChart(columns)
        self.servos = ServoColumn() if columns == 1 else ServoStrip()
        self.servos.clicked.connect(commands.servos)
        colours = legend((("leader", theme.LEADER), ("sent", theme.ACTION), ("follower", theme.FOLLOWER)))
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.chart, 1)
        if columns == 1:
            row.addWidget(self.servos)
        else:
            self.header.addWidget(self.servos)
            self.header.addSpacing(16)
        self.header.addWidget(colours)
        self.body.addLayout(row, 1)

    def refresh(self, status: StudioStatus) -> None:
        self.servos.show_status(status)
        self._count += 1
        if self._count % _EVERY:
            return
        history = self._bridge.studio.history(SECONDS)
        if len(history.time_s) == 0:
            return
        series = (
            Series("leader", theme.LEADER, history.time_s, history.leader),
            Series("sent", theme.ACTION, history.time_s, history.action),
            Series("follower", theme.FOLLOWER, history.time_s, history.follower, digits=True),
        )
        self.chart.show_series(status.joint_names, series, (-SECONDS, 0.0))


def legend(entries: tuple[tuple[str, str], ...]) -> QLabel:
    """Names in the colours of their curves."""
    label = QLabel(
        "&nbsp;&nbsp;&nbsp;".join(f'<span style="color:{colour}"><b>—</b> {name}</span>' for name, colour in entries)
    )
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setProperty("role", "caption")
    return label
