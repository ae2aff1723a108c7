"""The list of pages at the left edge."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QWidget

from ui import theme

WIDTH = 84


class NavButton(QAbstractButton):
    """A page's glyph and title; the shown page is lit."""

    def __init__(self, action: QAction, glyph: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{action.objectName()}_nav")
        self.setText(action.text())
        self.setAccessibleName(action.text())
        self.setToolTip(action.toolTip())
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedSize(WIDTH, 72)
        self._draw_glyph = GLYPHS[glyph]
        self.clicked.connect(lambda: action.trigger())

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 72)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = QColor(theme.TEXT if self.isChecked() or self.underMouse() else theme.SOFT)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.RAISED))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(7, 3, -7, -3), 8, 8)
            painter.setBrush(QColor(theme.ACCENT))
            painter.drawRoundedRect(QRectF(0, 18, 3, self.height() - 36), 1.5, 1.5)
            ink = QColor("white")
        painter.setPen(QPen(ink, 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.save()
        painter.translate(self.width() / 2, 28)
        self._draw_glyph(painter, ink)
        painter.restore()
        painter.setFont(theme.font(12, QFont.Weight.DemiBold if self.isChecked() else QFont.Weight.Medium))
        painter.drawText(QRectF(0, 44, self.width(), 20), Qt.AlignmentFlag.AlignCenter, self.text())


# Glyphs are drawn, centred on the origin, about 22 px wide: no icon font to ship, sharp at every scale.
def _record(painter: QPainter, ink: QColor) -> None:
    painter.drawEllipse(QPointF(0, 0), 10, 10)
    painter.setBrush(ink)
    painter.drawEllipse(QPointF(0, 0), 4.5, 4.5)


def _episodes(painter: QPainter, ink: QColor) -> None:
    for top in (-9, -2, 5):
        painter.drawLine(QPointF(-2, top + 2), QPointF(10, top + 2))
        painter.fillRect(QRectF(-11, top - 0.5, 5.5, 5), ink)


def _train(painter: QPainter, _ink: QColor) -> None:
    painter.drawPolyline(QPolygonF([QPointF(*p) for p in ((-10, -10), (-10, 10), (10, 10))]))
    painter.drawPolyline(QPolygonF([QPointF(*p) for p in ((-6, -7), (-2, 1), (3, 4), (10, 5))]))


def _deploy(painter: QPainter, ink: QColor) -> None:
    # One start, several futures.
    for end in (-9, -4, 4, 9):
        painter.drawPolyline(QPolygonF([QPointF(-10, 0), QPointF(-2, end * 0.35), QPointF(10, end)]))
    painter.setBrush(ink)
    painter.drawEllipse(QPointF(-10, 0), 2.2, 2.2)


def _compare(painter: QPainter, _ink: QColor) -> None:
    painter.drawRoundedRect(QRectF(-11, -9, 9.5, 13), 2, 2)
    painter.drawRoundedRect(QRectF(1.5, -9, 9.5, 13), 2, 2)
    painter.drawLine(QPointF(-11, 9), QPointF(11, 9))
    painter.drawLine(QPointF(-2, 7), QPointF(-2, 11))


def _setup(painter: QPainter, ink: QColor) -> None:
    # An arm: base, two links, its joints.
    points = [QPointF(-8, 10), QPointF(-4, -3), QPointF(5, -8), QPointF(9, 0)]
    painter.drawPolyline(QPolygonF(points))
    painter.drawLine(QPointF(-12, 10), QPointF(-3, 10))
    painter.setBrush(ink)
    for joint in points[1:3]:
        painter.drawEllipse(joint, 2.4, 2.4)


GLYPHS: dict[str, Callable[[QPainter, QColor], None]] = {
    "record": _record,
    "episodes": _episodes,
    "train": _train,
    "deploy": _deploy,
    "compare": _compare,
    "setup": _setup,
}
