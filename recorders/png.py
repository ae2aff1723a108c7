"""Lossless pictures: PNG of 8-bit RGB, without interlace, in numpy and zlib (W3C PNG, 2nd edition).

Written here because the recorder needs no more of PNG than this, and what else could write it (OpenCV, Pillow) is not
the recorders' to import. Each picture is a PNG file that any program opens.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_CRC = struct.Struct(">I")
_HEADER = struct.Struct(">IIBBBBB")
_RGB8 = (8, 2, 0, 0, 0)  # bits, colour type RGB, the only compression and filter methods, not interlaced
_HEADER_AT = len(_SIGNATURE) + _CHUNK.size
_END = _CHUNK.pack(0, b"IEND") + _CRC.pack(zlib.crc32(b"IEND"))
_SUB, _UP, _AVERAGE, _PAETH = range(1, 5)


def encode_png(rgb: NDArray[np.uint8]) -> bytes:
    """The PNG file of a picture (h, w, 3)."""
    height, width, _ = rgb.shape
    rows = np.empty((height, 1 + width * 3), np.uint8)
    rows[:, 0] = _UP
    lines = rgb.reshape(height, width * 3)
    rows[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=rows[1:, 1:])
    # Differences of neighbours have few long matches: looking for runs only is faster and gives no larger file.
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    packed = packer.compress(rows) + packer.flush()
    header = _HEADER.pack(width, height, *_RGB8)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _END


def png_size(content: bytes | memoryview) -> tuple[int, int]:
    """Width and height by the header. Raises `ValueError` for anything but a whole PNG of 8-bit RGB, not interlaced."""
    if len(content) < _HEADER_AT + _HEADER.size or content[: len(_SIGNATURE)] != _SIGNATURE:
        raise ValueError("it is no PNG file")
    if content[-len(_END) :] != _END:
        raise ValueError("the PNG file is cut off")
    width, height, *kind = _HEADER.unpack_from(content, _HEADER_AT)
    if tuple(kind) != _RGB8:
        raise ValueError(f"the PNG file is not 8-bit RGB without interlace, but of kind {kind}")
    if not width or not height:
        raise ValueError("the PNG file is empty")
    return int(width), int(height)


def decode_png(content: bytes) -> NDArray[np.uint8]:
    """The picture (h, w, 3) of a PNG file of 8-bit RGB, not interlaced, whoever wrote it. Raises `ValueError`."""
    width, height = png_size(content)
    size = height * (1 + width * 3)
    try:
        # Never more than the picture, whatever the file claims to hold.
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(b"".join(_image_data(content)), size)
    except zlib.error as error:
        raise ValueError(f"the PNG file is damaged: {error}") from error
    if len(raw) != size:
        raise ValueError(f"the PNG file holds {len(raw)} bytes where {size} are due")
    rows = np.frombuffer(raw, np.uint8).reshape(height, 1 + width * 3)
    return _unfiltered(rows[:, 0], rows[:, 1:].reshape(height, width, 3))


def _chunk(name: bytes, content: bytes) -> bytes:
    crc = _CRC.pack(zlib.crc32(content, zlib.crc32(name)))
    return _CHUNK.pack(len(content), name) + content + crc


def _image_data(content: bytes) -> Iterator[memoryview]:
    view, offset = memoryview(content), len(_SIGNATURE)
    while offset + _CHUNK.size + _CRC.size <= len(view):
        length, name = _CHUNK.unpack_from(view, offset)
        begin, end = offset + _CHUNK.size, offset + _CHUNK.size + length
        if end + _CRC.size > len(view) or zlib.crc32(view[offset + 4 : end]) != _CRC.unpack_from(view, end)[0]:
            raise ValueError("the PNG file is damaged: a chunk has changed")
        if name == b"IDAT":
            yield view[begin:end]
        offset = end + _CRC.size


def _unfiltered(kinds: NDArray[np.uint8], rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture (h, w, 3) of filtered `rows`; `kinds` (h,) says how each was filtered."""
    if kinds.max(initial=0) > _PAETH:
        raise ValueError(f"the PNG file is damaged: there is no filter {kinds.max()}")
    if np.all(kinds == _UP):
        return np.cumsum(rows, axis=0, dtype=np.uint8)
    height, width, _ = rows.shape
    picture = np.zeros((height + 1, width + 1, 3), np.int16)  # with a zero row above and a zero column on the left
    # A value needs those left, above and above left of it, so a whole diagonal can be done at once.
    for diagonal in range(height + width - 1):
        y = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        x = diagonal - y
        left, up, corner = picture[y + 1, x], picture[y, x + 1], picture[y, x]
        kind = kinds[y, None]
        choices = [left, up, (left + up) // 2, _paeth(left, up, corner)]
        predicted = np.select([kind == which for which in (_SUB, _UP, _AVERAGE, _PAETH)], choices, 0)
        picture[y + 1, x + 1] = (rows[y, x] + predicted) & 0xFF
    return picture[1:, 1:].astype(np.uint8)


def _paeth(left: NDArray[np.int16], up: NDArray[np.int16], corner: NDArray[np.int16]) -> NDArray[np.int16]:
    """Whichever of the three is nearest to left + up - corner."""
    estimate = left + up - corner
    to_left, to_up, to_corner = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    nearest_is_left = (to_left <= to_up) & (to_left <= to_corner)
    return np.where(nearest_is_left, left, np.where(to_up <= to_corner, up, corner))
