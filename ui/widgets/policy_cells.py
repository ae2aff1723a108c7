"""How the cells of the table of policies are painted: a bar with its interval, three share bars, plain text."""

import math

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from teleop_studio.learning_status import PolicyRow
from ui import theme
from ui.widgets.policy_model import COLUMNS, PolicyModel, success_words

ROW_HEIGHT = 58
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class PolicyCells(QStyledItemDelegate):
    """`baseline` the run that the others are compared with."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.baseline = ""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(60, ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        model = index.model()
        assert isinstance(model, PolicyModel)
        row, column = model.rows[index.row()], COLUMNS[index.column()]
        rect = QRectF(option.rect)
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor("#1d3248"))
        place = rect.adjusted(8, 6, -8, -6)
        match column.name:
            case "policy":
                self._paint_name(painter, place, row)
            case "success":
                _paint_success(painter, place, row)
            case "sides":
                _paint_sides(painter, place, row)
            case "failure":
                painter.setFont(theme.font(12, QFont.Weight.Medium))
                painter.setPen(QColor(theme.TEXT if row.failure else theme.SOFT))
                painter.drawText(place, int(_MIDDLE) | int(Qt.TextFlag.TextWordWrap), column.text(row))
            case _:
                said = "baseline" if column.name == "p" and row.run == self.baseline else column.text(row)
                _paint_text(painter, place, said, theme.SOFT if said in ("–", "baseline") else theme.TEXT)
        painter.restore()

    def _paint_name(self, painter: QPainter, place: QRectF, row: PolicyRow) -> None:
        _paint_text(painter, place.adjusted(0, 2, 0, -22), row.run, theme.TEXT, QFont.Weight.DemiBold)
        detail = f"{row.title}, step {row.step}" if row.step else row.title
        _paint_text(painter, place.adjusted(0, 22, 0, -2), detail, theme.SOFT, pixels=11)


def _paint_text(
    painter: QPainter,
    place: QRectF,
    text: str,
    colour: str,
    weight: QFont.Weight = QFont.Weight.Medium,
    pixels: int = 13,
) -> None:
    painter.setFont(theme.font(pixels, weight))
    painter.setPen(QColor(colour))
    metrics = painter.fontMetrics()
    painter.drawText(place, _MIDDLE, metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(place.width())))


def _paint_success(painter: QPainter, place: QRectF, row: PolicyRow) -> None:
    """A bar for the rate, a whisker for the interval, the counts below."""
    _paint_text(painter, place.adjusted(0, 24, 0, 0), success_words(row), theme.SOFT, pixels=11)
    if not row.trials:
        return
    _paint_text(painter, place.adjusted(0, 0, 0, -20), f"{row.rate:.0%}", theme.TEXT, QFont.Weight.DemiBold)
    bar = QRectF(place.left() + 46, place.top() + 8, place.width() - 46, 10)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.RAISED))
    painter.drawRoundedRect(bar, 3, 3)
    painter.setBrush(QColor(theme.POLICY))
    painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * row.rate, bar.height()), 3, 3)
    low, high, middle = (bar.left() + bar.width() * share for share in (row.low, row.high, 0.0))
    middle = bar.center().y()
    painter.setPen(QPen(QColor("#ffffff"), 1.4))
    painter.drawLine(QPointF(low, middle), QPointF(high, middle))
    for end in (low, high):
        painter.drawLine(QPointF(end, bar.top() - 1), QPointF(end, bar.bottom() + 1))


def _paint_sides(painter: QPainter, place: QRectF, row: PolicyRow) -> None:
    """Three thin bars under each other, each with its word."""
    shares = (("shown", row.left_demonstrations), ("samples", row.left_samples), ("trials", row.left_trials))
    for line, (word, left) in enumerate(shares):
        part = QRectF(place.left(), place.top() + 15.5 * line, place.width(), 14)
        _paint_text(painter, QRectF(part.left(), part.top(), 50, part.height()), word, theme.SOFT, pixels=11)
        bar = QRectF(part.left() + 52, part.center().y() - 3.5, part.width() - 52, 7)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.RAISED))
        painter.drawRoundedRect(bar, 3, 3)
        if math.isnan(left):
            continue
        painter.setBrush(QColor(theme.RIGHT))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setBrush(QColor(theme.LEFT))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * left, bar.height()), 3, 3)
