"""Reads arrays out of HDF5 files that strangers wrote: nothing is followed out of the file, nothing huge is loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders.errors import EpisodeCorrupt, EpisodeMissing
from recorders.importers.foreign import MOST_JOINTS, MOST_ROWS, MOST_SIDE, damage_reported

_MOST_VALUES = 1 << 24  # of one array of joints: 128 MB
_MOST_CHUNK_BYTES = 128 << 20
_MOST_TEXT = 10_000


@contextmanager
def opened_hdf5(path: Path) -> Iterator[h5py.File]:
    """The file for reading. What goes wrong while it is used becomes `EpisodeCorrupt`. Raises `EpisodeMissing`."""
    if not path.is_file():
        raise EpisodeMissing(f"There is no file {path}. Give the data of the format that was chosen.")
    with damage_reported(path.name):
        file = h5py.File(path, "r", locking=False)
    try:
        with damage_reported(path.name):
            yield file
    finally:
        file.close()


def member(group: h5py.Group, path: str) -> h5py.Group | h5py.Dataset | None:
    """What lies at `path` below `group`, None when nothing does. Raises `EpisodeCorrupt` for links out of the file."""
    item: Any = group
    for part in path.split("/"):
        if not isinstance(item, h5py.Group):
            return None
        link = item.get(part, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise EpisodeCorrupt(
                f"{item.name.rstrip('/')}/{part} is a link, which may lead to another file and is not followed. "
                "Copy the data into one file."
            )
        item = item[part]
    return item


def group_at(group: h5py.Group, path: str) -> h5py.Group:
    """Raises `EpisodeCorrupt` when there is no group at `path`."""
    item = member(group, path)
    if not isinstance(item, h5py.Group):
        raise _lacking(group, path, "group")
    return item


def array_at(group: h5py.Group, path: str, dimensions: int = 2) -> NDArray[np.float64]:
    """The numbers at `path`, finite, at most `MOST_ROWS` rows and `MOST_JOINTS` columns. Raises `EpisodeCorrupt`."""
    dataset = dataset_at(group, path)
    if dataset.ndim != dimensions or dataset.dtype.kind not in "fiu" or 0 in dataset.shape:
        raise EpisodeCorrupt(
            f"The array {dataset.name} is {dataset.dtype} of shape {dataset.shape}; "
            f"numbers in {dimensions} dimensions are expected."
        )
    too_wide = dimensions == 2 and dataset.shape[1] > MOST_JOINTS
    if dataset.shape[0] > MOST_ROWS or too_wide or dataset.size > _MOST_VALUES:
        raise EpisodeCorrupt(f"The array {dataset.name} has shape {dataset.shape}: more than any episode holds.")
    values = np.asarray(dataset[...], np.float64)
    if not np.isfinite(values).all():
        raise EpisodeCorrupt(f"The array {dataset.name} holds values that are no numbers. Leave the episode out.")
    return values


def optional_array(group: h5py.Group, path: str, like: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The array at `path`; None when there is none, or one of another shape than `like`. Raises `EpisodeCorrupt`."""
    if member(group, path) is None:
        return None
    values = array_at(group, path)
    return values if values.shape == like.shape else None


def dataset_at(group: h5py.Group, path: str) -> h5py.Dataset:
    """The array at `path`, all of it in this file. Raises `EpisodeCorrupt`."""
    dataset = member(group, path)
    if not isinstance(dataset, h5py.Dataset):
        raise _lacking(group, path, "array")
    if dataset.is_virtual or dataset.external:
        raise EpisodeCorrupt(f"The array {dataset.name} lies in another file. Copy the data into one file.")
    if dataset.chunks and np.prod(dataset.chunks, dtype=float) * dataset.dtype.itemsize > _MOST_CHUNK_BYTES:
        raise EpisodeCorrupt(f"The array {dataset.name} is stored in pieces of {dataset.chunks}: too large to read.")
    if dataset.size and not dataset.id.get_storage_size():
        raise EpisodeCorrupt(f"The array {dataset.name} says that it has shape {dataset.shape}, but nothing is in it.")
    return dataset


def picture_size(dataset: h5py.Dataset, rows: int) -> tuple[int, int]:
    """Width and height of plain RGB pictures. Raises `EpisodeCorrupt` for anything else than (rows, h, w, 3) uint8."""
    fits = dataset.ndim == 4 and dataset.dtype == np.uint8 and dataset.shape[0] >= rows and dataset.shape[3] == 3
    if not fits or not all(1 <= side <= MOST_SIDE for side in dataset.shape[1:3]):
        raise EpisodeCorrupt(
            f"The pictures {dataset.name} are {dataset.dtype} of shape {dataset.shape}; "
            f"uint8 ({rows}, height, width, 3) is expected."
        )
    return int(dataset.shape[2]), int(dataset.shape[1])


def text_attribute(item: h5py.Group, name: str) -> str:
    """An attribute that is a text; empty when it is none or there is none."""
    value = item.attrs.get(name, "")
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return value[:_MOST_TEXT] if isinstance(value, str) else ""


def _lacking(group: h5py.Group, path: str, what: str) -> EpisodeCorrupt:
    there = ", ".join(list(group)[:20]) or "nothing"
    return EpisodeCorrupt(f"There is no {what} {path!r} at {group.name}, only: {there}. Is it another format?")
