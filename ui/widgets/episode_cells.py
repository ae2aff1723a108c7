"""How one cell of the episode table is painted."""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from teleop_studio.status import EpisodeRow
from ui import theme
from ui.widgets.episode_model import COLUMNS, Column, EpisodeModel, outcome_of
from ui.widgets.outcome_mark import draw_outcome
from ui.widgets.thumbnails import Thumbnails, draw_fitted, draw_middle

ROW_HEIGHT = 40
PICTURE_HEIGHT = 36
NARROW_PICTURE, WIDE_PICTURE = 48, 148  # one moment, or three side by side
_MARGIN = 8
_KEPT_TEXTS = 4000
# Made once: a page of cells is painted from some 300 of them.
_INK = {name: QColor(name) for name in (theme.TEXT, theme.SOFT, theme.FAINT, theme.WARN, theme.LEFT, theme.RIGHT)}
_SELECTED, _LINE, _CHIP = QColor("#1d3248"), QColor("#1c222a"), QColor("#34404d")
_SIDES = {"left": theme.LEFT, "right": theme.RIGHT}


class EpisodeCells(QStyledItemDelegate):
    """Paints straight from the row: no role of the model is asked for while scrolling."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._font = theme.font(13)
        self._strong = theme.font(13, QFont.Weight.DemiBold)
        self._small = theme.font(12)
        self._painters: dict[str, Callable[[QPainter, QRectF, EpisodeRow], None]] = {
            "picture": self._paint_picture,
            "outcome": self._paint_outcome,
            "tags": self._paint_tags,
            "hints": self._paint_hints,
        }

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(60, ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        model = index.model()
        assert isinstance(model, EpisodeModel)
        row, column = model.shown[index.row()], COLUMNS[index.column()]
        place = QRectF(option.rect)
        state: QStyle.StateFlag = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(place, _SELECTED)
        painter.fillRect(QRectF(place.left(), place.bottom() - 1, place.width(), 1), _LINE)
        if state & QStyle.StateFlag.State_HasFocus and index.column() == 0:
            painter.fillRect(QRectF(place.left(), place.top() + 1, 3, place.height() - 2), QColor(theme.ACCENT))
        inner = place.adjusted(_MARGIN, 0, -_MARGIN, 0)
        special = self._painters.get(column.name)
        if special is not None:
            special(painter, inner, row)
        else:
            self._paint_text(painter, inner, model.text(row, column), column, row)

    def _paint_text(self, painter: QPainter, place: QRectF, text: str, column: Column, row: EpisodeRow) -> None:
        colour = theme.SOFT
        if column.name in ("number", "task"):
            colour = theme.FAINT if row.binned else theme.TEXT
        elif column.name == "side":
            colour = _SIDES.get(row.side, theme.SOFT)
        elif column.name == "gaps":
            colour = theme.WARN
        elif column.name == "split" and not row.split:
            colour = theme.FAINT
        painter.setFont(self._strong if column.name == "number" else self._font)
        painter.setPen(_INK[colour])
        side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
        _draw(painter, place, text, side)

    def _paint_picture(self, painter: QPainter, place: QRectF, row: EpisodeRow) -> None:
        wide = place.width() >= WIDE_PICTURE - 2 * _MARGIN
        frame = QRectF(place.left() - 2, place.center().y() - PICTURE_HEIGHT / 2, 0, PICTURE_HEIGHT)
        frame.setWidth(WIDE_PICTURE - 4 if wide else NARROW_PICTURE)
        pixmap: QPixmap | None = None if row.problem else self._thumbnails.pixmap(row.path)
        painter.fillRect(frame, QColor(theme.WINDOW))
        if pixmap is None:
            return
        painter.setOpacity(0.45 if row.binned else 1.0)
        if wide:
            draw_fitted(painter, frame, pixmap, QRectF(pixmap.rect()))
        else:
            draw_middle(painter, frame, pixmap)
        painter.setOpacity(1.0)

    def _paint_outcome(self, painter: QPainter, place: QRectF, row: EpisodeRow) -> None:
        outcome = outcome_of(row)
        draw_outcome(painter, QPointF(place.left() + 6, place.center().y()), outcome)
        painter.setFont(self._font)
        painter.setPen(_INK[theme.SOFT if outcome == "unrated" else theme.TEXT])
        _draw(painter, place.adjusted(20, 0, _MARGIN, 0), outcome)

    def _paint_tags(self, painter: QPainter, place: QRectF, row: EpisodeRow) -> None:
        painter.setFont(self._small)
        metrics = painter.fontMetrics()
        left = place.left()
        for number, tag in enumerate(row.tags):
            room = place.right() - left
            rest = len(row.tags) - number
            width = metrics.horizontalAdvance(tag) + 14
            if width > room and (number > 0 or room < 40):
                painter.setPen(_INK[theme.SOFT])
                _draw(painter, QRectF(left, place.top(), room + _MARGIN, place.height()), f"+{rest}")
                return
            plate = QRectF(left, place.center().y() - 10, min(width, room), 20)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_CHIP)  # must stand out from a selected row too
            painter.drawRoundedRect(plate, 10, 10)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(_INK[theme.TEXT])
            _draw(painter, plate.adjusted(7, 0, -5, 0), tag)
            left = plate.right() + 4

    def _paint_hints(self, painter: QPainter, place: QRectF, row: EpisodeRow) -> None:
        if not row.hints:
            return
        centre = QPointF(place.left() + 7, place.center().y())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.WARN), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        corners = [centre + QPointF(*at) for at in ((0, -6), (6.5, 5), (-6.5, 5))]
        painter.drawPolygon(corners)
        painter.drawLine(centre + QPointF(0, -2), centre + QPointF(0, 1.5))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(_INK[theme.WARN])
        painter.setFont(self._font)
        _draw(painter, place.adjusted(20, 0, 0, 0), f"{len(row.hints)}")


def _draw(painter: QPainter, place: QRectF, text: str, side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft) -> None:
    """One line, cut with dots where the room ends."""
    if text:
        font = painter.font()
        fitted = _fitted(text, int(place.width()), font.pixelSize(), font.weight(), painter.fontMetrics)
        painter.drawText(place, side | Qt.AlignmentFlag.AlignVCenter, fitted)


_fitted_texts: dict[tuple[str, int, int, int], str] = {}


def _fitted(text: str, width: int, pixels: int, weight: int, metrics: Callable[[], QFontMetrics]) -> str:
    """`text` as it fits; measured once, because most cells of a column say the same."""
    key = (text, width, pixels, weight)
    found = _fitted_texts.get(key)
    if found is None:
        if len(_fitted_texts) > _KEPT_TEXTS:
            _fitted_texts.clear()
        found = _fitted_texts[key] = metrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
    return found
