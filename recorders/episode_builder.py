"""Makes one HDF5 episode file of a finished journal; the journal goes only when the file has proved to be whole."""

import os
from pathlib import Path

from recorders import schema
from recorders.disk import bytes_to_build, require_room, sync_folder
from recorders.episode_file import file_name, opened
from recorders.episode_hdf5 import write_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import JOURNAL_FILE, remove_journal
from recorders.errors import EpisodeCorrupt, EpisodeIncomplete, RecorderError, disk_errors
from recorders.journal import opened_journal
from recorders.journal_content import JournalContent, read_journal
from recorders.numbering import next_number, numbered_files, numbering
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
    with numbering(folder):
        path = _built_before(folder, content.uuid) or _build(journal, folder, content, outcome)
    with disk_errors("remove the journal", journal):
        remove_journal(journal)
    return path


def _build(journal: Path, folder: Path, content: JournalContent, outcome: str) -> Path:
    require_room(folder, bytes_to_build(len(content.data)), "save the episode")
    temporary = journal / _TEMPORARY
    try:
        with disk_errors("save the episode", temporary):
            write_episode(temporary, content, outcome)
        problems = checksum_problems(temporary)
        if problems:
            raise EpisodeCorrupt(
                f"The episode could not be saved whole. {problems[0].text} The journal is kept at {journal}; "
                "check the disk, then run `teleop-studio repair`."
            )
        _read_once(temporary)
    except RecorderError:
        temporary.unlink(missing_ok=True)
        raise
    path = folder / file_name(next_number(folder), content.uuid)
    with disk_errors("save the episode", path):
        os.rename(temporary, path)
        sync_folder(folder)
    return path


def _read_once(path: Path) -> None:
    """The journal goes only for a file that a reader can use: true checksums do not make sense of what was recorded.

    Raises `RecorderError`.
    """
    with EpisodeReader(path) as reader:
        _ = reader.frames, reader.events(), reader.gaps(), reader.chunks(), reader.clock_anchors()
        for camera in reader.cameras:
            reader.images(camera)


def _built_before(folder: Path, uuid: str) -> Path | None:
    """The whole file that an earlier build of the same journal has left, if any."""
    for path in numbered_files(folder):
        if uuid[:8] in path.name and not checksum_problems(path):
            with opened(path) as file:
                if file.attrs[schema.UUID] == uuid:
                    return path
    return None
