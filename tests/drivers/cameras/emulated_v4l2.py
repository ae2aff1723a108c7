"""USB cameras of the tests: a tree of files as Linux shows them, and captures that answer as OpenCV's V4L2 code does.

What an answer is was read in OpenCV 4's cap_v4l.cpp: a size that the camera does not have becomes the nearest one, an
unknown control is -1, MJPG with CONVERT_RGB off is one row of the driver's bytes.
"""

import errno
import shutil
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from drivers.cameras import v4l2
from drivers.cameras.jpeg import decode
from drivers.clock import Clock
from tests.drivers.cameras.mjpeg_server import jpeg

CONTROLLER = "0000:00:14.0"


class UsbTree:
    """`sysfs` and `dev` as a Linux machine has them."""

    def __init__(self, folder: Path) -> None:
        self.sysfs, self.dev = folder / "sys", folder / "dev"
        (self.sysfs / "class" / "video4linux").mkdir(parents=True)
        self.dev.mkdir()
        self._places: dict[str, tuple[Path, list[str]]] = {}

    def plug(
        self,
        port: str,
        number: int,
        model: str = "046d:0825",
        serial: str = "",
        title: str = "HD Webcam C270",
        interfaces: tuple[int, ...] = (0,),
        bus: int = 1,
        version: str = " 2.00",
    ) -> str:
        """A camera at `port`, which gets /dev/video`number` and a metadata node behind it; returns the path."""
        root = self.sysfs / "devices" / "pci0000:00" / CONTROLLER / f"usb{bus}"
        device = root / f"{bus}-{port}"
        vid, pid = model.split(":")
        for folder, files in (
            (root, {"version": version, "idVendor": "1d6b"}),
            (device, {"idVendor": vid, "idProduct": pid, "devpath": port} | ({"serial": serial} if serial else {})),
        ):
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                (folder / name).write_text(content + "\n")
        names = []
        for interface in interfaces:
            for index in range(2):
                name = f"video{number}"
                names.append(name)
                place = device / f"{bus}-{port}:1.{interface}" / "video4linux" / name
                place.mkdir(parents=True)
                (place.parents[1] / "bInterfaceNumber").write_text(f"{interface:02x}\n")
                (place / "index").write_text(f"{index}\n")
                (place / "name").write_text(f"{title}\n")
                (self.sysfs / "class" / "video4linux" / name).symlink_to(place)
                (self.dev / name).touch()
                number += 1
        self._places[port] = device, names
        return str(self.dev / names[0])

    def unplug(self, port: str) -> None:
        device, names = self._places.pop(port)
        for name in names:
            (self.sysfs / "class" / "video4linux" / name).unlink()
            (self.dev / name).unlink()
        shutil.rmtree(device)


class EmulatedDevice:
    """One camera. `sizes` and `formats` it has; `controls` value by property; `sent` pictures that are on their way.

    `stamps` what the driver's clock is: "monotonic", "wall" or "none". `limits` of a control, (lowest, highest).
    """

    def __init__(
        self,
        clock: Clock,
        sizes: tuple[tuple[int, int], ...] = ((64, 48), (32, 24)),
        formats: tuple[str, ...] = ("MJPG", "YUYV"),
        stamps: str = "monotonic",
    ) -> None:
        self.clock, self.sizes, self.formats, self.stamps = clock, sizes, formats, stamps
        self.fps = (30.0, 15.0)
        self.sent: deque[tuple[bytes, int]] = deque()
        self.controls = {
            cv2.CAP_PROP_AUTO_EXPOSURE: 3.0,
            cv2.CAP_PROP_EXPOSURE: 156.0,
            cv2.CAP_PROP_AUTO_WB: 1.0,
            cv2.CAP_PROP_WB_TEMPERATURE: 4000.0,
        }
        self.limits = {cv2.CAP_PROP_EXPOSURE: (3, 2047), cv2.CAP_PROP_WB_TEMPERATURE: (2800, 6500)}
        self.stubborn: set[int] = set()  # controls that answer well and do not change
        self.busy = False
        self.opened = 0

    def send(self, content: bytes | None = None, age_ms: float = 0.0) -> None:
        """A picture, taken `age_ms` ago; an even one unless told."""
        self.sent.append((jpeg(90) if content is None else content, round(age_ms * 1e6)))


