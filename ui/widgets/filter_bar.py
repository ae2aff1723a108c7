"""The line above the table: search, quick filters, and which collection is looked at."""

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from teleop_studio.status import EpisodeRow
from ui.widgets.episode_model import OUTCOMES, EpisodeFilter, outcome_of
from ui.widgets.panel import button, check_box

COLLECTIONS = (("episodes", "Demonstrations"), ("trials", "Policy trials"), ("bin", "Bin"))


class FilterBar(QWidget):
    """`changed` tells that `filter` has changed, `collection_changed` that other episodes shall be listed."""

    changed = Signal()
    collection_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clearing = False  # one change for all fields together
        self.text = QLineEdit()
        self.text.setObjectName("episode_search")
        self.text.setAccessibleName("search in the episodes")
        self.text.setPlaceholderText("Search task, operator, tag, note or number  (Ctrl+F)")
        self.text.setClearButtonEnabled(True)
        self.text.textChanged.connect(lambda _text: self._tell())
        self.collection = _combo("collection_choice", "which episodes are listed", self.collection_changed.emit)
        for key, title in COLLECTIONS:
            self.collection.addItem(title, key)
        self.outcome = self._quick("outcome_filter", "outcome")
        self.task = self._quick("task_filter", "task")
        self.tag = self._quick("tag_filter", "tag")
        self.source = self._quick("source_filter", "source")
        self.split = self._quick("split_filter", "split")
        for key in ("automatic", "train", "held_out"):
            self.split.addItem(key.replace("_", " "), key)
        self.hints = check_box("hints_filter", "with hints", "Only episodes that look odd or can not be used")
        self.hints.toggled.connect(lambda _on: self._tell())
        self.clear = button("clear_filters", "Clear", "List everything again", self.clear_all, quiet=True)
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.collection)
        top.addWidget(self.text, 1)
        column.addLayout(top)
        row = QHBoxLayout()
        row.setSpacing(8)
        for widget, share in ((self.outcome, 4), (self.task, 6), (self.tag, 4), (self.source, 4), (self.split, 4)):
            row.addWidget(widget, share)
        row.addWidget(self.hints)
        row.addWidget(self.clear)
        column.addLayout(row)

    def _quick(self, name: str, what: str) -> QComboBox:
        combo = _combo(name, f"only this {what}", self._tell)
        combo.addItem(f"any {what}", "")
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(9)
        return combo

    def _tell(self) -> None:
        if not self._clearing:
            self.changed.emit()

    @property
    def filter(self) -> EpisodeFilter:
        return EpisodeFilter(
            text=self.text.text(),
            outcome=self.outcome.currentData(),
            task=self.task.currentData(),
            tag=self.tag.currentData(),
            source=self.source.currentData(),
            split=self.split.currentData(),
            hints=self.hints.isChecked(),
        )

    def offer(self, rows: Sequence[EpisodeRow]) -> None:
        """Fill the quick filters with what occurs in `rows`; what is chosen stays chosen while it occurs."""
        outcomes = {outcome_of(row) for row in rows}
        self._fill(self.outcome, [name for name in (*OUTCOMES, "unusable") if name in outcomes])
        self._fill(self.task, sorted({row.task for row in rows if row.task}, key=str.casefold))
        self._fill(self.tag, sorted({tag for row in rows for tag in row.tags}, key=str.casefold))
        self._fill(self.source, sorted({row.source for row in rows if row.source}))

    def clear_all(self) -> None:
        self._clearing = True
        self.text.clear()
        for combo in (self.outcome, self.task, self.tag, self.source, self.split):
            combo.setCurrentIndex(0)
        self.hints.setChecked(False)
        self._clearing = False
        self._tell()

    def show_collection(self, key: str) -> None:
        self.collection.setCurrentIndex(self.collection.findData(key))

    def _fill(self, combo: QComboBox, values: Iterable[str]) -> None:
        listed = [combo.itemData(number) for number in range(1, combo.count())]
        chosen = combo.currentData()
        offered = list(values)
        if chosen and chosen not in offered:
            offered.append(chosen)  # the last one of its kind has just been changed: the list shall not jump
        if listed == offered:
            return
        combo.blockSignals(True)
        while combo.count() > 1:
            combo.removeItem(1)
        for value in offered:
            combo.addItem(value, value)
        combo.setCurrentIndex(max(combo.findData(chosen), 0))
        combo.blockSignals(False)


def _combo(name: str, accessible: str, changed: Callable[[], object]) -> QComboBox:
    combo = QComboBox()
    combo.setObjectName(name)
    combo.setAccessibleName(accessible)
    combo.currentIndexChanged.connect(lambda _index: changed())
    return combo
