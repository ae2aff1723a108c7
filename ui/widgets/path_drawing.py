"""Polylines of numpy points, the quick way."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen


def pen(colour: str, width: float, alpha: float = 1.0) -> QPen:
    shade = QColor(colour)
    shade.setAlphaF(alpha)
    return QPen(shade, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def draw_polylines(painter: QPainter, lines: NDArray[np.float64]) -> None:
    """`lines` (n, T, 2) widget pixels, each drawn with the painter's pen as a path of its own.

    Not one path for all: where samples lie over each other their transparent strokes shall add up.
    """
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in lines:
        if len(line) > 1:
            painter.drawPath(pg.arrayToQPath(line[:, 0], line[:, 1], connect="all", finiteCheck=False))
