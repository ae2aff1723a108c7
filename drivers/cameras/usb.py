"""A USB camera through OpenCV: found by what it is, opened as it was asked for or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A camera that stops sending would block for 10 s; OpenCV reads this when it first waits for one.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.cameras import CameraSettings, check_options, wrong_size
from drivers.cameras.camera_locks import lock
from drivers.cameras.drops import DropCount
from drivers.cameras.identity import DEV, SYSFS, find_usb
from drivers.cameras.jpeg import JpegDamaged, decode, file_of
from drivers.cameras.v4l2 import capture_modes, why_not_open
from drivers.clock import Clock
from drivers.errors import CameraError, CameraMissing, CameraRefused, CameraSilent
from drivers.samples import CameraImage

cv2.setNumThreads(1)  # its pool waits busily for the next picture
OpenCapture = Callable[[str, int], Any]

_OLDEST_STAMP_NS = 2_000_000_000
_PATIENCE_NS = 2_000_000_000
_SAME_RATE = 0.02
_JPEG = ("MJPG", "JPEG")


class UsbCamera:
    """Pictures as they come, with the JPEG that the camera made where it makes one.

    The one option is `format`: four letters of a pixel format ("MJPG", "YUYV"). Without it the camera is asked for
    MJPG, because at VGA and 30 fps raw pictures of two cameras do not fit through one USB 2 hub.
    """

    def __init__(
        self,
        settings: CameraSettings,
        clock: Clock,
        sysfs: Path = SYSFS,
        dev: Path = DEV,
        open_capture: OpenCapture = cv2.VideoCapture,
    ) -> None:
        """Raises `CameraMissing`, `CameraBusy`, or `CameraRefused` when it is another one or gives another size."""
        check_options(settings, ("format",))
        self.name = settings.name
        self._clock, self._settings = clock, settings
        self.device, self._path = _place(settings, sysfs, dev)
        self._capture = open_capture(self._path, cv2.CAP_V4L2)
        self.remarks: tuple[str, ...] = ()
        self._sequence = -1
        self._drops = DropCount()
        self._driver_stamps: bool | None = None
        try:
            self._negotiate()
            # After the first picture: some cameras forget what was set before they send.
            self._first: CameraImage | None = self._next()
            self.remarks += lock(self._capture, settings, self._path)
        except CameraError:
            self.close()
            raise

    def read(self) -> CameraImage:
        """The next picture. Raises `CameraSilent` when none comes for 2 s, or only damaged ones."""
        first, self._first = self._first, None
        return first if first is not None else self._next()

    def close(self) -> None:
        """Release the device. A second call does nothing."""
        self._capture.release()

    def _negotiate(self) -> None:
        self._require_opened()
        settings = self._settings
        wanted = str(settings.options.get("format", "MJPG"))
        # BUFFERSIZE stays at OpenCV's four: with one, the driver writes into the picture while it is copied.
        for setting, value in (
            (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*wanted.ljust(4)[:4])),
            (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
            (cv2.CAP_PROP_FPS, settings.fps),
        ):
            self._capture.set(setting, value)
        self._require_opened()  # each setting opens it anew, and another program may come between
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS)) or settings.fps
        self.format = _fourcc(self._capture.get(cv2.CAP_PROP_FOURCC))
        if (self.width, self.height) != (settings.width, settings.height):
            raise wrong_size(settings, self.width, self.height, self._offers())
        if self.format != wanted:
            if "format" in settings.options:
                raise CameraRefused(
                    f"Camera {self.name} does not give {wanted} at {self.width}x{self.height}, but {self.format}. "
                    f"Correct format in its options. {self._offers()}"
                )
            self.remarks += (
                f"Camera {self.name} makes no JPEGs at {self.width}x{self.height} but sends {self.format}. "
                "Its pictures are encoded here, and need several times the room on the USB bus.",
            )
        if abs(self.fps - settings.fps) > _SAME_RATE * settings.fps:
            self.remarks += (
                f"Camera {self.name} agreed to {self.fps:g} pictures a second, not to {settings.fps:g}. "
                f"{self._offers()}",
            )
        if self.format in _JPEG:
            self._capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)

    def _require_opened(self) -> None:
        if not self._capture.isOpened():
            error = why_not_open(self._path)
            raise type(error)(f"Camera {self.name} can not be opened. {error}")

    def _next(self) -> CameraImage:
        give_up_ns = self._clock.now_ns() + _PATIENCE_NS
        damage = ""
        while self._capture.grab():
            now_ns = self._clock.now_ns()  # decoding takes milliseconds and must not count as age
            stamp_ns, driver_stamp = self._stamp(now_ns)
            self._sequence += 1 + (self._drops.before(stamp_ns) if driver_stamp else 0)
            found, content = self._capture.retrieve()
            try:
                if not found or content is None:
                    raise JpegDamaged("it could not be fetched")
                rgb, encoded = self._picture(np.asarray(content))
                return CameraImage(stamp_ns, rgb, self._sequence, encoded, driver_stamp)
            except JpegDamaged as error:  # it was counted: its number is missing
                damage = f" The last ones were damaged: {error}."
            if now_ns > give_up_ns:
                break
        raise CameraSilent(
            f"Camera {self.name} stopped giving pictures after {self._sequence + 1}.{damage} "
            "Check its cable and whether another program opened it; it is opened again by itself."
        )

    def _picture(self, content: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], bytes | None]:
        """(rgb, the camera's JPEG). Raises `JpegDamaged`, or `CameraRefused` when its size has changed."""
        encoded = None
        if content.ndim == 3 and content.shape[2] == 3:
            rgb = np.asarray(cv2.cvtColor(content, cv2.COLOR_BGR2RGB), np.uint8)
        else:
            encoded, _ = file_of(content.tobytes())
            rgb = decode(encoded)
        height, width = rgb.shape[:2]
        if (width, height) != (self.width, self.height):
            raise wrong_size(self._settings, width, height)
        return rgb, encoded

    def _stamp(self, now_ns: int) -> tuple[int, bool]:
        """When the picture was taken, and whether the driver says so.

        A driver counts in the machine's monotonic clock, in that of the wall, or not at all: only the first is ours.
        """
        said_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        plausible = 0 <= now_ns - said_ns <= _OLDEST_STAMP_NS and said_ns > 0
        if self._driver_stamps is None:
            self._driver_stamps = plausible
            if not plausible:
                self.remarks += (
                    f"Camera {self.name} does not say when its pictures were taken. "
                    "They carry the time at which they arrived.",
                )
        return (said_ns, True) if self._driver_stamps and plausible else (now_ns, False)

    def _offers(self) -> str:
        try:
            modes = capture_modes(self._path)
        except CameraError:
            return ""
        listed = ", ".join(f"{w}x{h} at {fps:g} ({name})" for w, h, fps, name in modes[:8])
        return f"It offers {listed}{' and others' if len(modes) > 8 else ''}." if listed else ""


def _place(settings: CameraSettings, sysfs: Path, dev: Path) -> tuple[str, str]:
    """(identity, path) of the camera now."""
    device = settings.device
    if not device.startswith("/"):
        node = find_usb(settings.name, device, sysfs, dev)
        return (device if device.startswith("serial:") else node.pinned), node.path
    if not Path(device).exists():
        raise CameraMissing(
            f"Camera {settings.name} is not plugged in. There is no {device}: plug it in, or correct its device in the "
            "rig file."
        )
    return device, device


def _fourcc(value: float) -> str:
    return int(value).to_bytes(4, "little", signed=False).decode("ascii", "replace").strip() if value > 0 else "?"
