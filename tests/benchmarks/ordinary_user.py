"""Runs as somebody who may not ask for the real-time scheduling class, also where the user is root.

The SVT-AV1 encoder gives all its threads the highest real-time priority when it finds itself root, above the feeder and
above the loop that hands it pictures. An operator is not root, so a comparison must not be either.
"""

import ctypes
import os
import struct
import sys

_VERSION_3 = 0x20080522  # linux/capability.h
_CAP_SYS_NICE = 23


def give_up_realtime() -> None:
    """Takes the right from the calling thread and all it starts. Raises `OSError`. Does nothing but on Linux."""
    if sys.platform != "linux":
        return
    system = ctypes.CDLL(None, use_errno=True)
    head = ctypes.create_string_buffer(struct.pack("<Ii", _VERSION_3, 0))
    rights = ctypes.create_string_buffer(24)  # effective, permitted, inheritable of capabilities 0 to 31, then 32 to 63
    _checked(system.capget(head, rights))
    effective, permitted, *others = struct.unpack("<6I", rights.raw)
    kept = [bits & ~(1 << _CAP_SYS_NICE) for bits in (effective, permitted)]
    _checked(system.capset(head, ctypes.create_string_buffer(struct.pack("<6I", *kept, *others))))


def _checked(failed: int) -> None:
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
