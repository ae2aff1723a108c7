"""The servos in full, in a window of its own that may stay open beside the pages; and the reboot of one of them."""

from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from teleop_studio.status import StudioStatus
from ui.bridge import Bridge
from ui.widgets.panel import button, soft_label
from ui.widgets.servo_table import ServoTable
from ui.widgets.servo_words import worst_first

_REBOOT = (
    "Restart this servo: its error is cleared, it is set up again and holds where it stands. "
    "It is without torque for a moment: support the arm"
)


class ServoDialog(QDialog):
    """Not modal: keys and pages work while it is open."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("servo_dialog")
        self.setWindowTitle("Servos")
        self.setModal(False)
        self._bridge = bridge
        self.table = ServoTable()
        self.said = soft_label("", wrap=True)
        self.reboot = button("reboot_servo", "Reboot the servo", _REBOOT, self._reboot)
        self.reboot.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 12, 18, 16)
        column.setSpacing(10)
        column.addWidget(self.table)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.said, 1)
        row.addWidget(self.reboot)
        column.addLayout(row)
        self.table.selected_changed.connect(self._tell)
        self._tell()

    def show_status(self, status: StudioStatus) -> None:
        self.table.show_status(status)
        if self.table.selected is None and (troubled := worst_first(status)):
            self.table.select(troubled[0].key)
        self._tell()

    def _tell(self) -> None:
        chosen = self.table.selected
        self.reboot.setEnabled(chosen is not None)
        title = f"Reboot {chosen.arm} {chosen.servo.joint}" if chosen else "Reboot the servo"
        if title != self.reboot.text():
            self.reboot.setText(title)
            self.reboot.setAccessibleName(title)
        if chosen is None:
            said = "Select a servo to see what it says about itself."
        elif chosen.servo.errors:
            said = "\n".join(error.rstrip(".") + "." for error in chosen.servo.errors)
        else:
            said = f"{chosen.arm.capitalize()} {chosen.servo.joint} reports no error."
        if said != self.said.text():
            self.said.setText(said)

    def _reboot(self) -> None:
        if (chosen := self.table.selected) is not None:
            self._bridge.call(self._bridge.studio.reboot_servo, *chosen.key)
