"""One part of the set-up in the list at the left: its number or mark, its title, how it stands."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QWidget

from ui import theme
from ui.widgets.setup.progress import Part

_HEIGHT = 56


class PartButton(QAbstractButton):
    """Checkable: the part that is shown is lit."""

    def __init__(self, number: int, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"setup_part_{number}")
        self.setText(title)
        self.setAccessibleName(title)
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedHeight(_HEIGHT)
        self._number = number
        self.part = Part(title, "", "todo")
        self._strong, self._soft = theme.font(13, QFont.Weight.DemiBold), theme.font(12)

    def show_part(self, part: Part) -> None:
        if part != self.part:
            self.part = part
            self.setAccessibleDescription(f"{part.summary}, {part.mark}")
            self.setToolTip(part.summary)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, _HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(0.5, 2, -0.5, -2)
        if self.isChecked() or self.underMouse() or self.hasFocus():
            painter.setPen(QColor(theme.ACCENT) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.RAISED))
            painter.drawRoundedRect(body, 8, 8)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.ACCENT))
            painter.drawRoundedRect(QRectF(0, body.top() + 12, 3, body.height() - 24), 1.5, 1.5)
        self._paint_mark(painter, QPointF(26, self.height() / 2))
        painter.setFont(self._strong)
        painter.setPen(QColor("white" if self.isChecked() else theme.TEXT))
        painter.drawText(QRectF(48, 8, self.width() - 56, 20), Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.setFont(self._soft)
        painter.setPen(QColor(theme.WARN if self.part.mark == "look" else theme.SOFT))
        text = painter.fontMetrics().elidedText(self.part.summary, Qt.TextElideMode.ElideRight, self.width() - 58)
        painter.drawText(QRectF(48, 28, self.width() - 56, 18), Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_mark(self, painter: QPainter, at: QPointF) -> None:
        colour = QColor({"done": theme.GOOD, "look": theme.WARN}.get(self.part.mark, theme.FAINT))
        painter.setPen(QPen(colour, 1.6))
        painter.setBrush(QColor("#14301c") if self.part.mark == "done" else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(at, 11, 11)
        if self.part.mark == "done":
            painter.setPen(QPen(colour, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            tick = [at + QPointF(-4.5, 0), at + QPointF(-1.5, 3.5), at + QPointF(5, -4)]
            painter.drawPolyline(QPolygonF(tick))
            return
        painter.setFont(self._strong)
        text = "!" if self.part.mark == "look" else str(self._number)
        painter.drawText(QRectF(at.x() - 11, at.y() - 11, 22, 22), Qt.AlignmentFlag.AlignCenter, text)
