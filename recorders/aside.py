"""A folder beside the real thing in which something is made, so that a kill leaves nothing half done in its place."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recorders.errors import TransferRefused, disk_errors


@contextmanager
def made_aside(path: Path, busy: str) -> Iterator[Path]:
    """The empty folder `path`, which goes with all that is left in it at the end.

    What an earlier user that was killed has left in it is removed first. While another one lives, `busy` is raised as
    `TransferRefused`. Raises `DiskError`.
    """
    with disk_errors("make a folder", path):
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TransferRefused(busy) from error
        try:
            with disk_errors("empty a folder", path):
                _empty(path)
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
