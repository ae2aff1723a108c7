"""A guided part of the set-up, one step at a time: what to do, how the joints stand, why it can not go on yet."""

from PySide6.QtGui import QAction, QFont, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from teleop_studio.setup_status import CalibrationView, SetupStatus
from ui import theme
from ui.widgets.camera_view import CameraView
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import soft_label
from ui.widgets.setup.arm_sketch import ArmSketch
from ui.widgets.setup.part_page import coloured, set_text, title_label
from ui.widgets.setup.sweep_bars import SweepBars


class Wizard(QWidget):
    """At its end the result is checked: values and a sketch of the arm follow the hand, beside a camera picture."""

    def __init__(self, keys: dict[str, QAction]) -> None:
        super().__init__()
        self.whose = soft_label("")
        self.title = title_label("")
        self.instruction = QLabel("")
        self.instruction.setWordWrap(True)
        self.instruction.setFont(theme.font(15))
        self.bars = SweepBars()
        self.picture = CameraView("setup")
        self.picture.caption = ""
        self.sketch = ArmSketch()
        self.why_not = QLabel("")
        self.why_not.setWordWrap(True)
        self.why_not.setFont(theme.font(13, QFont.Weight.Medium))
        self.next = KeyButton(keys["setup_next"], theme.ACCENT, "#04101f", 48)
        self.next.setObjectName("calibration_next")
        self.cancel = KeyButton(keys["setup_cancel"], title="Cancel", height=48)
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self.whose, self.title, self.instruction):
            column.addWidget(widget)
        middle = QHBoxLayout()
        middle.setSpacing(14)
        middle.addWidget(self.bars, 3)
        self.beside = QWidget()
        beside = QVBoxLayout(self.beside)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(10)
        beside.addWidget(self.picture)
        beside.addWidget(self.sketch, 1)
        beside.addStretch(0)
        middle.addWidget(self.beside, 2)
        column.addLayout(middle, 1)
        foot = QHBoxLayout()
        foot.setSpacing(10)
        foot.addWidget(self.why_not, 1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.next)
        column.addLayout(foot)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self.picture.setFixedHeight(self.width() * 2 // 5 * 3 // 4)

    def show_step(self, step: CalibrationView, status: SetupStatus) -> None:
        set_text(self.whose, f"{step.role.capitalize()}, {step.arm}. Step {step.number} of {step.of}")
        set_text(self.title, step.title)
        set_text(self.instruction, step.instruction)
        self.bars.show_joints(step.joints)
        self.sketch.show_points(step.points)
        last = step.number == step.of
        self.next.look("Finish" if last else "Next", theme.GOOD if last else theme.ACCENT, "#04101f")
        self.next.setEnabled(step.ready)
        text, colour = (step.why_not, theme.WARN) if not step.ready else ("Ready.", theme.GOOD)
        coloured(self.why_not, text, colour)
        self._show_picture(status)

    def _show_picture(self, status: SetupStatus) -> None:
        """The first camera with a picture: one that is used before one that was only found."""
        used = {camera.device for camera in status.chosen_cameras}
        seen = [camera for camera in status.cameras if camera.picture is not None]
        seen.sort(key=lambda camera: camera.device not in used)
        if self.picture.isHidden() == bool(seen):
            self.picture.setVisible(bool(seen))
        nothing = not seen and self.sketch.isHidden()
        if self.beside.isHidden() != nothing:
            self.beside.setHidden(nothing)  # the bars take its room
        if seen and (picture := seen[0].picture) is not None:
            self.picture.caption = seen[0].title
            self.picture.show_picture(picture)
