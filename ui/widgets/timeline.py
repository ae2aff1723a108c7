"""One scrubber for two episodes."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ui import theme

_LEFT = 70
_STEP_S = 1 / 30


class Timeline(QWidget):
    """A bar per episode on a common axis, and a play head that follows the mouse and the arrow keys."""

    moved = Signal(float)  # s

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.setAccessibleName("time line")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(62)
        self.setMinimumWidth(240)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._bars: tuple[tuple[str, str, float], ...] = ()
        self._time_s = 0.0
        self._font = theme.font(12, QFont.Weight.DemiBold)
        self._tick_font = theme.font(11)

    @property
    def end_s(self) -> float:
        return max((duration for _, _, duration in self._bars), default=0.0)

    @property
    def time_s(self) -> float:
        return self._time_s

    def show_bars(self, bars: Sequence[tuple[str, str, float]]) -> None:
        """(name, colour, duration in s) of each episode."""
        self._bars = tuple(bars)
        self.set_time(min(self._time_s, self.end_s))
        self.update()

    def set_time(self, time_s: float) -> None:
        time_s = min(max(time_s, 0.0), self.end_s)
        if time_s != self._time_s:
            self._time_s = time_s
            self.update()
            self.moved.emit(time_s)

    def sizeHint(self) -> QSize:
        return QSize(600, 62)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._scrub(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._scrub(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -15, Qt.Key.Key_PageDown: 15}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.set_time(self._time_s + step * _STEP_S)

    def _scrub(self, event: QMouseEvent) -> None:
        track = self._track()
        self.set_time((event.position().x() - track.left()) / max(track.width(), 1) * self.end_s)

    def _track(self) -> QRectF:
        return QRectF(_LEFT, 4, self.width() - _LEFT - 12, self.height() - 20)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = self._track()
        height = track.height() / max(len(self._bars), 1)
        for number, (name, colour, duration) in enumerate(self._bars):
            top = track.top() + number * height
            painter.setPen(QColor(colour))
            painter.setFont(self._font)
            painter.drawText(QRectF(0, top, _LEFT - 12, height), Qt.AlignmentFlag.AlignVCenter, name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.RAISED))
            bar = QRectF(track.left(), top + 3, track.width() * duration / max(self.end_s, 1e-9), height - 6)
            painter.drawRoundedRect(bar, 4, 4)
            painter.setBrush(QColor(colour))
            painter.setOpacity(0.55)
            painter.drawRoundedRect(
                QRectF(bar.left(), bar.top(), min(self._x() - bar.left(), bar.width()), bar.height()), 4, 4
            )
            painter.setOpacity(1.0)
        self._paint_axis(painter, track)

    def _x(self) -> float:
        track = self._track()
        return track.left() + track.width() * self._time_s / max(self.end_s, 1e-9)

    def _paint_axis(self, painter: QPainter, track: QRectF) -> None:
        painter.setFont(self._tick_font)
        painter.setPen(QColor(theme.FAINT))
        for second in range(int(self.end_s) + 1):
            x = track.left() + track.width() * second / max(self.end_s, 1e-9)
            painter.drawText(QRectF(x - 20, track.bottom() + 1, 40, 15), Qt.AlignmentFlag.AlignCenter, f"{second}")
        painter.setPen(QPen(QColor(theme.TEXT), 2))
        painter.drawLine(QPointF(self._x(), track.top()), QPointF(self._x(), track.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.TEXT))
        painter.drawEllipse(QPointF(self._x(), track.top()), 5, 5)
