"""Changes of episodes that can be taken back: labels, tags, notes, splits, bin and restore, one or many at once."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from time import perf_counter

from PySide6.QtCore import QObject, QTimer, Signal

from ui.bridge import Bridge

_SLICE_S = 0.008  # of the window's time at once: many episodes are changed between its pictures


class Verb(StrEnum):
    """The library's methods of these names."""

    LABEL = "label"
    ADD_TAG = "add_tag"
    REMOVE_TAG = "remove_tag"
    NOTE = "set_note"
    SPLIT = "set_split"
    BIN = "move_to_bin"
    RESTORE = "restore"


_OPPOSITE = {
    Verb.ADD_TAG: Verb.REMOVE_TAG,
    Verb.REMOVE_TAG: Verb.ADD_TAG,
    Verb.BIN: Verb.RESTORE,
    Verb.RESTORE: Verb.BIN,
}


@dataclass(frozen=True)
class Edit:
    """One change of one episode: `value` is the new outcome, tag, note or split, `before` the old one."""

    verb: Verb
    path: Path
    value: str = ""
    before: str = ""

    def inverse(self, path: Path) -> "Edit":
        """What takes it back; `path` is where the episode lies now."""
        if self.verb in _OPPOSITE:
            return replace(self, verb=_OPPOSITE[self.verb], path=path)
        return replace(self, path=path, value=self.before, before=self.value)


@dataclass(frozen=True)
class Batch:
    """Edits that were asked for together, and what the operator calls them."""

    title: str
    edits: tuple[Edit, ...]


class EpisodeEdits(QObject):
    """`said` gives one sentence about what was done, `changed` that the rows must be read again.

    An edit that the library refuses becomes a notice and is left out of what can be undone.
    """

    said = Signal(str)
    changed = Signal()

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._undo: list[Batch] = []
        self._redo: list[Batch] = []
        self._waiting: deque[Edit] = deque()
        self._running: Batch | None = None
        self._inverse: list[Edit] = []
        self._goal = self._undo
        self._prefix = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)

    @property
    def busy(self) -> bool:
        return self._running is not None

    @property
    def undo_title(self) -> str:
        """What undo would take back, "" when there is nothing."""
        return self._undo[-1].title if self._undo else ""

    @property
    def redo_title(self) -> str:
        return self._redo[-1].title if self._redo else ""

    def do(self, title: str, edits: Iterable[Edit]) -> None:
        """Carry out `edits`, the first ones before this returns. A new change ends what could be done again."""
        if not self.busy:
            self._redo.clear()
        self._start(Batch(title, tuple(edits)), self._undo, "")

    def undo(self) -> None:
        if not self._undo:
            self.said.emit("There is nothing to undo.")
        elif not self._refuse():
            self._start(self._undo.pop(), self._redo, "Undone: ")

    def redo(self) -> None:
        if not self._redo:
            self.said.emit("There is nothing to do again.")
        elif not self._refuse():
            self._start(self._redo.pop(), self._undo, "Done again: ")

    def _refuse(self) -> bool:
        if self.busy:
            self.said.emit("The last change is still under way.")
        return self.busy

    def _start(self, batch: Batch, goal: list[Batch], prefix: str) -> None:
        if self._refuse() or not batch.edits:
            return
        self._running, self._goal, self._prefix = batch, goal, prefix
        self._waiting.extend(batch.edits)
        self._inverse = []
        self._go_on()

    def _go_on(self) -> None:
        began = perf_counter()
        while self._waiting and perf_counter() - began < _SLICE_S:
            edit = self._waiting.popleft()
            path = self._bridge.call(self._carry_out, edit)
            if path is not None:
                self._inverse.append(edit.inverse(path))
        batch = self._running
        assert batch is not None
        if self._waiting:
            done = len(batch.edits) - len(self._waiting)
            self.said.emit(f"{batch.title}: {done} of {len(batch.edits)}")
            self._timer.start()
            return
        self._finish(batch)

    def _carry_out(self, edit: Edit) -> Path:
        """Where the episode lies afterwards. Raises `StudioError`."""
        library = self._bridge.studio.library
        verb = getattr(library, edit.verb.value)
        if edit.verb in (Verb.BIN, Verb.RESTORE):
            return Path(verb(edit.path))
        verb(edit.path, edit.value)
        return edit.path

    def _finish(self, batch: Batch) -> None:
        done, asked = len(self._inverse), len(batch.edits)
        self._running = None
        if done:
            # The last change is taken back first.
            self._goal.append(Batch(batch.title, tuple(reversed(self._inverse))))
        missed = f" {asked - done} of {asked} could not be changed." if done < asked else ""
        self.changed.emit()
        self.said.emit(f"{self._prefix}{batch.title}.{missed}")
