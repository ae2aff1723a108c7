"""Deploy: let a policy drive, see what it considers on the camera picture, and run trials."""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from teleop_studio.status import StudioStatus
from ui.bridge import Bridge
from ui.commands import Commands
from ui.pages.page import Page
from ui.pages.record import SIDE_WIDTH
from ui.widgets.denoise_bar import DenoiseBar
from ui.widgets.fan_view import FanView
from ui.widgets.live_chart import LiveChart
from ui.widgets.policy_panel import PolicyPanel
from ui.widgets.trials_panel import TrialsPanel


class DeployPage(Page):
    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__(bridge, commands, actions)
        self.setObjectName("deploy_page")
        self.denoise = DenoiseBar()
        self.fan = FanView(bridge, self.denoise)
        self.chart = LiveChart(bridge, commands, columns=4)
        self.policy = PolicyPanel(bridge, commands, actions)
        self.trials = TrialsPanel(bridge, commands)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, 12, 12)
        row.setSpacing(12)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(self.fan, 1)
        left.addWidget(self.denoise)
        self.chart.setFixedHeight(142)
        left.addWidget(self.chart)
        row.addLayout(left, 1)
        side = QWidget()
        side.setFixedWidth(SIDE_WIDTH)
        right = QVBoxLayout(side)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(12)
        right.addWidget(self.policy)
        right.addWidget(self.trials, 1)
        row.addWidget(side)
        commands.episodes_changed.connect(self.trials.reread)

    def enter(self) -> None:
        self.policy.reread()
        self.fan.samples.offer(self.policy.kind)
        self.trials.reread()

    def refresh(self, status: StudioStatus) -> None:
        self.denoise.refresh()
        self.fan.refresh(status)
        self.chart.refresh(status)
        self.policy.refresh(status)
        self.fan.samples.offer(self.policy.kind)
        self.trials.refresh(status)
