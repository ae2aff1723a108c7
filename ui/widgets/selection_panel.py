"""What is known of the selected episodes, and everything that can be done with them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QAction, QFont, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from teleop_studio.status import EpisodeRow
from ui import theme
from ui.bridge import Bridge
from ui.widgets import wording
from ui.widgets.episode_model import OUTCOMES, SPLITS, outcome_of
from ui.widgets.episode_preview import EpisodePreview
from ui.widgets.fact_grid import FactGrid
from ui.widgets.montage import Montage
from ui.widgets.note_field import NoteField
from ui.widgets.outcome_mark import draw_outcome
from ui.widgets.panel import Panel, soft_label
from ui.widgets.tag_editor import TagEditor
from ui.widgets.thumbnails import Thumbnails

_HINTS_HEIGHT = 66
_RATINGS = (("success", "success"), ("failure", "failure"), ("unrated", "episodes_unrated"))


class SelectionPanel(Panel):
    """One episode with its preview, or what several have in common; the same fields change one or all.

    `rated` gives an outcome, `split_chosen` "train", "held_out" or "" for automatic.
    """

    rated = Signal(str)
    split_chosen = Signal(str)

    def __init__(
        self, bridge: Bridge, thumbnails: Thumbnails, actions: dict[str, QAction], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent=parent)
        self._actions = actions
        self.rows: Sequence[EpisodeRow] = ()
        self.title = QLabel("")
        self.title.setFont(theme.font(17, QFont.Weight.DemiBold))
        self.title.setMinimumWidth(10)
        self.mark = OutcomeLabel()
        self.what = soft_label("", wrap=True)
        self.what.setTextFormat(Qt.TextFormat.PlainText)
        self.preview = EpisodePreview(bridge)
        self.montage = Montage(thumbnails)
        self.facts = FactGrid("episode_facts", "facts of the selection")
        self.hints = HintList()
        self.ratings = {outcome: self._rating(outcome, actions[name]) for outcome, name in _RATINGS}
        self.split = QComboBox()
        self.split.setObjectName("split_choice")
        self.split.setAccessibleName("split of the selected episodes")
        self.split.activated.connect(lambda _index: self.split_chosen.emit(self.split.currentData()))
        self.tags = TagEditor()
        self.note = NoteField()
        self.editor = QWidget()
        self.tools = QWidget()
        self._lay_out()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.title, 1)
        top.addWidget(self.mark)
        self.body.setSpacing(7)
        self.body.addLayout(top)
        self.body.addWidget(self.what)
        self.body.addWidget(self.preview, 1)
        self.body.addWidget(self.facts)
        self.body.addWidget(self.hints)
        self._lay_out_editor()
        self.body.addWidget(self.editor)
        self._lay_out_tools()
        self.body.addWidget(self.tools)
        self.body.addWidget(self.montage, 1)

    def _lay_out_editor(self) -> None:
        column = QVBoxLayout(self.editor)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        ratings = QHBoxLayout()
        ratings.setSpacing(6)
        for rating in self.ratings.values():
            ratings.addWidget(rating, 1)
        column.addLayout(ratings)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.split)
        row.addWidget(self.tags.field, 1)
        column.addLayout(row)
        column.addWidget(self.tags)
        column.addWidget(self.note)

    def _lay_out_tools(self) -> None:
        row = QHBoxLayout(self.tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        names = ("compare", "replay", "export", "bin", "restore")
        self.buttons = {name: _action_button(self._actions[f"episodes_{name}"], f"selection_{name}") for name in names}
        for made in self.buttons.values():
            row.addWidget(made, 1)
        self.buttons["replay"].setText("Replay")
        self.buttons["bin"].setText("Bin")

    def _rating(self, outcome: str, action: QAction) -> "RatingButton":
        made = RatingButton(outcome, action.shortcut().toString())
        made.clicked.connect(lambda _checked=False: self.rated.emit(outcome))
        return made

    # --- showing ---------------------------------------------------------------------------------------------------

    def show_selection(
        self,
        rows: Sequence[EpisodeRow],
        tags: Sequence[str],
        thumbnail: Callable[[EpisodeRow], NDArray[np.uint8] | None],
    ) -> None:
        """`tags` are those of the whole collection; `thumbnail` gives a row's small picture."""
        self.rows = rows
        one = rows[0] if len(rows) == 1 else None
        if one is None or self.preview.row is None or one.path != self.preview.row.path:
            self.preview.show_row(one, thumbnail(one) if one is not None and not one.problem else None)
        else:
            self.preview.show_row(one, None)
        self.preview.setVisible(one is not None)
        self.montage.setVisible(one is None)
        self.montage.show_rows(rows if one is None else ())
        if one is not None:
            self._show_one(one)
        else:
            self._show_several(rows)
        self._show_editor(rows, tags)

    def _show_one(self, row: EpisodeRow) -> None:
        self.title.setText(f"{'Trial' if row.run else 'Episode'} {row.number}")
        self.mark.show_outcome(outcome_of(row))
        self.what.setText(row.task or "no task was given")
        self.facts.show_facts(_facts_of(row), wide=1 if row.run else 0)
        self.hints.show_hints((row.problem,) if row.problem else row.hints)

    def _show_several(self, rows: Sequence[EpisodeRow]) -> None:
        self.title.setText(f"{len(rows):,} episodes")
        self.mark.show_outcome("")
        tasks = {row.task for row in rows}
        self.what.setText(next(iter(tasks)) if len(tasks) == 1 else f"{len(tasks)} different tasks")
        facts = _facts_of_several(rows)
        self.facts.show_facts(facts, wide=len(facts) % 2)
        odd = sum(bool(row.hints or row.problem) for row in rows)
        said = f"{odd} of them {'has' if odd == 1 else 'have'} hints: select one alone to read them."
        self.hints.show_hints((said,) if odd else ())

    def _show_editor(self, rows: Sequence[EpisodeRow], tags: Sequence[str]) -> None:
        binned = any(row.binned for row in rows)
        broken = any(row.problem for row in rows)
        self.editor.setVisible(not binned)
        self.editor.setEnabled(not broken)
        for outcome, rating in self.ratings.items():
            rating.show_share(sum(row.outcome == outcome for row in rows), len(rows))
        self._show_split({row.split for row in rows})
        self.tags.show_tags(rows, tags)
        notes = {row.note for row in rows}
        self.note.show_note(next(iter(notes)) if len(notes) == 1 else "", mixed=len(notes) > 1)
        for name, made in self.buttons.items():
            made.setVisible(name == "restore" if binned else name != "restore")

    def _show_split(self, splits: set[str]) -> None:
        choices = [(f"split: {SPLITS[key]}", key) for key in SPLITS]
        if len(splits) > 1:
            choices.append(("split: different", "mixed"))
        if [(self.split.itemText(i), self.split.itemData(i)) for i in range(self.split.count())] != choices:
            self.split.clear()
            for text, key in choices:
                self.split.addItem(text, key)
        self.split.setCurrentIndex(self.split.findData("mixed" if len(splits) > 1 else next(iter(splits), "")))


