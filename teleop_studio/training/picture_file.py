"""One camera's reduced pictures of one episode as a file that is mapped into memory. Free of torch until it is mapped.

4096 bytes     a line with name and version, a line of JSON (`PictureSet` and the checksum), zeros
(n,) <i8       stamps of the pictures, zeros up to the next multiple of 4096
(n, px, px, 3) the pictures, uint8; in a file of `feature_cache` (n, F) numbers of float16
"""

import json
import os
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from teleop_studio.policies.picture_reduction import REDUCTION
from teleop_studio.training.errors import TrainingError

SUFFIX = ".pictures"
FEATURES_SUFFIX = ".features"
UNFINISHED = ".unfinished"
_MAGIC = b"teleop-studio/pictures 1\n"
PAGE = 4096
_CRC32 = "crc32"  # of everything behind the header
_READ_BYTES = 1 << 22


class RowSet(Protocol):
    """What a file holds, `count` rows from `rows_at` on; a dataclass whose fields are all that its header says."""

    @property
    def count(self) -> int: ...
    @property
    def rows_at(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...


def pages_of_stamps(count: int) -> int:
    """Bytes of the stamps, filled up to whole pages."""
    return -(-count * 8 // PAGE) * PAGE


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
        return self.rows_at + self.count * self.side_px * self.side_px * 3

    @property
    def rows_at(self) -> int:
        """Offset of the first picture: pages, so that a picture of 64x64 is three whole ones."""
        return PAGE + pages_of_stamps(self.count)


def write_rows(path: Path, held: RowSet, stamp_ns: NDArray[np.int64], rows: Iterable[NDArray[Any]]) -> None:
    """Write the file aside and rename it: a reader finds a whole one or none. Two writers do not disturb each other.

    Nothing is synced: what a power cut tears does not pass `fault_in`, and is made again. Raises `OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=UNFINISHED)
    try:
        with os.fdopen(number, "wb") as file:
            _write(file, held, stamp_ns, rows)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def fault_in(path: Path, held: RowSet, stamp_ns: NDArray[np.int64]) -> str:
    """What is wrong with a file that should hold these pictures; empty when it is whole. Reads all of it, 2 GB/s.

    Raises `OSError` when it can not be read.
    """
    size = path.stat().st_size
    if size != held.size_bytes:
        return f"it has {size} bytes, not {held.size_bytes}"
    with path.open("rb") as file:
        said = _header(file.read(PAGE))
        if said is None or said[0] != _fields(held):
            return "its header is another one"
        index = file.read(held.rows_at - PAGE)
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
    return mapped_rows(path, held).reshape(held.count, held.side_px, held.side_px, 3)


def mapped_rows(path: Path, held: RowSet) -> NDArray[np.uint8]:
    """The bytes of all rows; as `mapped_pictures`."""
    # Python's own mmap keeps a file descriptor for each map: with 1024 allowed, 500 episodes would be too many.
    import torch

    try:
        whole = torch.from_file(str(path), shared=False, size=held.size_bytes, dtype=torch.uint8)
    except RuntimeError as error:
        raise TrainingError(
            f"The cached pictures {path.name} can not be mapped into memory: {str(error).splitlines()[0]}. "
            "A system maps 65,530 files at a time unless vm.max_map_count is raised; train on fewer episodes."
        ) from error
    rows: NDArray[np.uint8] = whole.numpy()[held.rows_at :]
    return rows


def _write(file: BinaryIO, held: RowSet, stamp_ns: NDArray[np.int64], rows: Iterable[NDArray[Any]]) -> None:
    index = np.ascontiguousarray(stamp_ns, "<i8").tobytes().ljust(held.rows_at - PAGE, b"\0")
    file.write(bytes(PAGE))
    file.write(index)
    crc = zlib.crc32(index)
    for row in rows:
        data = np.ascontiguousarray(row).data.cast("B")
        file.write(data)
        crc = zlib.crc32(data, crc)
    file.seek(0)
    file.write((_MAGIC + json.dumps({**_fields(held), _CRC32: crc}).encode() + b"\n").ljust(PAGE, b"\0"))


def _fields(held: RowSet) -> dict[str, object]:
    fields: dict[str, object] = asdict(held)  # type: ignore[call-overload]
    return fields


def _header(page: bytes) -> tuple[dict[str, object], object] | None:
    """The fields of `PictureSet` and the checksum; None for another program's, another version's or a damaged one."""
    if not page.startswith(_MAGIC):
        return None
    try:
        said = json.loads(page[len(_MAGIC) :].rstrip(b"\0"))
        return said, said.pop(_CRC32)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
