"""Train: start a run with one click, watch it live, stop and keep, resume."""

import math
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from teleop_studio.status import RunInfo, StudioStatus, TrainingStatus
from ui import theme
from ui.bridge import Bridge
from ui.commands import Commands
from ui.pages.page import Page
from ui.pages.record import SIDE_WIDTH
from ui.widgets.curve_plot import CurvePlot
from ui.widgets.panel import Figure, Panel, button, caption, soft_label, spin_box
from ui.widgets.row_list import RowList
from ui.widgets.rows import clock, milliradians, run_row

_REREAD_EVERY = 60  # refreshes: two seconds
_CURVES_EVERY = 15


class TrainPage(Page):
    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__(bridge, commands, actions)
        self.setObjectName("train_page")
        self.new_run = NewRunPanel(bridge)
        self.runs = RunsPanel(bridge, commands, actions)
        self.progress = ProgressPanel(bridge)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, 12, 12)
        row.setSpacing(12)
        row.addWidget(self.progress, 1)
        side = QWidget()
        side.setFixedWidth(SIDE_WIDTH)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.new_run)
        column.addWidget(self.runs, 1)
        row.addWidget(side)

    def enter(self) -> None:
        self.new_run.reread()
        self.runs.reread()

    def refresh(self, status: StudioStatus) -> None:
        self.new_run.refresh(status)
        self.runs.refresh(status)
        self.progress.refresh(status.training)


class NewRunPanel(Panel):
    def __init__(self, bridge: Bridge) -> None:
        super().__init__("New run")
        self._bridge = bridge
        self.policy = QComboBox()
        self.policy.setObjectName("policy_choice")
        self.policy.setAccessibleName("kind of policy")
        self.steps = spin_box("training_steps", "training steps", 10, 1_000_000, 6500)
        self.steps.setSingleStep(500)
        self.name = QLineEdit()
        self.name.setObjectName("run_name")
        self.name.setAccessibleName("name of the run")
        self.name.setPlaceholderText("chosen for you")
        self.name.returnPressed.connect(self.name.clearFocus)
        self.start = button("train", "Train", "Train from all demonstrations kept", self._train)
        self.start.setStyleSheet(
            "QPushButton { min-height: 42px; font-size: 17px; font-weight: 600; }"
            f"QPushButton:enabled {{ background: {theme.ACCENT}; color: #04101f; border: none; }}"
            "QPushButton:enabled:hover { background: #6fb2ff; }"
        )
        self.data = soft_label("", wrap=True)
        form = QGridLayout()
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(8)
        for line, (text, widget) in enumerate((("policy", self.policy), ("steps", self.steps), ("name", self.name))):
            form.addWidget(caption(text), line, 0)
            form.addWidget(widget, line, 1)
        form.setColumnStretch(1, 1)
        self.body.addLayout(form)
        self.body.addWidget(self.start)
        self.body.addWidget(self.data)

    def reread(self) -> None:
        names = self._bridge.call(self._bridge.studio.policies) or ()
        if tuple(self.policy.itemText(i) for i in range(self.policy.count())) != tuple(names):
            self.policy.clear()
            self.policy.addItems(names)

    def refresh(self, status: StudioStatus) -> None:
        running = status.training is not None and status.training.running
        self.start.setEnabled(not running and status.episodes > 0)
        if running:
            self.data.setText("A run is training. It goes on when this window is closed.")
        elif status.episodes == 0:
            self.data.setText("There are no demonstrations yet: record some first (Ctrl+1).")
        else:
            ready, new = status.preparing
            preparing = f" Pictures of {ready} of {new} new ones are ready." if ready < new else ""
            self.data.setText(
                f"From {status.episodes} demonstrations; some are held out to measure the error.{preparing}"
            )

    def _train(self) -> None:
        name = self.name.text().strip() or None
        self._bridge.call(self._bridge.studio.train, self.policy.currentText(), self.steps.value(), name)