class EmulatedCapture:
    """What `cv2.VideoCapture(path, cv2.CAP_V4L2)` is to its user."""

    def __init__(self, device: EmulatedDevice | None) -> None:
        self._device = device if device is not None and not device.busy else None
        self._format, self._size, self._fps, self._rgb = "YUYV", (640, 480), 30.0, True
        self._current: bytes = b""
        self._stamp_ms = 0.0
        if self._device is not None:
            self._device.opened += 1

    def isOpened(self) -> bool:
        return self._device is not None

    def set(self, setting: int, value: float) -> bool:
        device = self._device
        if device is None:
            return False
        if setting == cv2.CAP_PROP_FOURCC:
            wanted = int(value).to_bytes(4, "little").decode()
            self._format = wanted if wanted in device.formats else device.formats[0]
            return wanted in device.formats
        if setting in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT):
            width, height = self._size
            asked = (int(value), height) if setting == cv2.CAP_PROP_FRAME_WIDTH else (width, int(value))
            self._size = asked
            if setting == cv2.CAP_PROP_FRAME_HEIGHT:
                self._size = min(device.sizes, key=lambda size: abs(size[0] - asked[0]) + abs(size[1] - asked[1]))
        elif setting == cv2.CAP_PROP_FPS:
            self._fps = min(device.fps, key=lambda fps: abs(fps - value))
        elif setting == cv2.CAP_PROP_CONVERT_RGB:
            self._rgb = bool(value)
        elif setting in device.controls:
            lowest, highest = device.limits.get(setting, (0, 10))
            if setting not in device.stubborn:
                device.controls[setting] = float(min(max(round(value), lowest), highest))
        else:
            return False
        return True

    def get(self, setting: int) -> float:
        device = self._device
        if device is None:
            return 0.0
        known = {
            cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*self._format)),
            cv2.CAP_PROP_FRAME_WIDTH: self._size[0],
            cv2.CAP_PROP_FRAME_HEIGHT: self._size[1],
            cv2.CAP_PROP_FPS: self._fps,
            cv2.CAP_PROP_POS_MSEC: self._stamp_ms,
        }
        return float(known[setting]) if setting in known else device.controls.get(setting, -1.0)

    def grab(self) -> bool:
        device = self._device
        if device is None or not device.sent:
            return False
        self._current, age_ns = device.sent.popleft()
        now_ns = {"monotonic": device.clock.now_ns(), "wall": time.time_ns(), "none": age_ns}[device.stamps]
        self._stamp_ms = (now_ns - age_ns) * 1e-6
        return True

    def retrieve(self) -> tuple[bool, Any]:
        if self._format == "MJPG" and not self._rgb:
            return True, np.frombuffer(self._current, np.uint8)[None].copy()
        return True, np.ascontiguousarray(decode(self._current)[..., ::-1])

    def release(self) -> None:
        self._device = None


def capture_of(devices: dict[str, EmulatedDevice]) -> Callable[[str, int], EmulatedCapture]:
    """`open_capture` for these devices by path."""

    def opened(path: str, backend: int) -> EmulatedCapture:
        assert backend == cv2.CAP_V4L2
        return EmulatedCapture(devices.get(path))

    return opened


class EmulatedDriver:
    """The kernel's answers to the questions of `drivers.cameras.v4l2`.

    `modes` format -> size -> (numerator, denominator) of its intervals. `stepwise` (min, max) widths and heights, in
    place of a list. `control` (lowest, highest, step), None when there is none.
    """

    def __init__(self, modes: dict[str, dict[tuple[int, int], tuple[tuple[int, int], ...]]]) -> None:
        self.modes = modes
        self.stepwise: tuple[int, int, int, int] | None = None
        self.control: tuple[int, int, int] | None = (3, 2047, 1)

    def ioctl(self, _: int, request: int, buffer: bytearray) -> int:
        words = np.frombuffer(buffer, np.uint32)
        if request == v4l2.VIDIOC_ENUM_FMT:
            buffer[44:48] = self._item(list(self.modes), int(words[0])).encode()
        elif request == v4l2.VIDIOC_ENUM_FRAMESIZES:
            self._size(buffer, self.modes[bytes(buffer[4:8]).decode()], int(words[0]))
        elif request == v4l2.VIDIOC_ENUM_FRAMEINTERVALS:
            sizes = self.modes[bytes(buffer[4:8]).decode()]
            interval = self._item(list(sizes.get((int(words[2]), int(words[3])), ())), int(words[0]))
            words[4:7] = 1, *interval
        elif request == v4l2.VIDIOC_QUERYCTRL and self.control is not None:
            np.frombuffer(buffer, np.int32)[10:13] = self.control
        else:
            raise OSError(errno.EINVAL, "Invalid argument")
        return 0

    def _size(self, buffer: bytearray, sizes: dict[tuple[int, int], Any], index: int) -> None:
        words = np.frombuffer(buffer, np.uint32)
        if self.stepwise is None:
            words[2:5] = 1, *self._item(list(sizes), index)
            return
        if index:
            raise OSError(errno.EINVAL, "Invalid argument")
        narrow, wide, low, high = self.stepwise
        words[2:9] = 3, narrow, wide, 8, low, high, 8

    @staticmethod
    def _item(items: list[Any], index: int) -> Any:
        if index >= len(items):
            raise OSError(errno.EINVAL, "Invalid argument")
        return items[index]
