"""The table of episodes: only what is seen is painted, and the selection survives filters, orders and new rows."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from teleop_studio.status import EpisodeRow
from ui import theme
from ui.widgets.episode_cells import NARROW_PICTURE, ROW_HEIGHT, WIDE_PICTURE, EpisodeCells
from ui.widgets.episode_model import COLUMN_NUMBERS, COLUMNS, EpisodeModel
from ui.widgets.thumbnails import Thumbnails

_STRETCHED = {"task": 3, "tags": 2}  # shares of the room that is left over
_TASK_FIRST = 200  # px that task and tags get of it before the pictures become three


class EpisodeTable(QTableView):
    """`picked` tells that other rows are selected than before; columns that do not fit give way by their rank."""

    picked = Signal()
    opened = Signal()  # Enter or a double click

    def __init__(self, model: EpisodeModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("episode_table")
        self.setAccessibleName("recorded episodes")
        self.empty = ("", "")  # what is said, and what to do, while there are no rows
        self._model = model
        self._wanted: dict[str, bool] = {}  # columns that the operator switched on or off
        self._kept: tuple[set[Path], Path | None, int] = (set(), None, 0)
        self._known: frozenset[Path] = frozenset()
        self._set_up_view()
        self.setModel(model)
        self.setItemDelegate(EpisodeCells(thumbnails, self))
        self._set_up_header()
        model.modelAboutToBeReset.connect(self._keep_selection)
        model.modelReset.connect(self._restore_selection)
        self.selectionModel().selectionChanged.connect(lambda *_: self._tell())
        self.doubleClicked.connect(lambda _index: self.opened.emit())

    def _set_up_view(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setMinimumHeight(3 * ROW_HEIGHT)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def _set_up_header(self) -> None:
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setObjectName("episode_columns")
        header.setAccessibleName("columns; a click sorts")
        header.setFixedHeight(30)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(20)
        header.setSortIndicator(COLUMN_NUMBERS["recorded"], Qt.SortOrder.DescendingOrder)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(lambda at: self.open_column_menu(header.mapToGlobal(at)))
        self.setSortingEnabled(True)

    # --- selection -------------------------------------------------------------------------------------------------

    @property
    def selected(self) -> list[EpisodeRow]:
        """In the order of the table."""
        ranges = sorted((part.top(), part.bottom()) for part in self.selectionModel().selection().toList())
        return [row for top, bottom in ranges for row in self._model.shown[top : bottom + 1]]

    @property
    def current(self) -> EpisodeRow | None:
        index = self.currentIndex()
        return self._model.shown[index.row()] if index.isValid() else None

    def select(self, paths: Iterable[Path]) -> None:
        """Select these, as far as they are shown, and go to the first of them."""
        wanted = set(paths)
        numbers = [i for i, row in enumerate(self._model.shown) if row.path in wanted]
        self._select_numbers(numbers)
        if numbers:
            self._go_to(numbers[0])
        self._tell()

    def _keep_selection(self) -> None:
        current = self.current
        self._kept = ({row.path for row in self.selected}, current.path if current else None, self.currentIndex().row())

    def _restore_selection(self) -> None:
        paths, current, number = self._kept
        if paths or current:
            shown = self._model.shown
            numbers = [i for i, row in enumerate(shown) if row.path in paths]
            if not numbers and paths and shown:
                # What was selected has left the list, as after a label or the bin: go on with what took its place.
                numbers = [min(max(number, 0), len(shown) - 1)]
            self._select_numbers(numbers)
            at = next((i for i in numbers if shown[i].path == current), numbers[0] if numbers else -1)
            if at >= 0:
                self._go_to(at)
        self._fit_columns()
        self._tell()

    def _select_numbers(self, numbers: Sequence[int]) -> None:
        selection = QItemSelection()
        last = len(COLUMNS) - 1
        start = 0
        for place in range(1, len(numbers) + 1):
            if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
                top, bottom = numbers[start], numbers[place - 1]
                selection.select(self._model.index(top, 0), self._model.index(bottom, last))
                start = place
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _go_to(self, number: int) -> None:
        index = self._model.index(number, 0)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.scrollTo(index)

    def _tell(self) -> None:
        known = frozenset(row.path for row in self.selected)
        if known != self._known:
            self._known = known
            self.picked.emit()

    def keyboardSearch(self, _text: str) -> None:
        """Letters are actions here; the search field searches."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down begin at the current row when nothing is selected; Home and End are the first and last row."""
        key, extends = Qt.Key(event.key()), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        last = len(self._model.shown) - 1
        if last < 0 or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._step_to(0 if key == Qt.Key.Key_Home else last, extends)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not self.selectionModel().hasSelection():
            self._step_to(max(self.currentIndex().row(), 0), extends=False)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        else:
            super().keyPressEvent(event)

    def _step_to(self, number: int, extends: bool) -> None:
        start = self.currentIndex().row() if extends else number
        self._select_numbers(range(min(start, number), max(start, number) + 1))
        self._go_to(number)

    # --- columns ---------------------------------------------------------------------------------------------------

    @property
    def columns_shown(self) -> list[str]:
        return [column.name for number, column in enumerate(COLUMNS) if not self.isColumnHidden(number)]

    def want_column(self, name: str, shown: bool) -> None:
        """Show or hide a column; one that is wanted takes the room of the others."""
        self._wanted[name] = shown
        self._fit_columns()

    def open_column_menu(self, at: QPoint) -> None:
        menu = self.column_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def column_menu(self) -> QMenu:
        """Sort by any column, and choose which are shown."""
        menu = QMenu(self)
        order = menu.addMenu("Sort by")
        shown = self.columns_shown
        for number, column in enumerate(COLUMNS):
            if not column.title:
                continue
            order.addAction(column.title, functools.partial(self._sort_by, number))
            switch = menu.addAction(column.title)
            switch.setCheckable(True)
            switch.setChecked(column.name in shown)
            switch.toggled.connect(lambda on, name=column.name: self.want_column(name, on))
        return menu

    def _sort_by(self, number: int) -> None:
        header = self.horizontalHeader()
        again = header.sortIndicatorSection() == number
        down = again and header.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
        self.sortByColumn(number, Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    def _fit_columns(self) -> None:
        room = self.viewport().width()
        shown = fitting(room, self._wanted)
        left = room - sum(COLUMNS[number].width for number in shown)
        shares = sum(_STRETCHED.get(COLUMNS[number].name, 0) for number in shown)
        picture = NARROW_PICTURE + 12
        if left >= WIDE_PICTURE - NARROW_PICTURE + _TASK_FIRST:
            picture, left = WIDE_PICTURE + 12, left - WIDE_PICTURE + NARROW_PICTURE
        for number, column in enumerate(COLUMNS):
            self.setColumnHidden(number, number not in shown)
            if column.name == "picture":
                self.setColumnWidth(number, picture)
            elif number in shown:
                share = _STRETCHED.get(column.name, 0)
                self.setColumnWidth(number, column.width + (max(left, 0) * share // shares if share else 0))

    # --- while there is nothing ------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._model.shown or not self.empty[0]:
            return
        painter = QPainter(self.viewport())
        place = self.viewport().rect().adjusted(40, 0, -40, -40)
        for text, pixels, colour, down in ((self.empty[0], 17, theme.SOFT, -16), (self.empty[1], 13, theme.FAINT, 16)):
            painter.setFont(theme.font(pixels))
            painter.setPen(QColor(colour))
            painter.drawText(place.translated(0, down), Qt.AlignmentFlag.AlignCenter, text)


def fitting(room: int, wanted: dict[str, bool]) -> list[int]:
    """The numbers of the columns that fit into `room` px, in order: first those wanted, then by rank."""
    by_rank = sorted(
        (number for number, column in enumerate(COLUMNS) if wanted.get(column.name, True)),
        key=lambda number: (not wanted.get(COLUMNS[number].name, False), COLUMNS[number].rank),
    )
    shown: list[int] = []
    for number in by_rank:
        if sum(COLUMNS[other].width for other in shown) + COLUMNS[number].width <= room:
            shown.append(number)
    return sorted(shown)
