"""What an exporter is given, and what all episodes of one export must have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recorders.episode import CameraDescription
from recorders.episode_reader import EpisodeReader
from recorders.errors import TransferCancelled, TransferRefused
from recorders.resample import default_fps

Progress = Callable[[int, int, str], None]  # done, total, one sentence about what happens now
Cancelled = Callable[[], bool]

MOST_FPS = 240


@dataclass(frozen=True)
class CommonRig:
    """What every episode of an export has alike. `cameras` as in the first episode: name, width, height count."""

    joint_names: tuple[str, ...]
    position_unit: str
    effort_units: tuple[str, ...]
    cameras: tuple[CameraDescription, ...]
    control_hz: float


@dataclass(frozen=True)
class ExportJob:
    """`fps` of the rows; `tell(done, detail)` reports episodes done and ends the export when it was cancelled."""

    episodes: tuple[Path, ...]
    rig: CommonRig
    fps: int
    progress: Progress
    cancelled: Cancelled

    def tell(self, done: int, detail: str) -> None:
        """Raises `TransferCancelled`."""
        if self.cancelled():
            raise TransferCancelled("The export was cancelled. Nothing of it was kept.")
        self.progress(done, len(self.episodes), detail)

    def teller(self, index: int, camera: str, rows: int) -> Callable[[int], None]:
        """`tell` for the pictures of one camera of episode `index`: called with the row that comes next."""
        episode = f"Episode {index + 1} of {len(self.episodes)}, {camera}"
        return lambda row: self.tell(index, f"{episode}: picture {row} of {rows}.")


def common_rig(paths: tuple[Path, ...]) -> CommonRig:
    """Joints, units and cameras of the episodes. Raises `TransferRefused` when they differ, `RecorderError`."""
    if not paths:
        raise TransferRefused("There is no episode to export. Choose at least one.")
    first: CommonRig | None = None
    for path in paths:
        with EpisodeReader(path) as reader:
            said = reader.description
            found = CommonRig(said.joint_names, said.position_unit, said.effort_units, said.cameras, said.control_hz)
        first = first or found
        different = _difference(first, found)
        if different:
            raise TransferRefused(
                f"{path.name} and {paths[0].name} do not go into one export: {different}. "
                "Export the episodes of one rig at a time."
            )
    assert first is not None
    return first


def checked_fps(fps: int, rig: CommonRig) -> int:
    """`fps`, or the rig's own for 0. Raises `TransferRefused` when it is none."""
    if fps == 0:
        return min(MOST_FPS, default_fps([camera.fps for camera in rig.cameras], rig.control_hz))
    if not 1 <= fps <= MOST_FPS:
        raise TransferRefused(f"{fps} rows per second can not be exported. Choose 1 to {MOST_FPS}.")
    return fps


def _difference(first: CommonRig, other: CommonRig) -> str:
    pairs = (
        ("joints", first.joint_names, other.joint_names),
        ("position unit", first.position_unit, other.position_unit),
        ("effort units", first.effort_units, other.effort_units),
        ("cameras", _sizes(first), _sizes(other)),
    )
    return "; ".join(f"{what} {_told(there)} and {_told(here)}" for what, here, there in pairs if here != there)


def _sizes(rig: CommonRig) -> tuple[str, ...]:
    return tuple(f"{camera.name} {camera.width}x{camera.height}" for camera in rig.cameras)


def _told(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value) or "none"
