"""The pages of the window: name -> record. A new page is one module and one entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from ui.bridge import Bridge
    from ui.commands import Commands
    from ui.pages.page import Page

    Factory = Callable[[Bridge, Commands, dict[str, QAction]], Page]


@dataclass(frozen=True)
class PageRecord:
    """`glyph` is a key of `ui.widgets.nav_rail.GLYPHS`; `load` imports the page's module and returns its class.

    `apart`: at the foot of the list, for it is not part of the day's work, and kept when another rig is chosen.
    """

    title: str
    tooltip: str
    glyph: str
    shortcut: str
    load: "Callable[[], Factory]"
    apart: bool = False


def _record() -> "Factory":
    from ui.pages.record import RecordPage

    return RecordPage


def _episodes() -> "Factory":
    from ui.pages.episodes import EpisodesPage

    return EpisodesPage


def _train() -> "Factory":
    from ui.pages.train import TrainPage

    return TrainPage


def _deploy() -> "Factory":
    from ui.pages.deploy import DeployPage

    return DeployPage


def _compare() -> "Factory":
    from ui.pages.compare import ComparePage

    return ComparePage


def _setup() -> "Factory":
    from ui.pages.setup import SetupPage

    return SetupPage


PAGES: dict[str, PageRecord] = {
    "record": PageRecord("Record", "Drive the arm and record demonstrations", "record", "Ctrl+1", _record),
    "episodes": PageRecord(
        "Episodes", "Look through, sort out and hand on what was recorded", "episodes", "Ctrl+2", _episodes
    ),
    "train": PageRecord("Train", "Train a policy from the demonstrations", "train", "Ctrl+3", _train),
    "deploy": PageRecord("Deploy", "Let a policy drive and see what it thinks", "deploy", "Ctrl+4", _deploy),
    "compare": PageRecord("Compare", "A demonstration and a trial on one time line", "compare", "Ctrl+5", _compare),
    "setup": PageRecord("Set up", "Find, calibrate and save real arms and cameras", "setup", "Ctrl+6", _setup, True),
}
