"""Adding a machine that trains over ssh: its address, and whether it can."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from teleop_studio.learning_status import HostInfo
from ui import theme
from ui.bridge import Bridge
from ui.widgets.panel import button, caption, soft_label

_WIDTH = 560
_LOOK_EVERY = 8  # refreshes: four times a second


class HostDialog(QDialog):
    """`added` gives the name of a host that was added and can train. The window stays usable: ssh takes its time."""

    added = Signal(str)

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._count = 0
        self._waits_for = ""  # the host whose check is awaited
        self.setObjectName("host_dialog")
        self.setWindowTitle("Add a training host")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(_WIDTH)
        self.address = _field(
            "host_address", "address of the host", "user@machine, or a name of your ssh configuration"
        )
        self.name = _field("host_name", "name of the host", "as it shall be called here")
        self.folder = _field("host_folder", "folder on the host", "teleop-studio, in the home folder there")
        self.address.textChanged.connect(lambda _text: self._allow())
        self.address.textEdited.connect(self._suggest_name)
        self.name.textChanged.connect(lambda _text: self._allow())
        self.said = QLabel("")
        self.said.setObjectName("host_said")
        self.said.setWordWrap(True)
        self.add = button("add_host", "Add and check", "Log in, look for Python, rsync and a graphics card", self._add)
        self.add.setStyleSheet(f"QPushButton:enabled {{ background: {theme.ACCENT}; color: #04101f; border: none; }}")
        self.done_button = button("close_host_dialog", "Cancel", "Close this", self.reject)
        self._lay_out()
        self._allow()
        bridge.polled.connect(self._look)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        title = QLabel("Train on another machine")
        title.setFont(theme.font(17, QFont.Weight.DemiBold))
        column.addWidget(title)
        column.addWidget(
            soft_label(
                "It needs ssh with a key (nobody types a password), rsync and Python. The demonstrations and this "
                "program are copied there; what it learns comes back while it trains.",
                wrap=True,
            )
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        fields = (("address", self.address), ("name", self.name), ("folder", self.folder))
        for line, (text, field) in enumerate(fields):
            grid.addWidget(caption(text), line, 0)
            grid.addWidget(field, line, 1)
        column.addLayout(grid)
        column.addWidget(self.said)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.done_button)
        row.addWidget(self.add)
        column.addLayout(row)

    def _suggest_name(self, address: str) -> None:
        """The machine's own name, until the operator gives one."""
        if not self.name.isModified():
            self.name.setText(address.rpartition("@")[2].partition(".")[0])

    def _allow(self) -> None:
        self.add.setEnabled(bool(self.address.text().strip() and self.name.text().strip()) and not self._waits_for)

    def _add(self) -> None:
        name = self.name.text().strip()
        known = self._host(name)
        if known is not None and known.address == self.address.text().strip():
            self._bridge.call(self._bridge.studio.check_training_host, name)
        else:
            self._bridge.call(
                self._bridge.studio.add_training_host, name, self.address.text().strip(), self.folder.text().strip()
            )
        if self._host(name) is None:
            self._say("It was not added: the notice says why.", theme.WARN)
            return
        self._waits_for = name
        self._say(f"Looking at {name} …", theme.SOFT)
        self._allow()

    def _look(self) -> None:
        self._count += 1
        if not self._waits_for or self._count % _LOOK_EVERY:
            return
        host = self._host(self._waits_for)
        if host is None or host.checking:
            return
        self._waits_for = ""
        self._allow()
        if host.problem:
            self._say(host.problem, theme.WARN)
            self.add.setText("Check again")
            self.done_button.setText("Close")
            return
        self._say(f"{host.name} can train, on {host.device}.", theme.GOOD)
        self.added.emit(host.name)
        self.accept()

    def _host(self, name: str) -> HostInfo | None:
        hosts = self._bridge.call(self._bridge.studio.training_hosts) or ()
        return next((host for host in hosts if host.name == name), None)

    def _say(self, text: str, colour: str) -> None:
        self.said.setText(text)
        self.said.setStyleSheet(f"color: {colour}; font-size: 12px;")


def _field(name: str, accessible: str, placeholder: str) -> QLineEdit:
    made = QLineEdit()
    made.setObjectName(name)
    made.setAccessibleName(accessible)
    made.setPlaceholderText(placeholder)
    return made
