"""The cameras as a process: puts their pictures into the rings and says how each of them is."""

import os
import time

import numpy as np
from numpy.typing import NDArray

from drivers.cameras import Camera
from drivers.clock import MonotonicClock
from teleop_studio.processes.camera_thread import CameraThread, close_all
from teleop_studio.processes.child import ParentGone, Pipe
from teleop_studio.processes.messages import Ready, RestCameras
from teleop_studio.processes.rings import FrameRow, RigRings, RingSpecs, snapshot_of
from teleop_studio.rig import LEROBOT, CameraConfig, RigConfig

_REST_S = 0.4
_LOOK_S = 0.1
_SETTLE_S = 6.0  # the rig is ready with the cameras that have given a picture by then
_SAME_MOMENT_NS = 15_000_000


def main(pipe: Pipe, rig: RigConfig, specs: RingSpecs) -> None:
    """Run until the supervisor closes the pipe. A real camera that can not be opened is told and tried again.

    LeRobot's cameras have a process of their own.
    """
    rings = RigRings.attach(specs)
    try:
        if rig.simulated:
            _run_simulated(pipe, rig, rings)
        else:
            _run_real(pipe, rig, rings)
    finally:
        rings.close()


def _run_real(pipe: Pipe, rig: RigConfig, rings: RigRings) -> None:
    """A thread for each camera: all wait for their pictures most of the time, and decode outside Python's lock.

    They do not rest beside other work, as simulated ones do: a camera that is not read goes on sending.
    """
    threads = [CameraThread(camera, rings.frames[camera.name]) for camera in rig.cameras if camera.kind != LEROBOT]
    for thread in threads:
        thread.start()
    settle_s, ready = time.monotonic() + _SETTLE_S, False
    try:
        while True:
            pipe.receive(_LOOK_S)
            for thread in threads:
                for news in thread.look():
                    pipe.send(news)
            if not ready and (time.monotonic() > settle_s or all(thread.settled for thread in threads)):
                ready = True
                pipe.send(Ready())
    except ParentGone:
        if not close_all(threads):
            # Python would tear it out of its driver's C++ at exit, which aborts the process.
            os._exit(0)
        raise


def _run_simulated(pipe: Pipe, rig: RigConfig, rings: RigRings) -> None:
    cameras = _open_simulated(rig, rings)
    rows = {config.name: FrameRow.of(config) for config in rig.cameras}
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


def _open_simulated(rig: RigConfig, rings: RigRings) -> list[Camera]:
    # MuJoCo and OpenGL load here only, in this process.
    from drivers.cameras.simulated import SimulatedCamera
    from drivers.sim.renderer import SceneRenderer
    from drivers.sim.shift import shift_named

    snapshots = rings.snapshots
    assert snapshots is not None
    clock = MonotonicClock()
    shown: tuple[int, NDArray[np.float64]] | None = None
    renderers: dict[tuple[int, int], SceneRenderer] = {}

    def renderer(camera: CameraConfig) -> SceneRenderer:
        size = (camera.width, camera.height)
        if size not in renderers:
            renderers[size] = SceneRenderer(rig.scene, *size, shift_named(rig.shift))
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
