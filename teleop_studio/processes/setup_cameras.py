"""The cameras of the set-up: which there are, what each sees, and a live picture beside a verification."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.cameras import Camera, FoundCameras
from drivers.clock import Clock
from drivers.errors import CameraError
from teleop_studio.rig import CameraConfig
from teleop_studio.setup_status import CameraChoice, FoundCamera

_WARM_UP = 5  # pictures until exposure has settled a little
_LARGEST_PX = 480
_PREFERRED = (640, 480)
_EVERY_NS = 150_000_000

type OpenCamera = Callable[[Any, Clock], Camera]


class SetupCameras:
    """`found` lists them; `changed` says that it is news. `list_cameras`, `open_camera` as in `drivers.cameras`."""

    def __init__(self, list_cameras: Callable[[], FoundCameras], open_camera: OpenCamera, clock: Clock) -> None:
        self.found: tuple[FoundCamera, ...] = ()
        self.changed = False
        self._list, self._open, self._clock = list_cameras, open_camera, clock
        self._shown: CameraChoice | None = None
        self._running: Camera | None = None
        self._shown_ns = 0

    def scan(self) -> Iterator[float]:
        """List all, then take a picture with each; yields the share that is done."""
        self.close()
        listed = self._list()
        self.found = tuple(
            FoundCamera(node.device, node.path, node.title, modes, problem) for node, modes, problem in listed
        )
        self.changed = True
        for number, camera in enumerate(self.found):
            yield number / len(self.found)
            if not camera.problem:
                self._put(self._with_picture(camera))

    def show(self, camera: CameraChoice | None) -> None:
        """Which camera `refresh` takes pictures of."""
        if camera != self._shown:
            self.close()
            self._shown = camera

    def refresh(self) -> None:
        """The newest picture of the shown camera, some times a second. One that gives none says why."""
        if self._shown is None or self._clock.now_ns() - self._shown_ns < _EVERY_NS:
            return
        self._shown_ns = self._clock.now_ns()
        shown = next((camera for camera in self.found if camera.device == self._shown.device), None)
        shown = shown or FoundCamera(self._shown.device, self._shown.device, self._shown.name)
        try:
            if self._running is None:
                self._running = self._open(_config(self._shown), self._clock)
            picture = _reduced(self._running.read().rgb)
            self._put(replace(shown, picture=picture, problem=""))
        except CameraError as error:
            self.close()
            self._shown = None
            self._put(replace(shown, problem=str(error)))

    def close(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None

    def _with_picture(self, camera: FoundCamera) -> FoundCamera:
        width, height, fps = _mode(camera)
        config = CameraConfig("preview", "usb", width, height, fps, device=camera.device)
        try:
            running = self._open(config, self._clock)
        except CameraError as error:
            return replace(camera, problem=str(error))
        try:
            for _ in range(_WARM_UP):
                picture = running.read().rgb
            return replace(camera, picture=_reduced(picture))
        except CameraError as error:
            return replace(camera, problem=str(error))
        finally:
            running.close()

    def _put(self, camera: FoundCamera) -> None:
        others = [camera if known.device == camera.device else known for known in self.found]
        known = any(other.device == camera.device for other in self.found)
        self.found = tuple(others) if known else (*self.found, camera)
        self.changed = True


def _config(choice: CameraChoice) -> CameraConfig:
    return CameraConfig(choice.name, choice.kind, choice.width, choice.height, choice.fps, device=choice.device)


def _mode(camera: FoundCamera) -> tuple[int, int, float]:
    """640x480 where there is such a mode, else the largest that is not larger, else the smallest."""
    sizes = sorted({mode[:2] for mode in camera.modes}) or [_PREFERRED]
    fitting = [size for size in sizes if size[0] <= _PREFERRED[0] and size[1] <= _PREFERRED[1]]
    width, height = fitting[-1] if fitting else sizes[0]
    rates = [mode[2] for mode in camera.modes if mode[:2] == (width, height)]
    return width, height, min(rates, key=lambda fps: abs(fps - 30.0), default=30.0)


def _reduced(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every n-th pixel: enough to see which camera it is, small enough for a pipe."""
    step = -(-max(picture.shape[:2]) // _LARGEST_PX)
    return np.ascontiguousarray(picture[::step, ::step])
