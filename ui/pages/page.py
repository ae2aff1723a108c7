"""What every page is."""

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from teleop_studio.status import StudioStatus
from ui.bridge import Bridge
from ui.commands import Commands

if TYPE_CHECKING:
    from teleop_studio.studio import Studio


class Page(QWidget):
    """A page is refreshed only while it is shown; hidden pages cost nothing."""

    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__()
        self.bridge = bridge
        self.commands = commands
        self.actions_by_name = actions

    @property
    def studio(self) -> "Studio":
        return self.bridge.studio

    def enter(self) -> None:
        """The page becomes visible: read lists anew."""

    def leave(self) -> None:
        """The page is hidden."""

    def refresh(self, status: StudioStatus) -> None:
        """30 times a second while shown."""
