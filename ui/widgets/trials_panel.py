"""Trials: run many from unseen starts, see the last ones."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from teleop_studio.status import StudioStatus
from ui.bridge import Bridge
from ui.commands import Commands
from ui.widgets.job_bar import JobBar
from ui.widgets.panel import Panel, button, caption, check_box, spin_box
from ui.widgets.row_list import RowList
from ui.widgets.rows import episode_row


class TrialsPanel(Panel):
    def __init__(self, bridge: Bridge, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__("Trials", parent)
        self._bridge, self._commands = bridge, commands
        self._known: tuple[object, ...] = ()
        self.tally = caption("")
        self.header.addWidget(self.tally)
        self.count = spin_box("trial_count", "number of trials", 1, 500, 30)
        self.fast = check_box("trials_fast", "fast", "Run the simulation in lock step, faster than real time", True)
        self.start = button(
            "evaluate", "Run trials", "Run the chosen policy from this many unseen starts", self._evaluate
        )
        self.controls = QWidget()
        row = QHBoxLayout(self.controls)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.count)
        row.addWidget(self.fast)
        row.addWidget(self.start, 1)
        self.body.addWidget(self.controls)
        self.job = JobBar(bridge)
        self.body.addWidget(self.job)
        self.list = RowList("trial_list", "trials of policies")
        self.body.addWidget(self.list, 1)

    def refresh(self, status: StudioStatus) -> None:
        running = status.job is not None and not status.job.finished
        self.controls.setVisible(status.simulated and not running)
        self.job.refresh(status.job)
        known = (status.state, status.recorder.building, status.job.done if status.job else None)
        if known != self._known:
            self._known = known
            self.reread()

    def reread(self) -> None:
        trials = self._bridge.call(self._bridge.studio.trials)
        if trials is None:
            return
        self.list.show_rows([episode_row(trial) for trial in reversed(trials)])
        rated = [trial for trial in trials if trial.outcome in ("success", "failure")]
        good = sum(trial.outcome == "success" for trial in rated)
        self.tally.setText(f"{good} of {len(rated)} succeeded" if rated else "")

    def _evaluate(self) -> None:
        run = self._commands.choices.run
        if run is None:
            self._bridge.notice.emit(
                "error", "There is no trained policy yet.", "Train one on the Train page (Ctrl+3)."
            )
            return
        studio = self._bridge.studio
        self._bridge.call(
            studio.evaluate,
            [self._commands.chosen_checkpoint(run)],
            self.count.value(),
            fast=self.fast.isChecked(),
            executed_steps=studio.executed_steps,
            solver_steps=studio.solver_steps,
        )
