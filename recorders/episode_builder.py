"""Makes one HDF5 episode file of a finished journal; the journal goes only when the file has proved to be whole."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recorders import schema
from recorders.catalog import BIN
from recorders.disk import require_room, sync_folder, write_synced
from recorders.episode_file import file_name, number_of, opened
from recorders.episode_image import episode_image
from recorders.episode_writer import JOURNAL_FILE, remove_journal
from recorders.errors import EpisodeCorrupt, EpisodeIncomplete, RecorderError, disk_errors
from recorders.journal import opened_journal
from recorders.journal_content import JournalContent, read_journal
from recorders.verify import checksum_problems

_TEMPORARY = "episode.tmp"


def build_episode(journal: Path) -> Path:
    """The episode file of a finished journal (its folder), in the folder that the take was recorded into.

    The file appears under its final name whole and on the disk, or not at all. A journal that was built before, but not
    removed, gives the same file again. Raises `EpisodeMissing`, `EpisodeBusy`, `EpisodeIncomplete` (not finished, or
    without a control tick), `EpisodeCorrupt`, `DiskError`, `DiskFull`; the journal stays in each case.
    """
    with opened_journal(journal / JOURNAL_FILE) as data:
        content = read_journal(data)
        if content.outcome is None:
            raise EpisodeIncomplete(
                f"The take {content.uuid} was never finished. `teleop-studio repair` keeps what there is of it."
            )
        return build_from(journal, content, content.outcome)


def build_from(journal: Path, content: JournalContent, outcome: str) -> Path:
    """As `build_episode`, for a journal that the caller holds open; `outcome` for one that was never finished."""
    if not content.frame_stamps:
        raise EpisodeIncomplete(f"The take {content.uuid} holds no control tick, so there is no episode to build.")
    folder = journal.parent.parent
    with _numbers(folder):
        path = _built_before(folder, content.uuid) or _build(journal, folder, content, outcome)
    with disk_errors("remove the journal", journal):
        remove_journal(journal)
    return path


def _build(journal: Path, folder: Path, content: JournalContent, outcome: str) -> Path:
    # Built in memory and written by us: on a full disk the HDF5 library takes its whole process down.
    image = episode_image(content, outcome)
    require_room(folder, len(image) + (1 << 20), "save the episode")
    temporary = journal / _TEMPORARY
    try:
        with disk_errors("save the episode", temporary):
            write_synced(temporary, image)
        del image
        problems = checksum_problems(temporary)
        if problems:
            raise EpisodeCorrupt(
                f"The episode could not be saved whole. {problems[0].text} The journal is kept at {journal}; "
                "check the disk, then run `teleop-studio repair`."
            )
    except RecorderError:
        temporary.unlink(missing_ok=True)
        raise
    path = folder / file_name(_next_number(folder), content.uuid)
    with disk_errors("save the episode", path):
        os.rename(temporary, path)
        sync_folder(folder)
    return path


@contextmanager
def _numbers(folder: Path) -> Iterator[None]:
    """Only one process at a time gives out numbers in `folder`."""
    with disk_errors("number an episode", folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _next_number(folder: Path) -> int:
    """One more than any episode has, those in the bin included: a number is never given twice."""
    return 1 + max((number_of(path) for path in _episode_files(folder)), default=0)


def _built_before(folder: Path, uuid: str) -> Path | None:
    """The whole file that an earlier build of the same journal has left, if any."""
    for path in _episode_files(folder):
        if uuid[:8] in path.name and not checksum_problems(path):
            with opened(path) as file:
                if file.attrs[schema.UUID] == uuid:
                    return path
    return None


def _episode_files(folder: Path) -> list[Path]:
    pattern = f"*{schema.FILE_SUFFIX}"
    return [*folder.glob(pattern), *(folder / BIN).glob(pattern)]