class RunsPanel(Panel):
    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__("Runs")
        self._bridge, self._commands = bridge, commands
        self._show_deploy = actions["page_deploy"]
        self._runs: list[RunInfo] = []
        self._count = 0
        self.header.addWidget(caption("error of sampled chunks"))
        self.list = RowList("run_list", "training runs")
        self.body.addWidget(self.list, 1)
        self.resume = button("resume_run", "Resume", "Go on training the selected run", self._resume)
        self.deploy = button("deploy_run", "Deploy", "Take the selected run to the Deploy page", self._deploy)
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self.resume, 1)
        tools.addWidget(self.deploy, 1)
        self.body.addLayout(tools)

    def reread(self) -> None:
        self._runs = self._bridge.call(self._bridge.studio.runs) or []
        self.list.show_rows([run_row(run) for run in self._runs])

    @property
    def selected(self) -> RunInfo | None:
        key = self.list.selected_key
        return next((run for run in self._runs if str(run.path) == key), None)

    def refresh(self, status: StudioStatus) -> None:
        self._count += 1
        if self._count % _REREAD_EVERY == 0:
            self.reread()
        training = status.training is not None and status.training.running
        selected = self.selected
        self.resume.setEnabled(selected is not None and not selected.finished and not training)
        self.deploy.setEnabled(selected is not None and selected.step > 0)

    def _resume(self) -> None:
        if self.selected is not None:
            self._bridge.call(self._bridge.studio.resume_training, self.selected.path)

    def _deploy(self) -> None:
        if self.selected is not None:
            self._commands.choices.run = self.selected.path
            self._show_deploy.trigger()


class ProgressPanel(Panel):
    """The run that trains, or the one that trained last."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__("Training")
        self._count = 0
        self._shown: tuple[Path, bool] | None = None
        self.name = QLabel("Nothing has trained yet")
        self.name.setFont(theme.font(20, QFont.Weight.DemiBold))
        self.state = soft_label("")
        self.stop = button(
            "stop_training", "Stop and keep", "Write a checkpoint and end the run; it can be resumed",
            lambda: bridge.call(bridge.studio.stop_training),
        )  # fmt: skip
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.name)
        top.addWidget(self.state, 1, Qt.AlignmentFlag.AlignBottom)
        top.addWidget(self.stop)
        self.body.addLayout(top)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.body.addWidget(self.bar)
        self.figures = {
            name: Figure(name, 22)
            for name in ("step", "loss", "held-out error", "steps per second", "elapsed", "remaining")
        }
        strip = QHBoxLayout()
        for figure in self.figures.values():
            strip.addWidget(figure, 3 if figure is self.figures["step"] else 2)
        self.body.addSpacing(4)
        self.body.addLayout(strip)
        self.body.addSpacing(6)
        self.loss = CurvePlot("loss", theme.ACCENT, "loss", logarithmic=True)
        self.held_out = CurvePlot("held_out", theme.POLICY, "error, mrad", points=True)
        self.body.addWidget(caption("training loss"))
        self.body.addWidget(self.loss, 3)
        self.body.addWidget(caption("mean error of sampled chunks on held-out episodes"))
        self.body.addWidget(self.held_out, 2)

    def refresh(self, training: TrainingStatus | None) -> None:
        self.stop.setVisible(training is not None and training.running)
        if training is None:
            return
        self.stop.setEnabled(not training.stopping)
        self.name.setText(training.run.name)
        self._say_state(training)
        self.bar.setMaximum(max(training.steps, 1))
        self.bar.setValue(training.step)
        self._show_figures(training)
        key = (training.run, training.running)
        if key != self._shown or self._count % _CURVES_EVERY == 0:
            self._shown = key
            self.loss.show_curve(training.loss_curve, training.steps)
            held = training.held_out_curve * (1.0, 1e3) if len(training.held_out_curve) else training.held_out_curve
            self.held_out.show_curve(held, training.steps)
        self._count += 1

    def _say_state(self, training: TrainingStatus) -> None:
        text = f"{training.policy}, {training.episodes} episodes"
        if training.error:
            text = training.error
        elif training.stopping:
            text += ", writing the last checkpoint"
        elif training.finished:
            text += ", finished"
        elif training.running and training.step == 0 and training.prepared < training.episodes:
            text += f", pictures of {training.prepared} ready"
        elif not training.running:
            text += ", stopped and kept"
        self.state.setText(text)
        self.state.setStyleSheet(f"color: {theme.BAD}" if training.error else "")

    def _show_figures(self, training: TrainingStatus) -> None:
        for name, text in (
            ("step", f"{training.step} / {training.steps}"),
            ("loss", "–" if math.isnan(training.loss) else f"{training.loss:.4f}"),
            ("held-out error", milliradians(training.held_out_error)),
            ("steps per second", f"{training.steps_per_s:.1f}"),
            ("elapsed", clock(training.elapsed_s)),
            ("remaining", clock(training.eta_s) if training.running else "–"),
        ):
            self.figures[name].show_value(text)
