"""The recorded episodes of a workspace as the lists show them."""

from pathlib import Path

from recorders import catalog
from recorders.episode_reader import EpisodeReader
from recorders.errors import RecorderError
from teleop_studio.episode_view import EpisodeView, measured_side, row_of
from teleop_studio.session import StudioError
from teleop_studio.status import EpisodeRow
from teleop_studio.workspace import Workspace


class Library:
    """Reads the catalogue, and measures one episode's side per call so that no call takes long."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._sides: dict[Path, str] = {}
        self._unmeasured: list[catalog.EpisodeInfo] = []
        self.newest: Path | None = None
        self.count = 0
        self.recount()

    def recount(self) -> None:
        """Look how many demonstrations there are now."""
        self.count = sum(1 for _ in self._workspace.episodes.glob("*.h5"))

    def saved(self, path: Path) -> None:
        """A new file has appeared."""
        self.newest = path
        if path.parent == self._workspace.episodes:
            self.count += 1

    def episodes(self) -> list[EpisodeRow]:
        rows = self._rows(self._workspace.episodes)
        self.count = len(rows)
        return rows

    def trials(self) -> list[EpisodeRow]:
        return self._rows(self._workspace.trials)

    def open(self, path: Path) -> EpisodeView:
        try:
            return EpisodeView(path)
        except (RecorderError, OSError, ValueError, IndexError) as error:
            raise StudioError(f"The episode {path.name} can not be opened. {error}") from error

    def label(self, path: Path, outcome: str) -> None:
        try:
            catalog.label(path, outcome)
        except (RecorderError, OSError, ValueError) as error:
            raise StudioError(f"The episode {path.name} could not be labelled. {error}") from error

    def move_to_bin(self, path: Path) -> None:
        try:
            catalog.move_to_bin(path)
        except (RecorderError, OSError) as error:
            raise StudioError(f"The episode {path.name} could not be moved to the bin. {error}") from error

    def pictures(self, path: Path) -> tuple[int, int]:
        """(written, due) camera pictures of an episode; what is due and not there is listed in its gaps."""
        try:
            with EpisodeReader(path) as reader:
                written = sum(reader.info.images.values())
                missing = sum(gap.count for gap in reader.gaps() if gap.stream in reader.cameras)
        except RecorderError as error:
            raise StudioError(f"The episode {path.name} can not be opened. {error}") from error
        return written, written + missing

    @property
    def measuring(self) -> bool:
        """True while sides are still to be measured."""
        return bool(self._unmeasured)

    def measure_one_side(self) -> None:
        if not self._unmeasured:
            return
        info = self._unmeasured.pop(0)
        try:
            self._sides[info.path] = measured_side(info)
        except (RecorderError, OSError, ValueError):
            self._sides[info.path] = ""

    def _rows(self, folder: Path) -> list[EpisodeRow]:
        infos = catalog.list_episodes(folder)
        known = self._sides.keys() | {info.path for info in self._unmeasured}
        # What can not be read has no side; once repaired it is measured like a new one.
        self._unmeasured += [info for info in infos if info.path not in known and not info.problem]
        return [row_of(info, self._sides.get(info.path, "")) for info in infos]
