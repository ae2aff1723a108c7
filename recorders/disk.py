"""What a file needs to be safe on the disk: room, a sync of its bytes, and a sync of its name."""

import os
import shutil
from pathlib import Path

from recorders.errors import DiskFull, disk_errors


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
