"""Where each joint has been in a whole collection: range, mean and spread of state and action."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui import theme

_LINE, _LEAST_LINE = 30, 14
_NAME_WIDTH = 92
_FIGURES_WIDTH = 92


@dataclass(frozen=True)
class Spread:
    """Of one stream, (D,) each: rad, the gripper 0 closed to 1 open."""

    low: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    high: NDArray[np.float64]


class JointRanges(QWidget):
    """One line per joint: a thin bar from the least to the greatest value, a thick one of a deviation each way.

    All joints in rad share one axis; the gripper has its own from 0 to 1.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("joint_ranges")
        self.setAccessibleName("range of each joint")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._names: tuple[str, ...] = ()
        self._spreads: tuple[tuple[str, Spread], ...] = ()
        self._font = theme.font(12)
        self._small = theme.font(11)

    def show_ranges(self, names: Sequence[str], spreads: Sequence[tuple[str, Spread]]) -> None:
        """`spreads` are (colour, values), drawn below each other on each joint's line."""
        self._names, self._spreads = tuple(names), tuple(spreads)
        self.setMinimumHeight(_LEAST_LINE * len(self._names))
        if spreads:
            first = spreads[0][1]
            self.setAccessibleDescription(
                ", ".join(
                    f"{name} {low:.2f} to {high:.2f}"
                    for name, low, high in zip(names, first.low, first.high, strict=True)
                )
            )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, _LINE * max(len(self._names), 1))

    def _axis(self, joint: int) -> tuple[float, float]:
        if self._names[joint] == "gripper":
            return 0.0, 1.0
        turning = [j for j, name in enumerate(self._names) if name != "gripper"]
        low = min(float(spread.low[turning].min()) for _, spread in self._spreads)
        high = max(float(spread.high[turning].max()) for _, spread in self._spreads)
        return low, max(high, low + 1e-6)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._spreads:
            return
        painter = QPainter(self)
        height = min(_LINE, self.height() / len(self._names))
        left, right = _NAME_WIDTH, self.width() - _FIGURES_WIDTH
        for joint, name in enumerate(self._names):
            line = QRectF(0, joint * height, self.width(), height)
            painter.setFont(self._font)
            painter.setPen(QColor(theme.TEXT))
            fitted = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, _NAME_WIDTH - 6)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, fitted)
            track = QRectF(left, line.top() + 2, right - left, height - 4)
            painter.fillRect(track, QColor(theme.WINDOW))
            low, high = self._axis(joint)
            self._paint_joint(painter, track, joint, low, high)
            first = self._spreads[0][1]
            painter.setFont(self._small)
            painter.setPen(QColor(theme.SOFT))
            figures = f"{first.low[joint]:.2f} … {first.high[joint]:.2f}"
            painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figures)

    def _paint_joint(self, painter: QPainter, track: QRectF, joint: int, low: float, high: float) -> None:
        height = track.height() / len(self._spreads)
        for number, (colour, spread) in enumerate(self._spreads):
            middle = track.top() + (number + 0.5) * height

            def x(value: float) -> float:
                return track.left() + track.width() * min(max((value - low) / (high - low), 0.0), 1.0)

            mean, deviation = float(spread.mean[joint]), float(spread.deviation[joint])
            whole = (x(float(spread.low[joint])), x(float(spread.high[joint])))
            usual = (x(mean - deviation), x(mean + deviation))
            for (start, end), thick, alpha in ((whole, 2.0, 0.6), (usual, height - 4, 0.55)):
                shade = QColor(colour)
                shade.setAlphaF(alpha)
                painter.fillRect(QRectF(start, middle - thick / 2, max(end - start, 1.0), thick), shade)
            painter.fillRect(QRectF(x(mean) - 1, middle - height / 2 + 1, 2, height - 2), QColor(theme.TEXT))
