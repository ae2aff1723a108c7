"""What each key and button does: the operator's verbs, in terms of `Studio`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from teleop_studio.rig import RigConfig
from teleop_studio.session import Session, StudioError
from teleop_studio.status import EpisodeRow, State, StudioStatus
from ui.bridge import Bridge, split_message
from ui.widgets.closing import closing_words, must_be_said

SIDES = ("left", "right")
BEST, NEWEST = "best", "newest"  # checkpoints of a run, beside those named by their step
_SURE_WITHIN_S = 3.0


@dataclass
class Choices:
    """What the operator has chosen on the pages, for verbs that are pressed on any of them."""

    task: str = ""
    operator: str = ""
    run: Path | None = None
    checkpoint: str = BEST  # of `run`: BEST, NEWEST or a step
    side: str = ""  # "" alternates
    compare: Path | None = None  # to open on the Compare page when it is turned to


def allowed(state: State, verb: str) -> bool:
    """Whether the session's table knows `verb` in `state`."""
    session = Session()
    session.state = state
    return session.allows(verb)


class Commands(QObject):
    """Methods without arguments, one per action; errors come back as notices through the bridge."""

    episodes_changed = Signal()
    servos_wanted = Signal()
    rigs_wanted = Signal()
    page_wanted = Signal(str)

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.bridge = bridge
        self.choices = Choices(operator=bridge.studio.operator)
        self.rate_selection: Callable[[str], bool] | None = None  # set by a page while episodes can be selected on it
        self._side = SIDES[-1]
        self._torque_asked_at = self._close_asked_at = float("-inf")
        self._next_rig: RigConfig | None = None  # opened once the present one is closed
        bridge.polled.connect(self._open_next_rig)

    def advance(self) -> None:
        """Space: accept the running take, else start the next one."""
        if self.bridge.status.state in (State.RECORDING, State.POLICY):
            self._finish("success")
        else:
            self.record()

    def record(self) -> None:
        self.name_operator()
        self.bridge.call(self.bridge.studio.record, self.choices.task)

    def name_operator(self) -> None:
        """Who records: what stands in the field, whether or not it was left with Enter."""
        if self.choices.operator != self.bridge.studio.operator:
            self.bridge.studio.operator = self.choices.operator

    def bookmark(self) -> None:
        at_s = self.bridge.call(self.bridge.studio.bookmark)
        if at_s is not None:
            self._tell("info", f"Bookmark at {at_s:.1f} s.", "It is kept among the events of the episode.")

    def discard(self) -> None:
        self.bridge.call(self.bridge.studio.discard)
        self.episodes_changed.emit()

    def success(self) -> None:
        self._rate("success")

    def failure(self) -> None:
        self._rate("failure")

    def teleop(self) -> None:
        self.bridge.call(self.bridge.studio.teleop)

    def stop(self) -> None:
        self.bridge.call(self.bridge.studio.stop)

    def resume(self) -> None:
        self.bridge.call(self.bridge.studio.resume)

    def torque_off(self) -> None:
        """Two presses within 3 s: an arm without torque falls."""
        now = time.monotonic()
        if now - self._torque_asked_at < _SURE_WITHIN_S:
            self._torque_asked_at = float("-inf")
            self.bridge.call(self.bridge.studio.torque_off)
            return
        self._torque_asked_at = now
        self._tell(
            "warning", "Press torque off again to release the arm.", "Support it first: without torque it falls."
        )

    def rest(self) -> None:
        """To the rest pose, slowly, and limp there."""
        self.bridge.call(self.bridge.studio.rest)

    def servos(self) -> None:
        self.servos_wanted.emit()

    def autonomous(self) -> None:
        run = self.choices.run or self._newest_run()
        if run is None:
            self._tell(
                "error", "There is no trained policy yet.", "Train one on the Train page (Ctrl+3), then run it here."
            )
            return
        self.choices.run = run
        self.bridge.call(self.bridge.studio.autonomous, self.chosen_checkpoint(run))

    def deploy(self, run: Path, checkpoint: str) -> None:
        """Take a run to the Deploy page, with that checkpoint chosen."""
        self.choices.run, self.choices.checkpoint = run, checkpoint
        self.page_wanted.emit("deploy")

    def chosen_checkpoint(self, run: Path) -> Path:
        """What shall drive: the run itself for its best checkpoint, else one of its checkpoints."""
        chosen = self.choices.checkpoint
        if chosen == BEST:
            return run
        known = next((info for info in self.bridge.call(self.bridge.studio.runs) or [] if info.path == run), None)
        step = known.step if chosen == NEWEST and known is not None else 0 if chosen == NEWEST else int(chosen)
        return self.bridge.studio.checkpoint(run, step) if step else run

    def take_over(self) -> None:
        self.bridge.call(self.bridge.studio.take_over)

    def demo_operator(self) -> None:
        """The scripted hand on the leader, from the chosen side or alternating."""
        if self._simulated("The demo operator"):
            self._side = self.choices.side or SIDES[self._side == SIDES[0]]
            self.bridge.call(self.bridge.studio.scripted_operator, self._side)

    def new_scene(self) -> None:
        if self._simulated("A new scene"):
            self.bridge.call(self.bridge.studio.new_scene)

    def open_rig(self) -> None:
        self.bridge.call(self.bridge.studio.open)

    def close_rig(self) -> None:
        """Two presses within 3 s while a real arm stands by its torque: the first says what the arm will do."""
        now = time.monotonic()
        if must_be_said(self.bridge.status) and now - self._close_asked_at >= _SURE_WITHIN_S:
            self._close_asked_at = now
            self._tell("warning", "Press again to close the rig.", closing_words(self.bridge.studio.rig.on_close))
            return
        self._close_asked_at = float("-inf")
        self.bridge.call(self.bridge.studio.close_rig)

    def choose_rig(self) -> None:
        self.rigs_wanted.emit()

    def use_rig(self, rig: RigConfig) -> None:
        """Close what is open, then open `rig`. Nobody waits: the rest happens as the closing ends."""
        if self.bridge.status.state is not State.CLOSED:
            self.bridge.call(self.bridge.studio.close_rig)
        self._next_rig = rig
        self._open_next_rig(self.bridge.status)

    def _open_next_rig(self, _status: StudioStatus) -> None:
        if self._next_rig is None or self.bridge.studio.closing or self.bridge.studio.status.state is not State.CLOSED:
            return
        rig, self._next_rig = self._next_rig, None
        try:
            self.bridge.studio.use_rig(rig)
            self.bridge.studio.open()
        except StudioError as error:
            self._tell("error", *split_message(str(error)))

    def _simulated(self, what: str) -> bool:
        if not self.bridge.status.simulated:
            self._tell("error", f"{what} exists on the simulated rig only.", "Move the leader arm by hand.")
        return self.bridge.status.simulated

    def _finish(self, outcome: str) -> None:
        self.bridge.call(self.bridge.studio.accept, outcome)
        self.episodes_changed.emit()

    def _rate(self, outcome: str) -> None:
        """Finish the running take with this outcome, else relabel what is selected, else the newest episode."""
        if self.bridge.status.state in (State.RECORDING, State.POLICY):
            self._finish(outcome)
            return
        if self.rate_selection is not None and self.rate_selection(outcome):
            return
        newest = self._newest_episode()
        if newest is None:
            self._tell("error", "There is no episode to label.", "Record one first: Space starts it.")
            return
        self.label(newest, outcome)

    def label(self, row: EpisodeRow, outcome: str) -> None:
        self.bridge.call(self.bridge.studio.label, row.path, outcome)
        self._tell("info", f"Episode {row.number} is labelled {outcome}.", "")
        self.episodes_changed.emit()

    def move_to_bin(self, row: EpisodeRow) -> None:
        self.bridge.call(self.bridge.studio.move_to_bin, row.path)
        self._tell("info", f"Episode {row.number} is in the bin.", "The file was moved, not deleted.")
        self.episodes_changed.emit()

    def _newest_episode(self) -> EpisodeRow | None:
        rows = (self.bridge.call(self.bridge.studio.episodes) or []) + (
            self.bridge.call(self.bridge.studio.trials) or []
        )
        return max(rows, key=lambda row: row.recorded_at, default=None)

    def _newest_run(self) -> Path | None:
        runs = [run for run in self.bridge.call(self.bridge.studio.runs) or [] if run.step > 0]
        return runs[0].path if runs else None  # they come newest first

    def _tell(self, level: str, title: str, detail: str) -> None:
        self.bridge.notice.emit(level, title, detail)
