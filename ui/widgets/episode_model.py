"""The episodes of a collection as a table: columns, search, quick filters and order, quick for 10,000 rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from teleop_studio.status import EpisodeRow
from ui.widgets import wording

Key = Callable[[EpisodeRow], int | float | str | tuple[str, ...]]
SPLITS = {"": "automatic", "train": "train", "held_out": "held out"}
OUTCOMES = ("success", "failure", "unrated", "interrupted", "stopped")


@dataclass(frozen=True)
class Column:
    """`width` px; `rank` tells which columns give way first when the table is narrow: the highest."""

    name: str
    title: str
    width: int
    rank: int
    text: Callable[[EpisodeRow], str]
    key: Key
    right: bool = False  # figures stand at the right edge


COLUMNS: tuple[Column, ...] = (
    Column("picture", "", 60, 0, lambda row: "", lambda row: row.number),
    Column("number", "No.", 54, 0, lambda row: f"{row.number}", lambda row: row.number, right=True),
    Column("recorded", "Recorded", 124, 2, lambda row: row.recorded_at, lambda row: row.recorded_at),
    Column("task", "Task", 130, 0, lambda row: row.task, lambda row: row.task.casefold()),
    Column("operator", "Operator", 84, 7, lambda row: row.operator, lambda row: row.operator.casefold()),
    Column("source", "Source", 74, 6, lambda row: row.source, lambda row: row.source),
    Column("outcome", "Outcome", 104, 0, lambda row: outcome_of(row), lambda row: outcome_of(row)),
    Column("duration", "Length", 66, 1, lambda row: f"{row.duration_s:.1f} s", lambda row: row.duration_s, right=True),
    Column("side", "Side", 54, 8, lambda row: row.side, lambda row: row.side),
    Column("tags", "Tags", 132, 3, lambda row: ", ".join(row.tags), lambda row: row.tags),
    Column("split", "Split", 88, 5, lambda row: SPLITS.get(row.split, row.split), lambda row: row.split),
    Column("gaps", "Gaps", 56, 9, lambda row: f"{row.gaps}" if row.gaps else "", lambda row: row.gaps, right=True),
    Column("hints", "Hints", 56, 4, lambda row: f"{len(row.hints)}" if row.hints else "", lambda row: len(row.hints)),
    Column("size", "Size", 72, 10, lambda row: wording.size(row.size_mb), lambda row: row.size_mb, right=True),
)
COLUMN_NUMBERS = {column.name: number for number, column in enumerate(COLUMNS)}


def outcome_of(row: EpisodeRow) -> str:
    return "unusable" if row.problem else row.outcome


@dataclass(frozen=True)
class EpisodeFilter:
    """What shall be listed; empty fields let everything through.

    Each word of `text` must occur in the task, operator, tags, note or run; a number also finds that episode.
    `split` is "automatic", "train" or "held_out".
    """

    text: str = ""
    outcome: str = ""
    task: str = ""
    tag: str = ""
    source: str = ""
    split: str = ""
    hints: bool = False

    def tests(self) -> list[Callable[[EpisodeRow], bool]]:
        """One test per field that is set, the text apart."""
        tests: list[Callable[[EpisodeRow], bool]] = []
        if self.outcome:
            tests.append(lambda row: outcome_of(row) == self.outcome)
        if self.task:
            tests.append(lambda row: row.task == self.task)
        if self.tag:
            tests.append(lambda row: self.tag in row.tags)
        if self.source:
            tests.append(lambda row: row.source == self.source)
        if self.split:
            wanted = "" if self.split == "automatic" else self.split
            tests.append(lambda row: row.split == wanted)
        if self.hints:
            tests.append(lambda row: bool(row.hints or row.problem))
        return tests


class EpisodeModel(QAbstractTableModel):
    """`rows` is everything, `shown` what passes the filter, in order. Every change is one reset of the model."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[EpisodeRow] = ()
        self.shown: list[EpisodeRow] = []
        self._given: Sequence[EpisodeRow] = ()  # the very list: the library gives the same one until something changes
        self.filter = EpisodeFilter()
        self._now = datetime.now()
        self._times: dict[str, str] = {}  # recorded_at as it is told
        self._texts: dict[Path, tuple[EpisodeRow, str]] = {}  # what is searched; made once for a row
        self._by_number: list[EpisodeRow] = []
        self._ordered: list[EpisodeRow] = []
        self._column, self._descending = COLUMN_NUMBERS["recorded"], True

    def show_rows(self, rows: Sequence[EpisodeRow]) -> bool:
        """List these; False when they are what is listed already."""
        if rows is self._given or list(rows) == list(self.rows):
            self._given = rows
            return False
        self._given = rows
        self.beginResetModel()
        self.rows = tuple(rows)
        self._now, self._times = datetime.now(), {}
        known, unknown = self._texts, (None, "")
        self._texts = {
            row.path: entry if (entry := known.get(row.path, unknown))[0] is row else (row, _searched(row))
            for row in self.rows
        }
        self._by_number = sorted(self.rows, key=lambda row: row.number)
        self._order()
        self._select()
        self.endResetModel()
        return True

    def set_filter(self, wanted: EpisodeFilter) -> None:
        if wanted == self.filter:
            return
        self.beginResetModel()
        self.filter = wanted
        self._select()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.beginResetModel()
        self._column, self._descending = column, order == Qt.SortOrder.DescendingOrder
        self._order()
        self._select()
        self.endResetModel()

    @property
    def duration_s(self) -> float:
        """Of everything that is shown."""
        return sum(row.duration_s for row in self.shown)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row, column = self.shown[index.row()], COLUMNS[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tooltip(row, column.name)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def text(self, row: EpisodeRow, column: Column) -> str:
        """What a cell says."""
        if column.name != "recorded":
            return column.text(row)
        told = self._times.get(row.recorded_at)
        if told is None:
            told = self._times[row.recorded_at] = wording.friendly_time(row.recorded_at, self._now)
        return told

    def _order(self) -> None:
        key = COLUMNS[self._column].key
        # Rows that are equal in this column keep the order of their numbers.
        self._ordered = sorted(self._by_number, key=key, reverse=self._descending)

    def _select(self) -> None:
        words = self.filter.text.casefold().split()
        tests = self.filter.tests()
        rows = self._ordered
        for word in words:
            number = int(word.removeprefix("#")) if word.removeprefix("#").isdecimal() else None
            rows = [row for row in rows if word in self._texts[row.path][1] or row.number == number]
        for test in tests:
            rows = [row for row in rows if test(row)]
        self.shown = rows if words or tests else list(rows)


def _searched(row: EpisodeRow) -> str:
    return "\n".join((row.task, row.operator, *row.tags, row.note, row.run)).casefold()


def _tooltip(row: EpisodeRow, column: str) -> str | None:
    if row.problem:
        return row.problem
    if column == "hints" and row.hints:
        return "\n".join(row.hints)
    if column in ("task", "tags", "operator"):
        return COLUMNS[COLUMN_NUMBERS[column]].text(row) or None
    if column == "recorded":
        return row.recorded_at
    return row.path.name if column in ("number", "picture") else None
