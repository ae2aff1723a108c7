"""A USB camera through OpenCV: V4L2 on Linux, AVFoundation on macOS."""

from pathlib import Path

import cv2
import numpy as np

from drivers.clock import Clock
from drivers.errors import CameraMissing, CameraSilent
from drivers.samples import CameraImage


class OpenCvCamera:
    """Pictures as they come; `width`, `height` and `fps` are what the camera agreed to, not what was asked for."""

    def __init__(self, name: str, device: int | str, width: int, height: int, fps: float, clock: Clock) -> None:
        """`device` is a camera number or a path such as /dev/video0 or a video file.

        Raises `CameraMissing` when it can not be opened or does not give pictures of `width` x `height`.
        """
        self.name = name
        self._device, self._clock = device, clock
        self._capture = cv2.VideoCapture(device)
        self._sequence = 0
        if not self._capture.isOpened():
            raise CameraMissing(
                f"Camera {name} can not be opened at {device}. {_why_not(device)} "
                "`teleop-studio doctor` lists the cameras it finds."
            )
        # Compressed transfer first: at VGA and 30 fps, raw pictures of two cameras do not fit through one USB 2 hub.
        for setting, value in (
            (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
            (cv2.CAP_PROP_FRAME_WIDTH, width),
            (cv2.CAP_PROP_FRAME_HEIGHT, height),
            (cv2.CAP_PROP_FPS, fps),
            (cv2.CAP_PROP_BUFFERSIZE, 1),  # an old picture is worth less than none
        ):
            self._capture.set(setting, value)
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS)) or fps
        if (self.width, self.height) != (width, height):
            self.close()
            raise CameraMissing(
                f"Camera {name} gives {self.width}x{self.height} px, the rig file asks for {width}x{height}. "
                f"Put width = {self.width} and height = {self.height} into its section of the rig file."
            )

    def read(self) -> CameraImage:
        """The next picture, stamped when it was taken from the driver. Raises `CameraSilent` when none comes."""
        taken = self._capture.grab()
        stamp_ns = self._clock.now_ns()  # decoding takes milliseconds and must not count as age
        found, picture = self._capture.retrieve() if taken else (False, None)
        if not found or picture is None:
            raise CameraSilent(
                f"Camera {self.name} at {self._device} stopped giving pictures after {self._sequence}. "
                "Check its cable and whether another program opened it, then start the rig again."
            )
        self._sequence += 1
        rgb = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        return CameraImage(stamp_ns, rgb, self._sequence - 1)

    def close(self) -> None:
        """Release the device. A second call does nothing."""
        self._capture.release()


def _why_not(device: int | str) -> str:
    path = Path(f"/dev/video{device}" if isinstance(device, int) else device)
    if not path.exists():
        return f"There is no {path}: plug it in, or correct its device in the rig file."
    return "It is there, but in use by another program, or its permissions do not allow it (group video)."