class OutcomeLabel(QWidget):
    """The outcome's mark and word."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._outcome = ""
        self._font = theme.font(13, QFont.Weight.Medium)
        self.setFixedSize(104, 22)

    def show_outcome(self, outcome: str) -> None:
        self._outcome = outcome
        self.setAccessibleName(f"outcome: {outcome}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._outcome:
            return
        painter = QPainter(self)
        painter.setFont(self._font)
        width = painter.fontMetrics().horizontalAdvance(self._outcome)
        painter.setPen(theme.TEXT)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._outcome)
        draw_outcome(painter, QPointF(self.width() - width - 13, self.height() / 2), self._outcome)


class RatingButton(QPushButton):
    """Lit when the selected episodes have this outcome; says how many when only some have."""

    def __init__(self, outcome: str, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._outcome = outcome
        self.setObjectName(f"rate_{outcome}")
        self.setAccessibleName(f"label {outcome}")
        self.setToolTip(f"Label the selected episodes {outcome} ({key})")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setStyleSheet("QPushButton { padding-left: 22px; padding-right: 4px; }")
        self.setProperty("lit", False)

    def show_share(self, having: int, of: int) -> None:
        self.setText(self._outcome.capitalize() if having in (0, of) else f"{self._outcome.capitalize()} {having:,}")
        lit = of > 0 and having == of
        if lit != self.property("lit"):
            self.setProperty("lit", lit)
            border = f"border-color: {theme.ACCENT}; background: #1d3a5c;" if lit else ""
            self.setStyleSheet(f"QPushButton {{ padding-left: 22px; padding-right: 4px; {border} }}")

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setOpacity(1.0 if self.isEnabled() else 0.4)
        draw_outcome(painter, QPointF(15, self.height() / 2), self._outcome)


class HintList(QScrollArea):
    """What looks odd, one sentence each; scrolls when there is much to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hint_list")
        self.setAccessibleName("hints")
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.label = QLabel("")
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setWordWrap(True)
        self.label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.label.setFont(theme.font(12))
        self.label.setStyleSheet(f"color: {theme.WARN}; background: transparent;")
        self.setStyleSheet("QScrollArea { background: transparent; }")
        self.setWidget(self.label)
        self.viewport().setAutoFillBackground(False)

    def show_hints(self, hints: Sequence[str]) -> None:
        self.setVisible(bool(hints))
        self.label.setText("\n".join(f"•  {hint}" for hint in hints))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(min(self.label.heightForWidth(max(self.width() - 10, 50)) + 2, _HINTS_HEIGHT))


