"""Arrays and pictures in an HDF5 file of another program, and the reading back that makes sure of them."""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders.episode import CameraDescription
from recorders.episode_reader import EpisodeReader
from recorders.errors import EpisodeCorrupt
from recorders.exporters.job import CommonRig
from recorders.resample import GridRows, chosen_pictures

LIBVER = ("v110", "v110")  # HDF5 1.10 and newer can open it, also with swmr=True
Checksums = dict[str, int]  # CRC-32 of each dataset, by its path

_TELL_EVERY = 30  # pictures between two words of progress


def write_array(group: h5py.Group, key: str, values: NDArray[Any], sums: Checksums) -> None:
    """`group[key]`, contiguous."""
    array = np.ascontiguousarray(values)
    sums[group.create_dataset(key, data=array).name] = zlib.crc32(array.reshape(-1).view(np.uint8).data)


def write_pictures(
    group: h5py.Group,
    key: str,
    pictures: Iterator[NDArray[np.uint8]],
    camera: CameraDescription,
    count: int,
    sums: Checksums,
    tell: Callable[[int], None],
) -> None:
    """`group[key]` (count, h, w, 3) uint8 RGB, uncompressed, a chunk for each picture; they come one by one."""
    shape = (camera.height, camera.width, 3)
    dataset = group.create_dataset(key, (count, *shape), np.uint8, chunks=(1, *shape))
    crc = 0
    for index, rgb in enumerate(pictures):
        if index % _TELL_EVERY == 0:
            tell(index)
        plain = np.ascontiguousarray(rgb)
        dataset.id.write_direct_chunk((index, 0, 0, 0), plain)
        crc = zlib.crc32(plain.reshape(-1).data, crc)
    sums[dataset.name] = crc


def told_pictures(
    reader: EpisodeReader, camera: str, rows: GridRows, repeat_last: int = 0
) -> Iterator[NDArray[np.uint8]]:
    """The picture of each row, the last one `repeat_last` times more. Raises `EpisodeCorrupt`."""
    rgb: NDArray[np.uint8] | None = None
    for rgb in chosen_pictures(reader, camera, rows):
        yield rgb
    for _ in range(repeat_last):
        assert rgb is not None
        yield rgb


def check_file(path: Path, sums: Checksums) -> None:
    """Reads every array of `sums` again. Raises `EpisodeCorrupt` when one is not what was written."""
    with h5py.File(path, "r") as file:
        for name, wanted in sums.items():
            if _crc(file[name]) != wanted:
                raise EpisodeCorrupt(
                    f"The array {name} of {path.name} is not the one that was written. "
                    "Check the disk, then export again."
                )


def uncompressed_bytes(rig: CommonRig, rows: int) -> int:
    """How much room `rows` rows of pictures take without compression."""
    return rows * sum(camera.width * camera.height * 3 for camera in rig.cameras)


def _crc(dataset: h5py.Dataset) -> int:
    crc = 0
    step = 1 if dataset.ndim > 2 else max(1, len(dataset))
    for begin in range(0, len(dataset), step):
        piece = np.ascontiguousarray(dataset[begin : begin + step])
        crc = zlib.crc32(piece.reshape(-1).view(np.uint8).data, crc)
    return crc
