"""One camera that LeRobot drives, as one of our cameras."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from drivers.clock import Clock
from drivers.errors import CameraMissing, CameraSilent, DriverError
from drivers.lerobot_adapter.known import CAMERA, configuration, make, said
from drivers.samples import CameraImage

_OLDEST_S = 10.0  # a stamp further away than this is of another clock


class LerobotCamera:
    """Pictures as LeRobot's `async_read` gives them: each one once.

    The stamp is LeRobot's own of the capture where the camera keeps one (its OpenCV camera does), else the time at
    which the picture was handed over: then it is late by what the camera needs.
    """

    def __init__(self, name: str, device: str, config: Any, size: tuple[int, int], fps: float, clock: Clock) -> None:
        """`device` as the rig names it: LeRobot's type, or the arm it belongs to. Raises `CameraMissing`.

        `config` LeRobot's configuration of it; `size` (w, h) px that the rig asks for.
        """
        self.name, self.device, self.fps = name, device, fps
        self.remarks: tuple[str, ...] = ()
        self.width, self.height = size
        self._clock = clock
        self._sequence = 0
        self._last: Any = None
        try:
            self._camera = make(CAMERA, config)
            self._camera.connect()
        except Exception as error:  # whatever LeRobot or a third party raises
            raise CameraMissing(
                f"Camera {name} does not open: LeRobot's {config.type} says: {said(error)}. Check its cable, and its "
                "options in the rig file."
            ) from error

    @classmethod
    def open(
        cls, name: str, kind: str, options: Mapping[str, Any], size: tuple[int, int], fps: float, clock: Clock
    ) -> "LerobotCamera":
        """A camera of LeRobot's type `kind`. Raises `CameraMissing`."""
        whole = {"width": size[0], "height": size[1], "fps": round(fps), **options}
        try:
            config = configuration(CAMERA, kind, whole)
        except DriverError as error:
            raise CameraMissing(f"Camera {name}: {error}") from error
        return cls(name, kind, config, size, fps, clock)

    def read(self, patience_ms: float = 500.0) -> CameraImage:
        """The next picture. Raises `CameraSilent` when none comes, `CameraMissing` for one of another size."""
        end_ns = self._clock.now_ns() + round(patience_ms * 1e6)
        while True:
            left_ms = (end_ns - self._clock.now_ns()) * 1e-6
            try:
                rgb = self._camera.async_read(timeout_ms=max(1.0, left_ms)) if left_ms > 0 else None
            except Exception as error:
                raise self._silent(patience_ms, said(error)) from error
            if rgb is None:
                raise self._silent(patience_ms, "it gives the same picture again and again")
            if rgb is not self._last:
                break
            self._clock.sleep_until_ns(self._clock.now_ns() + 1_000_000)  # a camera that does not wait for a new one
        self._last = rgb
        if np.shape(rgb) != (self.height, self.width, 3):
            raise CameraMissing(
                f"Camera {self.name} gives pictures of shape {np.shape(rgb)}, the rig file asks for {self.width}x"
                f"{self.height} in colour. Correct width and height in its section of the rig file."
            )
        self._sequence += 1
        own_ns = self._own_stamp_ns()
        stamp_ns = self._clock.now_ns() if own_ns is None else own_ns
        return CameraImage(stamp_ns, np.asarray(rgb, np.uint8), self._sequence - 1, driver_stamp=own_ns is not None)

    def close(self) -> None:
        """Release the device. Never raises."""
        with contextlib.suppress(Exception):  # a camera that was pulled may not even be closed
            if self._camera.is_connected:
                self._camera.disconnect()

    def _own_stamp_ns(self) -> int | None:
        stamp_s = getattr(self._camera, "latest_timestamp", None)
        if not isinstance(stamp_s, float) or abs(time.perf_counter() - stamp_s) > _OLDEST_S:
            return None
        # Measured in the same moment, so that the two clocks need not have one origin.
        return self._clock.now_ns() - round((time.perf_counter() - stamp_s) * 1e9)

    def _silent(self, patience_ms: float, why: str) -> CameraSilent:
        return CameraSilent(
            f"Camera {self.name} gave no picture for {patience_ms:.0f} ms: {why}. Check its cable and whether another "
            "program opened it; it comes back by itself."
        )
