"""The run that trains, or the one that trained last: how long yet, how good, and the verbs for it."""

import math
from pathlib import Path

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from teleop_studio.status import TrainingStatus
from ui import theme
from ui.bridge import Bridge
from ui.commands import NEWEST, Commands
from ui.widgets.curve_plot import CurvePlot
from ui.widgets.panel import Figure, Panel, button, caption, soft_label
from ui.widgets.rows import best_words, clock, milliradians

_CURVES_EVERY = 15


class ProgressPanel(Panel):
    def __init__(self, bridge: Bridge, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__("Training", parent)
        self._bridge, self._commands = bridge, commands
        self._training: TrainingStatus | None = None
        self._titles: dict[str, str] = {}
        self._count = 0
        self._shown: tuple[Path, bool] | None = None
        self.name = QLabel("Nothing has trained yet")
        self.name.setFont(theme.font(20, QFont.Weight.DemiBold))
        self.name.setMinimumWidth(10)
        self.state = soft_label("", wrap=True)
        self.try_newest = button(
            "try_newest", "Try newest", "Let the newest checkpoint drive while the training goes on", self._try_newest
        )
        self.pause = button(
            "pause_training", "Pause", "Keep what was learnt and leave the processor alone", self._pause
        )
        self.stop = button(
            "stop_training", "Stop and keep", "Write a checkpoint and end the run; it can be resumed",
            lambda: bridge.call(bridge.studio.stop_training),
        )  # fmt: skip
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("training progress")
        self.figures = {
            name: Figure(name, 22)
            for name in ("step", "loss", "held-out error", "steps per second", "elapsed", "remaining")
        }
        self.loss = CurvePlot("loss", theme.ACCENT, "loss", logarithmic=True)
        self.held_out = CurvePlot("held_out", theme.POLICY, "error, mrad", points=True)
        self._lay_out()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.name, 1)
        for made in (self.try_newest, self.pause, self.stop):
            top.addWidget(made)
        self.body.addLayout(top)
        self.body.addWidget(self.state)
        self.body.addWidget(self.bar)
        strip = QHBoxLayout()
        for figure in self.figures.values():
            strip.addWidget(figure, 3 if figure is self.figures["step"] else 2)
        self.body.addSpacing(4)
        self.body.addLayout(strip)
        self.body.addSpacing(6)
        self.body.addWidget(caption("training loss"))
        self.body.addWidget(self.loss, 3)
        self.body.addWidget(caption("mean error of sampled chunks on held-out episodes"))
        self.body.addWidget(self.held_out, 2)

    def reread(self) -> None:
        kinds = self._bridge.call(self._bridge.studio.policy_kinds) or {}
        self._titles = {name: kind.title for name, kind in kinds.items()}

    def refresh(self, training: TrainingStatus | None) -> None:
        self._training = training
        running = training is not None and training.running
        for made in (self.stop, self.pause, self.try_newest):
            made.setVisible(running)
        if training is None:
            return
        self.stop.setEnabled(not training.stopping)
        self.pause.setEnabled(not training.stopping)
        self.pause.setText("Go on" if training.paused else "Pause")
        self.pause.setAccessibleName(self.pause.text())
        self.try_newest.setEnabled(training.checkpoint_step > 0)
        self.name.setText(training.run.name)
        self.state.setText(training.error or state_words(training, self._titles.get(training.policy, training.policy)))
        self.state.setStyleSheet(f"color: {theme.BAD}" if training.error else "")
        self.bar.setMaximum(max(training.steps, 1))
        self.bar.setValue(training.step)
        self._show_figures(training)
        self._show_curves(training)

    def _show_curves(self, training: TrainingStatus) -> None:
        key = (training.run, training.running)
        if key != self._shown or self._count % _CURVES_EVERY == 0:
            self._shown = key
            self.loss.show_curve(training.loss_curve, training.steps)
            held = training.held_out_curve * (1.0, 1e3) if len(training.held_out_curve) else training.held_out_curve
            self.held_out.show_curve(held, training.steps, training.best_step)
        self._count += 1

    def _show_figures(self, training: TrainingStatus) -> None:
        for name, text in (
            ("step", f"{training.step} / {training.steps}"),
            ("loss", "–" if math.isnan(training.loss) else f"{training.loss:.4f}"),
            ("held-out error", milliradians(training.held_out_error)),
            ("steps per second", "–" if training.paused or not training.running else f"{training.steps_per_s:.1f}"),
            ("elapsed", clock(training.elapsed_s)),
            ("remaining", clock(training.eta_s) if training.running else "–"),
        ):
            self.figures[name].show_value(text)

    def _pause(self) -> None:
        if self._training is not None and self._training.paused:
            self._bridge.call(self._bridge.studio.resume_training, self._training.run)
        else:
            self._bridge.call(self._bridge.studio.pause_training)

    def _try_newest(self) -> None:
        if self._training is not None:
            self._commands.deploy(self._training.run, NEWEST)


def state_words(training: TrainingStatus, title: str) -> str:
    """What trains, on what, how it stands, and the best checkpoint so far."""
    parts = [f"{title}, {training.episodes} episodes" + (f", on {training.device}" if training.device else "")]
    if training.stopping:
        parts.append("writing the last checkpoint")
    elif training.finished:
        parts.append("finished")
    elif training.paused:
        parts.append("paused")
    elif training.running and training.step == 0 and training.prepared < training.episodes:
        parts.append(f"pictures of {training.prepared} ready")
    elif not training.running:
        parts.append("stopped and kept")
    if training.note:
        parts.append(training.note)
    if training.best_step:
        parts.append(f"best: {best_words(training.best_step, training.best_by)}")
    return " · ".join(parts)
