"""Opens episode files, and says in the operator's words why one can not be opened."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from recorders import schema
from recorders.episode_structure import structure_problems
from recorders.errors import DiskError, EpisodeBusy, EpisodeCorrupt, EpisodeFormatUnknown, EpisodeMissing
from recorders.hdf5_guard import Unsafe, check_header, check_objects

_NAME = re.compile(r"(\d{6,})-[0-9a-f]{8}" + re.escape(schema.FILE_SUFFIX))
_MOST_CHECKED = 50_000
# Too many open files, no memory, a disk that does not answer: the file itself may be whole.
_NOT_THE_FILE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE)

# (device, inode, size, changed ns) of files that were found whole: looking again takes longer than opening them.
_checked: dict[tuple[int, ...], None] = {}


def file_name(number: int, uuid: str) -> str:
    """The name of episode `number`."""
    return f"{number:06d}-{uuid[:8]}{schema.FILE_SUFFIX}"


def number_of(path: Path) -> int:
    """The number in an episode's name, 0 for a name that somebody else gave."""
    return number_in(path.name)


def number_in(name: str) -> int:
    """As `number_of`, of the name alone: a thousand paths take longer to be taken apart."""
    match = _NAME.fullmatch(name)
    return int(match.group(1)) if match else 0


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The file for reading. What h5py finds wrong while it is used becomes `EpisodeCorrupt` as well.

    Raises `EpisodeMissing`, `EpisodeBusy`, `EpisodeCorrupt`, `EpisodeFormatUnknown`, `DiskError`.
    """
    file = open_file(path)
    try:
        with damage_reported(path):
            yield file
    finally:
        file.close()


def open_file(path: Path) -> h5py.File:
    """As `opened`, for a caller that closes it itself.

    All arrays of the schema are there, have the right types and sizes, and lie inside the file; what they hold has not
    been looked at.
    """
    if not path.is_file():
        raise EpisodeMissing(f"There is no episode file {path}. It may have been moved, renamed or put in the bin.")
    if not os.access(path, os.R_OK):
        raise DiskError(f"The episode {path.name} may not be read. Correct the permissions of {path}.")
    with damage_reported(path):
        check_header(path)
        file = h5py.File(path, "r")
    try:
        with damage_reported(path):
            _check(path, file)
    except BaseException:
        file.close()
        raise
    return file


@contextmanager
def damage_reported(path: Path) -> Iterator[None]:
    """Turns what h5py raises for a damaged file into `EpisodeCorrupt`."""
    try:
        yield
    except BlockingIOError as error:
        raise EpisodeBusy(
            f"The episode {path.name} is being written by another program. Wait for it to end."
        ) from error
    except Unsafe as unsafe:
        raise EpisodeCorrupt(_damaged(path, str(unsafe))) from unsafe
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        if isinstance(error, OSError) and error.errno in _NOT_THE_FILE:
            raise DiskError(
                f"The episode {path.name} could not be read: {os.strerror(error.errno)}. "
                "Close other programs, check the disk, and try again."
            ) from error
        detail = f"{type(error).__name__}: {str(error).strip() or 'no detail'}."
        raise EpisodeCorrupt(_damaged(path, detail)) from error


def _damaged(path: Path, detail: str) -> str:
    return f"The episode {path.name} is damaged. {detail} Restore {path} from a copy, or move it to the bin."


def _check(path: Path, file: h5py.File) -> None:
    # Without reading the attribute: what it holds is not yet known to be harmless.
    if not h5py.h5a.exists(file.id, schema.ROOT_FORMAT.encode()):
        raise _stranger(path, "It is an HDF5 file that says nothing about its format")
    stat = os.stat(path)
    known = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    if known in _checked:
        return
    check_objects(path, file)
    version = _format_version(path, file)
    for problem in structure_problems(file, version):
        raise EpisodeCorrupt(_damaged(path, problem))
    if len(_checked) >= _MOST_CHECKED:
        _checked.clear()
    _checked[known] = None


def _stranger(path: Path, why: str) -> EpisodeCorrupt:
    return EpisodeCorrupt(
        f"{path.name} is no episode of this app. {why}. Move it out of the episodes' folder, or import it."
    )


def _format_version(path: Path, file: h5py.File) -> tuple[int, ...]:
    said = file.attrs[schema.ROOT_FORMAT]
    if not isinstance(said, str) or said != schema.FORMAT:
        raise _stranger(path, f"Its format is {str(said)[:60]!r}, not {schema.FORMAT!r}")
    version = tuple(int(part) for part in file.attrs[schema.ROOT_VERSION])
    if len(version) != 2:
        raise EpisodeCorrupt(_damaged(path, f"Its format version is {version}."))
    if version[0] != schema.FORMAT_VERSION[0]:
        raise EpisodeFormatUnknown(
            f"The episode {path.name} has format version {version[0]}.{version[1]}; this app reads "
            f"{schema.FORMAT_VERSION[0]}.x. Update the app to the version that recorded it."
        )
    return version
