"""Keeps the HDF5 library away from files that can hurt it: what must hold before more than names is read from one.

The library is C and trusts what a file says about itself. A few zeroed bytes among its texts make it loop for ever, a
declared size makes it reserve memory that is not there, a link makes it open another file. Episodes need none of the
freedom behind this: all their objects are plain arrays in one piece, each in one place, and texts.

Damage by chance is found here or by the library's own checksums. A forger who makes all checksums right can still let
the text of an attribute claim 4 GB, or begin inside a picture: where an attribute lies is not told.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
from h5py import h5a, h5d, h5g, h5l, h5o, h5t

from recorders.hdf5_texts import ENTRY_BYTES, Texts
from recorders.hdf5_texts import Unsafe as Unsafe

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SUPERBLOCK = struct.Struct("<8sBBBBQQQQI")  # version 3: HDF5 file format specification, II.A
_SUPERBLOCK_VERSION = 3
_NONE = 2**64 - 1  # "undefined address"

_MAX_DEPTH = 4
_MAX_OBJECTS = 2048
_MAX_ATTRIBUTES = 256  # of one object
_MAX_ATTRIBUTE_BYTES = 64 << 10
_MAX_METADATA_BYTES = 64 << 20  # everything but the arrays: names, attributes, texts
_MAX_NUMBER_BYTES = 8
_PLAIN = (h5t.INTEGER, h5t.FLOAT)


@dataclass(frozen=True)
class _Array:
    """Where an array's `size` bytes lie in the file, and how many of its entries are texts."""

    path: str
    offset: int
    size: int
    texts: int


def check_header(path: Path) -> None:
    """Reads 48 bytes. Raises `Unsafe` unless `path` is a closed HDF5 file of the kind this app writes; `OSError`."""
    with open(path, "rb") as file:
        head = file.read(_SUPERBLOCK.size)
        size = os.fstat(file.fileno()).st_size
    if not size:
        raise Unsafe("It is empty.")
    if not head.startswith(_SIGNATURE):
        raise Unsafe("It does not begin like an HDF5 file.")
    if len(head) < _SUPERBLOCK.size:
        raise Unsafe(f"It ends after {size} bytes.")
    _, version, address_bytes, length_bytes, flags, base, extension, end, _, _ = _SUPERBLOCK.unpack(head)
    if (version, address_bytes, length_bytes, base, extension) != (_SUPERBLOCK_VERSION, 8, 8, 0, _NONE):
        raise Unsafe(f"It is an HDF5 file that this app did not write (superblock version {version}).")
    if flags:
        raise Unsafe("It is marked as being written: the program that wrote it was cut off.")
    if end != size:
        raise Unsafe(f"It has {size} bytes where {end} are due.")


def check_objects(path: Path, file: h5py.File) -> None:
    """Raises `Unsafe` unless `file` holds only plain arrays inside itself, and texts that can be read without harm.

    Reads names, headers and the heap of texts, at most `_MAX_METADATA_BYTES`; no array. h5py's own exceptions pass.
    """
    size = os.path.getsize(path)
    walk = _Walk(size)
    walk.visit(h5g.open(file.id, b"/"), "", 0)
    free = list(_between(sorted(walk.arrays, key=lambda array: array.offset), size))
    if sum(end - begin for begin, end in free) > _MAX_METADATA_BYTES:
        raise Unsafe(f"It holds more than {_MAX_METADATA_BYTES >> 20} MB beside its arrays.")
    with open(path, "rb") as raw:
        texts = Texts()
        for begin, end in free:
            texts.take_in(os.pread(raw.fileno(), end - begin, begin), begin)
        for array in walk.arrays:
            if array.texts:
                texts.check_array(array.path, os.pread(raw.fileno(), array.size, array.offset))
    texts.check_attributes(walk.attribute_texts)


