"""Steps of an unattended run: a generator yields them; the command line or the window carries them out."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Say:
    """A progress line for whoever watches."""

    text: str


@dataclass(frozen=True)
class Show:
    """Turn the window to a page. Without a window: nothing."""

    page: str


@dataclass(frozen=True)
class Picture:
    """Turn the window to a page and save it as a PNG of `width` x `height`. Without a window: nothing."""

    page: str
    path: Path
    width: int = 1280
    height: int = 800


@dataclass(frozen=True)
class Wait:
    """Nothing to do now: come back at the next refresh."""


Step = Say | Show | Picture | Wait
