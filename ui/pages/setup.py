"""Set up: find arms and cameras, say which is which, calibrate, and save it all as a rig."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QStackedWidget, QVBoxLayout, QWidget

from teleop_studio.rig import RigError
from teleop_studio.rig_file import load_rig
from teleop_studio.setup_status import SetupStatus
from teleop_studio.status import State, StudioStatus
from ui import theme
from ui.actions import add_action
from ui.bridge import Bridge
from ui.commands import Commands
from ui.pages.page import Page
from ui.setup_keys import SETUP_KEYS
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import Panel, button, soft_label
from ui.widgets.setup.calibration_part import CalibrationPart
from ui.widgets.setup.cameras_part import CamerasPart
from ui.widgets.setup.gate import Gate
from ui.widgets.setup.ids_part import IdsPart
from ui.widgets.setup.part_button import PartButton
from ui.widgets.setup.part_page import set_text
from ui.widgets.setup.ports_part import PortsPart
from ui.widgets.setup.progress import CALIBRATION, CAMERAS, IDS, PORTS, ROLES, TITLES, guides, parts
from ui.widgets.setup.roles_part import RolesPart
from ui.widgets.setup.save_part import SavePart
from ui.widgets.setup.wizard import Wizard

_LIST_WIDTH = 292
_SAID = 4  # lines of what was done


class SetupPage(Page):
    """Polls `studio.setup`; everything it shows comes from there, and each press returns at once."""

    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__(bridge, commands, actions)
        self.setObjectName("setup_page")
        runs: dict[str, Callable[[], object]] = {
            "setup_next": self.next,
            "setup_earlier": lambda: self.show_part(self.part - 1),
            "setup_later": lambda: self.show_part(self.part + 1),
            "setup_scan": self.scan,
            "setup_identify": self.identify,
            "setup_calibrate_leader": lambda: self.calibrate("leader"),
            "setup_calibrate_follower": lambda: self.calibrate("follower"),
            "setup_cancel": self.cancel,
            "setup_save": self.save,
            "setup_save_and_open": self.save_and_open,
        }
        self.keys = {spec.name: add_action(self, spec, runs[spec.name]) for spec in SETUP_KEYS}
        self.gate = Gate(bridge, self.keys)
        self.list = PartList(self)
        self.ports = PortsPart(bridge, self.keys)
        self.roles = RolesPart(bridge, self.keys)
        self.ids = IdsPart(bridge)
        self.calibration = CalibrationPart(bridge, self.keys)
        self.cameras = CamerasPart(bridge, self.keys)
        self.saving = SavePart(self.keys)
        self.parts = (self.ports, self.roles, self.ids, self.calibration, self.cameras, self.saving)
        self.wizard = Wizard(self.keys)
        self.part = PORTS
        self._guided: tuple[str, str] | None = None  # role and kind of what is gone through step by step
        self._begin_soon = False  # once the rig is closed
        self._scan_soon = False  # once the set-up has the ports
        self._opening: Path | None = None  # the saved rig, opened once the set-up has let go of the ports
        self._lay_out()
        self.show_part(PORTS)

    def _lay_out(self) -> None:
        self.shown_part = QStackedWidget()
        for part in (*self.parts, self.wizard):
            self.shown_part.addWidget(part)
        self.problem = Problem()
        work = QWidget()
        row = QHBoxLayout(work)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.list)
        panel = Panel()
        panel.body.setContentsMargins(8, 6, 8, 4)
        panel.body.addWidget(self.problem)
        panel.body.addWidget(self.shown_part, 1)
        row.addWidget(panel, 1)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.gate)
        self.stack.addWidget(work)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(self.stack)

    # --- what is shown ---------------------------------------------------------------------------------------------

    @property
    def setup(self) -> SetupStatus:
        return self.studio.setup.status

    def show_part(self, number: int) -> None:
        number = min(max(number, 0), len(self.parts) - 1)
        if self.part != number and self.setup.identifying:
            self.bridge.call(self.studio.setup.identify, False)
        self.part = number
        self.list.buttons[number].setChecked(True)
        self._show(self.setup)
        if number == CAMERAS and self.setup.running and not self.setup.cameras and not self.setup.busy:
            self.bridge.call(self.studio.setup.scan_cameras)

    def leave(self) -> None:
        if self.setup.identifying:
            self.bridge.call(self.studio.setup.identify, False)

    def refresh(self, status: StudioStatus) -> None:
        setup = self.setup
        shown = int(setup.running)
        if self.stack.currentIndex() != shown:
            self.stack.setCurrentIndex(shown)
        if not setup.running:
            self.gate.show_status(status, setup)
            self._begin()
            self._open_saved()
            return
        if self._scan_soon and not setup.busy:  # else it is still starting
            self._scan_soon = False
            self.ports.rescan()
        self._follow_guide(setup)
        self.list.show_setup(setup)
        self.problem.show_text(setup.problem)
        self._show(setup)

    def _show(self, setup: SetupStatus) -> None:
        """The part, or what is gone through in it step by step."""
        guided = guides(setup, self.part)
        shown = self.wizard if guided else self.parts[self.part]
        if self.shown_part.currentWidget() is not shown:
            self.shown_part.setCurrentWidget(shown)
        if guided and setup.calibration is not None:
            self.wizard.show_step(setup.calibration, setup)
        else:
            self.parts[self.part].show_setup(setup)

    def _follow_guide(self, setup: SetupStatus) -> None:
        """Turn to the part in which something begins; from there the operator may look at others."""
        running = setup.calibration
        guided = (running.role, running.kind) if running is not None and not running.finished else None
        if guided != self._guided:
            self._guided = guided
            if guided is not None:
                self.show_part(IDS if guides(setup, IDS) else CALIBRATION)

    # --- what keys and buttons do ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Close the rig first when one is open: the ports are needed. The button has said what the arm does then."""
        self._begin_soon = True
        if self.bridge.status.state is not State.CLOSED:
            self.bridge.call(self.studio.close_rig)
        else:
            self._begin()

    def _begin(self) -> None:
        if self._begin_soon and self.bridge.status.state is State.CLOSED and not self.studio.closing:
            self._begin_soon = False
            self._scan_soon = True
            self.bridge.call(self.studio.setup.begin)

    def end(self) -> None:
        self.bridge.call(self.studio.setup.end)

    def next(self) -> None:
        """Return: begin, the next step of the calibration, else the next part."""
        running = self.setup.calibration
        if not self.setup.running:
            self.begin()
        elif guides(self.setup, self.part) and running is not None:
            if running.ready:
                self.bridge.call(self.studio.setup.next_step)
            else:
                self.bridge.notice.emit("info", "This step is not finished.", running.why_not)
        else:
            self.show_part(self.part + 1)

    def scan(self) -> None:
        if not self.setup.running:
            self.begin()
        elif self.part == CAMERAS:
            self.bridge.call(self.studio.setup.scan_cameras)
        else:
            self.show_part(PORTS)
            self.ports.rescan()

    def identify(self) -> None:
        self.show_part(ROLES)
        self.bridge.call(self.studio.setup.identify, not self.setup.identifying)

    def calibrate(self, role: str) -> None:
        self.show_part(CALIBRATION)
        self.bridge.call(self.studio.setup.start_calibration, role)

    def cancel(self) -> None:
        self.bridge.call(self.studio.setup.cancel_calibration)

    def save(self) -> Path | None:
        if self.setup.missing:
            self.bridge.notice.emit("info", "The rig can not be saved yet.", self.setup.missing[0])
            self.show_part(len(self.parts) - 1)
            return None
        path = self.bridge.call(self.studio.setup.save, self.saving.rig_name)
        if path is not None:
            self.bridge.notice.emit("info", f"The rig {self.saving.rig_name} is saved.", f"It stands in {path.name}.")
        return path

    def save_and_open(self) -> None:
        self._opening = self.save()
        if self._opening is not None:
            self.end()

    def _open_saved(self) -> None:
        if self._opening is None:
            return
        path, self._opening = self._opening, None
        try:
            rig = load_rig(path)
        except RigError as error:
            self.bridge.notice.emit("error", "The saved rig can not be opened.", str(error))
            return
        self.commands.use_rig(rig)


