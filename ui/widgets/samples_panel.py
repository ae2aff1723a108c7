"""What the samples say in figures, and how they are drawn: solver steps, executed steps, ensembling."""

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from teleop_studio.status import Overlay, StudioStatus
from teleop_studio.train_choices import PolicyInfo
from ui.bridge import Bridge
from ui.widgets.panel import Figure, Panel, ShareBar, caption, check_box, spin_box
from ui.widgets.step_choice import StepChoice

_MOST_EXECUTED_STEPS = 15
_ENSEMBLING = (
    "Average the goals of overlapping chunks, as ACT does. Smoother, but slower to react; between two ways round an "
    "obstacle the average is neither. Off unless switched on"
)


class SamplesPanel(Panel):
    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("Samples", parent)
        self._bridge = bridge
        self.shares = ShareBar()
        self.spread = Figure("spread", 15)
        self.chunk = Figure("chunk", 15)
        self.cloud = Figure("samples", 15)
        self.body.addWidget(self.shares)
        for figure, tip in (
            (self.spread, "Mean distance of a sample's tip from its bundle's centre at the last executed step"),
            (self.chunk, "Median time from a picture to the chunk that is executed"),
            (self.cloud, "Median time until all samples are there; nobody waits for them"),
        ):
            figure.setToolTip(tip)
        figures = QHBoxLayout()
        for figure in (self.spread, self.chunk, self.cloud):
            figures.addWidget(figure, 1)
        self.body.addLayout(figures)
        self.solver_caption = caption("solver steps")
        self.solver = StepChoice("solver_steps", "solver steps")
        self.solver.chosen.connect(lambda steps: bridge.call(bridge.studio.set_solver_steps, steps))
        self.executed = spin_box(
            "executed_steps", "executed steps", 1, _MOST_EXECUTED_STEPS, bridge.studio.executed_steps
        )
        self.executed.valueChanged.connect(lambda steps: bridge.call(bridge.studio.set_executed_steps, steps))
        self.executed.setFixedWidth(58)
        self.ensembling = check_box(
            "temporal_ensembling", "temporal ensembling", _ENSEMBLING, bridge.studio.temporal_ensembling
        )
        self.ensembling.toggled.connect(lambda on: bridge.call(bridge.studio.set_temporal_ensembling, on))
        grid = QGridLayout()
        grid.setSpacing(6)
        grid.addWidget(caption("executed steps"), 0, 0)
        grid.addWidget(self.executed, 0, 1)
        self.body.addWidget(self.solver_caption)
        self.body.addWidget(self.solver)
        self.body.addLayout(grid)
        self.body.addWidget(self.ensembling)

    def offer(self, kind: PolicyInfo | None) -> None:
        """The solver steps of this kind of policy; nothing of it is shown for one that has no solver."""
        values = kind.solver_steps if kind is not None else ()
        if values != self.solver.values:
            self.solver.offer(values)
            for part in (self.solver, self.solver_caption):
                part.setVisible(bool(values))
            if values and self._bridge.studio.solver_steps not in values:
                # The nearest below what was chosen for another policy, so that no solver gets longer by itself.
                below = [value for value in values if value < self._bridge.studio.solver_steps]
                self._bridge.call(self._bridge.studio.set_solver_steps, max(below, default=values[0]))
        if values:
            self.solver.show_value(self._bridge.studio.solver_steps)

    def refresh(self, status: StudioStatus, overlay: Overlay | None) -> None:
        if overlay is None:
            self.shares.show_shares(0.0, 0.0)
            self.spread.show_value("–")
        else:
            self.shares.show_shares(overlay.left_share, overlay.right_share)
            self.spread.show_value(f"{overlay.spread_mm:.1f} mm")
        ready = status.inference.ready
        self.chunk.show_value(f"{status.inference.chunk_latency_p50_ms:.0f} ms" if ready else "–")
        self.cloud.show_value(f"{status.inference.overlay_latency_p50_ms:.0f} ms" if ready else "–")
