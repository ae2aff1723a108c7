"""A network camera that speaks RTSP, through OpenCV's FFmpeg."""

import re

import cv2

from drivers.cameras import CameraSettings, check_options, wrong_size
from drivers.cameras.ffmpeg import next_picture, opened, size_of
from drivers.clock import Clock
from drivers.errors import CameraMissing, CameraRefused, CameraSilent
from drivers.samples import CameraImage

_PATIENCE_S = 2.0
_OPEN_S = 5.0
_TRANSPORTS = ("tcp", "udp")


class RtspCamera:
    """Pictures as they arrive, stamped with their arrival.

    Options: `transport` "tcp" (default; loses nothing) or "udp" (a lost packet costs one picture, not a delay).
    FFmpeg is told to keep none back. A sender that encodes with pictures of the future still delays them; only a clock
    held before the camera shows by how much.
    """

    def __init__(self, settings: CameraSettings, clock: Clock) -> None:
        """Raises `CameraMissing` when there is no stream, `CameraRefused` for another size."""
        check_options(settings, ("transport",))
        transport = str(settings.options.get("transport", "tcp"))
        if transport not in _TRANSPORTS:
            raise CameraRefused(
                f"Camera {settings.name} has transport = {transport!r} in its options. Known: {', '.join(_TRANSPORTS)}."
            )
        self.name, self.device = settings.name, settings.device
        self.remarks: tuple[str, ...] = ()
        self._clock, self._sequence = clock, -1
        self._shown = re.sub(r"//[^/@]*@", "//", settings.device)
        options = f"rtsp_transport;{transport}|fflags;nobuffer|flags;low_delay|max_delay;0|reorder_queue_size;0"
        self._capture = opened(settings.device, options, _OPEN_S, _PATIENCE_S)
        self.width, self.height = size_of(self._capture) if self._capture.isOpened() else (0, 0)
        if not self.width or not self.height:  # it may answer and send no picture
            self.close()
            raise CameraMissing(
                f"Camera {self.name} gives no stream at {self._shown}. "
                "Check that it is on, in the same network, and that the address, name and password are right."
            )
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS)) or settings.fps
        if (self.width, self.height) != (settings.width, settings.height):
            self.close()
            raise wrong_size(settings, self.width, self.height)

    def read(self) -> CameraImage:
        """The next picture. Raises `CameraSilent` when none comes for 2 s."""
        rgb = next_picture(self._capture)
        stamp_ns = self._clock.now_ns()
        if rgb is None or rgb.shape[:2] != (self.height, self.width):
            raise CameraSilent(
                f"Camera {self.name} stopped giving pictures after {self._sequence + 1}. "
                f"Check that {self._shown} is on and in reach; it is asked again by itself."
            )
        self._sequence += 1
        return CameraImage(stamp_ns, rgb, self._sequence)

    def close(self) -> None:
        """End the stream. A second call does nothing."""
        self._capture.release()
