"""The list of training runs: how far, how good, which were interrupted; go on with one or take it to the arm."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from teleop_studio.status import RunInfo, StudioStatus
from ui.bridge import Bridge
from ui.commands import BEST, Commands
from ui.widgets.panel import Panel, button, caption, spin_box
from ui.widgets.row_list import RowList
from ui.widgets.rows import run_row

_REREAD_EVERY = 60  # refreshes: two seconds
_FARTHEST = 10_000_000


class RunsPanel(Panel):
    def __init__(self, bridge: Bridge, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__("Runs", parent)
        self._bridge, self._commands = bridge, commands
        self.runs: list[RunInfo] = []
        self._titles: dict[str, str] = {}
        self._count = 0
        self.header.addWidget(caption("error of sampled chunks"))
        self.list = RowList("run_list", "training runs")
        self.body.addWidget(self.list, 1)
        self.longer_caption = caption("train on to step")
        self.longer = spin_box("longer_steps", "steps to train a finished run to", 10, _FARTHEST, 10)
        self.longer.setSingleStep(500)
        self.longer.setGroupSeparatorShown(True)
        further = QHBoxLayout()
        further.addWidget(self.longer_caption)
        further.addWidget(self.longer, 1)
        self.body.addLayout(further)
        self._offered: str | None = None  # the run whose steps `longer` was set for
        self.resume = button("resume_run", "Resume", "Go on training the selected run", self._resume)
        self.deploy = button("deploy_run", "Deploy", "Take the selected run to the Deploy page", self._deploy)
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self.resume, 1)
        tools.addWidget(self.deploy, 1)
        self.body.addLayout(tools)

    def enter(self) -> None:
        """The page is turned to: what the policies are called does not change while it is shown."""
        kinds = self._bridge.call(self._bridge.studio.policy_kinds) or {}
        self._titles = {name: kind.title for name, kind in kinds.items()}
        self.reread()

    def reread(self) -> None:
        self.runs = self._bridge.call(self._bridge.studio.runs) or []
        self.list.show_rows([run_row(run, self._titles.get(run.policy, run.policy)) for run in self.runs])

    @property
    def selected(self) -> RunInfo | None:
        key = self.list.selected_key
        return next((run for run in self.runs if str(run.path) == key), None)

    def refresh(self, status: StudioStatus) -> None:
        self._count += 1
        if self._count % _REREAD_EVERY == 0:
            self.reread()
        training = status.training is not None and status.training.running
        selected = self.selected
        finished = selected is not None and selected.finished
        for widget in (self.longer_caption, self.longer):
            widget.setVisible(finished)
        if selected is not None and self._offered != str(selected.path):
            self._offered = str(selected.path)
            self.longer.setRange(selected.steps + 1, _FARTHEST)
            self.longer.setValue(selected.steps + max(500, selected.steps // 2))
        self.resume.setText("Train longer" if finished else "Resume")
        self.resume.setEnabled(selected is not None and not training)
        self.deploy.setEnabled(selected is not None and selected.step > 0)

    def _resume(self) -> None:
        if self.selected is not None:
            steps = self.longer.value() if self.selected.finished else None
            self._bridge.call(self._bridge.studio.resume_training, self.selected.path, steps)
            self._offered = None

    def _deploy(self) -> None:
        if self.selected is not None:
            self._commands.deploy(self.selected.path, BEST)
