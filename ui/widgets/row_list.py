"""A list of rows drawn by one delegate: episodes, trials and training runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ui import theme

_ROW_HEIGHT = 44


@dataclass(frozen=True)
class Row:
    """What one row shows: a dot, a title with a note at its right, a line of detail below with a note at its right."""

    key: str  # stays the same when the list is read again, so the selection stays too
    title: str
    note: str
    detail: str
    right: str
    dot: str
    tooltip: str = ""
    right_colour: str = theme.SOFT


class RowModel(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: Sequence[Row] = ()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{row.title}, {row.note}, {row.detail}, {row.right}"
        return row.tooltip if role == Qt.ItemDataRole.ToolTipRole and row.tooltip else None


class RowDelegate(QStyledItemDelegate):
    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, _ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        model = index.model()
        assert isinstance(model, RowModel)
        row = model.rows[index.row()]
        rect: QRectF = QRectF(option.rect)
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = rect.adjusted(0, 1, -2, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor("#1d3248"))
            painter.drawRoundedRect(body, 6, 6)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(theme.RAISED))
            painter.drawRoundedRect(body, 6, 6)
        painter.setBrush(QColor(row.dot))
        painter.drawEllipse(QRectF(body.left() + 9, body.top() + 9, 8, 8))
        _paint_line(painter, body.adjusted(26, 4, -8, -22), row.title, row.note, 13, theme.TEXT, theme.SOFT)
        _paint_line(painter, body.adjusted(26, 21, -8, -4), row.detail, row.right, 11, theme.SOFT, row.right_colour)
        painter.restore()


def _paint_line(
    painter: QPainter, place: QRectF, left: str, right: str, pixels: int, colour: str, right_colour: str
) -> None:
    painter.setFont(theme.font(pixels, QFont.Weight.Medium))
    metrics = painter.fontMetrics()
    taken = metrics.horizontalAdvance(right)
    painter.setPen(QColor(right_colour))
    painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
    painter.setPen(QColor(colour))
    room = max(int(place.width()) - taken - 8, 0)
    text = metrics.elidedText(left, Qt.TextElideMode.ElideRight, room)
    painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


class RowList(QListView):
    """A list view over `Row`s that keeps its selection by key when the rows are read again."""

    def __init__(self, name: str, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(2 * _ROW_HEIGHT)
        self._model = RowModel(self)
        self.setModel(self._model)
        self.setItemDelegate(RowDelegate(self))

    @property
    def rows(self) -> Sequence[Row]:
        return self._model.rows

    @property
    def selected_key(self) -> str | None:
        index = self.currentIndex()
        return self._model.rows[index.row()].key if index.isValid() else None

    def show_rows(self, rows: Sequence[Row]) -> None:
        if list(rows) == list(self._model.rows):
            return
        kept = self.selected_key
        self._model.beginResetModel()
        self._model.rows = tuple(rows)
        self._model.endResetModel()
        if kept is not None:
            self.select(kept)

    def select(self, key: str) -> None:
        for number, row in enumerate(self._model.rows):
            if row.key == key:
                self.setCurrentIndex(self._model.index(number))
                return
