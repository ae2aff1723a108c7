"""The arm as the calibration understands it, drawn from the side and from above: it must move as the hand moves it."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui import theme

_VIEWS = (("from the side", 0, 2), ("from above", 1, 0))  # title, and the axes to the right and upwards


class ArmSketch(QWidget):
    """Base, joints and gripper tip, m: +x forward, +y left, +z up. Hidden while the arm's lengths are not known."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("arm_sketch")
        self.setAccessibleName("the arm as it stands")
        self.setMinimumHeight(130)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._points: NDArray[np.float64] = np.zeros((0, 3))
        self._reach = 0.1  # m; grows, so that the sketch does not breathe
        self._font = theme.font(11, QFont.Weight.Medium)
        self.hide()

    def show_points(self, points: tuple[tuple[float, float, float], ...]) -> None:
        if self.isHidden() == bool(points):
            self.setVisible(bool(points))
            self._reach = 0.1
        fresh = np.asarray(points, np.float64).reshape(-1, 3)
        if fresh.shape == self._points.shape and np.allclose(fresh, self._points, atol=5e-4):
            return
        self._points = fresh
        if len(fresh):
            self._reach = max(self._reach, float(np.linalg.norm(fresh, axis=1).max()) * 1.1)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 190)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = (self.width() - 8) / 2
        height = min(self.height(), width * 1.1)
        for number, (title, across, up) in enumerate(_VIEWS):
            place = QRectF(number * (width + 8), 0, width, height)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor("#0b0f13"))
            painter.drawRoundedRect(place, 6, 6)
            painter.setFont(self._font)
            painter.setPen(QColor(theme.SOFT))
            painter.drawText(place.adjusted(10, 7, 0, 0), Qt.AlignmentFlag.AlignTop, title)
            if len(self._points):
                # Seen from above, the arm's left is on the left: y runs the other way.
                sign = -1.0 if across == 1 else 1.0
                self._paint_arm(
                    painter, place.adjusted(8, 24, -8, -8), sign * self._points[:, across], self._points[:, up]
                )

    def _paint_arm(
        self, painter: QPainter, place: QRectF, across: NDArray[np.float64], up: NDArray[np.float64]
    ) -> None:
        scale = min(place.width() / (2 * self._reach), place.height() / (1.5 * self._reach))
        origin = QPointF(place.center().x(), place.top() + place.height() * 0.78)
        painter.setPen(QPen(QColor(theme.LINE), 1))
        painter.drawLine(QPointF(place.left(), origin.y()), QPointF(place.right(), origin.y()))
        line = [
            QPointF(origin.x() + float(x) * scale, origin.y() - float(y) * scale)
            for x, y in zip(across, up, strict=True)
        ]
        solid, cap, join = Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
        painter.setPen(QPen(QColor(theme.FOLLOWER), 4, solid, cap, join))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(line))
        painter.setPen(QPen(QColor("#0b0f13"), 1.5))
        for at, colour, radius in (
            (line[0], theme.SOFT, 5.0),
            *((p, theme.TEXT, 3.5) for p in line[1:-1]),
            (line[-1], theme.ACTION, 5.0),
        ):
            painter.setBrush(QColor(colour))
            painter.drawEllipse(at, radius, radius)
