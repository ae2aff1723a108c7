"""Gives episodes their numbers and names: a number is never given twice, and no file ever takes another one's place."""

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recorders import schema
from recorders.episode_file import number_of
from recorders.errors import disk_errors

BIN = ".bin"  # folder of the episodes that were put away, below the others

_COUNTED = re.compile(r"(\d{6,}-[0-9a-f]{8})-\d+" + re.escape(schema.FILE_SUFFIX))
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@contextmanager
def numbering(folder: Path) -> Iterator[None]:
    """Only one process at a time gives out numbers in `folder`. Raises `DiskError`."""
    with disk_errors("number an episode", folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def next_number(folder: Path) -> int:
    """One more than any episode has, those in the bin included: a number is never given twice."""
    return 1 + max((number_of(path) for path in numbered_files(folder)), default=0)


def numbered_files(folder: Path) -> list[Path]:
    """All episode files of `folder` and of its bin."""
    pattern = f"*{schema.FILE_SUFFIX}"
    # The folder once more at the end: an episode that is being restored meanwhile must not slip through.
    return list(dict.fromkeys([*folder.glob(pattern), *(folder / BIN).glob(pattern), *folder.glob(pattern)]))


def own_name(name: str) -> str:
    """The name that the builder gave, without the count that the bin may have put behind it."""
    match = _COUNTED.fullmatch(name)
    return f"{match.group(1)}{schema.FILE_SUFFIX}" if match else name


def put_under_free_name(path: Path, target: Path) -> Path:
    """Moves a file to `target`, or to that name with a count behind it when there is one already. Raises `OSError`."""
    count = 1
    free = target
    while not _moved(path, free):
        count += 1
        free = target.with_name(f"{target.stem}-{count}{target.suffix}")
    return free


def _moved(path: Path, target: Path) -> bool:
    """False when there is a file `target`. A rename would take its place without a word."""
    try:
        os.link(path, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if target.exists():
            return False
        os.rename(path, target)
        return True
    os.unlink(path)
    return True
