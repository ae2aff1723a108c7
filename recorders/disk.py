"""What a file needs to be safe on the disk: room, a sync of its bytes, and a sync of its name."""

import math
import os
import shutil
from pathlib import Path

from recorders.errors import DiskFull, disk_errors

RESERVE_BYTES = 64 << 20  # stays free: what the file system and the programs beside us need for a moment


def bytes_to_build(journal_bytes: int) -> int:
    """What a finished journal of this size needs beside itself until its episode is built and the journal removed."""
    return journal_bytes + (1 << 20)


def seconds_left(folder: Path, bytes_per_s: float, journal_bytes: int = 0) -> float:
    """How long a take can still go on before it must be closed, so that its episode can be built beside its journal.

    `bytes_per_s` is how fast the journal grows, `journal_bytes` the size of all journals that are not built yet, the
    running one included. At 0 or below it must be closed now; inf when nothing grows. Raises `DiskError`.
    """
    if bytes_per_s <= 0:
        return math.inf
    with disk_errors("look at the free space", folder):
        free = shutil.disk_usage(folder).free
    return (free - RESERVE_BYTES - bytes_to_build(journal_bytes)) / (2 * bytes_per_s)


def require_room(folder: Path, needed_bytes: int, doing: str) -> None:
    """Raises `DiskFull` when `folder`'s disk has less than `needed_bytes` free."""
    with disk_errors(doing, folder):
        free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise DiskFull(
            f"The disk is nearly full. The app needs {needed_bytes / 1e6:.0f} MB to {doing} at {folder}, "
            f"{free / 1e6:.0f} MB are free. Free some space, or choose another workspace."
        )


def sync_folder(folder: Path) -> None:
    """Brings the names in `folder` to the disk: without it a power cut may undo a rename. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, content: bytes) -> None:
    """A new file with `content`, on the disk when this returns. Raises `OSError`."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
