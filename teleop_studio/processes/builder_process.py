"""Makes HDF5 files of finished journals, apart from the recorder so that the next take never waits for the last."""

import contextlib
import os
import shutil
import time
from pathlib import Path

from recorders.disk import bytes_to_build
from recorders.episode_builder import build_episode
from recorders.episode_writer import JOURNAL_FILE
from recorders.errors import DiskFull, EpisodeMissing, RecorderError
from recorders.repair import recover
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Pipe

_TRY_AGAIN_S = 2.0


def main(pipe: Pipe, folders: tuple[Path, ...]) -> None:
    """First recover what an earlier crash left in `folders`, then build what is asked for until the pipe closes."""
    with contextlib.suppress(OSError):
        os.nice(5)
    builder = _Builder(pipe)
    for folder in folders:
        builder.recover(folder)
    pipe.send(m.Ready())
    while True:
        for message in pipe.receive(0.5):
            match message:
                case m.BuildEpisode(journal):
                    builder.build(journal)
                case m.RecoverTakes(None):
                    for folder in folders:
                        builder.recover(folder)
                case m.RecoverTakes(Path() as folder):
                    builder.recover(folder)
        builder.try_again()


class _Builder:
    """Journals that find no room wait until there is some; nothing is ever removed to make it."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._waiting: list[Path] = []  # finished takes
        self._unrecovered: set[Path] = set()  # journals that a crash left behind
        self._recovered: dict[Path, Path] = {}
        self._tried_s = 0.0

    def build(self, journal: Path) -> None:
        """Say what has become of the journal: saved, waiting for room, or lost."""
        try:
            path = build_episode(journal)
        except DiskFull as error:
            if journal not in self._waiting:
                self._waiting.append(journal)
                self._pipe.send(m.TakeWaiting(journal, str(error)))
            return
        except EpisodeMissing as error:
            # A recovery that came between the end of the take and this message has built it already.
            built = self._recovered.get(journal)
            self._pipe.send(m.TakeLost(str(error), journal) if built is None else m.TakeSaved(journal, built))
        except (RecorderError, OSError) as error:
            self._pipe.send(m.TakeLost(str(error), journal))
        else:
            self._pipe.send(m.TakeSaved(journal, path))
        if journal in self._waiting:
            self._waiting.remove(journal)

    def recover(self, folder: Path) -> None:
        """Build what lies in `folder` and nobody is writing."""
        for result in recover(folder):
            if result.journal in self._waiting:
                if result.path is not None:
                    self._waiting.remove(result.journal)
                    self._pipe.send(m.TakeSaved(result.journal, result.path))
                continue
            if result.path is not None:
                self._recovered[result.journal] = result.path
            if result.problem and not _has_room(result.journal):
                if result.journal in self._unrecovered:
                    continue
                self._unrecovered.add(result.journal)
            else:
                self._unrecovered.discard(result.journal)
            if not result.told:
                self._pipe.send(m.TakeRecovered(result.text, result.path))

    def try_again(self) -> None:
        """Build what had found no room, as soon as there is some."""
        if time.monotonic() - self._tried_s < _TRY_AGAIN_S:
            return
        self._tried_s = time.monotonic()
        for journal in [journal for journal in self._waiting if _has_room(journal)]:
            self.build(journal)
        ready = {journal for journal in self._unrecovered if _has_room(journal)}
        self._unrecovered -= ready
        for folder in {journal.parent.parent for journal in ready}:
            self.recover(folder)


def _has_room(journal: Path) -> bool:
    """Whether the disk can take the episode file."""
    try:
        size = (journal / JOURNAL_FILE).stat().st_size
        return shutil.disk_usage(journal).free >= bytes_to_build(size)
    except OSError:
        return True  # gone: building it says so
