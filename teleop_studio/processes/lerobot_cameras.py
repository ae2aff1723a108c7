"""LeRobot's cameras: a thread for each, because each waits for its next picture; the pictures go into the rings."""

import queue
import threading
from typing import Any

from drivers.clock import MonotonicClock
from drivers.errors import CameraError
from drivers.lerobot_adapter.camera import LerobotCamera
from drivers.lerobot_adapter.device import take_cameras
from drivers.lerobot_adapter.known import configuration
from teleop_studio.processes.child import Pipe
from teleop_studio.processes.messages import CameraState, Ready, RestCameras
from teleop_studio.processes.picture_watch import CameraReport, PictureWatch
from teleop_studio.processes.rings import FrameRow, RigRings
from teleop_studio.processes.shared_ring import SharedRing
from teleop_studio.rig import LEROBOT, CameraConfig, RigConfig

ROLES = ("leader", "follower")
_AGAIN_S = 1.0  # between two attempts to open a camera that was lost
_WAIT_S = 0.1
_REST_S = 0.4


def inner_cameras(rig: RigConfig, role: str) -> dict[str, Any]:
    """The cameras that the options of a LeRobot arm name: name -> LeRobot's configuration of it."""
    device = getattr(rig, role).lerobot
    return {} if device is None else take_cameras(configuration(role, device.type, device.options))


def serve_cameras(pipe: Pipe, rig: RigConfig, rings: RigRings) -> None:
    """Every LeRobot camera of the rig but those that come inside an observation, until the supervisor closes the pipe.

    Raises `CameraMissing` when one can not be opened at the start. One that is lost later is opened again.
    """
    inner = {role: inner_cameras(rig, role) for role in ROLES}
    served = [c for c in rig.cameras if c.kind == LEROBOT and (c.device not in ROLES or feature(c) in inner[c.device])]
    feeds: list[_Feed] = []
    news: queue.SimpleQueue[CameraState] = queue.SimpleQueue()
    rest = threading.Event()
    for config in served:
        part = inner.get(config.device, {}).get(feature(config))
        feeds.append(_Feed(config, part, rings.frames[config.name], news, rest))
    for feed in feeds:
        feed.start()
    pipe.send(Ready())
    while True:
        for message in pipe.receive(_WAIT_S):
            if isinstance(message, RestCameras):
                rest.set() if message.rest else rest.clear()
        while not news.empty():
            pipe.send(news.get())


def feature(camera: CameraConfig) -> str:
    """What LeRobot calls a camera of its robot: its name in the rig, unless the option "feature" says otherwise."""
    return str(camera.options.get("feature", camera.name))


class _Feed:
    """One camera, kept running."""

    def __init__(
        self,
        config: CameraConfig,
        part: Any,
        ring: SharedRing,
        news: "queue.SimpleQueue[CameraState]",
        rest: threading.Event,
    ) -> None:
        """`part` LeRobot's configuration of it, None for a camera that belongs to no robot. Raises `CameraMissing`."""
        self._config, self._part, self._ring, self._news, self._rest = config, part, ring, news, rest
        self._row, self._clock = FrameRow.of(config), MonotonicClock()
        self._watch, self._report = PictureWatch(config, self._clock.now_ns()), CameraReport(config.name)
        self._camera: LerobotCamera | None = self._open()

    def start(self) -> None:
        threading.Thread(target=self._run, name=self._config.name, daemon=True).start()

    def _open(self) -> LerobotCamera:
        config, size = self._config, (self._config.width, self._config.height)
        if self._part is not None:
            return LerobotCamera(config.name, self._part, size, config.fps, self._clock)
        return LerobotCamera.open(config.name, config.device, config.options, size, config.fps, self._clock)

    def _run(self) -> None:
        again = threading.Event()
        while True:
            try:
                if self._camera is None:
                    self._camera = self._open()
                    self._watch.opened(self._clock.now_ns())
                self._take(self._camera)
            except CameraError as error:
                self._watch.gone(str(error))
                self._tell()
                if self._camera is not None:
                    self._camera.close()
                    self._camera = None
                again.wait(_AGAIN_S)

    def _take(self, camera: LerobotCamera) -> None:
        image = camera.read()
        # Numbered by the ring: a camera that was opened again counts on.
        row = self._row.fill(self._ring.written, image.rgb, driver_stamp=image.driver_stamp)
        self._ring.push(row, image.stamp_ns)
        if self._rest.is_set():
            threading.Event().wait(_REST_S)
            return  # the few pictures of a resting camera say nothing about it
        self._watch.see(image, self._clock.now_ns())
        self._tell()

    def _tell(self) -> None:
        now_ns = self._clock.now_ns()
        told = self._report.next(*self._watch.state(now_ns), now_ns)
        if told is not None:
            self._news.put(told)
