"""How an outcome looks: a colour and a glyph of its own, so that nobody has to tell colours apart."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from ui import theme
from ui.widgets.rows import OUTCOME_COLOURS

_STROKES = {
    "success": (((-4.5, 0.5), (-1.5, 3.5), (4.5, -3.5)),),
    "failure": (((-3.5, -3.5), (3.5, 3.5)), ((-3.5, 3.5), (3.5, -3.5))),
    "interrupted": (((-4.5, 2.5), (-1.5, -2.5), (1.5, 2.5), (4.5, -2.5)),),
    "unusable": (((0, -4.5), (0, 1)), ((0, 4), (0, 4.2))),
}


def colour_of(outcome: str) -> str:
    return theme.WARN if outcome == "unusable" else OUTCOME_COLOURS.get(outcome, theme.FAINT)


def draw_outcome(painter: QPainter, centre: QPointF, outcome: str) -> None:
    """A mark about 12 px wide: tick, cross, ring, square, zigzag or exclamation mark."""
    colour = QColor(colour_of(outcome))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(centre)
    painter.setPen(QPen(colour, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if outcome == "stopped":
        painter.drawRect(QRectF(-3.5, -3.5, 7, 7))
    elif outcome in _STROKES:
        for stroke in _STROKES[outcome]:
            painter.drawPolyline(QPolygonF([QPointF(*point) for point in stroke]))
    else:
        painter.drawEllipse(QPointF(0, 0), 3.6, 3.6)
    painter.restore()
