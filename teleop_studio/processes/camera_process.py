"""The cameras as a process: reads each in turn and puts its pictures into the rings."""

import numpy as np
from numpy.typing import NDArray

from drivers.cameras import Camera
from drivers.clock import MonotonicClock
from teleop_studio.processes.child import Pipe
from teleop_studio.processes.messages import Ready, RestCameras
from teleop_studio.processes.rings import FrameRow, RigRings, RingSpecs, snapshot_of
from teleop_studio.rig import CameraConfig, RigConfig

_REST_S = 0.4
_SAME_MOMENT_NS = 15_000_000


def main(pipe: Pipe, rig: RigConfig, specs: RingSpecs) -> None:
    """Run until the supervisor closes the pipe. Raises `CameraError` when a camera can not be opened."""
    rings = RigRings.attach(specs)
    cameras = _open_simulated(rig, rings)
    rows = {config.name: FrameRow(config.width, config.height) for config in rig.cameras}
    pipe.send(Ready())
    resting = False
    try:
        while True:
            for message in pipe.receive(_REST_S if resting else 0.0):
                if isinstance(message, RestCameras):
                    resting = message.rest
            for camera in cameras:
                image = camera.read()
                rings.frames[camera.name].push(rows[camera.name].fill(image.sequence, image.rgb), image.stamp_ns)
    finally:
        for camera in cameras:
            camera.close()
        rings.close()


def _open_simulated(rig: RigConfig, rings: RigRings) -> list[Camera]:
    # MuJoCo and OpenGL load here only, in this process.
    from drivers.cameras.simulated import SimulatedCamera
    from drivers.sim.renderer import SceneRenderer

    snapshots = rings.snapshots
    assert snapshots is not None
    clock = MonotonicClock()
    shown: tuple[int, NDArray[np.float64]] | None = None
    renderers: dict[tuple[int, int], SceneRenderer] = {}

    def renderer(camera: CameraConfig) -> SceneRenderer:
        size = (camera.width, camera.height)
        if size not in renderers:
            renderers[size] = SceneRenderer(rig.scene, *size)
        return renderers[size]

    def take_snapshot() -> tuple[int, NDArray[np.float64]] | None:
        # Cameras due at the same time see the same moment, as triggered ones would; it also saves half the shadows.
        nonlocal shown
        newest_ns = snapshots.newest_stamp_ns()
        if shown is None or newest_ns - shown[0] > _SAME_MOMENT_NS:
            newest = snapshots.latest()
            shown = None if newest is None else (newest[1], snapshot_of(newest[2]))
        return shown

    return [SimulatedCamera(c.name, renderer(c), take_snapshot, c.fps, clock) for c in rig.cameras]
