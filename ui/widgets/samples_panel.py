"""What the samples say in figures, and how they are drawn: solver steps and executed steps."""

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from teleop_studio.status import Overlay, StudioStatus
from ui.bridge import Bridge
from ui.widgets.panel import Figure, Panel, ShareBar, caption, spin_box

_MOST_SOLVER_STEPS = 20
_MOST_EXECUTED_STEPS = 15


class SamplesPanel(Panel):
    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("Samples", parent)
        self.shares = ShareBar()
        self.spread = Figure("spread")
        self.chunk = Figure("chunk")
        self.cloud = Figure("all samples")
        self.body.addWidget(self.shares)
        for figure, tip in (
            (self.spread, "Mean distance of a sample's tip from its bundle's centre at the last executed step"),
            (self.chunk, "Median time from a picture to the chunk that is executed"),
            (self.cloud, "Median time until all samples are there; nobody waits for them"),
        ):
            figure.setToolTip(tip)
        times = QHBoxLayout()
        times.addWidget(self.chunk, 1)
        times.addWidget(self.cloud, 1)
        self.body.addWidget(self.spread)
        self.body.addLayout(times)
        self.solver = spin_box("solver_steps", "solver steps", 1, _MOST_SOLVER_STEPS, bridge.studio.solver_steps)
        self.solver.valueChanged.connect(lambda steps: bridge.call(bridge.studio.set_solver_steps, steps))
        self.executed = spin_box(
            "executed_steps", "executed steps", 1, _MOST_EXECUTED_STEPS, bridge.studio.executed_steps
        )
        self.executed.valueChanged.connect(lambda steps: bridge.call(bridge.studio.set_executed_steps, steps))
        grid = QGridLayout()
        grid.setSpacing(6)
        for line, (text, spin) in enumerate((("solver steps", self.solver), ("executed steps", self.executed))):
            grid.addWidget(caption(text), line, 0)
            spin.setFixedWidth(58)
            grid.addWidget(spin, line, 1)
        self.body.addLayout(grid)

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
