"""Names and values in two columns, cut with dots where the room ends; the whole text is in the tooltip."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ui import theme

_LINE = 19
_NAME_WIDTH = 62
_GAP = 12


class FactGrid(QWidget):
    """`show_facts` takes (name, value) pairs; the first `wide` of them take a whole line each."""

    def __init__(self, name: str, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._facts: tuple[tuple[str, str], ...] = ()
        self._wide = 0
        self._name_font = theme.font(11, QFont.Weight.Medium)
        self._font = theme.font(12)

    @property
    def facts(self) -> dict[str, str]:
        return dict(self._facts)

    def show_facts(self, facts: Sequence[tuple[str, str]], wide: int = 0) -> None:
        if (tuple(facts), wide) == (self._facts, self._wide):
            return
        self._facts, self._wide = tuple(facts), wide
        self.setAccessibleDescription(", ".join(f"{name}: {value}" for name, value in facts))
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        rest = len(self._facts) - self._wide
        return QSize(300, (self._wide + (rest + 1) // 2) * _LINE)

    def _places(self) -> list[QRectF]:
        places = []
        half = (self.width() - _GAP) / 2
        for number in range(len(self._facts)):
            if number < self._wide:
                places.append(QRectF(0, number * _LINE, self.width(), _LINE))
                continue
            line, column = divmod(number - self._wide, 2)
            places.append(QRectF(column * (half + _GAP), (self._wide + line) * _LINE, half, _LINE))
        return places

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle = Qt.AlignmentFlag.AlignVCenter
        for place, (name, value) in zip(self._places(), self._facts, strict=True):
            painter.setFont(self._name_font)
            painter.setPen(QColor(theme.FAINT))
            painter.drawText(place, middle, name)
            painter.setFont(self._font)
            painter.setPen(QColor(theme.TEXT))
            room = place.adjusted(_NAME_WIDTH, 0, 0, 0)
            metrics = painter.fontMetrics()
            painter.drawText(room, middle, metrics.elidedText(value, Qt.TextElideMode.ElideRight, int(room.width())))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            for place, (name, value) in zip(self._places(), self._facts, strict=True):
                if place.contains(event.pos().toPointF()):
                    QToolTip.showText(event.globalPos(), f"{name}: {value}", self)
                    return True
        return super().event(event)
