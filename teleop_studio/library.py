"""The recorded episodes of a workspace: what the lists show, and what the operator does with them."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from recorders import catalog
from recorders.annotations import annotate
from recorders.catalog import EpisodeInfo
from recorders.episode_reader import EpisodeReader
from recorders.errors import RecorderError
from recorders.trim import check_range
from teleop_studio.collection_work import Survey, Trims
from teleop_studio.episode_view import EpisodeView
from teleop_studio.session import StudioError
from teleop_studio.shelf import Shelf
from teleop_studio.status import CollectionStatistics, EpisodeRow
from teleop_studio.workspace import Workspace

_LOOK_S = 0.5


class Library:
    """Lists, labels and puts away at once; looks through and trims in child processes that `poll` follows.

    What goes wrong is a `StudioError` with a sentence for the operator. `operator` is who says it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._shelves = (Shelf(workspace.episodes), Shelf(workspace.trials))
        self._bins = (Shelf(workspace.episodes, binned=True), Shelf(workspace.trials, binned=True))
        self._survey = Survey((workspace.episodes, workspace.trials), workspace.logs)
        self._trims = Trims(workspace.logs)
        self._look_s = 0.0
        self.operator = ""
        self.newest: Path | None = None
        self.count = self._shelves[0].count()

    # --- lists -----------------------------------------------------------------------------------------------------

    def episodes(self) -> list[EpisodeRow]:
        """Demonstrations, oldest first. The same list until something has changed."""
        with _failing("The episodes can not be listed."):
            rows = self._shelves[0].rows()
        self.count = len(rows) + self._shelves[0].unread
        return rows

    def trials(self) -> list[EpisodeRow]:
        """Episodes that a policy drove, oldest first. The same list until something has changed."""
        with _failing("The trials can not be listed."):
            return self._shelves[1].rows()

    def binned(self) -> list[EpisodeRow]:
        """What was put away, demonstrations first."""
        with _failing("The bin can not be listed."):
            return [row for shelf in self._bins for row in shelf.rows()]

    def statistics(self) -> CollectionStatistics:
        """Of the demonstrations. No episode is read for it."""
        with _failing("The statistics can not be made."):
            return self._shelves[0].statistics()

    def thumbnail(self, path: Path) -> NDArray[np.uint8] | None:
        """Moments of the episode side by side (h, w, 3); None until the survey has made it."""
        jpeg = next((found for shelf in (*self._shelves, *self._bins) if (found := shelf.thumbnail(path))), b"")
        if not jpeg:
            return None
        rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(jpeg)
        return rgb

    def open(self, path: Path) -> EpisodeView:
        with _failing(f"The episode {path.name} can not be opened."):
            return EpisodeView(path)

    def pictures(self, path: Path) -> tuple[int, int]:
        """(written, due) camera pictures of an episode; what is due and not there is listed in its gaps."""
        with _failing(f"The episode {path.name} can not be opened."), EpisodeReader(path) as reader:
            written = sum(reader.info.images.values())
            missing = sum(gap.count for gap in reader.gaps() if gap.stream in reader.cameras)
        return written, written + missing

    # --- what the operator says --------------------------------------------------------------------------------------

    def label(self, path: Path, outcome: str) -> None:
        self._say(path, "labelled", outcome=outcome)

    def add_tag(self, path: Path, tag: str) -> None:
        self._say(path, "tagged", add_tags=[tag])

    def remove_tag(self, path: Path, tag: str) -> None:
        self._say(path, "tagged", remove_tags=[tag])

    def set_note(self, path: Path, text: str) -> None:
        self._say(path, "given a note", note=text)

    def set_split(self, path: Path, split: str) -> None:
        """`split` "train", "held_out", or "" to leave it to the training."""
        self._say(path, "put into that split", split=split)

    def dismiss_trim(self, path: Path) -> None:
        """Do not suggest any more to cut off the episode's idle start."""
        self._say(path, "changed", dismiss="trim")

    # --- bin and trim ------------------------------------------------------------------------------------------------

    def move_to_bin(self, path: Path) -> Path:
        """Takes the episode out of the lists; the file is kept. Returns where."""
        with _failing(f"The episode {path.name} could not be moved to the bin."):
            moved = catalog.move_to_bin(path)
        self._changed(path)
        return moved

    def restore(self, path: Path) -> Path:
        """Puts an episode of the bin back under its own name. Returns where."""
        with _failing(f"The episode {path.name} could not be restored."):
            moved = catalog.restore(path)
        self._changed(path)
        return moved

    def trim(self, path: Path, start_s: float, end_s: float) -> None:
        """Starts to keep only that part of the episode, as a new episode; the original goes to the bin.

        `trimming` counts those under way; what goes wrong is said by `poll`.
        """
        with _failing(f"The episode {path.name} can not be trimmed."):
            check_range(self._known(path) or catalog.episode_info(path), start_s, end_s)
        self._trims.start(path, start_s, end_s)

    @property
    def trimming(self) -> int:
        """How many episodes are being trimmed."""
        return self._trims.running

    # --- what goes on beside ---------------------------------------------------------------------------------------

    def recount(self) -> None:
        """Look how many demonstrations there are now."""
        self.count = self._shelves[0].count()

    def saved(self, path: Path) -> None:
        """A new file has appeared."""
        self.newest = path
        if path.parent == self._workspace.episodes:
            self.count += 1

    @property
    def surveying(self) -> int:
        """How many episodes are still to be looked through."""
        return max(0, sum(shelf.unsurveyed for shelf in self._shelves) - self._survey.given_up)

    @property
    def survey_pid(self) -> int | None:
        """The process that looks through them; None while there is none."""
        return self._survey.pid

    @property
    def measuring(self) -> bool:
        """True while sides are still to be measured."""
        return self.surveying > 0

    def poll(self) -> list[str]:
        """Follows the child processes. Sentences for the operator about what has gone wrong. Call at about 30 Hz."""
        trims = self._trims.poll()
        if trims.changed:
            for shelf in (*self._shelves, *self._bins):
                shelf.changed()
            self.recount()
        if time.monotonic() >= self._look_s:
            self._look_s = time.monotonic() + _LOOK_S
            with contextlib.suppress(RecorderError):  # whoever asks for the list is told
                for shelf in self._shelves:
                    shelf.rows()
        return [*trims.problems, *self._survey.poll(self.surveying)]

    def close(self) -> None:
        """Ends the child processes. A trim that is under way is not lost: the original is still there."""
        self._survey.close()
        self._trims.close()

    def _say(self, path: Path, done: str, **said: Any) -> None:
        with _failing(f"The episode {path.name} could not be {done}."):
            info = self._known(path)
            if info is None:
                catalog.say(path, self.operator, **said)
            else:  # opening a file takes longer than the window may wait
                annotate(catalog.folder_of(path), info.uuid, self.operator, **said)

    def _known(self, path: Path) -> EpisodeInfo | None:
        """The list's entry of an episode that is there and can be used."""
        found = (shelf.find(path) for shelf in (*self._shelves, *self._bins))
        return next((info for info in found if info and not info.problem and path.is_file()), None)

    def _changed(self, path: Path) -> None:
        folder = catalog.folder_of(path)
        for shelf in (*self._shelves, *self._bins):
            if shelf.folder == folder:
                shelf.changed()
        self.recount()


@contextmanager
def _failing(sentence: str) -> Iterator[None]:
    """Turns what goes wrong inside into a `StudioError` that begins with `sentence`."""
    try:
        yield
    except (RecorderError, OSError, ValueError, IndexError) as error:
        raise StudioError(f"{sentence} {error}") from error
