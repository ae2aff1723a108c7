"""Part 1: the serial ports of this computer, and which servos answered on each."""

from dataclasses import replace

from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from teleop_studio.setup_status import FoundPort, FoundServo, SetupStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.flow_layout import FlowLayout
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import button, check_box, soft_label
from ui.widgets.setup.part_page import Field, ScrollColumn, elided_label, title_label
from ui.widgets.wording import count

_NOTHING = (
    "No serial port was found. Plug in the arms' USB cables, switch their power on, then scan again. "
    "A port that this user may not open is listed with what to do about it."
)


class PortsPart(QWidget):
    def __init__(self, bridge: Bridge, keys: dict[str, QAction]) -> None:
        super().__init__()
        self._bridge = bridge
        self._shown: tuple[FoundPort, ...] | None = None
        self.scan = KeyButton(keys["setup_scan"], theme.ACCENT, "#04101f", title="Scan")
        self.all_bauds = check_box(
            "all_bauds",
            "all baud rates",
            "Slower. For servos that have been used elsewhere or are new from the factory",
        )
        self.address = Field("port_address", "another port or address", "/dev/ttyUSB0, COM5 or socket://host:port")
        self.address.returnPressed.connect(self.scan_address)
        self.add = button("scan_address", "Scan it", "Look for servos on this port or address", self.scan_address)
        self.list = ScrollColumn("port_list")
        self.empty = soft_label(_NOTHING, wrap=True)
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(title_label("What answers on the ports"))
        head.addStretch(1)
        head.addWidget(self.all_bauds)
        head.addSpacing(8)
        head.addWidget(self.scan)
        column.addLayout(head)
        column.addWidget(soft_label("Connect both arms and switch their power on. Nothing moves during a scan.", True))
        column.addWidget(self.empty)
        column.addWidget(self.list, 1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(soft_label("None of these?"))
        foot.addWidget(self.address, 1)
        foot.addWidget(self.add)
        column.addLayout(foot)

    def show_setup(self, status: SetupStatus) -> None:
        self.scan.setEnabled(not status.busy)
        self.add.setEnabled(not status.busy)
        if self.empty.isHidden() != bool(status.ports or status.busy):
            self.empty.setVisible(not (status.ports or status.busy))
        ports = tuple(replace(port, moved=0.0) for port in status.ports)
        if ports == self._shown:
            return
        self._shown = ports
        column = self.list.column
        while (item := column.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.hide()
                gone.deleteLater()
        for port in sorted(ports, key=lambda port: (not port.servos, port.problem != "")):
            column.addWidget(PortCard(port))
        column.addStretch(1)

    def rescan(self) -> None:
        self._bridge.call(self._bridge.studio.setup.scan, (), self.all_bauds.isChecked())

    def scan_address(self) -> None:
        address = self.address.text().strip()
        if not address:
            self.address.setFocus()
            self._bridge.notice.emit("info", "No address was typed.", "For example socket://127.0.0.1:7000.")
            return
        self._bridge.call(self._bridge.studio.setup.scan, (address,), self.all_bauds.isChecked())
        self.address.clearFocus()


class PortCard(QFrame):
    """One port; made anew when what is known about it changes, which a scan does at most."""

    def __init__(self, port: FoundPort) -> None:
        super().__init__()
        self.setObjectName("port_card")
        edge = theme.WARN if port.problem else "#2b3a2f" if port.servos else "#232b34"
        self.setStyleSheet(
            f"#port_card {{ background: {theme.WINDOW}; border: 1px solid {edge}; border-radius: 7px; }}"
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 11)
        column.setSpacing(7)
        head = QHBoxLayout()
        title = QLabel(port.title or port.path)
        title.setFont(theme.font(14, QFont.Weight.DemiBold))
        title.setMinimumWidth(10)
        head.addWidget(title, 1)
        answer = QLabel(_answer(port))
        answer.setFont(theme.font(12, QFont.Weight.DemiBold))
        answer.setStyleSheet(f"color: {theme.GOOD if port.servos else theme.FAINT}")
        head.addWidget(answer)
        column.addLayout(head)
        if port.title:
            column.addWidget(elided_label(port.path))
        if port.servos:
            tags = FlowLayout(spacing=6)
            for servo in port.servos:
                tags.addWidget(_tag(servo))
            column.addLayout(tags)
        for text, colour in _remarks(port):
            label = QLabel(text)
            label.setWordWrap(True)
            label.setFont(theme.font(12))
            label.setStyleSheet(f"color: {colour}")
            column.addWidget(label)


def _answer(port: FoundPort) -> str:
    if port.servos:
        rates = sorted({servo.baud for servo in port.servos})
        return f"{count(len(port.servos), 'servo')} at {' and '.join(baud_words(rate) for rate in rates)}"
    if port.problem:
        return "can not be used"
    return "no servo answered" if port.scanned else "not scanned yet"


def _remarks(port: FoundPort) -> list[tuple[str, str]]:
    remarks = [(port.problem, theme.WARN)] if port.problem else []
    remarks += [(note, theme.WARN) for note in (*port.notes, port.warning) if note]
    remarks += [(f"Servo {servo.servo_id}: {servo.note}", theme.WARN) for servo in port.servos if servo.note]
    if port.servos and not port.fits and not port.notes:
        remarks.append(("No arm that this app knows has these servos: look at their ids and models.", theme.WARN))
    return remarks


def _tag(servo: FoundServo) -> QLabel:
    label = QLabel(f"<b>{servo.servo_id}</b>&nbsp;&nbsp;{servo.model}")
    label.setFont(theme.font(12))
    colour = theme.WARN if servo.note else "#33404d"
    label.setStyleSheet(
        f"background: {theme.RAISED}; border: 1px solid {colour}; border-radius: 9px; padding: 2px 9px;"
    )
    tooltip = f"Servo {servo.servo_id}: {servo.model}, firmware {servo.firmware}, {baud_words(servo.baud)}"
    label.setToolTip(tooltip + (f"\n{servo.note}" if servo.note else ""))
    return label


def baud_words(baud: int) -> str:
    """ "1 Mbaud", "57.6 kbaud"."""
    return f"{baud / 1e6:g} Mbaud" if baud >= 1_000_000 else f"{baud / 1e3:g} kbaud"
