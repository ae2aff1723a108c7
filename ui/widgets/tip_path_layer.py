"""The way of the gripper's tip through an episode, drawn over its picture."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from ui.widgets.camera_view import to_widget
from ui.widgets.path_drawing import draw_polylines, pen


class TipPathLayer:
    """A `Layer`: the past solid, the future faint, a dot where the tip is now."""

    def __init__(self, colour: str) -> None:
        self._colour = colour
        self._points: NDArray[np.float64] = np.zeros((0, 2))
        self._now = 0

    def show_path(self, points: NDArray[np.float64], now: int) -> None:
        """`points` (T, 2) camera pixels; `now` the row of the present."""
        self._points, self._now = points, now

    def paint(self, painter: QPainter, place: QRectF, scale: float) -> None:
        if len(self._points) < 2:
            return
        line = to_widget(self._points, place, scale)
        now = min(self._now, len(line) - 1)
        painter.save()
        painter.setClipRect(place)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for width, colour, alpha, part in (
            (1.5, self._colour, 0.9, line[now:]),
            (4.5, "#000000", 0.45, line[: now + 1]),
            (2.4, self._colour, 1.0, line[: now + 1]),
        ):
            painter.setPen(pen(colour, width, alpha))
            draw_polylines(painter, part[None])
        painter.setPen(pen("#000000", 1.2, 0.8))
        painter.setBrush(QColor("#ffffff"))
        painter.drawEllipse(QPointF(*line[now]), 5, 5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.restore()
