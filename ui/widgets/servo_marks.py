"""Servos at a glance beside the joint chart: a column of figures where there is room, a strip of cells where not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from teleop_studio.status import ServoHealth, StudioStatus
from ui import theme
from ui.widgets.joint_chart import row_of
from ui.widgets.servo_table import paint_load_bar
from ui.widgets.servo_words import colour_of, figures, rank, short_error

_WIDTH = 172
_MOST_LINE = 24  # px of a servo's line
_TWO_LINES = 32  # px of a row's height: below, only the follower is shown
_ARMS = (("follower", theme.FOLLOWER), ("leader", theme.LEADER))


@dataclass(frozen=True)
class JointServos:
    """The worst servo of each joint, of both arms: a joint with two motors has two of them."""

    names: tuple[str, ...] = ()
    follower: tuple[ServoHealth | None, ...] = ()
    leader: tuple[ServoHealth | None, ...] = ()

    @classmethod
    def of(cls, status: StudioStatus) -> "JointServos":
        names = status.joint_names
        return cls(names, _by_joint(names, status.follower_servos), _by_joint(names, status.leader_servos))

    @property
    def known(self) -> bool:
        return any(servo is not None for servo in self.follower + self.leader)

    def tooltip(self, joint: int) -> str:
        lines = [self.names[joint]]
        for arm, servo in (("follower", self.follower[joint]), ("leader", self.leader[joint])):
            if servo is not None:
                lines.append(f"{arm}: {figures(servo)}" + "".join(f"\n  {error}" for error in servo.errors))
        return "\n".join(lines) + "\nClick for all servos (J)"


def _by_joint(names: Sequence[str], servos: Sequence[ServoHealth]) -> tuple[ServoHealth | None, ...]:
    mine = ([servo for servo in servos if servo.joint == name] for name in names)
    return tuple(max(few, key=rank) if few else None for few in mine)


class ServoColumn(QWidget):
    """Temperature, voltage and load of follower and leader, a row per joint in line with the chart's rows."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        _dress(self, "servo_column")
        self.servos = JointServos()
        self.setFixedWidth(_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self._font, self._strong = theme.font(11, QFont.Weight.Medium), theme.font(12, QFont.Weight.DemiBold)

    def show_status(self, status: StudioStatus) -> None:
        """The slow ring tells twice a second, the window turns at 30 Hz: nothing is painted in between."""
        servos = JointServos.of(status)
        if servos != self.servos:
            self.servos = servos
            self.update()

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self.clicked.emit()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            _show_tooltip(self, event, self.servos, self._joint_at(event.pos()))
            return True
        return super().event(event)

    def _joint_at(self, at: QPoint) -> int | None:
        for joint in range(len(self.servos.names)):
            top, height = row_of(joint, len(self.servos.names), self.height())
            if top <= at.y() < top + height:
                return joint
        return None

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.servos.known:
            painter.setPen(QColor(theme.FAINT))
            painter.setFont(self._font)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "servos not read yet")
            return
        for joint in range(len(self.servos.names)):
            top, height = row_of(joint, len(self.servos.names), self.height())
            arms = _ARMS if height >= _TWO_LINES else _ARMS[:1]
            each = min(height / len(arms), _MOST_LINE)
            top += (height - each * len(arms)) / 2
            for number, (_, colour) in enumerate(arms):
                line = QRectF(10, top + number * each, self.width() - 10, each)
                self._paint_servo(painter, line, (self.servos.follower, self.servos.leader)[number][joint], colour)

    def _paint_servo(self, painter: QPainter, line: QRectF, servo: ServoHealth | None, colour: str) -> None:
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawRoundedRect(QRectF(line.left(), line.center().y() - 4, 3, 8), 1, 1)
        if servo is None:
            painter.setPen(QColor(theme.FAINT))
            painter.drawText(line.adjusted(10, 0, 0, 0), middle, "–")
            return
        painter.setFont(self._strong)
        painter.setPen(QColor(colour_of(servo) if rank(servo) else theme.TEXT))
        if servo.errors:
            text = painter.fontMetrics().elidedText(
                short_error(servo.errors[0]), Qt.TextElideMode.ElideRight, int(line.width()) - 12
            )
            painter.drawText(line.adjusted(10, 0, 0, 0), middle, text)
            return
        hot = servo.temperature_c
        painter.drawText(line.adjusted(10, 0, 0, 0), middle, f"{hot:.0f} °C" if math.isfinite(hot) else "–")
        painter.setFont(self._font)
        painter.setPen(QColor(theme.SOFT))
        volts = servo.voltage_v
        painter.drawText(line.adjusted(56, 0, 0, 0), middle, f"{volts:.1f} V" if math.isfinite(volts) else "–")
        paint_load_bar(painter, QRectF(line.right() - 58, line.center().y() - 2.5, 56, 5), servo.load)


class ServoStrip(QWidget):
    """A cell per joint, the follower's above the leader's, in the colour of how it is."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        _dress(self, "servo_strip")
        self.servos = JointServos()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._font = theme.font(11, QFont.Weight.Medium)

    def sizeHint(self) -> QSize:
        return QSize(54 + 15 * len(self.servos.names) if self.servos.known else 0, 18)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def show_status(self, status: StudioStatus) -> None:
        """The slow ring tells twice a second, the window turns at 30 Hz: nothing is painted in between."""
        servos = JointServos.of(status)
        if servos != self.servos:
            self.servos = servos
            self.updateGeometry()
            self.update()

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self.clicked.emit()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            _show_tooltip(self, event, self.servos, self._joint_at(event.pos()))
            return True
        return super().event(event)

    def _joint_at(self, at: QPoint) -> int | None:
        joint = (at.x() - 46) // 15
        return joint if 0 <= joint < len(self.servos.names) else None

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self.servos.known:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        painter.setPen(QColor(theme.SOFT))
        painter.drawText(QRectF(0, 0, 44, 18), Qt.AlignmentFlag.AlignVCenter, "servos")
        painter.setPen(Qt.PenStyle.NoPen)
        for row, arm in enumerate((self.servos.follower, self.servos.leader)):
            for joint, servo in enumerate(arm):
                colour = QColor(theme.FAINT if servo is None else colour_of(servo))
                colour.setAlphaF(0.35 if servo is None else 1.0 if rank(servo) else 0.75)
                painter.setBrush(colour)
                painter.drawRoundedRect(QRectF(46 + 15 * joint, 1 + 9 * row, 12, 7), 2, 2)


def _dress(widget: QWidget, name: str) -> None:
    widget.setObjectName(name)
    widget.setAccessibleName("servos by joint")
    widget.setCursor(Qt.CursorShape.PointingHandCursor)


def _show_tooltip(widget: QWidget, event: QHelpEvent, servos: JointServos, joint: int | None) -> None:
    if joint is not None and servos.known:
        QToolTip.showText(event.globalPos(), servos.tooltip(joint), widget)
