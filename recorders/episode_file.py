"""Opens episode files, and says in the operator's words why one can not be opened."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from recorders import schema
from recorders.errors import DiskError, EpisodeCorrupt, EpisodeFormatUnknown, EpisodeMissing

_NAME = re.compile(r"(\d{6,})-[0-9a-f]{8}" + re.escape(schema.FILE_SUFFIX))


def file_name(number: int, uuid: str) -> str:
    """The name of episode `number`."""
    return f"{number:06d}-{uuid[:8]}{schema.FILE_SUFFIX}"


def number_of(path: Path) -> int:
    """The number in an episode's name, 0 for a name that somebody else gave."""
    match = _NAME.fullmatch(path.name)
    return int(match.group(1)) if match else 0


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The file for reading. What h5py finds wrong while it is used becomes `EpisodeCorrupt` as well.

    Raises `EpisodeMissing`, `EpisodeCorrupt`, `EpisodeFormatUnknown`, `DiskError`.
    """
    file = open_file(path)
    try:
        with damage_reported(path):
            yield file
    finally:
        file.close()


def open_file(path: Path) -> h5py.File:
    """As `opened`, for a caller that closes it itself."""
    if not path.is_file():
        raise EpisodeMissing(f"There is no episode file {path}. It may have been moved, renamed or put in the bin.")
    if not os.access(path, os.R_OK):
        raise DiskError(f"The episode {path.name} may not be read. Correct the permissions of {path}.")
    with damage_reported(path):
        file = h5py.File(path, "r")
    try:
        with damage_reported(path):
            _check_format(path, file)
    except Exception:
        file.close()
        raise
    return file


@contextmanager
def damage_reported(path: Path) -> Iterator[None]:
    """Turns what h5py raises for a damaged file into `EpisodeCorrupt`."""
    try:
        yield
    except (OSError, RuntimeError, LookupError, ValueError, TypeError) as error:
        raise EpisodeCorrupt(
            f"The episode {path.name} is damaged. {type(error).__name__}: {str(error).strip() or 'no detail'}. "
            f"Restore {path} from a copy, or move it to the bin."
        ) from error


def _check_format(path: Path, file: h5py.File) -> None:
    if file.attrs.get(schema.ROOT_FORMAT) != schema.FORMAT:
        raise EpisodeCorrupt(
            f"{path.name} is no episode of this app. Its format is {file.attrs.get(schema.ROOT_FORMAT)!r}, "
            f"not {schema.FORMAT!r}. Move it out of the episodes' folder, or import it."
        )
    version = tuple(int(part) for part in file.attrs[schema.ROOT_VERSION])
    if version[0] != schema.FORMAT_VERSION[0]:
        raise EpisodeFormatUnknown(
            f"The episode {path.name} has format version {version[0]}.{version[1]}; this app reads "
            f"{schema.FORMAT_VERSION[0]}.x. Update the app to the version that recorded it."
        )
