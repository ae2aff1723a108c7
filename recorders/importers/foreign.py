"""An episode of another program, as far as all formats have it, before it becomes one of ours."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.errors import EpisodeCorrupt, TransferCancelled, TransferRefused

UNITS = ("rad", "deg", "percent")
MOST_ROWS = 1_000_000
MOST_SIDE = 8192  # px
MOST_JOINTS = 128

Progress = Callable[[int, int, str], None]
Cancelled = Callable[[], bool]
Picture = NDArray[np.uint8] | bytes  # (h, w, 3) RGB, or a JPEG file


@dataclass(frozen=True)
class ImportWish:
    """What the data do not say themselves. `unit` of positions, one of `UNITS`; `fps` rows per second; `state` the keys
    of the measured joints where a format leaves them open. Empty or 0: as the data say.
    """

    unit: str = ""
    task: str = ""
    fps: float = 0.0
    source: str = "human"
    state: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportJob:
    """From `source` in format `kind` into the episodes' `folder`."""

    kind: str
    source: Path
    folder: Path
    wish: ImportWish
    progress: Progress
    cancelled: Cancelled

    def tell(self, done: int, total: int, detail: str) -> None:
        """Raises `TransferCancelled`."""
        if self.cancelled():
            raise TransferCancelled("The import was cancelled. The episodes that were imported before it are kept.")
        self.progress(done, total, detail)


@dataclass(frozen=True)
class ForeignCamera:
    """`encoded`: its pictures come as JPEG files, which are kept as they are."""

    name: str
    width: int
    height: int
    encoded: bool = False


@dataclass(frozen=True)
class ForeignEpisode:
    """T rows at `fps`. Arrays (T, D) as stored, in the data's own units; velocity and effort may be missing.

    `pictures(camera)` gives T pictures one after the other. `remarks` say what was assumed, one sentence each.
    """

    fps: float
    task: str
    joint_names: tuple[str, ...]
    state: NDArray[np.float64]
    action: NDArray[np.float64]
    velocity: NDArray[np.float64] | None
    effort: NDArray[np.float64] | None
    cameras: tuple[ForeignCamera, ...]
    pictures: Callable[[str], Iterator[Picture]]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForeignSet:
    """Episodes by name. `open_episode(index)` gives one of them; `export_file` what our own exporter said."""

    names: tuple[str, ...]
    open_episode: Callable[[int], AbstractContextManager[ForeignEpisode]]
    export_file: dict[str, Any] | None = field(default=None)

    def origin(self, index: int) -> dict[str, Any]:
        """Our exporter's entry for an episode, its effort units among it; empty for data of others."""
        if self.export_file is None or index >= len(self.export_file["episodes"]):
            return {}
        return {"effort_units": self.export_file["effort_units"], **self.export_file["episodes"][index]}


def camera_name(text: str) -> str:
    """`text` as a name that an episode may have. Raises `TransferRefused` when nothing of it can be kept."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")[:32]
    if not name:
        raise TransferRefused(f"The camera {text!r} has no letter or digit in its name. Rename it in the data.")
    return name


def joint_names_for(width: int, said: Sequence[Any] | None = None) -> tuple[str, ...]:
    """`said` without the endings that other programs add, when it fits; otherwise numbered ones."""
    if said is not None and len(said) == width and all(isinstance(name, str) and name for name in said):
        names = tuple(re.sub(r"\.(pos|position)$", "", name) for name in said)
        if len(set(names)) == width:
            return names
    return tuple(f"joint_{number}" for number in range(1, width + 1))


def check_width(state: NDArray[np.float64], action: NDArray[np.float64]) -> None:
    """Raises `TransferRefused` when the actions can not be goals of the measured joints."""
    if state.shape != action.shape:
        raise TransferRefused(
            f"The measured joints have shape {state.shape}, the actions {action.shape}. This app keeps actions that "
            "are goals of the same joints; other actions, such as moves of the gripper in space, can not be imported."
        )


def chosen_fps(wish: ImportWish, said: float, hint: str) -> float:
    """Rows per second by the wish, or else by the data. Raises `TransferRefused` when neither says it."""
    fps = wish.fps or said
    if not 0.1 <= fps <= 1000:
        raise TransferRefused(
            f"The data do not say how many rows a second has{f' (they say {fps:g})' if fps else ''}. "
            f"Give it with --fps. {hint}".strip()
        )
    return float(fps)


@contextmanager
def damage_reported(what: str) -> Iterator[None]:
    """Turns what reading libraries raise for broken data into `EpisodeCorrupt`."""
    try:
        yield
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, MemoryError) as error:
        words = " ".join(str(error).split())[:300] or "no detail"
        raise EpisodeCorrupt(
            f"{what} can not be read. {type(error).__name__}: {words}. Restore it from a copy, or leave it out."
        ) from error
