"""What is to be seen of a rig right now: pictures, joint history, the policy's thoughts, the loop's health."""

import time

import numpy as np
from numpy.typing import NDArray

from drivers.kinematics import Chain, known
from teleop_studio.camera_watch import CameraWatch
from teleop_studio.live import picture
from teleop_studio.processes.messages import CameraState
from teleop_studio.processes.rings import RigRings, overlay_of
from teleop_studio.rig import SIMULATED, RigConfig
from teleop_studio.rig_cameras import project_points
from teleop_studio.soft_start import SoftStart, soft_start
from teleop_studio.status import CameraHealth, History, LoopHealth, Overlay
from teleop_studio.tick_history import TickHistory

_HEALTH_EVERY_S = 0.5


class Display:
    """Looks at one set of rings at a time: the live rig's, or a lock-step job's."""

    def __init__(self, rig: RigConfig) -> None:
        self._rig = rig
        self._chain = Chain(rig.follower.model) if known(rig.follower.model) else None
        self._rings: RigRings | None = None
        self._cameras: CameraWatch | None = None
        self._history = TickHistory(len(rig.follower.model.joints))
        self._health, self._health_s = LoopHealth(), 0.0

    def watch(self, rings: RigRings | None) -> None:
        """Follow `rings` from now on; the history starts anew when they are other ones."""
        if rings is not self._rings:
            self._rings = rings
            self._history = TickHistory(len(self._rig.follower.model.joints))
            judged = [camera.name for camera in self._rig.cameras if camera.kind != SIMULATED]
            self._cameras = None if rings is None else CameraWatch(rings, judged)
        if rings is not None:
            self._history.follow(rings.ticks)

    @property
    def soft_start(self) -> SoftStart:
        """How the newest tick stands with the first motion."""
        return soft_start(self._history.newest, self._rig.follower.uncalibrated.names)

    def image(self, camera: str) -> tuple[int, NDArray[np.uint8]] | None:
        return None if self._rings is None else picture(self._rings, camera)

    def history(self, seconds: float) -> History:
        return self._history.recent(seconds)

    def overlay(self) -> Overlay | None:
        newest = None if self._rings is None else self._rings.overlays.latest()
        return None if newest is None else overlay_of(newest[2])

    def project(self, camera: str, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Base-frame `points` (..., 3) m to pixels (..., 2); nan where it is not known how camera or arm stand."""
        if self._chain is None:
            return np.full((*points.shape[:-1], 2), np.nan)
        row = self._history.newest
        joints = np.asarray(self._rig.follower.model.home) if row is None else np.array(row["follower_position"])
        config = next(c for c in self._rig.cameras if c.name == camera)
        scene = self._rig.scene if self._rig.simulated else ""
        return project_points(scene, camera, (config.width, config.height), self._chain, joints, points)

    def cameras(self, said: dict[str, CameraState]) -> dict[str, CameraHealth]:
        """`said` what the cameras' processes have said last, by camera."""
        return self._cameras.health(said) if self._cameras else {}

    def loop(self, scheduling: str) -> LoopHealth:
        """Computed twice a second: percentiles of a thousand ticks are not free."""
        now_s = time.monotonic()
        if now_s - self._health_s > _HEALTH_EVERY_S:
            self._health_s = now_s
            self._health = self._history.health(self._rig.control_hz, scheduling)
        return self._health