def _action_button(action: QAction, name: str) -> QPushButton:
    """A button that follows its action."""
    made = QPushButton(action.text())
    made.setObjectName(name)
    made.setAccessibleName(action.text())
    made.setToolTip(action.toolTip())
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setStyleSheet("QPushButton { padding-left: 4px; padding-right: 4px; }")
    made.clicked.connect(lambda _checked=False: action.trigger())
    action.enabledChanged.connect(made.setEnabled)
    return made


def _facts_of(row: EpisodeRow) -> list[tuple[str, str]]:
    facts = [("run", row.run)] if row.run else []
    return [
        *facts,
        ("recorded", wording.friendly_time(row.recorded_at, datetime.now())),
        ("operator", row.operator or "not given"),
        ("source", row.source),
        ("side", row.side or "not told"),
        ("length", f"{row.duration_s:.1f} s, {row.frames:,} ticks"),
        ("gaps", f"{row.gaps:,}" if row.gaps else "none"),
        ("cameras", ", ".join(row.cameras) or "none"),
        ("size", wording.size(row.size_mb)),
    ]


def _facts_of_several(rows: Sequence[EpisodeRow]) -> list[tuple[str, str]]:
    outcomes = Counter(outcome_of(row) for row in rows)
    others = [name for name in (*OUTCOMES, "unusable") if outcomes[name] and name not in dict(_RATINGS)]
    return [
        *([("besides", ", ".join(f"{outcomes[name]:,} {name}" for name in others))] if others else []),
        ("length", wording.long_duration(sum(row.duration_s for row in rows))),
        ("size", wording.size(sum(row.size_mb for row in rows))),
        ("operators", _common(row.operator for row in rows)),
        ("source", _common(row.source for row in rows)),
        ("side", _common(row.side for row in rows)),
        ("gaps", f"{sum(row.gaps for row in rows):,}"),
    ]


def _common(values: Iterable[str]) -> str:
    found = sorted({value for value in values if value})
    return ", ".join(found) or "not given"
