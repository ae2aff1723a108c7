"""The tags of the selected episodes: a button for each takes it off, a field puts one on."""

from collections.abc import Sequence

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QCompleter, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from teleop_studio.status import EpisodeRow
from ui import theme
from ui.widgets.flow_layout import FlowLayout
from ui.widgets.panel import button

_MOST_SHOWN = 8
_LONGEST = 24  # letters of a tag on its button


class TagEditor(QWidget):
    """`added` and `removed` give the tag; `field` is laid out by the owner.

    A tag that only some of the episodes have is outlined and says how many.
    """

    added = Signal(str)
    removed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[tuple[str, int], ...] = ()
        self._of = 0
        self.field = QLineEdit()
        self.field.setObjectName("tag_field")
        self.field.setAccessibleName("tag to add")
        self.field.setPlaceholderText("add a tag  (G)")
        self.field.setMaxLength(60)
        self.field.returnPressed.connect(self._add)
        self._known = QStringListModel(self)
        self._completer = QCompleter(self._known, self)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.field.setCompleter(self._completer)
        self.strip = QWidget()
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.strip.setSizePolicy(policy)
        self._flow = FlowLayout(self.strip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.strip)
        self.hide()

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(tag for tag, _ in self._shown)

    def show_tags(self, rows: Sequence[EpisodeRow], known: Sequence[str]) -> None:
        """The tags of `rows`, the commonest first; `known` are offered while typing."""
        if self._known.stringList() != list(known):
            self._known.setStringList(list(known))
        counts: dict[str, int] = {}
        for row in rows:
            for tag in row.tags:
                counts[tag] = counts.get(tag, 0) + 1
        shown = tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0].casefold()))[:_MOST_SHOWN])
        if (shown, len(rows)) == (self._shown, self._of):
            return
        self._shown, self._of = shown, len(rows)
        self._make_buttons()

    def _make_buttons(self) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        for tag, count in self._shown:
            self._flow.addWidget(self._button(tag, count))
        self.setVisible(bool(self._shown))
        self.strip.updateGeometry()

    def _button(self, tag: str, count: int) -> QPushButton:
        short = tag if len(tag) <= _LONGEST else f"{tag[: _LONGEST - 1]}…"
        some = f" {count} of {self._of}" if count < self._of else ""
        made = button(f"tag_{tag}", f"{short}{some}  ×", f"Take the tag {tag} off", lambda: self.removed.emit(tag))
        made.setAccessibleName(f"take off the tag {tag}")
        border = theme.FAINT if some else theme.HOVER
        made.setStyleSheet(
            f"QPushButton {{ background: {'transparent' if some else theme.HOVER}; border: 1px solid {border};"
            "border-radius: 11px; padding: 1px 8px; min-height: 18px; font-size: 12px; }"
            f"QPushButton:hover {{ border-color: {theme.BAD}; }}"
        )
        return made

    def _add(self) -> None:
        tag = self.field.text().strip()
        self.field.clear()
        popup = self._completer.popup()
        if popup is not None:
            popup.hide()  # else it would keep the keyboard
        if tag:
            self.added.emit(tag)
        else:
            self.field.clearFocus()
