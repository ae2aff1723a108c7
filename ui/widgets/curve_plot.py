"""One training curve against steps."""

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui import theme


class CurvePlot(QWidget):
    """A curve with zoom and pan; drawn anew only when it has grown."""

    def __init__(self, name: str, colour: str, unit: str, logarithmic: bool = False, points: bool = False) -> None:
        super().__init__()
        self.setObjectName(f"{name}_curve")
        self.setAccessibleName(f"{name} over training steps")
        self.setMinimumSize(260, 90)
        self._drawn: tuple[int, float, int, int] | None = None
        self.plot = pg.PlotWidget(background=QColor(theme.PANEL))
        item = self.plot.getPlotItem()
        item.setLogMode(y=logarithmic)
        item.showGrid(x=True, y=True, alpha=0.22)
        item.hideButtons()
        item.setMenuEnabled(False)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(QColor(theme.LINE))
            axis.setTextPen(QColor(theme.SOFT))
            axis.setStyle(tickFont=theme.font(11), tickLength=-4)
        item.getAxis("left").setWidth(52)
        item.getAxis("left").enableAutoSIPrefix(False)
        item.setLabel("left", unit, color=theme.SOFT)
        if logarithmic:
            # pyqtgraph labels every minor tick of a decade, over each other.
            ticks = [m * 10.0**e for e in range(-6, 4) for m in (1, 2, 5)]
            item.setLimits(minYRange=0.5)  # so that at least one of them is always in sight
            item.getAxis("left").setTicks([[(math.log10(tick), f"{tick:g}") for tick in ticks]])
        # Width 1 without antialiasing would be quickest, but this is drawn once a second at most.
        self.curve = self.plot.plot(
            pen=pg.mkPen(colour, width=1),
            antialias=True,
            symbol="o" if points else None,
            symbolSize=6,
            symbolBrush=colour,
            symbolPen=None,
        )
        self.best = self.plot.plot(
            pen=None, symbol="o", symbolSize=13, symbolBrush=None, symbolPen=pg.mkPen(theme.GOOD, width=2)
        )
        item.setXRange(0, 1000)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_curve(self, rows: NDArray[np.float64], steps: int, best: int = 0) -> None:
        """`rows` (n, 2): step and value; the axis runs to `steps`. A ring at the step that is the `best`."""
        finite = rows[np.isfinite(rows).all(axis=1)] if len(rows) else rows
        newest = (len(finite), float(finite[-1, 0]) if len(finite) else 0.0, best, steps)
        if newest == self._drawn:
            return
        self._drawn = newest
        self.curve.setData(finite[:, 0], finite[:, 1]) if len(finite) else self.curve.setData([], [])
        ringed = finite[finite[:, 0] == best] if len(finite) and best else np.zeros((0, 2))
        self.best.setData(ringed[:, 0], ringed[:, 1])
        self.plot.setXRange(0, max(steps, 1), padding=0.01)
