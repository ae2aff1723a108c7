"""One camera's reduced pictures of one episode as a file that is mapped into memory. Free of torch until it is mapped.

4096 bytes     a line with name and version, a line of JSON (`PictureSet` and the checksum), zeros
(n,) <i8       stamps of the pictures, zeros up to the next multiple of 4096
(n, px, px, 3) the pictures, uint8
"""

import json
import os
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from teleop_studio.policies.picture_reduction import REDUCTION
from teleop_studio.training.errors import TrainingError

SUFFIX = ".pictures"
UNFINISHED = ".unfinished"
_MAGIC = b"teleop-studio/pictures 1\n"
_PAGE = 4096
_CRC32 = "crc32"  # of everything behind the header
_READ_BYTES = 1 << 22


@dataclass(frozen=True)
class PictureSet:
    """What a file holds: all `count` pictures of `camera` in the episode with that hash, reduced to `side_px`."""

    content_sha256: str
    camera: str
    side_px: int
    count: int
    reduction: str = REDUCTION

    @property
    def size_bytes(self) -> int:
        """Of the whole file."""
        return self.pictures_at + self.count * self.side_px * self.side_px * 3

    @property
    def pictures_at(self) -> int:
        """Offset of the first picture: pages, so that a picture of 64x64 is three whole ones."""
        return _PAGE + -(-self.count * 8 // _PAGE) * _PAGE


def write_pictures(
    path: Path, held: PictureSet, stamp_ns: NDArray[np.int64], pictures: Iterable[NDArray[np.uint8]]
) -> None:
    """Write the file aside and rename it: a reader finds a whole one or none. Two writers do not disturb each other.

    Nothing is synced: what a power cut tears does not pass `fault_in`, and is made again. Raises `OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=UNFINISHED)
    try:
        with os.fdopen(number, "wb") as file:
            _write(file, held, stamp_ns, pictures)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def fault_in(path: Path, held: PictureSet, stamp_ns: NDArray[np.int64]) -> str:
    """What is wrong with a file that should hold these pictures; empty when it is whole. Reads all of it, 2 GB/s.

    Raises `OSError` when it can not be read.
    """
    size = path.stat().st_size
    if size != held.size_bytes:
        return f"it has {size} bytes, not {held.size_bytes}"
    with path.open("rb") as file:
        said = _header(file.read(_PAGE))
        if said is None or said[0] != asdict(held):
            return "its header is another one"
        index = file.read(held.pictures_at - _PAGE)
        if index[: 8 * held.count] != np.ascontiguousarray(stamp_ns, "<i8").tobytes():
            return "its stamps are not those of the episode"
        crc = zlib.crc32(index)
        while piece := file.read(_READ_BYTES):
            crc = zlib.crc32(piece, crc)
    return "" if crc == said[1] else "its checksum does not match"


def mapped_pictures(path: Path, held: PictureSet) -> NDArray[np.uint8]:
    """The pictures (n, px, px, 3), read from disk where they are looked at; the file may be removed meanwhile.

    Raises `TrainingError` when the system maps no further file.
    """
    # Python's own mmap keeps a file descriptor for each map: with 1024 allowed, 500 episodes would be too many.
    import torch

    try:
        whole = torch.from_file(str(path), shared=False, size=held.size_bytes, dtype=torch.uint8)
    except RuntimeError as error:
        raise TrainingError(
            f"The cached pictures {path.name} can not be mapped into memory: {str(error).splitlines()[0]}. "
            "A system maps 65,530 files at a time unless vm.max_map_count is raised; train on fewer episodes."
        ) from error
    pictures: NDArray[np.uint8] = whole.numpy()[held.pictures_at :]
    return pictures.reshape(held.count, held.side_px, held.side_px, 3)


def _write(
    file: BinaryIO, held: PictureSet, stamp_ns: NDArray[np.int64], pictures: Iterable[NDArray[np.uint8]]
) -> None:
    index = np.ascontiguousarray(stamp_ns, "<i8").tobytes().ljust(held.pictures_at - _PAGE, b"\0")
    file.write(bytes(_PAGE))
    file.write(index)
    crc = zlib.crc32(index)
    for picture in pictures:
        row = np.ascontiguousarray(picture).data.cast("B")
        file.write(row)
        crc = zlib.crc32(row, crc)
    file.seek(0)
    file.write((_MAGIC + json.dumps({**asdict(held), _CRC32: crc}).encode() + b"\n").ljust(_PAGE, b"\0"))


def _header(page: bytes) -> tuple[dict[str, object], object] | None:
    """The fields of `PictureSet` and the checksum; None for another program's, another version's or a damaged one."""
    if not page.startswith(_MAGIC):
        return None
    try:
        said = json.loads(page[len(_MAGIC) :].rstrip(b"\0"))
        return said, said.pop(_CRC32)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
