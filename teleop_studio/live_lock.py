"""A sign that a rig is live on this computer: a lock that ends with its holder, however that ends.

Background work that could take a core from an arm in motion asks for it; see decisions/0027.
"""

import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO


def live_lock_path() -> Path:
    """One file for all workspaces of a user: the cores are shared by all of them."""
    return Path(tempfile.gettempdir()) / f"teleop-studio-live-{os.getuid()}.lock"


class LiveLock:
    """Held while a rig is open; any number of rigs may hold it."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: IO[bytes] | None = None
        try:
            self._file = (path or live_lock_path()).open("ab")
            fcntl.flock(self._file, fcntl.LOCK_SH)
        except OSError:
            self.release()  # a full or closed temporary folder must not keep the arm from being used

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def rig_is_live(path: Path | None = None) -> bool:
    """Whether any rig of this user is open on this computer."""
    try:
        with (path or live_lock_path()).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