class PartList(Panel):
    """The parts of the set-up, what is being done, and what was done."""

    def __init__(self, page: SetupPage) -> None:
        super().__init__("Set up a rig")
        self.setFixedWidth(_LIST_WIDTH)
        self.body.setSpacing(2)
        self._root = f"{page.studio.workspace.root}/"  # is known, and long
        self.buttons = [PartButton(number, title) for number, title in enumerate(TITLES, 1)]
        for number, made in enumerate(self.buttons):
            made.clicked.connect(lambda _checked=False, number=number: page.show_part(number))
            self.body.addWidget(made)
        self.body.addStretch(1)
        self.said = soft_label("", wrap=True)
        self.said.setAlignment(Qt.AlignmentFlag.AlignBottom)
        self.busy = QLabel("")
        self.busy.setWordWrap(True)
        self.busy.setFont(theme.font(12, QFont.Weight.DemiBold))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximum(1000)
        self.bar.hide()
        self.next = KeyButton(page.keys["setup_next"])
        self.stop = button(
            "end_setup", "End set-up", "Let go of the ports; what was chosen is kept", page.end, quiet=True
        )
        for widget in (self.said, self.busy, self.bar, self.next, self.stop):
            self.body.addWidget(widget)
            self.body.addSpacing(4)

    def show_setup(self, setup: SetupStatus) -> None:
        for made, part in zip(self.buttons, parts(setup), strict=True):
            made.show_part(part)
        set_text(self.said, "\n".join(setup.said[-_SAID:]).replace(self._root, ""))
        set_text(self.busy, f"{setup.busy} …" if setup.busy else "")
        share = round(1000 * setup.progress)
        if self.bar.value() != share:
            self.bar.setValue(share)
        if self.bar.isHidden() == bool(setup.busy):
            self.bar.setVisible(bool(setup.busy))
        shown = next(number for number, made in enumerate(self.buttons) if made.isChecked())
        hidden = shown == len(TITLES) - 1 or guides(setup, shown)
        self.next.look("Next" if hidden else f"Next: {TITLES[shown + 1]}", theme.RAISED, theme.TEXT)
        if self.next.isHidden() != hidden:
            self.next.setVisible(not hidden)


class Problem(QLabel):
    """Why the last thing failed and what to do, above the part it happened in; hidden when nothing failed."""

    def __init__(self) -> None:
        super().__init__("")
        self.setObjectName("setup_problem")
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.font(13))
        self.setStyleSheet(
            f"background: #3a1a1e; border-left: 5px solid {theme.BAD}; border-radius: 5px; padding: 9px 12px;"
        )
        self.hide()

    def show_text(self, text: str) -> None:
        set_text(self, text)
        if self.isHidden() == bool(text):
            self.setVisible(bool(text))
