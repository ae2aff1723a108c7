"""Before the set-up: what it is for, what it needs, and the one button that closes the rig or begins."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from teleop_studio.setup_status import SetupStatus
from teleop_studio.status import State, StudioStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.closing import closing_words
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import Panel, soft_label
from ui.widgets.setup.part_page import set_text, title_label
from ui.widgets.setup.progress import TITLES

_WHAT = (
    "Finds the servos on all ports and baud rates. Nothing moves.",
    "Move one arm by hand, and say which is the leader and which the follower.",
    "Mends ids and baud rates, where a servo is new or comes from another arm.",
    "Learns each joint's zero and ends, or takes LeRobot's calibration.",
    "Shows what each camera sees; you give it a name, a size and a rate.",
    "Writes the rig into this workspace and opens it.",
)


class Gate(QWidget):
    def __init__(self, bridge: Bridge, keys: dict[str, QAction]) -> None:
        super().__init__()
        self._bridge = bridge
        self.begin = KeyButton(keys["setup_next"], theme.ACCENT, "#04101f", 64, "Begin")
        self.begin.setObjectName("setup_begin")
        self.says = QLabel("")
        self.says.setWordWrap(True)
        self.says.setFont(theme.font(13, QFont.Weight.Medium))
        self.problem = QLabel("")
        self.problem.setWordWrap(True)
        self.problem.setStyleSheet(f"color: {theme.BAD}")
        panel = Panel()
        panel.setFixedWidth(720)
        body = panel.body
        body.setContentsMargins(24, 18, 24, 18)
        body.setSpacing(10)
        body.addWidget(title_label("Set up a rig with real arms"))
        body.addWidget(
            soft_label(
                "Plug in both arms (USB) and switch their power on. Support them: they will be without torque.", True
            )
        )
        body.addSpacing(6)
        for number, (title, what) in enumerate(zip(TITLES, _WHAT, strict=True), 1):
            body.addLayout(_line(number, title, what))
        body.addSpacing(6)
        arms = ", ".join(title for _, title, _ in bridge.call(bridge.studio.known_arms) or ())
        body.addWidget(soft_label(f"Known arms: {arms}.", True))
        body.addSpacing(8)
        body.addWidget(self.says)
        body.addWidget(self.problem)
        body.addWidget(self.begin)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        middle = QHBoxLayout()
        for part in (None, panel, None):
            if part is None:
                middle.addStretch(1)
            else:
                middle.addWidget(part)
        column.addStretch(1)
        column.addLayout(middle)
        column.addStretch(2)

    def show_status(self, status: StudioStatus, setup: SetupStatus) -> None:
        closing = self._bridge.studio.closing
        if closing:
            word, says = "Closing the rig …", "The ports are free in a moment."
        elif status.state is State.CLOSED:
            word, says = "Begin", "No rig is open: the ports are free."
        else:
            word = f"Close {'the simulated rig' if status.simulated else status.rig} and begin"
            says = f"The rig is open, and the set-up needs its ports. {closing_words(self._bridge.studio.rig.on_close)}"
            says += " A running training goes on."
        self.begin.look(word, theme.ACCENT, "#04101f")
        self.begin.setEnabled(not closing and not setup.busy)
        set_text(self.says, says)
        set_text(self.problem, setup.problem)
        if self.problem.isHidden() == bool(setup.problem):
            self.problem.setVisible(bool(setup.problem))


def _line(number: int, title: str, what: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(12)
    mark = QLabel(str(number))
    mark.setFixedSize(24, 24)
    mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
    mark.setFont(theme.font(12, QFont.Weight.DemiBold))
    mark.setStyleSheet(f"border: 1px solid {theme.FAINT}; border-radius: 12px; color: {theme.SOFT};")
    name = QLabel(title)
    name.setFont(theme.font(13, QFont.Weight.DemiBold))
    name.setFixedWidth(150)
    row.addWidget(mark)
    row.addWidget(name)
    row.addWidget(soft_label(what), 1)
    return row
