"""Gives episodes their numbers and names: a number is never given twice, and no file ever takes another one's place."""

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
    """Moves a file to `target`, or to that name with a count behind it when there is one already. Raises `OSError`.

    One of both lies in a bin. Only one process at a time moves anything in or out of it, so nobody takes the name
    between the look and the rename; a link under a new name first would leave the file under both after a kill.
    """
    with _moving(path.parent if path.parent.name == BIN else target.parent):
        count = 1
        free = target
        while os.path.lexists(free):
            count += 1
            free = target.with_name(f"{target.stem}-{count}{target.suffix}")
        os.rename(path, free)
    return free


def one_name_each(folder: Path) -> None:
    """Takes back what a kill left of a step to a newer format: an episode that lies in the bin too, as the same file.

    Names that somebody else gave are left alone. Raises `DiskError`.
    """
    bin_folder = folder / BIN
    if not bin_folder.is_dir():
        return
    with numbering(folder), disk_errors("tidy up the bin", bin_folder), _moving(bin_folder):
        kept: dict[tuple[str, int], Path] = {}
        for path in sorted(numbered_files(folder), key=lambda path: (path.parent == bin_folder, len(path.name))):
            stat = path.lstat()
            if stat.st_nlink > 1 and kept.setdefault((own_name(path.name), stat.st_ino), path) != path:
                os.unlink(path)


@contextmanager
def _moving(bin_folder: Path) -> Iterator[None]:
    descriptor = os.open(bin_folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
