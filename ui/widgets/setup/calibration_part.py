"""Part 4: how each arm is calibrated: here, step by step, or by a file that this app or LeRobot wrote."""

import functools
from pathlib import Path

from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QFileDialog, QFrame, QGridLayout, QLabel, QMenu, QVBoxLayout, QWidget

from teleop_studio.setup_status import ArmChoice, FoundCalibration, SetupStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import button, soft_label
from ui.widgets.setup.part_page import coloured, elided_label, set_text, title_label
from ui.widgets.setup.progress import roles

_COLOURS = {"leader": theme.LEADER, "follower": theme.FOLLOWER}


class CalibrationPart(QWidget):
    """Both arms: calibrated by which file, or to be calibrated."""

    def __init__(self, bridge: Bridge, keys: dict[str, QAction]) -> None:
        super().__init__()
        self.cards = {role: ArmCalibrationCard(bridge, role, keys[f"setup_calibrate_{role}"]) for role in _COLOURS}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(title_label("Calibration"))
        column.addWidget(
            soft_label(
                "It tells the app where each joint's zero and ends are. It takes two minutes an arm: the torque is "
                "off, and you move the arm by hand. An arm that LeRobot has calibrated needs only its file.",
                wrap=True,
            )
        )
        for card in self.cards.values():
            column.addWidget(card)
        column.addStretch(1)

    def show_setup(self, status: SetupStatus) -> None:
        for role, choice in roles(status):
            fitting = tuple(file for file in status.calibrations if choice.arm in file.arms)
            self.cards[role].show_choice(choice, fitting, bool(status.busy))


class ArmCalibrationCard(QFrame):
    def __init__(self, bridge: Bridge, role: str, action: QAction) -> None:
        super().__init__()
        self._bridge, self.role = bridge, role
        self.setObjectName(f"{role}_calibration")
        self.setStyleSheet(
            f"#{role}_calibration {{ background: {theme.WINDOW}; border: none; border-radius: 6px; "
            f"border-left: 4px solid {_COLOURS[role]}; }}"
        )
        heading = QLabel(role.capitalize())
        heading.setFont(theme.font(14, QFont.Weight.DemiBold))
        self.arm = elided_label()
        self.state = QLabel("")
        self.state.setMinimumWidth(10)
        self.calibrate = KeyButton(action, title="Calibrate")
        self.files: tuple[FoundCalibration, ...] = ()
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.file = button(
            f"{role}_calibration_file", "Use a file", "A calibration that this app or LeRobot wrote", lambda: None
        )
        self.file.setMenu(self.menu)
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 12, 14, 12)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.addWidget(heading, 0, 0)
        grid.addWidget(self.arm, 1, 0)
        grid.addWidget(self.state, 2, 0)
        grid.addWidget(self.file, 0, 1, 3, 1)
        grid.addWidget(self.calibrate, 0, 2, 3, 1)
        grid.setColumnStretch(0, 1)

    def show_choice(self, choice: ArmChoice, files: tuple[FoundCalibration, ...], busy: bool) -> None:
        chosen = bool(choice.arm and choice.port)
        set_text(self.arm, f"{choice.arm} on {choice.port}" if chosen else "not chosen yet: part 2 does it")
        if choice.calibration:
            coloured(self.state, f"calibrated: {Path(choice.calibration).name}", theme.GOOD)
        else:
            coloured(self.state, "not calibrated yet" if chosen else "", theme.WARN)
        if self.state.toolTip() != choice.calibration:
            self.state.setToolTip(choice.calibration)
        self.calibrate.setEnabled(chosen and not busy)
        self.file.setEnabled(chosen and not busy)
        if files != self.files or self.menu.isEmpty():
            self.files = files
            self._fill_menu()

    def _fill_menu(self) -> None:
        self.menu.clear()
        for file in self.files:
            entry = self.menu.addAction(file.title)
            entry.setToolTip(file.path)
            entry.triggered.connect(functools.partial(self.use_file, file.path))
        if self.files:
            self.menu.addSeparator()
        self.menu.addAction("Another file …", self._choose_file)

    def _choose_file(self) -> None:
        """Not modal for the application: STOP works, and nothing waits for it."""
        dialog = QFileDialog(self, f"Calibration of the {self.role}", "", "Calibrations (*.json)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
        dialog.fileSelected.connect(self.use_file)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def use_file(self, path: str, _checked: bool = False) -> None:
        self._bridge.call(self._bridge.studio.setup.choose_calibration, self.role, path)
