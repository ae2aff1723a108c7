"""Which policy, and the buttons that give it the arm and take it back."""

from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from teleop_studio.status import State, StudioStatus
from ui import theme
from ui.bridge import Bridge
from ui.commands import Commands, allowed
from ui.widgets.gap_bars import Gaps, GapStrip
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import Panel
from ui.widgets.rows import milliradians

_REREAD_EVERY = 60  # refreshes: two seconds


class PolicyPanel(Panel):
    def __init__(
        self, bridge: Bridge, commands: Commands, actions: dict[str, QAction], parent: QWidget | None = None
    ) -> None:
        super().__init__("Policy", parent)
        self._bridge, self._commands = bridge, commands
        self._known: list[tuple[Path, str]] | None = None
        self._count = 0
        self.run = QComboBox()
        self.run.setObjectName("run_choice")
        self.run.setAccessibleName("policy to run")
        self.run.setToolTip("The training run whose newest checkpoint drives")
        self.run.setMinimumContentsLength(10)
        self.run.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.run.activated.connect(lambda _index: self._chosen())
        self.autonomous = KeyButton(actions["autonomous"], theme.STATE_LOOKS[State.POLICY].colour, "#ffffff", 56)
        self.take_over = KeyButton(actions["take_over"], "#a8541a", "#fff3ea")
        self.discard = KeyButton(actions["discard"], title="Discard")
        self.success = KeyButton(actions["success"], "#1f5c35", "#e9fff0")
        self.failure = KeyButton(actions["failure"], "#6b2730", "#ffecee")
        self.resume = KeyButton(actions["resume"], theme.ACCENT, "#04101f")
        self.gaps = GapStrip()
        self.body.addWidget(self.run)
        self.body.addWidget(self.autonomous)
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

    def reread(self) -> None:
        """Fill the list; the operator's choice stays, else the newest run that has a checkpoint."""
        runs = [run for run in self._bridge.call(self._bridge.studio.runs) or [] if run.step > 0]
        known = [(run.path, milliradians(run.held_out_error)) for run in runs]
        if known == self._known and self._commands.choices.run == self.chosen_run:
            return
        self._known = known
        wanted = self._commands.choices.run
        self.run.clear()
        for run in runs:  # newest first
            self.run.addItem(f"{run.name}   {milliradians(run.held_out_error)}", run.path)
        index = next((i for i in range(self.run.count()) if self.run.itemData(i) == wanted), 0)
        self.run.setCurrentIndex(index if self.run.count() else -1)
        self._chosen()

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
        self.run.setEnabled(not driving)
        self.resume.setVisible(allowed(status.state, "resume"))
        self.gaps.show_gaps(Gaps.of(status))

    def _chosen(self) -> None:
        self._commands.choices.run = self.chosen_run
