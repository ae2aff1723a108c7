"""The table of policies as Qt sees it: columns in the operator's words, sorted by any of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from teleop_studio.learning_status import PolicyRow
from ui.widgets.train.lesson_view import p_words
from ui.widgets.wording import long_duration

Index = QModelIndex | QPersistentModelIndex
_TO_THE_SECOND_S = 600.0


@dataclass(frozen=True)
class Column:
    """`width` px, 0 takes the rest; `text` of a row, `order` what it is sorted by (nan comes last)."""

    name: str
    title: str
    width: int
    tooltip: str
    text: Callable[[PolicyRow], str]
    order: Callable[[PolicyRow], float | str]


def success_words(row: PolicyRow) -> str:
    """ "94 of 100, 87 to 98 %"."""
    if not row.trials:
        return "not tried"
    return f"{row.successes} of {row.trials}, {100 * row.low:.0f} to {100 * row.high:.0f} %"


def sides_words(row: PolicyRow) -> str:
    """The left share of each, for those who do not see the bars."""
    shares = (
        ("demonstrations", row.left_demonstrations),
        ("samples", row.left_samples),
        ("trials", row.left_trials),
    )
    said = [f"{name} {share:.0%} left" for name, share in shares if math.isfinite(share)]
    return ", ".join(said) or "–"


def _number(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else "–"


def _failure(row: PolicyRow) -> str:
    return f"{row.failure} ({row.failure_count})" if row.failure else "–"


def _parameters(row: PolicyRow) -> str:
    if row.parameters < 1:
        return "–"
    return f"{row.parameters / 1e6:.1f} M" if row.parameters >= 1e6 else f"{row.parameters / 1e3:.0f} k"


def _chunk(row: PolicyRow) -> str:
    worst = f" ({row.chunk_worst_ms:.0f})" if math.isfinite(row.chunk_worst_ms) else ""
    return f"{row.chunk_ms:.0f} ms{worst}" if math.isfinite(row.chunk_ms) else "–"


COLUMNS = (
    Column("policy", "policy", 178, "The run and what kind of policy it is", lambda row: row.run, lambda row: row.run),
    Column(
        "success", "success", 196, "Share of successful trials, and the 95 % interval of it (Clopper and Pearson)",
        success_words, lambda row: row.rate,
    ),
    Column(
        "p", "p", 82, "Exact McNemar test against the chosen run, over the starts that both tried: how often chance "
        "alone splits them this unevenly", lambda row: p_words(row.p_value), lambda row: row.p_value,
    ),
    Column(
        "sides", "left | right", 172, "Where they go past: in the demonstrations, the samples at the start, the trials",
        sides_words, lambda row: row.left_trials,
    ),
    Column(
        "flips", "flips", 56, "Changes of side per episode", lambda row: _number(row.flips, "{:.2f}"),
        lambda row: row.flips,
    ),
    Column(
        "jump", "jump", 72, "Mean jump of the goals where two chunks join, mrad",
        lambda row: _number(1e3 * row.boundary_jump, "{:.0f} mrad"), lambda row: row.boundary_jump,
    ),
    Column(
        "training", "training", 84, "Time it was trained", lambda row: _seconds(row.training_s),
        lambda row: row.training_s,
    ),
    Column(
        "chunk", "chunk", 102, "Median (and worst) time from a picture to the chunk that is executed", _chunk,
        lambda row: row.chunk_ms,
    ),
    Column(
        "parameters", "parameters", 82, "Numbers that are learnt", _parameters, lambda row: row.parameters or math.nan
    ),
    Column("failure", "failure", 0, "Why most of its failures failed", _failure, lambda row: row.failure),
)  # fmt: skip


def _seconds(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "–"
    return long_duration(seconds if seconds < _TO_THE_SECOND_S else 60.0 * round(seconds / 60.0))


class PolicyModel(QAbstractTableModel):
    """`rows` in the order shown."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[PolicyRow] = []
        self._column, self._descending = 1, True

    def show_rows(self, rows: Sequence[PolicyRow]) -> None:
        ordered = self._ordered(rows)
        if ordered != self.rows:
            self.beginResetModel()
            self.rows = ordered
            self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column, self._descending = max(column, 0), order is Qt.SortOrder.DescendingOrder
        self.show_rows(self.rows)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return column.text(row)
        return f"{row.run} ({row.title}): {column.text(row)}" if role == Qt.ItemDataRole.ToolTipRole else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tooltip
        return column.title if role == Qt.ItemDataRole.DisplayRole else None

    def _ordered(self, rows: Sequence[PolicyRow]) -> list[PolicyRow]:
        """What was not measured comes last, whichever way it is sorted."""
        order = COLUMNS[self._column].order
        known = [row for row in rows if order(row) != "" and not _is_nan(order(row))]
        known_runs = {row.run for row in known}
        known.sort(key=lambda row: (order(row), row.run), reverse=self._descending)
        return known + sorted((row for row in rows if row.run not in known_runs), key=lambda row: row.run)


def _is_nan(value: float | str) -> bool:
    return isinstance(value, float) and math.isnan(value)
