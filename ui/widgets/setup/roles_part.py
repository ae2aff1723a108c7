"""Part 2: which port has the leader and which the follower, told apart by moving one; and which arms they are."""

import functools

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from teleop_studio.setup_status import ArmChoice, FoundPort, SetupStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import button, caption, soft_label
from ui.widgets.setup.part_page import ScrollColumn, coloured, elided_label, set_text, title_label
from ui.widgets.setup.progress import answering, roles

ROLES = ("leader", "follower")
_COLOURS = {"leader": theme.LEADER, "follower": theme.FOLLOWER}
_MOVES = 0.06  # turns: less is a hand that leans on the table


class RolesPart(QWidget):
    def __init__(self, bridge: Bridge, keys: dict[str, QAction]) -> None:
        super().__init__()
        self._bridge = bridge
        self.rows: dict[str, PortRow] = {}
        self.cards = {role: RoleCard(bridge, role) for role in ROLES}
        self.identify = KeyButton(keys["setup_identify"], title="Move an arm")
        self.hint = soft_label("", wrap=True)
        self.list = ScrollColumn("port_rows")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(title_label("Which one leads, which one follows"))
        head.addStretch(1)
        head.addWidget(self.identify)
        column.addLayout(head)
        column.addWidget(self.hint)
        column.addWidget(self.list, 1)
        cards = QHBoxLayout()
        cards.setSpacing(12)
        for card in self.cards.values():
            cards.addWidget(card, 1)
        column.addLayout(cards)

    def show_setup(self, status: SetupStatus) -> None:
        ports = answering(status)
        if tuple(self.rows) != tuple(port.path for port in ports):
            self._make_rows(ports)
        furthest = max((port.moved for port in ports), default=0.0)
        chosen = {arm.port: role for role, arm in roles(status) if arm.port}
        for port in ports:
            moves = status.identifying and port.moved == furthest and furthest > _MOVES
            self.rows[port.path].show_port(port, chosen.get(port.path, ""), status.identifying, moves)
        self.identify.look(*(("Moved: done", theme.ACCENT) if status.identifying else ("Move an arm", theme.RAISED)))
        self.identify.setEnabled(bool(ports) and not status.busy)
        set_text(self.hint, self._hint(ports, status.identifying))
        for role, arm in roles(status):
            self.cards[role].show_choice(arm, next((port for port in ports if port.path == arm.port), None))

    def _hint(self, ports: tuple[FoundPort, ...], identifying: bool) -> str:
        if not ports:
            return "No servo has answered on any port yet: scan them first (PgUp)."
        if identifying:
            return (
                "The joints are without torque. Move one arm by hand: the bar of its port grows. Then say what it is."
            )
        return "Press W and move one arm by hand to see which port it is on. Its torque goes off: support it."

    def _make_rows(self, ports: tuple[FoundPort, ...]) -> None:
        column = self.list.column
        while (item := column.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.hide()
                gone.deleteLater()
        self.rows = {}
        for number, port in enumerate(ports, 1):
            row = PortRow(number, port)
            row.chosen.connect(self._choose)
            self.rows[port.path] = row
            column.addWidget(row)
        column.addStretch(1)

    def _choose(self, role: str, path: str) -> None:
        setup = self._bridge.studio.setup
        port = next((port for port in setup.status.ports if port.path == path), None)
        self._bridge.call(setup.choose_port, role, path)
        fitting = self.cards[role].fitting(port)
        if len(fitting) == 1:
            self._bridge.call(setup.choose_arm, role, fitting[0])


class PortRow(QFrame):
    """A port, how far its joints were moved, and what it is."""

    chosen = Signal(str, str)  # role, path

    def __init__(self, number: int, port: FoundPort) -> None:
        super().__init__()
        self.setObjectName("port_row")
        self.setStyleSheet(f"#port_row {{ background: {theme.WINDOW}; border-radius: 7px; }}")
        self.path = port.path
        self.bar = MoveBar()
        self.buttons = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 9, 10, 9)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        models = ", ".join(dict.fromkeys(servo.model for servo in port.servos))
        title = elided_label(f"{port.title or port.path}   {len(port.servos)} servos: {models}", soft=False)
        title.setFont(theme.font(13, QFont.Weight.DemiBold))
        grid.addWidget(title, 0, 0)
        grid.addWidget(elided_label(port.path), 1, 0)
        grid.addWidget(self.bar, 2, 0)
        grid.setColumnStretch(0, 1)
        for column, role in enumerate(ROLES, 1):
            made = button(
                f"port_{number}_{role}",
                role.capitalize(),
                f"The arm on this port is the {role}",
                functools.partial(self.chosen.emit, role, self.path),
            )
            made.setCheckable(True)
            made.setMinimumWidth(92)
            self.buttons[role] = made
            grid.addWidget(made, 0, column, 3, 1, Qt.AlignmentFlag.AlignVCenter)

    def show_port(self, port: FoundPort, role: str, live: bool, moves: bool) -> None:
        self.bar.show_moved(port.moved, live, moves)
        for name, made in self.buttons.items():
            if made.isChecked() != (name == role):
                made.setChecked(name == role)


