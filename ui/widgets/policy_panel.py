"""Which policy and which of its checkpoints, and the buttons that give it the arm and take it back."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from teleop_studio.status import RunInfo, State, StudioStatus
from teleop_studio.train_choices import PolicyInfo
from ui import theme
from ui.bridge import Bridge
from ui.commands import BEST, NEWEST, Commands, allowed
from ui.widgets.gap_bars import Gaps, GapStrip
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import Panel, soft_label
from ui.widgets.rows import milliradians

_REREAD_EVERY = 60  # refreshes: two seconds
_TOOLTIP = Qt.ItemDataRole.ToolTipRole


class PolicyPanel(Panel):
    def __init__(
        self, bridge: Bridge, commands: Commands, actions: dict[str, QAction], parent: QWidget | None = None
    ) -> None:
        super().__init__("Policy", parent)
        self._bridge, self._commands = bridge, commands
        self._runs: list[RunInfo] | None = None
        self._kinds: dict[str, PolicyInfo] = {}
        self._count = 0
        self.run = _choice("run_choice", "policy to run", "The training run that drives")
        self.run.activated.connect(lambda _index: self._run_chosen())
        self.checkpoint = _choice("checkpoint_choice", "checkpoint to run", "Which of the run's checkpoints drives")
        self.checkpoint.activated.connect(lambda _index: self._checkpoint_chosen())
        self.task = _choice("task_choice", "task for the policy", "What this policy shall do; it knows these tasks")
        self.task.activated.connect(lambda _index: self._task_chosen())
        self.task.hide()
        self.where = soft_label("")
        self.where.setMinimumWidth(10)
        self.newer = soft_label("", wrap=True)
        self.autonomous = KeyButton(actions["autonomous"], theme.STATE_LOOKS[State.POLICY].colour, "#ffffff", 56)
        self.take_over = KeyButton(actions["take_over"], "#a8541a", "#fff3ea")
        self.discard = KeyButton(actions["discard"], title="Discard")
        self.success = KeyButton(actions["success"], "#1f5c35", "#e9fff0")
        self.failure = KeyButton(actions["failure"], "#6b2730", "#ffecee")
        self.resume = KeyButton(actions["resume"], theme.ACCENT, "#04101f")
        self.gaps = GapStrip()
        self._lay_out()

    def _lay_out(self) -> None:
        which = QHBoxLayout()
        which.setSpacing(10)
        which.addWidget(self.checkpoint, 1)
        which.addWidget(self.where, 1)
        self.body.addWidget(self.run)
        self.body.addLayout(which)
        self.body.addWidget(self.task)
        self.body.addWidget(self.autonomous)
        self.body.addWidget(self.newer)
        for pair in ((self.success, self.failure), (self.take_over, self.discard)):
            row = QHBoxLayout()
            row.setSpacing(8)
            for widget in pair:
                row.addWidget(widget, 1)
            self.body.addLayout(row)
        self.body.addWidget(self.resume)
        self.body.addWidget(self.gaps)

    @property
    def chosen_run(self) -> Path | None:
        chosen = self.run.currentData()
        return chosen if isinstance(chosen, Path) else None

    @property
    def kind(self) -> PolicyInfo | None:
        """What kind of policy the chosen run is."""
        info = self._info
        return self._kinds.get(info.policy) if info is not None else None

    @property
    def _info(self) -> RunInfo | None:
        return next((run for run in self._runs or () if run.path == self.chosen_run), None)

    def reread(self) -> None:
        """Fill the lists; the operator's choice stays, else the newest run that has a checkpoint."""
        runs = [run for run in self._bridge.call(self._bridge.studio.runs) or [] if run.step > 0]
        if runs == self._runs and self._commands.choices.run == self.chosen_run:
            self._show_checkpoint()
            return
        self._runs = runs
        self._kinds = dict(self._bridge.call(self._bridge.studio.policy_kinds) or {})
        wanted = self._commands.choices.run
        self.run.clear()
        for run in runs:  # newest first
            self.run.addItem(f"{run.name}   {milliradians(run.held_out_error)}", run.path)
        index = next((i for i in range(self.run.count()) if self.run.itemData(i) == wanted), 0)
        self.run.setCurrentIndex(index if self.run.count() else -1)
        self._commands.choices.run = self.chosen_run
        self._offer_checkpoints()

    def refresh(self, status: StudioStatus) -> None:
        self._count += 1
        if self._count % _REREAD_EVERY == 0:
            self.reread()
        driving = status.state is State.POLICY
        self.autonomous.lit = driving
        if driving:
            self.autonomous.look(f"{status.active_run or 'The policy'} drives", "#4a3690")
        elif status.inference.loading:
            self.autonomous.look("Loading …", "#4a3690")
        else:
            self.autonomous.look("Autonomous", theme.STATE_LOOKS[State.POLICY].colour)
        self.autonomous.setEnabled(allowed(status.state, "autonomous") and self.run.count() > 0)
        self.take_over.setEnabled(allowed(status.state, "take_over"))
        for widget in (self.success, self.failure, self.discard):
            widget.setEnabled(driving or status.state is State.RECORDING)
        for choice in (self.run, self.checkpoint):
            choice.setEnabled(not driving and self.run.count() > 0)
        self._show_tasks(status)
        self._say_what_runs(status)
        self.resume.setVisible(allowed(status.state, "resume"))
        self.gaps.show_gaps(Gaps.of(status))

    def _say_what_runs(self, status: StudioStatus) -> None:
        """On what the loaded policy runs, and whether a newer checkpoint waits: nothing changes while it drives."""
        inference, info = status.inference, self._info
        self.where.setText(f"on {inference.device}" if inference.ready and inference.device else "")
        self.where.setToolTip(self.where.text())
        follows = info is not None and self._commands.choices.checkpoint == NEWEST and info.name == inference.run
        waits = info is not None and follows and inference.ready and 0 < inference.step < info.step
        self.newer.setVisible(waits)
        if info is not None and waits:
            self.newer.setText(f"Step {inference.step} drives; step {info.step} from the next start.")

    # --- checkpoints -----------------------------------------------------------------------------------------------

    def _offer_checkpoints(self) -> None:
        info = self._info
        self.checkpoint.clear()
        if info is None:
            return
        self.checkpoint.addItem(f"best: {info.best_step}" if info.best_step else "best so far", BEST)
        self.checkpoint.addItem(f"newest: {info.step}", NEWEST)
        for step in reversed(info.checkpoints):
            self.checkpoint.addItem(f"step {step}", str(step))
        by = f"Chosen by {info.best_by}" if info.best_by else "The newest, until one is known to be the best"
        self.checkpoint.setItemData(0, by, _TOOLTIP)
        self.checkpoint.setItemData(1, "Follows a training that goes on: the newest at each start", _TOOLTIP)
        self._show_checkpoint()

    def _show_checkpoint(self) -> None:
        index = self.checkpoint.findData(self._commands.choices.checkpoint)
        if index < 0:  # it is there no more
            self._commands.choices.checkpoint, index = BEST, 0
        if self.checkpoint.count():
            self.checkpoint.setCurrentIndex(index)

    def _run_chosen(self) -> None:
        if self.chosen_run != self._commands.choices.run:
            self._commands.choices.run, self._commands.choices.checkpoint = self.chosen_run, BEST
            self._offer_checkpoints()

    def _checkpoint_chosen(self) -> None:
        self._commands.choices.checkpoint = self.checkpoint.currentData()

    # --- tasks -----------------------------------------------------------------------------------------------------

    def _show_tasks(self, status: StudioStatus) -> None:
        tasks = status.inference.tasks if status.inference.ready else ()
        self.task.setVisible(len(tasks) > 1)
        if tuple(self.task.itemText(i) for i in range(self.task.count())) != tasks:
            self.task.clear()
            self.task.addItems(list(tasks))
        if not self.task.view().isVisible():
            self.task.setCurrentIndex(self.task.findText(status.inference.task))

    def _task_chosen(self) -> None:
        self._bridge.call(self._bridge.studio.set_policy_task, self.task.currentText())


def _choice(name: str, accessible: str, tooltip: str) -> QComboBox:
    made = QComboBox()
    made.setObjectName(name)
    made.setAccessibleName(accessible)
    made.setToolTip(tooltip)
    made.setMinimumContentsLength(8)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return made
