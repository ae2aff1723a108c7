"""Brings an episode file of an older version to the newest one. Reading does not need it: readers know all of 1.x."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders import schema
from recorders.checksum import text_sha256
from recorders.disk import require_room, sync_folder
from recorders.episode import CameraDescription
from recorders.episode_file import opened
from recorders.episode_hdf5 import Check, camera_attributes, declare_values, fill_values, text_array, write_hdf5
from recorders.errors import EpisodeCorrupt, RecorderError, disk_errors
from recorders.numbering import BIN, numbering
from recorders.verify import checksum_problems

_PIECE_BYTES = 8 << 20


def migrate(path: Path) -> bool:
    """Replaces an episode of format 1.0 by the same one in the newest format; the original goes to the bin.

    The new file is written aside and proved to be whole before it takes the name, so that there is a whole episode of
    that name at any moment. False when there is nothing to do. Raises `RecorderError`: `EpisodeCorrupt` for an
    episode that is damaged, `DiskFull`; then it stays as it is.
    """
    with opened(path) as file:
        if tuple(file.attrs[schema.ROOT_VERSION]) >= schema.FORMAT_VERSION:
            return False
    _require_whole(path, "Restore a copy")
    folder = path.parent
    aside = folder / f".{path.name}.migrating"
    with numbering(folder):
        require_room(folder, path.stat().st_size + (1 << 20), "bring an episode to the newest format")
        try:
            with opened(path) as old, disk_errors("bring an episode to the newest format", aside):
                _write_1_1(aside, old)
            _require_whole(aside, "Check the disk")
        except RecorderError:
            aside.unlink(missing_ok=True)
            raise
        with disk_errors("bring an episode to the newest format", path):
            _replace(path, aside)
    return True


def _require_whole(path: Path, advice: str) -> None:
    problems = checksum_problems(path)
    if problems:
        raise EpisodeCorrupt(
            f"The episode {path.name} can not be brought to the newest format. {problems[0].text} {advice}."
        )


def _replace(path: Path, aside: Path) -> None:
    """Puts the file at `path` into the bin and `aside` in its place. Raises `OSError`."""
    bin_folder = path.parent / BIN
    bin_folder.mkdir(exist_ok=True)
    count, kept = 1, bin_folder / path.name
    while kept.exists() and not kept.samefile(path):
        count += 1
        kept = bin_folder / f"{path.stem}-{count}{path.suffix}"
    try:
        if not kept.exists():  # an attempt that was killed has linked it already
            os.link(path, kept)
    except OSError:  # some file systems know no links
        shutil.copy2(path, kept)
        with open(kept, "rb") as file:
            os.fsync(file.fileno())
    sync_folder(bin_folder)
    os.replace(aside, path)
    sync_folder(path.parent)


def _write_1_1(path: Path, old: h5py.File) -> None:
    """Version 1.0 to 1.1: what was added says that it is not known, or what 1.0 did without saying so."""
    before, after = _gap_times(old)
    added = {schema.GAP_T0: before, schema.GAP_T1: after, schema.CLOCK_ANCHORS: np.zeros((0, 2), np.int64)}

    def declare(new: h5py.File) -> None:
        old.visititems(lambda name, item: _declare_like(new, name, item))
        new.attrs.update(_attributes_of(old))
        new.attrs.update(_added_attributes(old))
        for name in old.attrs[schema.CAMERA_NAMES]:
            said = new[schema.camera_path(name)].attrs
            # 1.0 wrote what are the defaults of the description: JPEG of quality 90, 4:4:4.
            camera = CameraDescription(name, int(said[schema.WIDTH]), int(said[schema.HEIGHT]), float(said[schema.FPS]))
            said.update(camera_attributes(camera))
        for column, values in added.items():
            declare_values(new, column.path, column, values, column.unit)

    def fill(new: h5py.File, check: Check) -> None:
        for column, values in added.items():
            fill_values(new, column.path, values)
        for name in sorted(_arrays(old), key=lambda name: old[name].dtype != object):  # texts first
            for begin, end in _pieces(old[name]):
                new[name][begin:end] = old[name][begin:end]
                check()

    write_hdf5(path, declare, fill)


def _declare_like(new: h5py.File, name: str, item: h5py.Group | h5py.Dataset) -> None:
    is_array = isinstance(item, h5py.Dataset)
    made = new.create_dataset(name, item.shape, item.dtype) if is_array else new.create_group(name)
    made.attrs.update(_attributes_of(item))


def _attributes_of(item: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    return {name: _storable(value) for name, value in item.attrs.items() if name != schema.CONTENT_SHA256}


def _added_attributes(old: h5py.File) -> dict[str, Any]:
    software = json.loads(old.attrs[schema.SOFTWARE])
    return {
        schema.ROOT_VERSION: np.array((1, 1), "<i4"),
        schema.SOFTWARE: json.dumps({**software, "migrated_from": "1.0"}),
        schema.CALIBRATION: "{}",
        schema.CALIBRATION_SHA256: text_sha256("{}"),
        schema.LOOP_STATISTICS: "{}",
        schema.POSITION_UNIT: "rad",
        schema.DERIVED_FROM: "",
        schema.DERIVATION: "",
    }


def _arrays(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def _pieces(dataset: h5py.Dataset) -> Iterator[tuple[int, int]]:
    """Rows (first, end) of pieces of a few MB."""
    rows = max(1, _PIECE_BYTES * len(dataset) // max(1, dataset.nbytes)) if len(dataset) else 1
    for begin in range(0, len(dataset), rows):
        yield begin, min(begin + rows, len(dataset))


def _storable(value: Any) -> Any:
    """An attribute as h5py gave it, as h5py takes it."""
    return text_array(list(value)) if isinstance(value, np.ndarray) and value.dtype == object else value


def _gap_times(old: h5py.File) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stamps of the last picture before and the first after each gap; -1 for gaps of other streams and at the ends."""
    streams = [text.decode() for text in old[schema.GAP_STREAM.path][:]]
    firsts, counts = old[schema.GAP_FIRST.path][:], old[schema.GAP_COUNT.path][:]
    before, after = np.full(len(streams), -1, np.int64), np.full(len(streams), -1, np.int64)
    for row, stream in enumerate(streams):
        if stream not in old.attrs[schema.CAMERA_NAMES]:
            continue
        sequence = old[schema.camera_path(stream, schema.IMAGE_SEQUENCE)][:]
        stamps = old[schema.camera_path(stream, schema.IMAGE_STAMP)][:]
        last = int(np.searchsorted(sequence, firsts[row])) - 1
        first = int(np.searchsorted(sequence, firsts[row] + counts[row]))
        before[row] = stamps[last] if last >= 0 else -1
        after[row] = stamps[first] if first < len(stamps) else -1
    return before, after
