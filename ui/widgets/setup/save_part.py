"""Part 6: the rig as it will be written, what it still lacks, its name, and the way to the first teleoperation."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from teleop_studio.setup_status import ArmChoice, SetupStatus
from ui import theme
from ui.widgets.fact_grid import FactGrid
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import caption, soft_label
from ui.widgets.setup.part_page import Field, coloured, title_label


class SavePart(QWidget):
    def __init__(self, keys: dict[str, QAction]) -> None:
        super().__init__()
        self.name = Field("rig_name", "name of the rig", "bench")
        self.name.setText("bench")
        self.name.setMaxLength(40)
        self.name.returnPressed.connect(self.name.clearFocus)
        self.facts = {role: FactGrid(f"{role}_facts", f"the {role}") for role in ("leader", "follower")}
        self.cameras = FactGrid("camera_facts", "the cameras")
        self.missing = QLabel("")
        self.missing.setWordWrap(True)
        self.missing.setTextFormat(Qt.TextFormat.PlainText)
        self.save = KeyButton(keys["setup_save"], height=48)
        self.open = KeyButton(keys["setup_save_and_open"], theme.ACCENT, "#04101f", 48)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(9)
        column.addWidget(title_label("Save the rig"))
        column.addWidget(
            soft_label("It becomes one file in this workspace. Next time, choose it by its name (Ctrl+G).", True)
        )
        for title, grid in (
            ("leader", self.facts["leader"]),
            ("follower", self.facts["follower"]),
            ("cameras", self.cameras),
        ):
            column.addSpacing(4)
            column.addWidget(caption(title))
            column.addWidget(grid)
        column.addSpacing(6)
        column.addWidget(self.missing)
        column.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(caption("name"))
        row.addWidget(self.name, 1)
        row.addWidget(self.save)
        row.addWidget(self.open)
        column.addLayout(row)

    def show_setup(self, status: SetupStatus) -> None:
        for role, arm in (("leader", status.leader), ("follower", status.follower)):
            self.facts[role].show_facts(_arm_facts(arm), wide=4)
        cameras = [(c.name, f"{c.width}x{c.height}, {c.fps:g} fps   {c.device}") for c in status.chosen_cameras]
        self.cameras.show_facts(cameras or [("none", "")], wide=max(len(cameras), 1))
        if status.missing:
            coloured(self.missing, "\n".join(f"–  {text}" for text in status.missing), theme.WARN)
        else:
            coloured(self.missing, "Nothing is missing.", theme.GOOD)
        for press in (self.save, self.open):
            press.setEnabled(not status.missing and not status.busy)

    @property
    def rig_name(self) -> str:
        return self.name.text().strip()


def _arm_facts(arm: ArmChoice) -> list[tuple[str, str]]:
    return [
        ("arm", arm.arm or "–"),
        ("port", arm.port or "–"),
        ("calib.", Path(arm.calibration).name if arm.calibration else "–"),
        ("identity", arm.fingerprint or "–"),
    ]
