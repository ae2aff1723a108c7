"""The hand on the leader and the scene of the simulated rig."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from teleop_studio.status import StudioStatus
from ui.bridge import Bridge
from ui.commands import Commands
from ui.widgets.job_bar import JobBar
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import Panel, button, check_box, spin_box

_BOTH = "both"  # of every layout; the demo operator alternates then
_TOOLTIP = Qt.ItemDataRole.ToolTipRole


class SimPanel(Panel):
    """Only shown when the rig is simulated."""

    def __init__(
        self, bridge: Bridge, commands: Commands, actions: dict[str, QAction], parent: QWidget | None = None
    ) -> None:
        super().__init__("Simulated rig", parent)
        self._bridge, self._commands = bridge, commands
        self.side = QComboBox()
        self.side.setObjectName("operator_side")
        self.side.setAccessibleName("side of the demo operator")
        for text, side in (("alternate", ""), ("left", "left"), ("right", "right"), ("both sides", _BOTH)):
            self.side.addItem(text, side)
        self.side.currentIndexChanged.connect(self._side_chosen)
        last = self.side.count() - 1
        self.side.setItemData(last, "By script: every layout from the left and from the right", _TOOLTIP)
        self.header.addWidget(self.side)
        keys = QHBoxLayout()
        keys.setSpacing(8)
        keys.addWidget(KeyButton(actions["demo_operator"]), 1)
        keys.addWidget(KeyButton(actions["new_scene"]), 1)
        self.body.addLayout(keys)
        self.episodes = spin_box("scripted_episodes", "number of scripted demonstrations", 1, 500, 40)
        self.fast = check_box("scripted_fast", "fast", "Run the simulation in lock step, faster than real time")
        self.start = button(
            "record_scripted", "Record by script", "The demo operator records this many takes", self._record_scripted
        )
        self.batch = QWidget()
        batch = QHBoxLayout(self.batch)
        batch.setContentsMargins(0, 0, 0, 0)
        batch.setSpacing(8)
        batch.addWidget(self.episodes)
        batch.addWidget(self.fast)
        batch.addWidget(self.start, 1)
        self.body.addWidget(self.batch)
        self.job = JobBar(bridge)
        self.body.addWidget(self.job)

    def refresh(self, status: StudioStatus) -> None:
        self.setVisible(status.simulated)
        self.batch.setVisible(status.job is None or status.job.finished)
        self.job.refresh(status.job)

    def _side_chosen(self) -> None:
        side = self.side.currentData()
        self._commands.choices.side = "" if side == _BOTH else side

    def _record_scripted(self) -> None:
        paired = self.side.currentData() == _BOTH
        verb = self._bridge.studio.record_scripted
        self._bridge.call(verb, self.episodes.value(), self.fast.isChecked(), paired=paired)
