"""The window: state bar on top, page list at the left, the page, a footer, notices over it all."""

import functools
from enum import Enum, auto

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QCloseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from teleop_studio.status import State, StudioStatus
from ui import theme
from ui.actions import KEYS, KeySpec, add_action, make_actions
from ui.bridge import Bridge
from ui.commands import Commands
from ui.episode_keys import EPISODE_KEYS
from ui.pages import PAGES
from ui.pages.page import Page
from ui.setup_keys import SETUP_KEYS
from ui.stop_key import StopKey
from ui.widgets.closing import ClosingDialog, must_be_said
from ui.widgets.guard_card import GuardCard
from ui.widgets.key_sheet import KeySheet
from ui.widgets.nav_rail import WIDTH as RAIL_WIDTH
from ui.widgets.nav_rail import NavButton
from ui.widgets.notices import Notices
from ui.widgets.panel import button
from ui.widgets.rig_menu import RigMenu
from ui.widgets.servo_dialog import ServoDialog
from ui.widgets.state_bar import StateBar
from ui.widgets.trouble_bar import TroubleBar

SMALLEST = QSize(1280, 800)


class _Closing(Enum):
    NOT = auto()
    AT_REST = auto()  # once the follower has come to rest
    NOW = auto()


class MainWindow(QMainWindow):
    closed = Signal()

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("Teleop Studio")
        self.setMinimumSize(SMALLEST)
        self.bridge = bridge
        self.commands = Commands(bridge, self)
        self.actions_by_name = make_actions(self, self.commands)
        self.page_actions = {name: self._page_action(name) for name in PAGES}
        self._own_keys = (
            KeySpec("key_sheet", "Keys", "?", "Show every key", "Window"),
            KeySpec("quit", "Quit", "Ctrl+Q", "Close the window; a training goes on", "Window"),
        )
        for spec, run in zip(self._own_keys, (self.show_keys, self.close), strict=True):
            self.actions_by_name[spec.name] = add_action(self, spec, run)
        self.state_bar = StateBar(self.commands)
        self.trouble = TroubleBar(bridge, self.commands)
        self.stack = QStackedWidget()
        self.pages: dict[str, Page] = {}
        self.page_name = ""
        self.footer = Footer(bridge)
        self.navigation: dict[str, NavButton] = {}
        self._key_sheet: KeySheet | None = None
        self._servo_dialog: ServoDialog | None = None
        self._shown_rig = bridge.studio.rig
        self._closing = _Closing.NOT
        self.rig_menu = RigMenu(bridge, self.commands, self.actions_by_name, self)
        self._lay_out()
        self.guard = GuardCard(self)
        self.notices = Notices(self)
        self.commands.servos_wanted.connect(self.show_servos)
        self.commands.rigs_wanted.connect(self.show_rigs)
        self.commands.page_wanted.connect(self.show_page)
        bridge.notice.connect(self.notices.add)
        bridge.polled.connect(self._refresh)
        app = QApplication.instance()
        assert app is not None
        self._stop_key = StopKey(app, self.commands.stop)
        self.show_page(next(iter(PAGES)))

    def _page_action(self, name: str) -> KeySpec:
        record = PAGES[name]
        spec = KeySpec(f"page_{name}", record.title, record.shortcut, record.tooltip, "Pages")
        self.actions_by_name[spec.name] = add_action(self, spec, functools.partial(self.show_page, name))
        return spec

    def _lay_out(self) -> None:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.state_bar)
        column.addWidget(self.trouble)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self._rail())
        middle.addWidget(self.stack, 1)
        column.addLayout(middle, 1)
        column.addWidget(self.footer)
        self.setCentralWidget(whole)

    def _rail(self) -> QWidget:
        rail = _Rail()
        column = QVBoxLayout(rail)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(2)
        for name, record in PAGES.items():
            if record.apart:
                column.addStretch(1)
            nav = NavButton(self.actions_by_name[f"page_{name}"], record.glyph)
            self.navigation[name] = nav
            column.addWidget(nav)
        self.menu_button = button("menu_button", "Menu", "Every action, by group", lambda: None, quiet=True)
        self.menu_button.setMenu(self._menu())
        column.addWidget(self.menu_button)
        return rail

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        group = KEYS[0].group
        for spec in KEYS:
            if spec.group != group:
                group = spec.group
                menu.addSeparator()
            menu.addAction(self.actions_by_name[spec.name])
        menu.addSeparator()
        for spec in self._own_keys:
            menu.addAction(self.actions_by_name[spec.name])
        return menu

    def show_page(self, name: str) -> None:
        """Make the page on first use and turn to it. Raises `KeyError` for a page that does not exist."""
        record = PAGES[name]
        if name not in self.pages:
            self.pages[name] = record.load()(self.bridge, self.commands, self.actions_by_name)
            self.stack.addWidget(self.pages[name])
        if name == self.page_name:
            return
        if self.page_name:
            self.pages[self.page_name].leave()
        self.page_name = name
        self.stack.setCurrentWidget(self.pages[name])
        for other, nav in self.navigation.items():
            nav.setChecked(other == name)
        self.pages[name].enter()
        self.pages[name].refresh(self.bridge.status)

    def show_servos(self) -> None:
        if self._servo_dialog is None:
            self._servo_dialog = ServoDialog(self.bridge, self)
        self._servo_dialog.show_status(self.bridge.status)
        self._servo_dialog.show()
        self._servo_dialog.raise_()

    def show_rigs(self) -> None:
        chip = self.state_bar.chips["rig"]
        self.rig_menu.popup(chip.mapToGlobal(chip.rect().bottomLeft()))

    def show_keys(self) -> None:
        if self._key_sheet is None:
            more = (*self.page_actions.values(), *self._own_keys, *EPISODE_KEYS, *SETUP_KEYS)
            self._key_sheet = KeySheet(more, self)
        self._key_sheet.show()
        self._key_sheet.raise_()

    def _refresh(self, status: StudioStatus) -> None:
        if self.bridge.studio.rig is not self._shown_rig:
            self._shown_rig = self.bridge.studio.rig
            self._remake_pages()
        self.state_bar.show_status(status)
        self.trouble.show_status(status)
        self.guard.show_status(status)
        self.footer.show_status(status)
        if self._servo_dialog is not None and self._servo_dialog.isVisible():
            self._servo_dialog.show_status(status)
        self._go_on_closing(status)
        if not self.isMinimized():
            self.pages[self.page_name].refresh(status)

    def _remake_pages(self) -> None:
        """Another rig has other cameras and joints: its pages are made anew. What the operator set up stays shown."""
        shown, self.page_name = self.page_name, ""
        for name in [name for name in self.pages if not PAGES[name].apart]:
            page = self.pages.pop(name)
            if name == shown:
                page.leave()
            self.stack.removeWidget(page)
            page.deleteLater()
        self.show_page(shown)

    def close_now(self) -> None:
        """Close without asking: the operator has answered, or there is none."""
        self._closing = _Closing.NOW
        self.close()

    def _rest_and_close(self) -> None:
        self._closing = _Closing.AT_REST
        self.commands.rest()

    def _go_on_closing(self, status: StudioStatus) -> None:
        if self._closing is _Closing.AT_REST and status.state is State.LIMP:
            self.close_now()
        elif self._closing is _Closing.AT_REST and status.state is not State.REST:
            self._closing = _Closing.NOT  # stopped on its way, or refused: stay

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._closing is not _Closing.NOW and must_be_said(self.bridge.status):
            event.ignore()
            ClosingDialog(self.bridge.studio.rig.on_close, self.close_now, self._rest_and_close, self).open()
            return
        self.bridge.stop()
        self._stop_key.remove()
        if self.page_name:
            self.pages[self.page_name].leave()
        super().closeEvent(event)
        self.closed.emit()


class _Rail(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(RAIL_WIDTH)

    def paintEvent(self, _event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme.PANEL)


class Footer(QWidget):
    """What a script says, where the data lie, and what the window itself costs."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self.setFixedHeight(26)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(16)
        self.said = QLabel("")
        self.said.setObjectName("said")
        self.folder = QLabel(str(bridge.studio.workspace.root))
        self.cost = QLabel("")
        keys = QLabel("? keys")
        for label in (self.said, self.folder, self.cost, keys):
            label.setProperty("role", "caption")
            label.setFont(theme.font(11))
        self.said.setMinimumWidth(10)
        row.addWidget(self.said, 1)
        for label in (self.folder, self.cost, keys):
            row.addWidget(label)

    def say(self, text: str) -> None:
        self.said.setText(text)

    def show_status(self, _status: StudioStatus) -> None:
        self.cost.setText(f"window {self._bridge.refresh_ms:.1f} ms")

    def paintEvent(self, _event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme.PANEL)
