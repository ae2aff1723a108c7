"""Brings takes that a crash left behind back to the episodes, and says what it did."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from recorders.catalog import episode_info
from recorders.episode_builder import build_from
from recorders.episode_writer import JOURNAL_FILE, JOURNALS, REMOVED, remove_journal
from recorders.errors import EpisodeBusy, EpisodeMissing, RecorderError, disk_errors
from recorders.journal import opened_journal
from recorders.journal_content import JournalContent, read_journal
from recorders.verify import verify

LEAST_S = 1.0  # a shorter take that was cut off is not worth a file
_TORN_BYTES = 1 << 18  # more than the one record that a crash can tear


@dataclass(frozen=True)
class RecoveredEpisode:
    """What became of one journal. `path` the episode file, None when there is none; `text` says it to the operator.

    `problem` is True when the journal could not be brought back and still lies at `journal`.
    """

    journal: Path
    path: Path | None
    outcome: str
    duration_s: float
    text: str
    problem: bool = False

    def __str__(self) -> str:
        return self.text


def recover(folder: Path) -> list[RecoveredEpisode]:
    """Builds the episodes of all journals that `folder` holds and no process is writing.

    A finished take is saved as such. One that was cut off is saved as "interrupted" up to its last whole record when it
    holds `LEAST_S` or more, else removed. A journal that can not be brought back is reported and left where it is.
    """
    journals = folder / JOURNALS
    if not journals.is_dir():
        return []
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
    """None for a journal that another process is writing."""
    try:
        return _recovered(journal)
    except EpisodeBusy:
        return None
    except (RecorderError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
        # One journal that nobody foresaw must not keep the others, or the whole app, from starting.
        text = f"A take could not be brought back. {error} It is kept at {journal}."
        return RecoveredEpisode(journal, None, "", 0.0, text, problem=True)


def _worthless(content: JournalContent) -> bool:
    """Whether a take that ended right after its start can be thrown away. Never where damage may hide more of it."""
    if content.damaged or content.unread_bytes > _TORN_BYTES:
        return False
    return not content.frame_stamps or (content.outcome is None and content.duration_s < LEAST_S)


def _recovered(journal: Path) -> RecoveredEpisode:
    with opened_journal(journal / JOURNAL_FILE) as data:
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
