"""The bar on top of every page: state in its colour, clock, health chips and STOP."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QLinearGradient, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from teleop_studio.status import State, StudioStatus
from ui import theme
from ui.actions import STOP_KEY
from ui.commands import Commands
from ui.widgets.health import (
    camera_chip,
    disk_chip,
    disk_is_low,
    inference_chip,
    loop_chip,
    recorder_chip,
    rig_chip,
)
from ui.widgets.panel import Chip
from ui.widgets.servo_words import servo_chip

HEIGHT = 76


class StateBar(QWidget):
    """Readable across the room: the left block and the tint of the whole bar carry the state's colour."""

    def __init__(self, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("state_bar")
        self.setFixedHeight(HEIGHT)
        self._look = theme.STATE_LOOKS[State.CLOSED]
        self._word_font = theme.font(30, QFont.Weight.DemiBold)
        self.clock = QLabel("00:00.0")
        self.clock.setObjectName("episode_clock")
        self.clock.setFont(theme.font(30, QFont.Weight.DemiBold))
        self.clock.setFixedWidth(128)
        self.title = QLabel("")
        self.title.setFont(theme.font(15, QFont.Weight.DemiBold))
        self.detail = QLabel("")
        self.detail.setFont(theme.font(12))
        opening = {"rig": commands.choose_rig, "servos": commands.servos}
        names = ("rig", "loop", "camera", "servos", "recorder", "disk", "inference")
        self.chips = {name: Chip(name, name in opening) for name in names}
        for name, run in opening.items():
            self.chips[name].clicked.connect(run)
        self._asleep = False  # no window of ours has the keyboard
        self.stop_button = StopButton()
        self.stop_button.clicked.connect(lambda: commands.stop())
        self._lay_out()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(_BLOCK_WIDTH + 18, 8, 10, 8)
        row.setSpacing(16)
        row.addWidget(self.clock)
        middle = QVBoxLayout()
        middle.setSpacing(3)
        texts = QHBoxLayout()
        texts.setSpacing(10)
        texts.addWidget(self.title)
        texts.addWidget(self.detail, 1)
        for label in (self.title, self.detail):
            label.setMinimumWidth(10)
            label.setTextFormat(Qt.TextFormat.PlainText)
        middle.addLayout(texts)
        chips = QHBoxLayout()
        chips.setSpacing(6)
        for chip in self.chips.values():
            chips.addWidget(chip)
        chips.addStretch(1)
        middle.addLayout(chips)
        row.addLayout(middle, 1)
        row.addWidget(self.stop_button)

    def show_status(self, status: StudioStatus) -> None:
        look = theme.STATE_LOOKS[status.state]
        if look is not self._look:
            self._look = look
            self.setAccessibleName(f"state: {look.word}")
            self.update()
        minutes, seconds = divmod(status.episode_clock_s, 60)
        self.clock.setText(f"{int(minutes):02d}:{seconds:04.1f}")
        self.title.setText(status.title)
        self._show_detail(status.detail)
        self.chips["rig"].show_value(*rig_chip(status))
        self.chips["loop"].show_value(*loop_chip(status))
        self.chips["camera"].show_value(*camera_chip(status))
        self.chips["servos"].show_value(*servo_chip(status))
        self.chips["recorder"].show_value(*recorder_chip(status))
        self.chips["disk"].setVisible(disk_is_low(status))
        self.chips["disk"].show_value(*disk_chip(status))
        # A bar that is full: the policy that is not there says least.
        self.chips["inference"].setVisible(status.inference.ready or status.inference.loading)
        self.chips["inference"].show_value(*inference_chip(status))

    def _show_detail(self, detail: str) -> None:
        """What to press; or, while the keys go to another program, that pressing them does nothing here."""
        asleep = QGuiApplication.applicationState() != Qt.ApplicationState.ApplicationActive
        shown = ASLEEP if asleep else detail
        if shown != self.detail.text():
            self.detail.setText(shown)
            self.detail.setToolTip(shown)
        if asleep != self._asleep:
            self._asleep = asleep
            self.detail.setStyleSheet(f"color: {theme.WARN}; font-weight: 600" if asleep else "")
            self.stop_button.show_key(not asleep)

    @property
    def word(self) -> str:
        return self._look.word

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(self._look.colour)
        tint = QLinearGradient(0, 0, self.width(), 0)
        for at, alpha in ((0.0, 0.55), (0.6, 0.22), (1.0, 0.10)):
            shade = QColor(colour)
            shade.setAlphaF(alpha)
            tint.setColorAt(at, shade)
        painter.fillRect(self.rect(), QColor(theme.PANEL))
        painter.fillRect(self.rect(), tint)
        block = QRectF(0, 0, _BLOCK_WIDTH, self.height())
        painter.fillRect(block, colour)
        if self._look.striped:
            _stripes(painter, block)
        painter.fillRect(QRectF(0, self.height() - 3, self.width(), 3), colour)
        painter.setFont(self._word_font)
        painter.setPen(QColor(self._look.ink))
        painter.drawText(block, Qt.AlignmentFlag.AlignCenter, self._look.word)


_BLOCK_WIDTH = 208
ASLEEP = "Keys do nothing: the window is not active, click it. A pedal and `teleop-studio stop` always work."


def _stripes(painter: QPainter, block: QRectF) -> None:
    """Black slanted stripes on the block's edges: a stop is seen without reading, and without telling colours apart."""
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#15130a"))
    for edge in (
        QRectF(block.left(), 0, block.width(), 12),
        QRectF(block.left(), block.height() - 15, block.width(), 12),
    ):
        painter.setClipRect(edge)
        for x in range(int(block.left()) - 24, int(block.right()) + 24, 24):
            corners = ((x, edge.bottom()), (x + 12, edge.bottom()), (x + 24, edge.top()), (x + 12, edge.top()))
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
    painter.restore()


class StopButton(QAbstractButton):
    """Large, red, always there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stop_button")
        self.setAccessibleName("STOP")
        self.setText("STOP")
        self.setToolTip(f"{STOP_KEY.tooltip} ({STOP_KEY.key})")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(176, HEIGHT - 18)
        self._key_works = True

    def show_key(self, works: bool) -> None:
        """The key's cap is dim while the key would go to another program; the button works all the same."""
        if works != self._key_works:
            self._key_works = works
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(176, HEIGHT - 18)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(theme.STOP)
        if self.isDown():
            colour = colour.darker(130)
        elif self.underMouse():
            colour = colour.lighter(112)
        body = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setPen(QColor("#ff8a8a"))
        painter.setBrush(colour)
        painter.drawRoundedRect(body, 9, 9)
        painter.setPen(QColor("white"))
        painter.setFont(theme.font(25, QFont.Weight.DemiBold))
        painter.drawText(body.adjusted(18, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, "STOP")
        cap = QRectF(body.right() - 56, body.center().y() - 11, 40, 22)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setFont(theme.font(13, QFont.Weight.DemiBold))
        painter.setPen(QColor(255, 255, 255, 255 if self._key_works else 90))
        painter.drawRoundedRect(cap, 5, 5)
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, STOP_KEY.key)
