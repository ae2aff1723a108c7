"""The time line of one episode: a play head, and two handles that tell what a trim keeps."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ui import theme

_STEP_S = 1 / 30
_SHORTEST_S = 0.2  # between the handles
_GRIP = 9  # px around a handle in which it is taken
_EDGE = 10


class TrimTimeline(QWidget):
    """`moved` gives the play head in s, `kept_changed` the part between the handles.

    Left and Right step a frame, Page up and down half a second, Home and End go to the ends of what is kept.
    """

    moved = Signal(float)
    kept_changed = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trim_timeline")
        self.setAccessibleName("time line with trim handles")
        self.setToolTip("Drag the yellow handles to trim, anywhere else to look")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(44)
        self.setMinimumWidth(160)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._duration_s = self._time_s = self._idle_s = 0.0
        self._start_s = self._end_s = 0.0
        self.handles = True  # off where nothing may be trimmed
        self._dragged = ""
        self._colour = theme.HUMAN
        self._font = theme.font(11)

    @property
    def end_s(self) -> float:
        return self._duration_s

    @property
    def time_s(self) -> float:
        return self._time_s

    @property
    def kept(self) -> tuple[float, float]:
        """(start, end) in s."""
        return self._start_s, self._end_s

    @property
    def trims(self) -> bool:
        """Whether a handle has left its end."""
        return self._start_s > 0 or self._end_s < self._duration_s

    def show_episode(self, duration_s: float, idle_start_s: float, colour: str) -> None:
        """A new episode: the head at its start, nothing trimmed."""
        self._duration_s, self._idle_s, self._colour = max(duration_s, 0.0), idle_start_s, colour
        self._time_s, self._dragged = 0.0, ""
        self.set_kept(0.0, self._duration_s)
        self.update()

    def set_duration(self, duration_s: float) -> None:
        """The opened file knows its length better than the list; a handle at the end stays there."""
        if duration_s != self._duration_s:
            at_end = self._end_s >= self._duration_s
            self._duration_s = duration_s
            self.set_kept(self._start_s, duration_s if at_end else self._end_s)
            self.update()

    def set_time(self, time_s: float) -> None:
        time_s = min(max(time_s, 0.0), self._duration_s)
        if time_s != self._time_s:
            self._time_s = time_s
            self.update()
            self.moved.emit(time_s)

    def set_kept(self, start_s: float, end_s: float) -> None:
        """Both handles, brought into the episode and apart from each other."""
        start_s = min(max(start_s, 0.0), max(self._duration_s - _SHORTEST_S, 0.0))
        end_s = min(max(end_s, start_s + _SHORTEST_S), self._duration_s)
        if (start_s, end_s) != (self._start_s, self._end_s):
            self._start_s, self._end_s = start_s, end_s
            self.update()
            self.kept_changed.emit(start_s, end_s)

    def start_here(self) -> None:
        self.set_kept(min(self._time_s, self._end_s - _SHORTEST_S), self._end_s)

    def end_here(self) -> None:
        self.set_kept(self._start_s, max(self._time_s, self._start_s + _SHORTEST_S))

    def sizeHint(self) -> QSize:
        return QSize(320, 44)

    # --- mouse and keys --------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        near = [
            (abs(x - self.x_of(at)), name)
            for name, at in (("start", self._start_s), ("end", self._end_s))
            if abs(x - self.x_of(at)) <= _GRIP
        ]
        # A handle at its end would hide the play head's first and last moments: the upper half is the head's alone.
        on_handles = event.position().y() > self._track().center().y() - 4
        self._dragged = min(near)[1] if near and on_handles and self.handles else "head"
        self._drag_to(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._drag_to(event.position().x())

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._dragged = ""

    def _drag_to(self, x: float) -> None:
        track = self._track()
        at = min(max((x - track.left()) / max(track.width(), 1), 0.0), 1.0) * self._duration_s
        if self._dragged == "start":
            self.set_kept(min(at, self._end_s - _SHORTEST_S), self._end_s)
        elif self._dragged == "end":
            self.set_kept(self._start_s, max(at, self._start_s + _SHORTEST_S))
        # The picture follows a handle too: one cuts by what one sees.
        self.set_time(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -15, Qt.Key.Key_PageDown: 15}
        if key in steps:
            self.set_time(self._time_s + steps[key] * _STEP_S)
        elif key == Qt.Key.Key_Home:
            self.set_time(self._start_s)
        elif key == Qt.Key.Key_End:
            self.set_time(self._end_s)
        else:
            super().keyPressEvent(event)

    # --- painting --------------------------------------------------------------------------------------------------

    def x_of(self, time_s: float) -> float:
        track = self._track()
        return track.left() + track.width() * time_s / max(self._duration_s, 1e-9)

    def _track(self) -> QRectF:
        return QRectF(_EDGE, 5, self.width() - 2 * _EDGE, 22)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = self._track()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.RAISED))
        painter.drawRoundedRect(track, 4, 4)
        if self._duration_s <= 0:
            return
        kept = QRectF(self.x_of(self._start_s), track.top(), 0, track.height())
        kept.setRight(self.x_of(self._end_s))
        painter.setBrush(QColor(self._colour))
        painter.setOpacity(0.35)
        painter.drawRect(kept)
        painter.setOpacity(0.7)
        painter.drawRect(QRectF(kept.left(), kept.top(), max(self._x() - kept.left(), 0), kept.height()) & kept)
        painter.setOpacity(1.0)
        self._paint_idle(painter, track)
        if self.handles:
            self._paint_handles(painter, track)
        self._paint_head_and_axis(painter, track)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.ACCENT), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(track.adjusted(-2, -2, 2, 2), 5, 5)

    def _x(self) -> float:
        return self.x_of(self._time_s)

    def _paint_idle(self, painter: QPainter, track: QRectF) -> None:
        if self._idle_s > 0:
            painter.fillRect(
                QRectF(track.left(), track.bottom() - 4, self.x_of(self._idle_s) - track.left(), 4), QColor(theme.WARN)
            )

    def _paint_handles(self, painter: QPainter, track: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.EXECUTED))
        for at, side in ((self._start_s, -1), (self._end_s, 1)):
            x = self.x_of(at)
            painter.drawRect(QRectF(x - 1, track.top(), 2, track.height()))
            painter.drawRoundedRect(QRectF(min(x, x + side * 7), track.center().y() - 3, 7, 14), 2, 2)

    def _paint_head_and_axis(self, painter: QPainter, track: QRectF) -> None:
        painter.setFont(self._font)
        painter.setPen(QColor(theme.FAINT))
        every = max(1, round(self._duration_s / 8))
        for second in range(0, int(self._duration_s) + 1, every):
            x = min(max(self.x_of(second), 10), self.width() - 10)
            painter.drawText(QRectF(x - 20, track.bottom() + 2, 40, 14), Qt.AlignmentFlag.AlignCenter, f"{second}")
        painter.setPen(QPen(QColor(theme.TEXT), 2))
        painter.drawLine(QPointF(self._x(), track.top()), QPointF(self._x(), track.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.TEXT))
        painter.drawEllipse(QPointF(self._x(), track.top()), 5, 5)
