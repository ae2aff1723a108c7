"""How far the leader is from the follower, joint by joint, and what the first-motion guard makes of it."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from teleop_studio.status import StudioStatus
from ui import theme

_SPAN = 1.25  # of the refusing gap: how far the bars reach
_UNKNOWN_SPAN = 1.0  # rad, while the guard's limits are not known


@dataclass(frozen=True)
class Gaps:
    """`values` leader minus follower, joint units. `aligned` and `refused` the guard's limits, 0 while unknown.

    The gripper, the last joint, is never refused: from closed to open is 1.
    """

    names: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    aligned: float = 0.0
    refused: float = 0.0

    @classmethod
    def of(cls, status: StudioStatus) -> "Gaps":
        # Rounded to what can be seen, so that a hand that rests repaints nothing.
        values = tuple(round(gap, 3) for gap in status.joint_gaps)
        return cls(status.joint_names[: len(values)], values, status.aligned_gap, status.refuse_gap)

    @property
    def span(self) -> float:
        return _SPAN * self.refused if self.refused > 0 else _UNKNOWN_SPAN

    @property
    def widest(self) -> tuple[str, float]:
        """Name and signed gap of the joint that is furthest away; ("", nan) while nothing is known."""
        known = [(name, gap) for name, gap in zip(self.names, self.values, strict=True) if math.isfinite(gap)]
        return max(known, key=lambda one: abs(one[1]), default=("", math.nan))

    @property
    def too_far(self) -> tuple[str, ...]:
        """Names of the joints that the guard refuses."""
        if self.refused <= 0:
            return ()
        return tuple(name for joint, name in enumerate(self.names) if self.refuses(joint))

    def refuses(self, joint: int) -> bool:
        return 0 < self.refused < abs(self.values[joint]) and joint < len(self.values) - 1

    def colour(self, joint: int) -> str:
        if not math.isfinite(self.values[joint]):
            return theme.FAINT
        if self.refuses(joint):
            return theme.BAD
        return theme.GOOD if abs(self.values[joint]) <= self.aligned else theme.WARN

    def words(self) -> tuple[str, str]:
        """(text, colour) of how it stands in short."""
        name, gap = self.widest
        if not name:
            return "–", theme.FAINT
        if abs(gap) <= self.aligned:
            return "aligned", theme.GOOD
        return f"{gap:+.2f} {name}", self.colour(self.names.index(name))


class GapStrip(QWidget):
    """Small: a caption in words, and one upright bar per joint around a middle line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gap_strip")
        self.setAccessibleName("gaps between leader and follower")
        self.setToolTip(
            "How far the leader is from the follower, joint by joint. Within the inner lines the follower copies it at "
            "once; else it comes closer slowly; beyond the outer lines it refuses to start."
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(38)
        self.gaps = Gaps()
        self._font, self._strong = theme.font(11, QFont.Weight.Medium), theme.font(15, QFont.Weight.DemiBold)

    def show_gaps(self, gaps: Gaps) -> None:
        if gaps != self.gaps:
            self.gaps = gaps
            self.setAccessibleDescription(self.words)
            self.update()

    @property
    def words(self) -> str:
        return self.gaps.words()[0]

    def sizeHint(self) -> QSize:
        return QSize(160, 38)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._font)
        painter.setPen(QColor(theme.SOFT))
        painter.drawText(QRectF(0, 0, self.width(), 15), Qt.AlignmentFlag.AlignVCenter, "leader to follower")
        text, colour = self.gaps.words()
        painter.setFont(self._strong if len(text) < 10 else theme.font(12, QFont.Weight.DemiBold))
        painter.setPen(QColor(theme.TEXT if colour == theme.GOOD else colour))
        bars = 7 * len(self.gaps.values)
        room = QRectF(0, 15, self.width() - bars - 4, 23)
        fitted = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, fitted)
        self._paint_bars(painter, QRectF(self.width() - bars, 17, bars, 21))

    def _paint_bars(self, painter: QPainter, place: QRectF) -> None:
        gaps = self.gaps
        half = place.height() / 2
        for joint, gap in enumerate(gaps.values):
            column = QRectF(place.left() + 7 * joint, place.top(), 5, place.height())
            painter.fillRect(column, QColor("#10151a"))
            if not math.isfinite(gap):
                continue
            height = max(min(abs(gap) / gaps.span, 1.0) * half, 1.0)
            top = place.center().y() - (height if gap > 0 else 0)
            painter.fillRect(QRectF(column.left(), top, column.width(), height), QColor(gaps.colour(joint)))
        for limit in (gaps.aligned, gaps.refused):
            if limit > 0 and gaps.values:
                for side in (-1, 1):
                    y = place.center().y() + side * limit / gaps.span * half
                    painter.fillRect(QRectF(place.left(), y - 0.5, place.width(), 1), QColor(255, 255, 255, 60))


class GapBars(QWidget):
    """Large: a line per joint with its name, a bar to the left or right, the limits as marks, the gap in figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gap_bars")
        self.setAccessibleName("gaps between leader and follower")
        self.gaps = Gaps()
        self._font, self._strong = theme.font(13, QFont.Weight.Medium), theme.font(13, QFont.Weight.DemiBold)

    def show_gaps(self, gaps: Gaps) -> None:
        if gaps != self.gaps:
            grown = len(gaps.values) != len(self.gaps.values)
            self.gaps = gaps
            if grown:
                self.setFixedHeight(self.sizeHint().height())
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(360, 24 * max(len(self.gaps.values), 1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        gaps = self.gaps
        track = QRectF(118, 0, self.width() - 118 - 62, self.height())
        for joint, (name, gap) in enumerate(zip(gaps.names, gaps.values, strict=True)):
            line = QRectF(0, 24 * joint, self.width(), 24)
            bar = QRectF(track.left(), line.top() + 5, track.width(), 14)
            painter.fillRect(bar, QColor("#0d1216"))
            colour = QColor(gaps.colour(joint))
            if math.isfinite(gap):
                reach = max(min(abs(gap) / gaps.span, 1.0) * bar.width() / 2, 1.0)
                left = bar.center().x() - (reach if gap < 0 else 0)
                painter.fillRect(QRectF(left, bar.top(), reach, bar.height()), colour)
            self._paint_limits(painter, bar, refusable=joint < len(gaps.values) - 1)
            painter.setFont(self._font)
            painter.setPen(QColor(theme.TEXT))
            fitted = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, 110)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, fitted)
            painter.setFont(self._strong)
            painter.setPen(colour)
            text = f"{gap:+.2f}" if math.isfinite(gap) else "–"
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)

    def _paint_limits(self, painter: QPainter, bar: QRectF, refusable: bool) -> None:
        painter.fillRect(QRectF(bar.center().x() - 0.5, bar.top() - 3, 1, bar.height() + 6), QColor(theme.SOFT))
        for limit, colour in ((self.gaps.aligned, theme.GOOD), (self.gaps.refused, theme.BAD)):
            if limit <= 0 or (colour == theme.BAD and not refusable):
                continue
            for side in (-1, 1):
                x = bar.center().x() + side * limit / self.gaps.span * bar.width() / 2
                painter.fillRect(QRectF(x - 1, bar.top() - 2, 2, bar.height() + 4), QColor(colour))
