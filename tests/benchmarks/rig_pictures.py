"""What the simulated rig's cameras see and its joints do in real demonstrations, and what a sensor would add to it."""

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]

READ_NOISE = 1.5  # grey levels, standard deviation in the dark
SHOT_NOISE = 0.04  # grey levels of variance for each grey level of light
FPS = 30.0
CONTROL_HZ = 200.0
_CLIP = 15  # consecutive pictures of one demonstration: a video codec must see movement, not a slide show
_DEMONSTRATIONS = (("left", 1), ("right", 2), ("left", 3), ("right", 4))


@dataclass(frozen=True)
class Footage:
    """Pictures by (camera, width, height), each (n, h, w, 3), and the rows of the control loop meanwhile (T,)."""

    pictures: dict[tuple[str, int, int], Pictures]
    rows: NDArray[Any]


def film(scene: str, sizes: tuple[tuple[int, int], ...], count: int) -> Footage:
    """`count` pictures of each camera at each of `sizes` (width, height): four layouts, grasps from both sides.

    Made in a process of its own, which alone loads the simulator and OpenGL.
    """
    os.environ.setdefault("MUJOCO_GL", "egl")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_film, scene, sizes, count).result()


def with_sensor_noise(pictures: Pictures, seed: int) -> Pictures:
    """The same with Gaussian noise, standard deviation sqrt(1.5^2 + 0.04 I) grey levels: 1.5 in the dark, 3.5 in white.

    Independent for each pixel and channel, which is the hardest case: a real camera smooths its noise.
    """
    rng = np.random.default_rng(seed)
    noisy = np.empty_like(pictures)
    for k, picture in enumerate(pictures):
        light = picture.astype(np.float32)
        noise = rng.standard_normal(light.shape, np.float32) * np.sqrt(READ_NOISE**2 + SHOT_NOISE * light)
        noisy[k] = np.clip(np.rint(light + noise), 0, 255).astype(np.uint8)
    return noisy


def _film(scene: str, sizes: tuple[tuple[int, int], ...], count: int) -> Footage:
    from drivers.sim.renderer import SceneRenderer

    clips = -(-count // _CLIP)
    moments: list[NDArray[np.float64]] = []
    rows: list[NDArray[Any]] = []
    for k in range(min(clips, len(_DEMONSTRATIONS))):
        side, seed = _DEMONSTRATIONS[k]
        seen, ticks = _demonstration(scene, side, seed)
        rows.append(ticks)
        mine = range(k, clips, len(_DEMONSTRATIONS))
        for place, _ in enumerate(mine):
            start = round((place + 1 + 0.2 * k) / (len(mine) + 1.6) * (len(seen) - _CLIP))
            moments += seen[start : start + _CLIP]
    pictures: dict[tuple[str, int, int], Pictures] = {}
    for width, height in sizes:
        renderer = SceneRenderer(scene, width, height)
        for camera in ("front", "wrist"):
            pictures[camera, width, height] = np.stack([renderer.render(m, camera) for m in moments[:count]])
        renderer.close()
    return Footage(pictures, np.concatenate(rows))


def _demonstration(scene: str, side: str, seed: int) -> tuple[list[NDArray[np.float64]], NDArray[Any]]:
    """What there was to be seen every 1/30 s, and every tick, of one grasp by the real control loop."""
    from teleop_studio.control.loop import Tick
    from teleop_studio.processes.lockstep import LockstepBench
    from teleop_studio.processes.rings import RigRings
    from teleop_studio.processes.tick_row import TickRow
    from teleop_studio.rig import CameraConfig, RigConfig

    # The cameras of this rig only keep the take going: what is filmed is rendered afterwards, at the sizes wanted.
    rig = RigConfig(cameras=(CameraConfig("front", width=16, height=16, fps=1.0),), control_hz=CONTROL_HZ, scene=scene)
    rings = RigRings.create("footage", rig)
    moments: list[NDArray[np.float64]] = []
    rows: list[NDArray[Any]] = []
    row = TickRow(len(rig.follower.model.joints))
    with tempfile.TemporaryDirectory() as folder:
        bench = LockstepBench(rig, rings)

        def note(tick: Tick) -> None:
            if tick.source == "leader" and not tick.aligning:
                rows.append(row.fill(tick).copy())
                if len(rows) >= len(moments) * CONTROL_HZ / FPS:
                    moments.append(bench.sim.snapshot())

        try:
            bench.loop.listen(note)
            bench.demonstrate(side, seed, Path(folder), "")
        finally:
            bench.close()
            rings.close()
    return moments, np.stack(rows)
