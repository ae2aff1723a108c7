"""What a camera says of itself through Video4Linux: the modes it offers and the range of its controls.

Numbers and layouts are those of the kernel's linux/videodev2.h.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from drivers.errors import CameraBusy, CameraMissing

Mode = tuple[int, int, float, str]  # width, height, fps, format
Ioctl = Callable[[int, int, bytearray], object]

VIDIOC_ENUM_FMT, VIDIOC_QUERYCTRL = 0xC0405602, 0xC0445624
VIDIOC_ENUM_FRAMESIZES, VIDIOC_ENUM_FRAMEINTERVALS = 0xC02C564A, 0xC034564B
CONTROLS = {"exposure": 0x009A0902, "white_balance": 0x0098091A, "focus": 0x009A090A}
_CAPTURE = 1
_DISCRETE = 1
_DISABLED = 1
_MOST = 256  # of formats, sizes and rates: a driver that never says "no more" must not hang us
_FORMAT = struct.Struct("<III32s4s4I")
_SIZE = struct.Struct("<III6I2I")
_INTERVAL = struct.Struct("<IIIII6I2I")
_CONTROL = struct.Struct("<II32s4iI2I")


def capture_modes(path: str, ioctl: Ioctl = fcntl.ioctl) -> tuple[Mode, ...]:
    """All modes of the camera at `path`, the largest pictures first. A range of sizes or rates is told by its largest.

    Raises `CameraMissing` or `CameraBusy` when the camera can not be asked.
    """
    with _opened(path) as descriptor:
        modes = {
            (width, height, fps, name)
            for name, code in _formats(descriptor, ioctl)
            for width, height in _sizes(descriptor, ioctl, code)
            for fps in _rates(descriptor, ioctl, code, width, height)
        }
    return tuple(sorted(modes, key=lambda mode: (-mode[0] * mode[1], -mode[2], mode[3])))


def control_range(path: str, control: str, ioctl: Ioctl = fcntl.ioctl) -> tuple[int, int, int] | None:
    """(lowest, highest, step) of one of `CONTROLS`; None when the camera does not have it or can not be asked."""
    try:
        with _opened(path) as descriptor:
            said = _ask(descriptor, ioctl, VIDIOC_QUERYCTRL, _CONTROL, CONTROLS[control], 0, b"", *[0] * 7)
    except (CameraMissing, CameraBusy):
        return None
    if said is None or said[7] & _DISABLED:
        return None
    return int(said[3]), int(said[4]), int(said[5])


def why_not_open(path: str) -> CameraMissing | CameraBusy:
    """Why a camera that is at `path` could not be opened."""
    try:
        with _opened(path):
            pass
    except (CameraMissing, CameraBusy) as error:
        return error
    return CameraBusy(f"{path} is in use by another program, or gives no pictures. Close the other program.")


@contextmanager
def _opened(path: str) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise CameraBusy(f"{path} is in use by another program. Close that one.") from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise CameraMissing(
                f"{path} may not be opened by this user. Add the user to the group video "
                "(sudo usermod -aG video $USER), then log in again."
            ) from error
        raise CameraMissing(f"{path} can not be opened: {error.strerror}. Plug the camera in again.") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _formats(descriptor: int, ioctl: Ioctl) -> Iterator[tuple[str, int]]:
    for index in range(_MOST):
        said = _ask(descriptor, ioctl, VIDIOC_ENUM_FMT, _FORMAT, index, _CAPTURE, 0, b"", b"", 0, 0, 0, 0)
        if said is None:
            return
        yield said[4].decode("ascii", "replace").strip(), int.from_bytes(said[4], "little")


def _sizes(descriptor: int, ioctl: Ioctl, code: int) -> Iterator[tuple[int, int]]:
    for index in range(_MOST):
        said = _ask(descriptor, ioctl, VIDIOC_ENUM_FRAMESIZES, _SIZE, index, code, *[0] * 9)
        if said is None:
            return
        if said[2] != _DISCRETE:
            yield said[4], said[7]  # min_width, max_width, step_width, min_height, max_height, step_height
            return
        yield said[3], said[4]


def _rates(descriptor: int, ioctl: Ioctl, code: int, width: int, height: int) -> Iterator[float]:
    for index in range(_MOST):
        said = _ask(descriptor, ioctl, VIDIOC_ENUM_FRAMEINTERVALS, _INTERVAL, index, code, width, height, *[0] * 9)
        if said is None:
            if index == 0:
                yield 0.0  # the driver does not tell
            return
        numerator, denominator = said[5], said[6]  # of the shortest interval, where it is a range
        yield round(denominator / numerator, 3) if numerator else 0.0
        if said[4] != _DISCRETE:
            return


def _ask(
    descriptor: int, ioctl: Ioctl, request: int, layout: struct.Struct, *values: int | bytes
) -> tuple[Any, ...] | None:
    """What the driver answers; None when there is no such item."""
    buffer = bytearray(layout.pack(*values))
    try:
        ioctl(descriptor, request, buffer)
    except OSError:
        return None
    return layout.unpack(bytes(buffer))
