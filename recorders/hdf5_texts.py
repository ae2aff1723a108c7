"""Where an HDF5 file keeps its texts of any length, and whether they can be read without harm.

They lie in heaps that have no checksum. An entry of an array, or an attribute, says how long its text is, in which heap
and under which index; the library believes all of it (HDF5 file format specification, III.E and IV.A.2.d).
"""

import struct

ENTRY_BYTES = 16  # how a text lies in an array: length, address of the heap, index
_ENTRY = struct.Struct("<IQI")
_HEAP = struct.Struct("<4sB3xQ")
_HEAP_OBJECT = struct.Struct("<HH4xQ")
_MAGIC = b"GCOL"

_MAX_TEXT_BYTES = 16 << 20
_MAX_TEXTS_BYTES = 256 << 20  # of one array or attribute: many entries may lead to the same long text


class Unsafe(Exception):
    """The file is none that this app wrote, or it is damaged. The message is a sentence that names no file."""


class Texts:
    """All texts of a file by heap and index. Its methods raise `Unsafe`."""

    def __init__(self) -> None:
        self._lengths: dict[int, dict[int, int]] = {}  # heap address -> index -> bytes

    def take_in(self, data: bytes, begin: int) -> None:
        """A stretch of the file without arrays, which lies at `begin`."""
        at = data.find(_MAGIC)
        while at >= 0:
            stop = at + _heap_bytes(data, at)
            self._lengths[begin + at] = _texts_of(data, at, stop, begin)
            at = data.find(_MAGIC, stop)

    def check_array(self, name: str, entries: bytes) -> None:
        """An array of texts, as it lies in the file."""
        total = 0
        for length, address, index in _ENTRY.iter_unpack(entries):
            total += length
            if address and length > self._lengths.get(address, {}).get(index, -1):
                raise Unsafe(f"The array {name} leads to a text of {length} bytes that is not there.")
        if total > _MAX_TEXTS_BYTES:
            raise Unsafe(f"The array {name} holds {total} bytes of text.")

    def check_attributes(self, entries: list[tuple[str, int]]) -> None:
        """Attributes by the place of each and the number of its texts; the library does not tell where these lie."""
        longest = max((length for texts in self._lengths.values() for length in texts.values()), default=0)
        for place, count in entries:
            if count * longest > _MAX_TEXTS_BYTES:
                raise Unsafe(f"An attribute of {place} may hold more text than {_MAX_TEXTS_BYTES >> 20} MB.")


def _heap_bytes(data: bytes, at: int) -> int:
    if at + _HEAP.size <= len(data):
        _, version, size = _HEAP.unpack_from(data, at)
        if version == 1 and _HEAP.size <= size <= len(data) - at:
            return int(size)
    raise Unsafe("Its texts are damaged: a heap does not end where it should.")


def _texts_of(data: bytes, at: int, stop: int, begin: int) -> dict[int, int]:
    """The bytes of each text of a heap by its index."""
    lengths: dict[int, int] = {}
    position = at + _HEAP.size
    while stop - position >= _HEAP_OBJECT.size:
        index, _, size = _HEAP_OBJECT.unpack_from(data, position)
        # Index 0 is the free rest, whose size counts its own head.
        taken = _HEAP_OBJECT.size + (size + 7) // 8 * 8 if index else size
        if taken < _HEAP_OBJECT.size or position + taken > stop or (index and size > _MAX_TEXT_BYTES):
            raise Unsafe(f"Its texts are damaged at byte {begin + position}.")
        if index:
            lengths[index] = size
        position += taken
    return lengths
