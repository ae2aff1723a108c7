"""JPEG as cameras send it: padded, sometimes cut off, often without the Huffman tables that a file needs."""

from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"
_SOS, _DHT = 0xDA, 0xC4
_NO_LENGTH = {0x01, *range(0xD0, 0xD8)}  # markers without a segment behind them
_FRAMES = {*range(0xC0, 0xD0)} - {_DHT, 0xC8, 0xCC}

# ISO/IEC 10918-1, annex K.3.3: how many codes of each length from 1 to 16 bits, then the values in order.
_DC_VALUES = bytes(range(12))
_DC_LUMA = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]) + _DC_VALUES
_DC_CHROMA = bytes([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]) + _DC_VALUES
_AC_LUMA = bytes.fromhex(
    "0002010303020403050504040000017d"
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f0"
    "2433627282090a161718191a25262728292a3435363738393a43444546474849"
    "4a535455565758595a636465666768696a737475767778797a83848586878889"
    "8a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5"
    "c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8"
    "f9fa"
)
_AC_CHROMA = bytes.fromhex(
    "00020102040403040705040400010277"
    "000102031104052131061241510761711322328108144291a1b1c109233352f0"
    "156272d10a162434e125f11718191a262728292a35363738393a434445464748"
    "494a535455565758595a636465666768696a737475767778797a828384858687"
    "88898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3"
    "c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8"
    "f9fa"
)
_TABLES = b"\x00" + _DC_LUMA + b"\x10" + _AC_LUMA + b"\x01" + _DC_CHROMA + b"\x11" + _AC_CHROMA
STANDARD_TABLES = b"\xff\xc4" + (2 + len(_TABLES)).to_bytes(2, "big") + _TABLES


class JpegDamaged(ValueError):
    """What came is no whole JPEG. One picture is lost, the next may be well."""


@dataclass(frozen=True)
class JpegHeader:
    """`scan` where the compressed pixels begin: the offset of their marker."""

    width: int
    height: int
    scan: int
    has_tables: bool


def file_of(content: bytes) -> tuple[bytes, JpegHeader]:
    """The JPEG file of what a camera sent, and its header as sent.

    Padding is cut off. Huffman tables that cameras leave out, because all of Motion JPEG uses the standard's own, are
    put in: without them many programs can not open the file. Not one compressed pixel is touched.
    Raises `JpegDamaged`.
    """
    if not content.endswith(_END):
        end = content.rfind(_END)
        if end < 0:
            raise JpegDamaged(f"it has {len(content)} bytes and no end")
        content = content[: end + 2]
    header = _header(content)
    if header.has_tables:
        return content, header
    return content[: header.scan] + STANDARD_TABLES + content[header.scan :], header


def decode(content: bytes) -> NDArray[np.uint8]:
    """The picture (h, w, 3) of a file, by exact arithmetic as the recordings are decoded. Raises `JpegDamaged`."""
    try:
        rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(content, "RGB", fastdct=False, fastupsample=False)
    except ValueError as error:
        raise JpegDamaged(str(error)) from error
    return rgb


def _header(content: bytes) -> JpegHeader:
    """Walks from marker to marker up to the first scan."""
    if not content.startswith(_BEGIN):
        raise JpegDamaged(f"it begins with {content[:4].hex() or 'nothing'}")
    at, width, height, has_tables = 2, 0, 0, False
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            raise JpegDamaged(f"there is no marker at byte {at}")
        marker = content[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _NO_LENGTH:
            at += 2
        elif marker == _SOS:
            if not width or not height:
                raise JpegDamaged("it does not say how large it is")
            return JpegHeader(width, height, at, has_tables)
        else:
            if marker in _FRAMES:
                height, width = (
                    int.from_bytes(content[at + 5 : at + 7], "big"),
                    int.from_bytes(content[at + 7 : at + 9], "big"),
                )
            has_tables |= marker == _DHT
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise JpegDamaged(f"its header does not end within {len(content)} bytes")
