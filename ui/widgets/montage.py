"""The middle moments of several episodes beside each other: do they start alike, and is one of them odd?"""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from teleop_studio.status import EpisodeRow
from ui import theme
from ui.widgets.thumbnails import Thumbnails, draw_middle

_GAP = 4
_COLUMNS = 3


class Montage(QWidget):
    """As many pictures as fit; the last place says how many more there are."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("montage")
        self.setAccessibleName("pictures of the selected episodes")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._thumbnails = thumbnails
        self._rows: Sequence[EpisodeRow] = ()
        self._font = theme.font(11, QFont.Weight.DemiBold)

    def show_rows(self, rows: Sequence[EpisodeRow]) -> None:
        self._rows = [row for row in rows if not row.problem]
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, 160)

    def places(self) -> list[QRectF]:
        """Where a picture fits, row by row."""
        width = (self.width() - _GAP * (_COLUMNS - 1)) / _COLUMNS
        height = width * 3 / 4
        lines = int((self.height() + _GAP) // (height + _GAP))
        return [
            QRectF(column * (width + _GAP), line * (height + _GAP), width, height)
            for line in range(lines)
            for column in range(_COLUMNS)
        ]

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        places = self.places()[: len(self._rows)]
        more = len(self._rows) - len(places)
        for place, row in zip(places, self._rows, strict=False):
            painter.fillRect(place, QColor(theme.WINDOW))
            pixmap = self._thumbnails.pixmap(row.path)
            if pixmap is not None:
                draw_middle(painter, place, pixmap)
            last = more > 0 and place == places[-1]
            self._write(painter, place, f"{more + 1:,} more" if last else f"{row.number}")

    def _write(self, painter: QPainter, place: QRectF, text: str) -> None:
        painter.setFont(self._font)
        plate = QRectF(place.left() + 3, place.top() + 3, painter.fontMetrics().horizontalAdvance(text) + 10, 17)
        painter.fillRect(plate, QColor(8, 11, 14, 190))
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
