"""Part 3: ids and baud rates of servos, where something is off; each write is read back before it counts."""

import functools

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget

from teleop_studio.setup_status import FoundPort, FoundServo, SetupStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.panel import Panel, button, caption, soft_label, spin_box
from ui.widgets.row_list import Row, RowList
from ui.widgets.setup.part_page import coloured, set_text, title_label
from ui.widgets.setup.ports_part import baud_words
from ui.widgets.setup.progress import answering, roles

_BAUDS = (57_600, 115_200, 1_000_000, 2_000_000, 3_000_000, 4_000_000)
_USUAL_BAUD = 1_000_000
_HIGHEST_ID = 252
_GUIDED = "Servos from the factory all have id 1: they are connected one at a time and take their ids in turn."
_WHY = (
    "Only needed when a servo is new, or comes from another arm. The number is written into the servo itself and read "
    "back. Of two servos with the same id, unplug one first: both would take the new number."
)


class IdsPart(QWidget):
    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._ports: tuple[FoundPort, ...] = ()
        self.state = QLabel("")
        self.state.setWordWrap(True)
        self.state.setFont(theme.font(13, QFont.Weight.Medium))
        self.list = RowList("servo_rows", "servos that answered")
        self.list.selectionModel().currentChanged.connect(lambda *_: self._show_selected())
        self.new_id = spin_box("new_id", "new id", 0, _HIGHEST_ID, 1)
        self.new_id.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.write_id = button("write_id", "Write the id", "Give the selected servo this id", self._write_id)
        self.baud = QComboBox()
        self.baud.setObjectName("new_baud")
        self.baud.setAccessibleName("new baud rate")
        for rate in _BAUDS:
            self.baud.addItem(baud_words(rate), rate)
        self.baud.setCurrentIndex(_BAUDS.index(_USUAL_BAUD))
        self.write_baud = button(
            "write_baud",
            "Write to all of its port",
            "Give every servo of the selected servo's port this rate",
            self._write_baud,
        )
        self.guided = {
            role: button(
                f"new_{role}",
                f"New {role}",
                f"Give the {role}'s servos their ids, one by one",
                functools.partial(self._guide, role),
            )
            for role in ("leader", "follower")
        }
        self.selected = soft_label("", wrap=True)
        self._lay_out()

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(10)
        grid.addWidget(title_label("Ids and baud rates"), 0, 0, 1, 2)
        grid.addWidget(self.state, 1, 0, 1, 2)
        grid.addWidget(self.list, 2, 0)
        card = Panel("The selected servo")
        card.setStyleSheet(f"#panel {{ background: {theme.WINDOW}; border: none; }}")
        card.body.addWidget(self.selected)
        for label, widget, press in (("id", self.new_id, self.write_id), ("baud rate", self.baud, self.write_baud)):
            card.body.addWidget(caption(label))
            card.body.addWidget(widget)
            card.body.addWidget(press)
        card.body.addWidget(soft_label(_WHY, wrap=True))
        card.body.addStretch(1)
        card.body.addWidget(caption("a whole arm of new servos"))
        row = QHBoxLayout()
        for press in self.guided.values():
            row.addWidget(press, 1)
        card.body.addLayout(row)
        card.body.addWidget(soft_label(_GUIDED, wrap=True))
        card.setFixedWidth(272)
        grid.addWidget(card, 2, 1)
        grid.setColumnStretch(0, 1)
        grid.setRowStretch(2, 1)

    def show_setup(self, status: SetupStatus) -> None:
        self._ports = answering(status)
        self.list.show_rows([_row(port, servo) for port in self._ports for servo in port.servos])
        if self.list.selected_key is None and self.list.rows:
            odd = [row.key for row in self.list.rows if row.dot == theme.WARN]
            self.list.select(odd[0] if odd else self.list.rows[0].key)
        notes = [note for port in self._ports for note in port.notes]
        odd_ones = sum(servo.note != "" for port in self._ports for servo in port.servos)
        if not self._ports:
            coloured(self.state, "No servo has answered yet: scan the ports first.", theme.SOFT)
        elif notes:
            coloured(self.state, "\n".join(notes), theme.WARN)
        elif odd_ones:
            coloured(
                self.state, f"{odd_ones} of them are not as they should be. What to do stands at each.", theme.WARN
            )
        else:
            coloured(self.state, "Nothing to do: no id is used twice, and all servos of a port talk alike.", theme.GOOD)
        for press in (self.write_id, self.write_baud):
            press.setEnabled(self._chosen() is not None and not status.busy)
        for role, arm in roles(status):
            self.guided[role].setEnabled(bool(arm.arm and arm.port) and not status.busy)

    def _guide(self, role: str) -> None:
        self._bridge.call(self._bridge.studio.setup.start_servos, role)

    def _chosen(self) -> tuple[FoundPort, FoundServo] | None:
        key = self.list.selected_key
        for port in self._ports:
            for servo in port.servos:
                if _key(port, servo) == key:
                    return port, servo
        return None

    def _show_selected(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            set_text(self.selected, "Select a servo in the list.")
            return
        port, servo = chosen
        note = f"\n{servo.note}" if servo.note else ""
        set_text(self.selected, f"Servo {servo.servo_id}, {servo.model}, on {port.title or port.path}.{note}")
        self.new_id.setValue(servo.servo_id)
        self.baud.setCurrentIndex(max(self.baud.findData(servo.baud if not servo.note else _USUAL_BAUD), 0))

    def _write_id(self) -> None:
        if (chosen := self._chosen()) is not None:
            port, servo = chosen
            self._bridge.call(self._bridge.studio.setup.set_id, port.path, servo.servo_id, self.new_id.value())

    def _write_baud(self) -> None:
        if (chosen := self._chosen()) is not None:
            port, _ = chosen
            ids = tuple(servo.servo_id for servo in port.servos)
            self._bridge.call(self._bridge.studio.setup.set_baud, port.path, ids, self.baud.currentData())


def _key(port: FoundPort, servo: FoundServo) -> str:
    return f"{port.path} {servo.servo_id} {servo.baud}"


def _row(port: FoundPort, servo: FoundServo) -> Row:
    return Row(
        key=_key(port, servo),
        title=f"{servo.servo_id}   {servo.model}",
        note=baud_words(servo.baud),
        detail=servo.note or port.title or port.path,
        right=f"firmware {servo.firmware}",
        dot=theme.WARN if servo.note else theme.GOOD,
        tooltip=f"{port.path}: model number {servo.model_number}" + (f"\n{servo.note}" if servo.note else ""),
    )
