"""Makes the checksum of an HDF5 object header right again after a change, as somebody with bad intentions would.

The library checks the checksums of headers before it looks inside, so that damage by chance seldom gets any further.
"""

import struct
from random import Random

_MASK = 0xFFFFFFFF


def forged_header(rng: Random, content: bytes) -> bytes:
    """`content` with one to three bytes of one object header changed and its checksum right."""
    changed = bytearray(content)
    start, end = rng.choice(_headers(content))
    # Behind the prefix, so that the header still has its place and size.
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(start + 6, end)
        changed[at] = rng.choice([0, 0xFF, changed[at] ^ 1 << rng.randrange(8), rng.randrange(256)])
    changed[end : end + 4] = struct.pack("<I", lookup3(bytes(changed[start:end])))
    return bytes(changed)


def _headers(content: bytes) -> list[tuple[int, int]]:
    """(begin, end without checksum) of the first chunks of all object headers (format specification, IV.A.1.b)."""
    found = []
    at = content.find(b"OHDR")
    while at >= 0:
        flags = content[at + 5]
        prefix = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(content[at + prefix : at + prefix + width], "little")
        end = at + prefix + width + size
        if end + 4 <= len(content) and lookup3(content[at:end]) == int.from_bytes(content[end : end + 4], "little"):
            found.append((at, end))
        at = content.find(b"OHDR", at + 4)
    return found


def _rot(value: int, by: int) -> int:
    return (value << by | value >> (32 - by)) & _MASK


def lookup3(key: bytes) -> int:
    """Bob Jenkins's hash `hashlittle` with initial value 0, HDF5's checksum of metadata."""
    a = b = c = (0xDEADBEEF + len(key)) & _MASK
    if not key:
        return c
    whole = (len(key) - 1) // 12 * 12
    for x, y, z in struct.iter_unpack("<III", key[:whole]):
        a, b, c = _mixed((a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK)
    x, y, z = struct.unpack("<III", key[whole:].ljust(12, b"\0"))
    return _final((a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK)


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    a = (a - c) & _MASK ^ _rot(c, 4)
    c = (c + b) & _MASK
    b = (b - a) & _MASK ^ _rot(a, 6)
    a = (a + c) & _MASK
    c = (c - b) & _MASK ^ _rot(b, 8)
    b = (b + a) & _MASK
    a = (a - c) & _MASK ^ _rot(c, 16)
    c = (c + b) & _MASK
    b = (b - a) & _MASK ^ _rot(a, 19)
    a = (a + c) & _MASK
    c = (c - b) & _MASK ^ _rot(b, 4)
    b = (b + a) & _MASK
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    c = ((c ^ b) - _rot(b, 14)) & _MASK
    a = ((a ^ c) - _rot(c, 11)) & _MASK
    b = ((b ^ a) - _rot(a, 25)) & _MASK
    c = ((c ^ b) - _rot(b, 16)) & _MASK
    a = ((a ^ c) - _rot(c, 4)) & _MASK
    b = ((b ^ a) - _rot(a, 14)) & _MASK
    return ((c ^ b) - _rot(b, 24)) & _MASK
