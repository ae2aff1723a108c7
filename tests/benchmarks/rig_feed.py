"""A stand-in for a rig's hardware: puts pictures and control ticks into the real shared-memory rings, always on time.

Every recorder that is compared reads the same rings, so all are offered the same pictures at the same moments.
"""

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.processes.child import raise_scheduling
from teleop_studio.processes.rings import RigRings, RingSpecs, frame_dtype
from teleop_studio.rig import CameraConfig, RigConfig
from tests.benchmarks.rig_pictures import CONTROL_HZ, FPS, film, with_sensor_noise

WIDTH, HEIGHT = 640, 480
CAMERAS = ("front", "wrist", "front_fork", "wrist_fork")
ROWS = "rows.npy"  # written last: where it lies, the pictures are complete
LATE_NS = 5_000_000
_SPAWN = multiprocessing.get_context("spawn")
_PICTURES = 60  # of each camera, shown again and again
_FIRST_NS = 50_000_000


@dataclass(frozen=True)
class Fed:
    """What was offered: when each picture was there, by camera and sequence number, and each tick. Monotonic ns.

    `late` of them came more than 5 ms after their time, the worst by `worst_ms`; `cpu_s` is what the feeder used in
    `wall_s`.
    """

    pictures: dict[str, NDArray[np.int64]]
    ticks: NDArray[np.int64]
    late: int
    worst_ms: float
    cpu_s: float
    wall_s: float


def four_camera_rig() -> RigConfig:
    """Four cameras of 640x480 at 30 fps, and arms of 7 joints at 200 Hz."""
    cameras = tuple(CameraConfig(name, width=WIDTH, height=HEIGHT, fps=FPS) for name in CAMERAS)
    return RigConfig(name="four-cameras", cameras=cameras, control_hz=CONTROL_HZ)


def prepare(folder: Path) -> None:
    """Film both scenes once and add a sensor's noise; the feeder loads what lies in `folder` then."""
    for scene in ("bottle", "fork"):
        footage = film(scene, ((WIDTH, HEIGHT),), _PICTURES)
        for camera in ("front", "wrist"):
            name = camera if scene == "bottle" else f"{camera}_fork"
            noisy = with_sensor_noise(footage.pictures[camera, WIDTH, HEIGHT], CAMERAS.index(name))
            np.save(folder / f"{name}.npy", noisy)
    np.save(folder / ROWS, footage.rows)


class Feeder:
    """The feeder's process. `start` returns once everything is loaded; pictures flow from then on until `stop`."""

    def __init__(self, folder: Path, specs: RingSpecs) -> None:
        self._connection, far_end = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_feed, args=(far_end, folder, specs), daemon=True)
        self._process.start()
        far_end.close()
        self._connection.recv()

    def stop(self) -> Fed:
        self._connection.send("stop")
        fed: Fed = self._connection.recv()
        self._process.join()
        return fed


def _feed(connection: Connection, folder: Path, specs: RingSpecs) -> None:
    rings = RigRings.attach(specs)
    pictures = {name: _picture_rows(folder / f"{name}.npy") for name in CAMERAS}
    ticks = _tick_rows(np.load(folder / ROWS))
    raise_scheduling()  # hardware does not wait for a busy machine
    connection.send("ready")
    start_ns = time.monotonic_ns() + _FIRST_NS
    cpu_s = time.process_time()
    # Each stream has its own clock; the cameras are not synchronised.
    period_ns = {"ticks": 1e9 / CONTROL_HZ, **{name: 1e9 / FPS for name in CAMERAS}}
    offset_ns = {"ticks": 0.0, **{name: k * 1e9 / FPS / len(CAMERAS) for k, name in enumerate(CAMERAS)}}
    stamps: dict[str, list[int]] = {name: [] for name in period_ns}
    late, worst_ns = 0, 0
    while not connection.poll(0):
        due = {name: start_ns + offset_ns[name] + len(stamps[name]) * period_ns[name] for name in stamps}
        name = min(due, key=lambda stream: due[stream])
        wait_s = (due[name] - time.monotonic_ns()) * 1e-9
        if wait_s > 0:
            time.sleep(wait_s)
        now_ns = time.monotonic_ns()
        behind_ns = now_ns - int(due[name])
        late += behind_ns > LATE_NS
        worst_ns = max(worst_ns, behind_ns)
        count = len(stamps[name])
        if name == "ticks":
            rings.ticks.push(_tick(ticks, count, now_ns), now_ns)
        else:
            row = pictures[name][count % _PICTURES]
            row["sequence"] = count
            rings.frames[name].push(row, now_ns)
        stamps[name].append(now_ns)
    seen = {name: np.array(stamps[name], np.int64) for name in CAMERAS}
    used_s = time.process_time() - cpu_s
    wall_s = (time.monotonic_ns() - start_ns) * 1e-9
    connection.send(Fed(seen, np.array(stamps["ticks"], np.int64), late, worst_ns * 1e-6, used_s, wall_s))
    rings.close()


def _picture_rows(path: Path) -> NDArray[Any]:
    pictures = np.load(path)
    rows: NDArray[Any] = np.zeros(len(pictures), frame_dtype(WIDTH, HEIGHT))
    rows["rgb"] = pictures
    return rows


def _tick_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """There and back again, so that the joints do not jump where the loop closes."""
    return np.concatenate([rows, rows[::-1]])


def _tick(rows: NDArray[Any], count: int, now_ns: int) -> NDArray[Any]:
    row: NDArray[Any] = rows[count % len(rows)]
    for side in ("leader", "follower"):
        row[f"{side}_stamp_ns"] += now_ns - row["stamp_ns"]
    row["index"], row["stamp_ns"] = count, now_ns
    row["late_ns"], row["missed_deadlines"] = 0, 0
    return row
