"""Episodes: everything that was recorded, to look through, sort out, trim and hand on."""

from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QWidget

from teleop_studio.status import EpisodeRow, StudioStatus
from ui.actions import add_action
from ui.bridge import Bridge
from ui.commands import Commands, allowed
from ui.episode_edits import Edit, EpisodeEdits, Verb
from ui.episode_keys import EPISODE_KEYS
from ui.pages.page import Page
from ui.widgets import wording
from ui.widgets.collection_panel import CollectionPanel
from ui.widgets.episode_list_panel import EpisodeListPanel
from ui.widgets.episode_model import SPLITS
from ui.widgets.selection_panel import SelectionPanel
from ui.widgets.thumbnails import Thumbnails, middle_moment
from ui.widgets.transfer_dialogs import ExportDialog, ImportDialog

_NARROW, _WIDE = 372, 470  # of the right side, px
_READ_EVERY = 15  # refreshes; the library gives the same list until something has changed
_COST = 20  # a reading may take a twentieth of the window's time


class EpisodesPage(Page):
    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__(bridge, commands, actions)
        self.setObjectName("episodes_page")
        self.edits = EpisodeEdits(bridge, self)
        self.keys = {spec.name: add_action(self, spec, getattr(self, _slot(spec.name))) for spec in EPISODE_KEYS}
        self.thumbnails = Thumbnails(lambda path: bridge.call(bridge.studio.library.thumbnail, path))
        self.list = EpisodeListPanel(bridge, self.thumbnails, self.keys)
        self.table = self.list.table
        self.selection = SelectionPanel(bridge, self.thumbnails, {**actions, **self.keys})
        self.collection = CollectionPanel()
        self.side = QStackedWidget()
        self._usable = False  # whether everything that is selected can be changed
        self._refreshes = self._not_before = 0
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, 12, 12)
        row.setSpacing(12)
        row.addWidget(self.list, 1)
        self.side.addWidget(self.selection)
        self.side.addWidget(self.collection)
        self.side.setFixedWidth(_NARROW)
        row.addWidget(self.side)
        self._show_side(self.collection)

    def _connect(self) -> None:
        self.table.picked.connect(self._picked)
        self.table.opened.connect(self.play)
        self.table.customContextMenuRequested.connect(self._open_menu)
        self.list.filters.collection_changed.connect(self._read)
        self.list.undo.clicked.connect(lambda _checked=False: self.undo())
        self.edits.said.connect(self._say)
        self.edits.changed.connect(self._read)
        self.selection.rated.connect(self.rate)
        self.selection.split_chosen.connect(self.set_split)
        self.selection.tags.added.connect(self.add_tag)
        self.selection.tags.removed.connect(self.remove_tag)
        self.selection.note.committed.connect(self._set_note)
        self.selection.preview.trim_asked.connect(self._trim)
        self.selection.preview.trim_dismissed.connect(self._dismiss_trim)
        self.commands.episodes_changed.connect(self._read_if_shown)

    # --- life ------------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        self.commands.rate_selection = self._rate_selection
        self._read()
        self.table.setFocus()

    def leave(self) -> None:
        self.selection.note.commit()
        self.selection.preview.play.setChecked(False)
        self.selection.preview.close_episode()
        self.commands.rate_selection = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.side.setFixedWidth(min(max(_NARROW, self.width() // 4), _WIDE))

    def refresh(self, status: StudioStatus) -> None:
        self._refreshes += 1
        if self._refreshes >= self._not_before:
            self._read()
        library = self.studio.library
        self.list.refresh(status, library.surveying, library.trimming)
        if self.thumbnails.load():
            self.table.viewport().update()
            self.selection.montage.update()
        if self.side.currentWidget() is self.selection and self.selection.preview.isVisible():
            self.selection.preview.refresh()
        self._allow(status)

    def _read(self) -> None:
        """Read the rows anew; what is selected stays so."""
        began = perf_counter()
        library = self.studio.library
        which = {"episodes": library.episodes, "trials": library.trials, "bin": library.binned}
        rows = self.bridge.call(which[self.list.which])
        if rows is not None and self.list.show_rows(rows):
            self._show_selected()
        self._show_statistics()
        self._not_before = self._refreshes + max(_READ_EVERY, round((perf_counter() - began) * 30 * _COST))

    def _show_statistics(self) -> None:
        if self.side.currentWidget() is self.collection:
            statistics = self.bridge.call(self.studio.library.statistics)
            if statistics is not None:
                self.collection.show_statistics(statistics)

    def _read_if_shown(self) -> None:
        if self.isVisible():
            self._read()

    # --- selection -------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> list[EpisodeRow]:
        """What is selected."""
        return self.table.selected

    @property
    def _one(self) -> EpisodeRow | None:
        rows = self.selection.rows
        return rows[0] if len(rows) == 1 else None

    def _picked(self) -> None:
        self.selection.note.commit()  # it belongs to what was selected before
        self._show_selected()
        if self.selection.rows:
            self.show_selection()
        else:
            self._show_side(self.collection)

    def _show_selected(self) -> None:
        rows = self.rows
        self._usable = bool(rows) and not any(row.problem or row.binned for row in rows)
        if rows:
            self.selection.show_selection(rows, self.list.tags, self._moment)
        else:
            self.selection.rows = ()
            self.selection.preview.show_row(None, None)
            self._show_side(self.collection)
        self._allow(self.bridge.status)

    def _moment(self, row: EpisodeRow) -> NDArray[np.uint8] | None:
        strip = self.bridge.call(self.studio.library.thumbnail, row.path)
        return None if strip is None else middle_moment(strip)

    def show_selection(self) -> None:
        self._show_side(self.selection if self.selection.rows else self.collection)

    def show_collection(self) -> None:
        """The figures of everything, or back to the selection."""
        here = self.side.currentWidget() is self.collection
        self._show_side(self.selection if here and self.selection.rows else self.collection)

    def _show_side(self, panel: QWidget) -> None:
        self.side.setCurrentWidget(panel)
        self.list.overview.setChecked(panel is self.collection)
        self._show_statistics()

    def _allow(self, status: StudioStatus) -> None:
        """Switch every action on or off for what is selected now."""
        rows, usable = self.selection.rows, self._usable
        one = usable and len(rows) == 1
        preview = self.selection.preview
        can = {
            **dict.fromkeys(("unrated", "tag", "note", "hold_out", "train_on", "split_automatic", "export"), usable),
            "bin": bool(rows) and self.list.which != "bin",
            "restore": bool(rows) and self.list.which == "bin",
            "undo": bool(self.edits.undo_title),
            "redo": bool(self.edits.redo_title),
            "play": len(rows) == 1,
            **dict.fromkeys(("trim", "trim_start", "trim_end", "compare"), one),
            "trim_idle": one and preview.row is not None and preview.row.idle_start_s > 0,
            "replay": one and allowed(status.state, "replay"),
        }
        for name, possible in can.items():
            action = self.keys[f"episodes_{name}"]
            if action.isEnabled() != possible:
                action.setEnabled(possible)

    def _open_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        for names in _MENU:
            for name in names:
                menu.addAction({**self.actions_by_name, **self.keys}[name])
            menu.addSeparator()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.table.viewport().mapToGlobal(at))

    # --- changes ---------------------------------------------------------------------------------------------------

    def rate(self, outcome: str) -> None:
        rows = [row for row in self.rows if row.outcome != outcome and not row.problem]
        self._change(
            f"Labelled {_these(rows)} {outcome}", (Edit(Verb.LABEL, row.path, outcome, row.outcome) for row in rows)
        )

    def unrated(self) -> None:
        self.rate("unrated")

    def _rate_selection(self, outcome: str) -> bool:
        """S and F: False when nothing is selected here."""
        if not self.selection.rows:
            return False
        self.rate(outcome)
        return True

    def add_tag(self, tag: str) -> None:
        rows = [row for row in self.rows if tag not in row.tags]
        self._change(f"Tagged {_these(rows)} “{tag}”", (Edit(Verb.ADD_TAG, row.path, tag) for row in rows))

    def remove_tag(self, tag: str) -> None:
        rows = [row for row in self.rows if tag in row.tags]
        self._change(f"Took “{tag}” off {_these(rows)}", (Edit(Verb.REMOVE_TAG, row.path, tag) for row in rows))

    def set_split(self, split: str) -> None:
        if split not in SPLITS:
            return
        rows = [row for row in self.rows if row.split != split]
        self._change(
            f"Set the split of {_these(rows)} to {SPLITS[split]}",
            (Edit(Verb.SPLIT, row.path, split, row.split) for row in rows),
        )

    def hold_out(self) -> None:
        self.set_split("held_out")

    def train_on(self) -> None:
        self.set_split("train")

    def split_automatic(self) -> None:
        self.set_split("")

    def _set_note(self, text: str) -> None:
        # The panel's rows, not the table's: the note is committed when the selection has already moved on.
        rows = [row for row in self.selection.rows if row.note != text]
        self._change(f"Wrote the note of {_these(rows)}", (Edit(Verb.NOTE, row.path, text, row.note) for row in rows))

    def bin(self) -> None:
        rows = self.rows
        self._change(f"Moved {_these(rows)} to the bin", (Edit(Verb.BIN, row.path) for row in rows))

    def restore(self) -> None:
        rows = self.rows
        self._change(f"Restored {_these(rows)}", (Edit(Verb.RESTORE, row.path) for row in rows))

    def _change(self, title: str, edits: Iterable[Edit]) -> None:
        asked = tuple(edits)
        if asked:
            self.edits.do(title, asked)
        else:
            self._say("They are like that already.")

    def undo(self) -> None:
        self.edits.undo()

    def redo(self) -> None:
        self.edits.redo()

    def _say(self, text: str) -> None:
        self.list.say(text, self.edits.undo_title)
        self._allow(self.bridge.status)

    # --- one episode -----------------------------------------------------------------------------------------------

    def tag(self) -> None:
        self._show_side(self.selection)
        self.selection.tags.field.setFocus()

    def note(self) -> None:
        self._show_side(self.selection)
        self.selection.note.setFocus()

    def play(self) -> None:
        self.show_selection()
        self.selection.preview.play.toggle()

    def trim_start(self) -> None:
        self.selection.preview.timeline.start_here()

    def trim_end(self) -> None:
        self.selection.preview.timeline.end_here()

    def trim(self) -> None:
        self.selection.preview.ask_trim()

    def trim_idle(self) -> None:
        self.selection.preview.ask_idle_trim()

    def _trim(self, start_s: float, end_s: float) -> None:
        row = self._one
        if row is None:
            return
        self.selection.preview.play.setChecked(False)

        def begin() -> bool:
            self.studio.library.trim(row.path, start_s, end_s)
            return True

        if self.bridge.call(begin):
            self._say(
                f"Keeping {end_s - start_s:.1f} s of episode {row.number} as a new one; the whole goes to the bin."
            )

    def _dismiss_trim(self) -> None:
        if (row := self._one) is not None:
            self.bridge.call(self.studio.library.dismiss_trim, row.path)
            self._read()
            self._say(f"The idle start of episode {row.number} stays.")

    def compare(self) -> None:
        if (row := self._one) is not None:
            self.commands.choices.compare = row.path
            self.actions_by_name["page_compare"].trigger()

    def replay(self) -> None:
        if (row := self._one) is not None:
            self.bridge.call(self.studio.replay, row.path)

    # --- out and in ------------------------------------------------------------------------------------------------

    def export(self) -> None:
        """Ask how, then start it for what is selected."""
        rows = [row for row in self.rows if not row.problem]
        formats = self.bridge.call(self.studio.export_formats)
        if not rows or formats is None or self._working():
            return
        paths = [row.path for row in rows]
        folder = self.studio.workspace.root / "exports"
        dialog = ExportDialog(formats, wording.count(len(rows), "episode"), folder, self)
        dialog.asked.connect(lambda name, out, fps: self.bridge.call(self.studio.export, name, paths, out, fps))
        dialog.open()

    def import_(self) -> None:
        formats = self.bridge.call(self.studio.import_formats)
        if formats is None or self._working():
            return
        dialog = ImportDialog(formats, Path.home(), self)
        dialog.asked.connect(lambda name, source: self.bridge.call(self.studio.import_episodes, name, source))
        dialog.open()

    def _working(self) -> bool:
        job = self.bridge.status.job
        busy = job is not None and not job.finished
        if busy and job is not None:
            self.bridge.notice.emit("info", "A task is running.", f"Wait until it is done, or cancel it: {job.title}.")
        return busy

    # --- getting around --------------------------------------------------------------------------------------------

    def search(self) -> None:
        self.list.filters.text.setFocus()
        self.list.filters.text.selectAll()

    def show_bin(self) -> None:
        self.list.filters.show_collection("episodes" if self.list.which == "bin" else "bin")


_MENU = (
    ("episodes_unrated", "episodes_tag", "episodes_note"),
    ("episodes_hold_out", "episodes_train_on", "episodes_split_automatic"),
    ("episodes_play", "episodes_trim_idle", "episodes_compare", "episodes_replay"),
    ("episodes_export",),
    ("episodes_bin", "episodes_restore", "episodes_undo", "episodes_redo"),
)


def _slot(name: str) -> str:
    method = name.removeprefix("episodes_")
    return "import_" if method == "import" else method


def _these(rows: list[EpisodeRow]) -> str:
    return f"episode {rows[0].number}" if len(rows) == 1 else wording.count(len(rows), "episode")
