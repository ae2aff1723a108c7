"""Small charts, one per joint: the strip chart of the live pages and the comparison of two episodes."""

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QWidget

from ui import theme

_GAP = 6


@dataclass(frozen=True)
class Series:
    """One curve per joint: `time_s` (T,), `values` (T, D); `digits` shows its value at the cursor."""

    name: str
    colour: str
    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    digits: bool = False


def row_of(row: int, rows: int, height: int) -> tuple[float, float]:
    """(top, height) in px of a row when `rows` of them share `height`: what lies beside a chart lines up with it."""
    each = (height + _GAP) / rows - _GAP
    return row * (each + _GAP), each


class JointChart(QWidget):
    """D small charts in `columns`, each with its own range, on one time axis.

    Drawn into a pixmap when the data change, one path per curve at width 1; only the cursor is drawn per paint.
    pyqtgraph's own plot widgets cost four times as much here, so only its path builder is used.
    """

    def __init__(self, columns: int = 1, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("joint_chart")
        self.setAccessibleName("joint positions over time")
        self.setMinimumSize(300, 90)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._columns = columns
        self._label_width = 96 if columns == 1 else 84
        self._names: tuple[str, ...] = ()
        self._series: tuple[Series, ...] = ()
        self._span_s = (-10.0, 0.0)
        self._ranges: NDArray[np.float64] = np.zeros((0, 2))
        self._cursor_s: float | None = None
        self._drawing: QPixmap | None = None
        self._font = theme.font(11, QFont.Weight.Medium)
        self._digits = theme.font(12, QFont.Weight.DemiBold)

    def show_series(self, names: tuple[str, ...], series: tuple[Series, ...], span_s: tuple[float, float]) -> None:
        """Draw these curves over `span_s`; joints without a curve stay empty."""
        if names != self._names:
            self._names = names
            self._ranges = np.tile((np.inf, -np.inf), (len(names), 1))
        self._series, self._span_s = series, span_s
        self._widen_ranges()
        self._drawing = None
        self.update()

    def forget_ranges(self) -> None:
        """Fit the ranges to the next data anew."""
        self._names = ()

    def set_cursor(self, time_s: float | None) -> None:
        if time_s != self._cursor_s:
            self._cursor_s = time_s
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(600, 240)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._drawing is None or self._drawing.deviceIndependentSize().toSize() != self.size():
            self._drawing = self._draw()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._drawing)
        if self._cursor_s is not None and self._names:
            painter.setPen(QPen(QColor(theme.TEXT), 1))
            for joint in range(len(self._names)):
                plot = self._plot_area(joint)
                x = plot.left() + plot.width() * self._fraction(self._cursor_s)
                painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))

    def _widen_ranges(self) -> None:
        """Grow each joint's range in steps, so that the curves do not breathe."""
        for series in self._series:
            if len(series.values) == 0:
                continue
            # A leader that was never read is NaN all along; it then widens nothing.
            known = np.isfinite(series.values)
            low = np.where(known, series.values, np.inf).min(axis=0)
            high = np.where(known, series.values, -np.inf).max(axis=0)
            count = min(len(low), len(self._ranges))
            low, high = low[:count], high[:count]
            margin = np.maximum(0.12, 0.1 * (high - low))
            outside = (low < self._ranges[:count, 0]) | (high > self._ranges[:count, 1])
            self._ranges[:count, 0] = np.where(
                outside, np.minimum(self._ranges[:count, 0], low - margin), self._ranges[:count, 0]
            )
            self._ranges[:count, 1] = np.where(
                outside, np.maximum(self._ranges[:count, 1], high + margin), self._ranges[:count, 1]
            )

    def _cell(self, joint: int) -> QRectF:
        rows = -(-len(self._names) // self._columns)
        width = (self.width() + _GAP) / self._columns - _GAP
        column, row = divmod(joint, rows)
        top, height = row_of(row, rows, self.height())
        return QRectF(column * (width + _GAP), top, width, height)

    def _plot_area(self, joint: int) -> QRectF:
        return self._cell(joint).adjusted(self._label_width, 1, -1, -1)

    def _fraction(self, time_s: float) -> float:
        begin, end = self._span_s
        return min(max((time_s - begin) / max(end - begin, 1e-9), 0.0), 1.0)

    def _draw(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        drawing = QPixmap(self.size() * ratio)
        drawing.setDevicePixelRatio(ratio)
        drawing.fill(QColor(theme.PANEL))
        painter = QPainter(drawing)
        for joint in range(len(self._names)):
            self._draw_joint(painter, joint)
        painter.end()
        return drawing

    def _draw_joint(self, painter: QPainter, joint: int) -> None:
        plot = self._plot_area(joint)
        painter.fillRect(plot, QColor("#10151a"))
        low, high = self._ranges[joint]
        if np.isfinite(low) and high > low:
            painter.setClipRect(plot)
            if low < 0 < high:
                zero = plot.bottom() - plot.height() * (0 - low) / (high - low)
                painter.setPen(QPen(QColor("#232b34"), 1))
                painter.drawLine(QPointF(plot.left(), zero), QPointF(plot.right(), zero))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for series in self._series:
                if joint < series.values.shape[1] and len(series.time_s) > 1:
                    self._draw_curve(painter, plot, series, joint)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setClipping(False)
        self._draw_label(painter, joint)

    def _draw_curve(self, painter: QPainter, plot: QRectF, series: Series, joint: int) -> None:
        begin, end = self._span_s
        low, high = self._ranges[joint]
        # More than about one point per pixel is invisible and costs.
        every = max(1, int(len(series.time_s) / max(plot.width(), 1)))
        time_s, values = series.time_s[::every], series.values[::every, joint]
        known = np.isfinite(values)
        if not known.all():
            time_s, values = time_s[known], values[known]
        if len(time_s) < 2:
            return
        path = pg.arrayToQPath(time_s, values, connect="all", finiteCheck=False)
        to_plot = QTransform()
        to_plot.translate(plot.left(), plot.bottom())
        to_plot.scale(plot.width() / max(end - begin, 1e-9), -plot.height() / (high - low))
        to_plot.translate(-begin, -low)
        painter.setPen(QPen(QColor(series.colour), 1))
        painter.drawPath(to_plot.map(path))

    def _draw_label(self, painter: QPainter, joint: int) -> None:
        cell = self._cell(joint)
        label = QRectF(cell.left(), cell.top(), self._label_width - 8, cell.height())
        shown = [s for s in self._series if s.digits and len(s.values) and joint < s.values.shape[1]]
        painter.setFont(self._font)
        painter.setPen(QColor(theme.SOFT))
        tall = cell.height() >= 30
        name = painter.fontMetrics().elidedText(self._names[joint], Qt.TextElideMode.ElideRight, 56 if not tall else 88)
        up = Qt.AlignmentFlag.AlignTop if tall else Qt.AlignmentFlag.AlignVCenter
        painter.drawText(label, Qt.AlignmentFlag.AlignLeft | up, name)
        painter.setFont(self._digits)
        down = Qt.AlignmentFlag.AlignBottom if tall else Qt.AlignmentFlag.AlignVCenter
        side = Qt.AlignmentFlag.AlignLeft if tall else Qt.AlignmentFlag.AlignRight
        for series in shown[:1]:
            painter.setPen(QColor(series.colour))
            painter.drawText(label, side | down, f"{series.values[-1, joint]:+.2f}")