class MoveBar(QWidget):
    """How far the joints of a port were moved by hand, 0 to 1 turn."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("move_bar")
        self.setAccessibleName("how far the joints were moved")
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._font = theme.font(12, QFont.Weight.DemiBold)
        self._shown = (0.0, False, False)

    def show_moved(self, turns: float, live: bool, moves: bool) -> None:
        shown = (round(turns, 3), live, moves)
        if shown != self._shown:
            self._shown = shown
            self.setAccessibleDescription("moves" if moves else "rests")
            self.update()

    @property
    def moves(self) -> bool:
        return self._shown[2]

    def sizeHint(self) -> QSize:
        return QSize(240, 20)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        turns, live, moves = self._shown
        track = QRectF(0, 6, self.width() - 92, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#1b222a"))
        painter.drawRoundedRect(track, 4, 4)
        if turns > 0 and live:
            colour = QColor(theme.GOOD if moves else theme.FAINT)
            painter.setBrush(colour)
            filled = QRectF(track)
            filled.setWidth(max(track.width() * min(turns, 1.0), 8))
            painter.drawRoundedRect(filled, 4, 4)
        painter.setFont(self._font)
        painter.setPen(QColor(theme.GOOD if moves else theme.FAINT))
        text = "moves" if moves else "rests" if live else ""
        painter.drawText(QRectF(track.right() + 12, 0, 80, 20), Qt.AlignmentFlag.AlignVCenter, text)


class RoleCard(QFrame):
    """What was chosen for the leader or the follower; the arms that fit its servos come first."""

    def __init__(self, bridge: Bridge, role: str) -> None:
        super().__init__()
        self._bridge, self.role = bridge, role
        self.setObjectName(f"{role}_card")
        colour = _COLOURS[role]
        self.setStyleSheet(
            f"#{role}_card {{ background: {theme.WINDOW}; border: none; border-radius: 6px; "
            f"border-left: 4px solid {colour}; }}"
        )
        self._known = self._bridge.call(bridge.studio.known_arms) or ()
        self._offered: tuple[tuple[str, ...], ...] = ()  # those that fit, and the others
        self.arm = QComboBox()
        self.arm.setObjectName(f"{role}_arm")
        self.arm.setAccessibleName(f"which arm the {role} is")
        self.arm.setMinimumContentsLength(12)
        self.arm.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.arm.activated.connect(self._chosen)
        self.port = elided_label(soft=False)
        self.remark = QLabel("")
        self.remark.setWordWrap(True)
        self.remark.setFont(theme.font(12))
        self.remark.setMinimumHeight(34)
        heading = QLabel(role.capitalize())
        heading.setFont(theme.font(14, QFont.Weight.DemiBold))
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 10, 14, 10)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(7)
        grid.addWidget(heading, 0, 0, 1, 2)
        grid.addWidget(caption("port"), 1, 0)
        grid.addWidget(self.port, 1, 1)
        grid.addWidget(caption("arm"), 2, 0)
        grid.addWidget(self.arm, 2, 1)
        grid.addWidget(self.remark, 3, 0, 1, 2)
        grid.setColumnStretch(1, 1)

    def fitting(self, port: FoundPort | None) -> list[str]:
        """Arms of this role that have the servos of `port`."""
        return [name for name, _, role in self._known if role in (self.role, "") and port and name in port.fits]

    def show_choice(self, choice: ArmChoice, port: FoundPort | None) -> None:
        set_text(self.port, choice.port or "not chosen yet")
        if self.port.toolTip() != choice.port:
            self.port.setToolTip(choice.port)
        fitting = self.fitting(port)
        others = [name for name, _, role in self._known if role in (self.role, "") and name not in fitting]
        offered = (tuple(fitting), tuple(others))
        if offered != self._offered:
            self._offered = offered
            self._offer(fitting, others)
        index = max(self.arm.findData(choice.arm), 0)
        if index != self.arm.currentIndex() and not self.arm.view().isVisible():
            self.arm.setCurrentIndex(index)
        coloured(self.remark, *self._remark(choice, port, fitting))

    def _offer(self, fitting: list[str], others: list[str]) -> None:
        titles = {name: title for name, title, _ in self._known}
        self.arm.clear()
        self.arm.addItem("choose …", "")
        for name in fitting:
            self.arm.addItem(f"{titles[name]}   (fits)", name)
        if fitting and others:
            self.arm.insertSeparator(self.arm.count())
        for name in others:
            self.arm.addItem(titles[name], name)

    def _remark(self, choice: ArmChoice, port: FoundPort | None, fitting: list[str]) -> tuple[str, str]:
        if not choice.port:
            return f"Press {self.role.capitalize()} beside its port.", theme.SOFT
        if port is None:
            return "This port has no servos now: scan again.", theme.WARN
        if not choice.arm:
            several = len(fitting) > 1
            return (
                f"{len(fitting)} arms have these servos: choose yours." if several else "Choose which arm it is."
            ), theme.SOFT
        if choice.arm not in port.fits:
            return "The servos on this port are not this arm's: see their ids (part 3), or choose another.", theme.WARN
        return "Its servos are the ones on this port.", theme.GOOD

    def _chosen(self, index: int) -> None:
        self._bridge.call(self._bridge.studio.setup.choose_arm, self.role, self.arm.itemData(index) or "")
