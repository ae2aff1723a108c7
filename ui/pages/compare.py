"""Compare: a demonstration beside a trial on one time line, or all policies in one table."""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QVBoxLayout

from teleop_studio.status import StudioStatus
from ui.bridge import Bridge
from ui.commands import Commands
from ui.pages.page import Page
from ui.widgets.panel import button
from ui.widgets.policy_table import PolicyTablePanel
from ui.widgets.replay_view import ReplayView


class ComparePage(Page):
    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__(bridge, commands, actions)
        self.setObjectName("compare_page")
        self.replay = ReplayView(bridge)
        self.policies = PolicyTablePanel(bridge)
        self.stack = QStackedWidget()
        self.switch = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(4)
        for number, (view, name, title, tooltip) in enumerate(
            (
                (self.replay, "compare_replay", "Human and policy", "A demonstration and a trial on one time line"),
                (self.policies, "compare_policies", "Policies", "Every run and what its trials say"),
            )
        ):
            made = button(name, title, tooltip, lambda: None, quiet=True)
            made.setCheckable(True)
            self.switch.addButton(made, number)
            row.addWidget(made)
            self.stack.addWidget(view)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.stack, 1)
        self.switch.button(0).setChecked(True)
        self.switch.idClicked.connect(self.show_view)

    def show_view(self, number: int) -> None:
        """0 the replay, 1 the table."""
        if number == self.stack.currentIndex():
            return
        self.leave()
        self.stack.setCurrentIndex(number)
        self.switch.button(number).setChecked(True)
        self.enter()

    def enter(self) -> None:
        wanted, self.commands.choices.compare = self.commands.choices.compare, None
        if wanted is not None and self.stack.currentWidget() is not self.replay:
            self.stack.setCurrentIndex(0)
            self.switch.button(0).setChecked(True)
        if self.stack.currentWidget() is self.replay:
            self.replay.enter(wanted)
        else:
            self.policies.enter()

    def leave(self) -> None:
        self.replay.leave()

    def refresh(self, status: StudioStatus) -> None:
        if self.stack.currentWidget() is self.replay:
            self.replay.refresh()
        else:
            self.policies.refresh(status)
