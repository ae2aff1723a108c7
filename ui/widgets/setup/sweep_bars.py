"""The joints of an arm while it is calibrated: how far each was swept, where it is, whether that is plausible."""

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from teleop_studio.setup_status import JointSweep
from ui import theme

_LINE, _LEAST_LINE = 54, 38
_TURN = 4096  # ticks
_NAME = 150


class SweepBars(QWidget):
    """A line per joint on a common axis of one turn; joints that went further stretch it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("sweep_bars")
        self.setAccessibleName("range of each joint so far")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.joints: tuple[JointSweep, ...] = ()
        self._strong = theme.font(13, QFont.Weight.DemiBold)
        self._small = theme.font(11, QFont.Weight.Medium)

    def show_joints(self, joints: tuple[JointSweep, ...]) -> None:
        if joints == self.joints:
            return
        self.joints = joints
        self.setMinimumHeight(_LEAST_LINE * len(joints))
        missing = [joint.joint for joint in joints if not joint.ok]
        self.setAccessibleDescription("all joints are plausible" if not missing else f"not yet: {', '.join(missing)}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, _LINE * max(len(self.joints), 1))

    @property
    def axis(self) -> tuple[int, int]:
        """First and last tick of the common axis."""
        low = min((min(joint.lowest, joint.present) for joint in self.joints), default=0)
        high = max((max(joint.highest, joint.present) for joint in self.joints), default=_TURN)
        return min(low, 0), max(high, _TURN)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = min(_LINE, self.height() / max(len(self.joints), 1))
        for number, joint in enumerate(self.joints):
            self._paint_joint(painter, QRectF(0, number * height, self.width(), height), joint)

    def _paint_joint(self, painter: QPainter, line: QRectF, joint: JointSweep) -> None:
        colour = QColor(theme.GOOD if joint.ok else theme.WARN)
        _paint_mark(painter, QPointF(10, line.top() + 15), joint.ok, colour)
        painter.setFont(self._strong)
        painter.setPen(QColor(theme.TEXT))
        name = painter.fontMetrics().elidedText(joint.joint, Qt.TextElideMode.ElideRight, _NAME - 34)
        painter.drawText(QRectF(28, line.top() + 4, _NAME - 30, 20), Qt.AlignmentFlag.AlignVCenter, name)
        track = QRectF(_NAME, line.top() + 9, line.width() - _NAME - 2, 12)
        low, high = (joint.lower, joint.upper) if verified(joint) else self.axis

        def x(value: float) -> float:
            return track.left() + track.width() * min(max((value - low) / (high - low), 0.0), 1.0)

        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#0b0f13"))
        painter.drawRoundedRect(track, 3, 3)
        if joint.highest > joint.lowest and not verified(joint):
            swept = QColor(colour)
            swept.setAlphaF(0.5)
            painter.setBrush(swept)
            width = max(x(joint.highest) - x(joint.lowest), 2.0)
            painter.drawRoundedRect(QRectF(x(joint.lowest), track.top(), width, track.height()), 3, 3)
        if verified(joint) and low < 0 < high:
            painter.fillRect(QRectF(x(0.0) - 0.5, track.top(), 1, track.height()), QColor(theme.FAINT))
        painter.setBrush(QColor("white"))
        now = joint.value if verified(joint) else joint.present
        painter.drawRoundedRect(QRectF(x(now) - 1.5, track.top() - 3, 3, track.height() + 6), 1.5, 1.5)
        self._paint_figures(painter, line, joint)

    def _paint_figures(self, painter: QPainter, line: QRectF, joint: JointSweep) -> None:
        painter.setFont(self._small)
        below = QRectF(_NAME, line.top() + 22, line.width() - _NAME - 2, 15)
        painter.setPen(QColor(theme.FAINT))
        painter.drawText(
            QRectF(28, below.top(), _NAME - 30, 15), Qt.AlignmentFlag.AlignVCenter, f"servo {joint.servo_id}"
        )
        painter.setPen(QColor(theme.SOFT))
        figures = figures_of(joint)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figures)
        room = int(below.width()) - painter.fontMetrics().horizontalAdvance(figures) - 12
        painter.setPen(QColor(theme.WARN if not joint.ok else theme.SOFT))
        note = painter.fontMetrics().elidedText(joint.note, Qt.TextElideMode.ElideRight, max(room, 0))
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, note)


def verified(joint: JointSweep) -> bool:
    """Whether it is known in joint units: the result is being checked."""
    return math.isfinite(joint.value) and joint.upper > joint.lower


def figures_of(joint: JointSweep) -> str:
    if verified(joint):
        return f"{joint.lower:+.2f} … {joint.upper:+.2f}   now {joint.value:+.2f}"
    swept = f"{joint.lowest} … {joint.highest}   " if joint.highest > joint.lowest else ""
    return f"{swept}now {joint.present}"


def _paint_mark(painter: QPainter, at: QPointF, ok: bool, colour: QColor) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    if ok:
        painter.drawPolyline(QPolygonF([at + QPointF(-5, 0), at + QPointF(-1.5, 4), at + QPointF(6, -5)]))
    else:
        painter.drawEllipse(at, 4.5, 4.5)
