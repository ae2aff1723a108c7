"""What the processes that look through, trim and prepare recorded episodes say and are told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LookThrough:
    """There may be new episodes."""


@dataclass(frozen=True)
class LookingThrough:
    path: Path


@dataclass(frozen=True)
class LookedThrough:
    """All episodes of the folders; `problem` why it could not be done, empty when it was."""

    problem: str


@dataclass(frozen=True)
class Trimmed:
    """`new` the trimmed episode, None when there is none; `problem` says why."""

    path: Path
    new: Path | None
    problem: str


@dataclass(frozen=True)
class PicturesPrepared:
    """The pictures of `done` of `total` new demonstrations are ready for a training."""

    done: int
    total: int
