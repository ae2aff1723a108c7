"""What needs somebody now, under the state bar on every page: a servo with an error, and the button that mends it."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from teleop_studio.status import StudioStatus
from ui import theme
from ui.bridge import Bridge
from ui.commands import Commands
from ui.widgets.panel import button
from ui.widgets.servo_words import ArmServo, rank, trouble, worst_first


class TroubleBar(QWidget):
    """Hidden while all servos are well or only to be watched."""

    def __init__(self, bridge: Bridge, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trouble_bar")
        self.setAccessibleName("trouble with a servo")
        self._bridge = bridge
        self._shown: ArmServo | None = None
        self.title, self.detail = QLabel(""), QLabel("")
        self.title.setFont(theme.font(15, QFont.Weight.DemiBold))
        self.detail.setFont(theme.font(12))
        self.more = QLabel("")
        self.more.setFont(theme.font(12, QFont.Weight.DemiBold))
        for label in (self.title, self.detail):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setMinimumWidth(10)
        self.reboot = button(
            "reboot_worst", "Reboot", "Restart this servo and take it up where it stands: support the arm", self._reboot
        )
        self.look = button(
            "show_servos", "Servos", "Temperature, voltage, load and errors of all servos (J)", commands.servos
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(22, 7, 12, 8)
        row.setSpacing(10)
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(self.title)
        texts.addWidget(self.detail)
        row.addLayout(texts, 1)
        for widget in (self.more, self.reboot, self.look):
            row.addWidget(widget)
        self.hide()

    def show_status(self, status: StudioStatus) -> None:
        bad = [one for one in worst_first(status) if rank(one.servo) == 2]
        self.setVisible(bool(bad))
        if not bad:
            self._shown = None
            return
        worst = bad[0]
        title, detail = trouble(worst)
        for label, text in (
            (self.title, title),
            (self.detail, detail),
            (self.more, f"and {len(bad) - 1} more" if len(bad) > 1 else ""),
        ):
            if label.text() != text:
                label.setText(text)
                label.setToolTip(text)
        if self._shown is None or self._shown.key != worst.key:
            self.reboot.setText(f"Reboot {worst.servo.joint}")
            self.reboot.setAccessibleName(f"Reboot {worst.arm} {worst.servo.joint}")
        self._shown = worst

    def _reboot(self) -> None:
        if self._shown is not None:
            self._bridge.call(self._bridge.studio.reboot_servo, *self._shown.key)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#3a1a1e"))
        painter.fillRect(QRectF(0, 0, 6, self.height()), QColor(theme.BAD))
