"""Brings takes that a crash left behind back to the episodes, and says what it did."""

import contextlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from recorders.catalog import episode_info
from recorders.episode_builder import build_from
from recorders.episode_writer import JOURNAL_FILE, JOURNALS, REMOVED, remove_journal
from recorders.errors import DiskError, EpisodeBusy, EpisodeMissing, disk_errors
from recorders.journal import opened_journal
from recorders.journal_content import JournalContent, read_journal
from recorders.numbering import one_name_each
from recorders.verify import verify

# A shorter take that was cut off is not worth a file. With the half second that a power cut may cost: a second at most.
LEAST_S = 0.5
_BEGINNING_S = 60.0  # between a journal's folder and its file lie microseconds
TOLD = "told.txt"  # beside a journal that could not be brought back: what the operator knows already
_TORN_BYTES = 1 << 18  # more than the one record that a crash can tear


@dataclass(frozen=True)
class RecoveredEpisode:
    """What became of one journal. `path` the episode file, None when there is none; `text` says it to the operator.

    `problem` is True when the journal could not be brought back and still lies at `journal`; `told` when an earlier
    recovery has said the same.
    """

    journal: Path
    path: Path | None
    outcome: str
    duration_s: float
    text: str
    problem: bool = False
    told: bool = False

    def __str__(self) -> str:
        return self.text


def recover(folder: Path) -> list[RecoveredEpisode]:
    """Builds the episodes of all journals that `folder` holds and no process is writing.

    A finished take is saved as such. One that was cut off is saved as "interrupted" up to its last whole record when it
    holds `LEAST_S` or more, else removed. A journal that can not be brought back is reported and left where it is;
    what is said about it again is marked as `told`.
    """
    journals = folder / JOURNALS
    if not journals.is_dir():
        return []
    with contextlib.suppress(DiskError):  # a second name of a whole file is no reason to recover nothing
        one_name_each(folder)
    found = sorted(path for path in journals.iterdir() if path.is_dir())
    for path in found:
        if path.name.startswith(REMOVED):
            shutil.rmtree(path, ignore_errors=True)
    results = (_recover_one(path) for path in found if not path.name.startswith(REMOVED))
    return [result for result in results if result is not None]


def repair(path: Path) -> list[str]:
    """What the command `repair PATH` does and says: recovers all journals at or below `path`, then checks the episodes.

    `path` is an episode file, a journal's folder, a folder of episodes or a whole workspace. An empty list never comes:
    there is a sentence when all is well. Raises `EpisodeMissing` when there is no `path`.
    """
    if not path.exists():
        raise EpisodeMissing(f"There is no file or folder {path}. Give the path of an episode or of its folder.")
    recovered = _recovered_below(path) if path.is_dir() else []
    said = [result.text for result in recovered]
    problems = [] if (path / JOURNAL_FILE).exists() or not path.exists() else verify(path)
    said += [f"{problem.path.name}: {problem.text}" for problem in problems]
    return said or [f"Nothing to repair at {path}: no take was cut off and all episodes are whole."]


def _recovered_below(path: Path) -> list[RecoveredEpisode]:
    if (path / JOURNAL_FILE).exists():
        result = _recover_one(path)
        return [] if result is None else [result]
    folders = sorted({journals.parent for journals in path.rglob(JOURNALS)})
    return [result for folder in folders for result in recover(folder)]


def _recover_one(journal: Path) -> RecoveredEpisode | None:
    """None for a journal that another process is writing, and for one that a crash kept from getting its file."""
    try:
        return None if _is_empty(journal) else _recovered(journal)
    except EpisodeBusy:
        return None
    except Exception as error:
        # One journal that nobody foresaw must not keep the others, or the whole app, from starting.
        text = f"A take could not be brought back. {str(error) or repr(error)} It is kept at {journal}."
        told = not isinstance(error, DiskError | OSError) and _told_before(journal, text)
        return RecoveredEpisode(journal, None, "", 0.0, text, problem=True, told=told)


def _is_empty(journal: Path) -> bool:
    """Whether there is nothing at all in the journal's folder; then it goes, unless a take may just be beginning."""
    with contextlib.suppress(OSError):
        if any(journal.iterdir()):
            return False
        if abs(time.time() - journal.stat().st_mtime) > _BEGINNING_S:
            journal.rmdir()
        return True
    return False


def _told_before(journal: Path, text: str) -> bool:
    """Whether this was said about the journal before; from now on it was."""
    note = journal / TOLD
    with contextlib.suppress(OSError):
        if note.is_file() and note.read_text(errors="replace") == text:
            return True
        note.write_text(text)
    return False


def _worthless(content: JournalContent) -> bool:
    """Whether a take that ended right after its start can be thrown away. Never where damage may hide more of it."""
    if content.damaged or content.unread_bytes > _TORN_BYTES or _span_s(content) >= LEAST_S:
        return False
    return content.outcome is None or not content.frame_stamps


def _span_s(content: JournalContent) -> float:
    """From the first tick, picture or event to the last: a take without ticks may still be worth something."""
    streams = [content.frame_stamps, *(pictures.stamp_ns for pictures in content.cameras.values())]
    stamps = [stamp for stream in streams if stream for stamp in (stream[0], stream[-1])]
    stamps += [stamp_ns for stamp_ns, _, _ in content.events]
    return (max(stamps) - min(stamps)) * 1e-9 if stamps else 0.0


def _recovered(journal: Path) -> RecoveredEpisode:
    with opened_journal(journal / JOURNAL_FILE) as data:
        if not data:
            with disk_errors("remove the journal", journal):
                remove_journal(journal)
            text = "A take that was cut off at its very start held nothing and was removed."
            return RecoveredEpisode(journal, None, "interrupted", 0.0, text)
        content = read_journal(data)
        outcome = content.outcome or "interrupted"
        if _worthless(content):
            with disk_errors("remove the journal", journal):
                remove_journal(journal)
            text = f"A take that was cut off after {content.duration_s:.1f} s was too short to keep and was removed."
            return RecoveredEpisode(journal, None, outcome, content.duration_s, text)
        path = build_from(journal, content, outcome)
    info = episode_info(path)
    how = "was cut off" if content.outcome is None else "was finished but not saved"
    text = f"A take of {info.duration_s:.1f} s {how}. It is kept as {path.name}, outcome {outcome!r}."
    return RecoveredEpisode(journal, path, outcome, info.duration_s, text)
