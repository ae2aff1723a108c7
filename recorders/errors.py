"""What can go wrong with episodes, one type for each reaction a caller can have.

RecorderError               show it: the first sentence is the title, the rest the detail
 ├ DiskError                the disk refused a read or a write: look at its state and permissions
 │   └ DiskFull             no room: free some, what was recorded so far is kept
 ├ EpisodeMissing           no such episode file or journal
 ├ EpisodeBusy              another process is writing it: wait
 ├ EpisodeIncomplete        it holds nothing to build an episode from
 ├ EpisodeCorrupt           damaged, or no episode file at all: restore a copy or move it to the bin
 ├ EpisodeFormatUnknown     written by a newer version: update the app
 ├ TransferRefused          an export or import that can not be: change what the sentence names
 └ TransferCancelled        the operator ended an export or import: nothing is left of it
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A file size limit (EFBIG) and a quota (EDQUOT) ask the operator for the same thing as a full disk: room.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class RecorderError(Exception):
    """Something the operator can act on. The message says what happened, where, with which value, and what to do."""


class DiskError(RecorderError):
    """The disk refused a read or a write."""


class DiskFull(DiskError):
    """There is no room left for what should be written."""


class EpisodeMissing(RecorderError):
    """The file or journal does not exist."""


class EpisodeBusy(RecorderError):
    """Another process is writing or building this episode."""


class EpisodeIncomplete(RecorderError):
    """The journal holds nothing that an episode can be built from."""


class EpisodeCorrupt(RecorderError):
    """The file or journal is damaged or of another kind."""


class EpisodeFormatUnknown(RecorderError):
    """The file was written by a newer version of the app."""


class TransferRefused(RecorderError):
    """Episodes that do not go together, foreign data that can not be read, a taken folder, a missing package."""


class TransferCancelled(RecorderError):
    """An export or import was ended from outside."""


@contextmanager
def disk_errors(doing: str, path: Path) -> Iterator[None]:
    """Turns an `OSError` inside into `DiskFull` or `DiskError`. `doing` completes "could not ..."."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(
                f"The disk is full. The app could not {doing} at {path}. "
                "Free some space; what was recorded before is kept and is put in order at the next start."
            ) from error
        why = os.strerror(error.errno) if error.errno else str(error)
        raise DiskError(
            f"The disk refused: {why}. The app could not {doing} at {path}. "
            "Check the disk and the permissions of the folder."
        ) from error
