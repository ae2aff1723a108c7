"""Which rig is open, and the others of this workspace: read anew each time the menu opens."""

from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from teleop_studio.rig import RigConfig, RigError
from teleop_studio.rig_file import load_rig
from teleop_studio.status import State
from ui.bridge import Bridge
from ui.commands import Commands
from ui.widgets.closing import closing_words, must_be_said


class RigMenu(QMenu):
    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("rig_menu")
        self.setToolTipsVisible(True)
        self._bridge, self._commands, self._actions = bridge, commands, actions
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        self.clear()
        status, studio = self._bridge.status, self._bridge.studio
        if must_be_said(status):
            self.addSection(f"{status.rig} is open. Another one closes it first.")
            self.addAction(closing_words(studio.rig.on_close)).setEnabled(False)
            self.addSeparator()
        self._offer(RigConfig(), "Simulated rig", "No arms are needed: emulated servos, drawn cameras")
        for path in self._bridge.call(studio.rigs) or []:
            self._offer_file(path)
        self.addSeparator()
        closed = status.state is State.CLOSED
        self.addAction(self._actions["open_rig" if closed else "close_rig"])
        self.addAction(self._actions["page_setup"])

    def _offer_file(self, path: Path) -> None:
        try:
            rig = load_rig(path)
        except RigError as error:
            entry = self.addAction(f"{path.stem} (can not be used)")
            entry.setToolTip(str(error))
            entry.setEnabled(False)
            return
        arms = f"{rig.leader.arm} leads {rig.follower.arm}"
        self._offer(rig, f"{rig.name}   {arms}", f"{path.name}: {len(rig.cameras)} cameras, {rig.control_hz:g} Hz")

    def _offer(self, rig: RigConfig, title: str, tooltip: str) -> None:
        entry = self.addAction(title)
        entry.setToolTip(tooltip)
        entry.setCheckable(True)
        entry.setChecked(rig == self._bridge.studio.rig)
        entry.triggered.connect(lambda _checked=False: self._commands.use_rig(rig))