class _Walk:
    """All objects of a file by their names, without following anything that leads elsewhere."""

    def __init__(self, file_bytes: int) -> None:
        self._file_bytes = file_bytes
        self._addresses: set[int] = set()
        self.arrays: list[_Array] = []
        self.attribute_texts: list[tuple[str, int]] = []

    def visit(self, group: h5g.GroupID, path: str, depth: int) -> None:
        """`group` and all below it."""
        self._check_attributes(group, path)
        count = group.get_num_objs()
        if depth > _MAX_DEPTH or len(self._addresses) + count > _MAX_OBJECTS:
            raise Unsafe(f"It holds more groups in groups than an episode does, at {path or '/'}.")
        for name in list(group):
            self._visit_entry(group, name, f"{path}/{name.decode(errors='replace')}", depth)

    def _visit_entry(self, group: h5g.GroupID, name: bytes, path: str, depth: int) -> None:
        if group.links.get_info(name).type != h5l.TYPE_HARD:
            raise Unsafe(f"{path} is a link to another place. Episodes have none, and the app does not follow it.")
        info = h5o.get_info(group, name)
        if info.rc != 1 or info.addr in self._addresses:
            raise Unsafe(f"{path} is in the file under another name as well.")
        self._addresses.add(info.addr)
        item = h5o.open(group, name)
        if isinstance(item, h5g.GroupID):
            self.visit(item, path, depth + 1)
        elif isinstance(item, h5d.DatasetID):
            self._check_attributes(item, path)
            self.arrays.append(self._array(item, path))
        else:
            raise Unsafe(f"{path} is neither a group nor an array.")

    def _array(self, dataset: h5d.DatasetID, path: str) -> _Array:
        plan = dataset.get_create_plist()
        if plan.get_layout() != h5d.CONTIGUOUS or plan.get_external_count():
            raise Unsafe(f"The array {path} does not lie in the file in one piece.")
        kind = dataset.get_type()
        is_text = _is_text(kind)
        if not is_text and (kind.get_class() not in _PLAIN or kind.get_size() > _MAX_NUMBER_BYTES):
            raise Unsafe(f"The array {path} holds neither numbers nor texts.")
        entries = 1
        for length in dataset.shape:
            entries *= int(length)
        size = entries * (ENTRY_BYTES if is_text else kind.get_size())
        offset = dataset.get_offset() if size else 0
        if size and (offset is None or dataset.get_storage_size() != size or offset + size > self._file_bytes):
            raise Unsafe(f"The array {path} should have {size} bytes, more than there are of it in the file.")
        return _Array(path, offset, size, entries if is_text else 0)

    def _check_attributes(self, item: h5g.GroupID | h5d.DatasetID, path: str) -> None:
        count = h5a.get_num_attrs(item)
        if count > _MAX_ATTRIBUTES:
            raise Unsafe(
                f"{path or '/'} has {count} attributes, an episode has at most {_MAX_ATTRIBUTES} at one place."
            )
        for index in range(count):
            self._check_attribute(h5a.open(item, index=index), path or "/")

    def _check_attribute(self, attribute: h5a.AttrID, path: str) -> None:
        kind = attribute.get_type()
        size = int(h5a.get_info(attribute).data_size)
        if size > _MAX_ATTRIBUTE_BYTES:
            raise Unsafe(
                f"An attribute of {path} has {size} bytes, more than the {_MAX_ATTRIBUTE_BYTES} of an episode."
            )
        if _is_text(kind):
            self.attribute_texts.append((path, size // ENTRY_BYTES))
        # An enumeration is how h5py writes True and False.
        elif kind.get_class() not in (*_PLAIN, h5t.ENUM) or kind.get_size() > _MAX_NUMBER_BYTES:
            raise Unsafe(f"An attribute of {path} holds neither numbers nor texts.")


def _is_text(kind: h5t.TypeID) -> bool:
    return isinstance(kind, h5t.TypeStringID) and bool(kind.is_variable_str())


def _between(arrays: list[_Array], end: int) -> Iterator[tuple[int, int]]:
    """The stretches of the file that are in none of `arrays` (in order). Raises `Unsafe` where two overlap."""
    last = 0
    for array in arrays:
        if not array.size:
            continue
        if array.offset < last:
            raise Unsafe(f"The array {array.path} lies over another one.")
        if array.offset > last:
            yield last, array.offset
        last = array.offset + array.size
    if last < end:
        yield last, end
