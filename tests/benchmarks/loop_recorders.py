"""Recorders that are one loop at the picture rate, as LeRobot's and ALOHA's own programs are. Each runs in a child.

The loop takes the newest picture of each camera and the newest joint values, hands them over, and sleeps for what is
left of the period. It says which pictures it has taken, by their stamps.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.processes.rings import RigRings, RingSpecs
from tests.benchmarks.ordinary_user import give_up_realtime
from tests.benchmarks.rig_feed import CAMERAS, HEIGHT, WIDTH
from tests.benchmarks.rig_pictures import FPS

TASK = "pick up the bottle"
LEROBOT = {
    "LeRobot, default (PNG, then SVT-AV1)": (False, "libsvtav1"),
    "LeRobot, streaming, SVT-AV1": (True, "libsvtav1"),
    "LeRobot, streaming, H.264 ultrafast": (True, "h264"),
}
ALOHA = "ALOHA (all in memory, then HDF5)"
REPO = "local/benchmark"
LOG = "recorder.log"


@dataclass(frozen=True)
class Stopped:
    """The loop is over. `taken` stamps (ns) by camera, `ticks` those of the joint values.

    `overruns` turns took longer than their period, the slowest `worst_ms`.
    """

    start_ns: int
    stop_ns: int
    turns: int
    overruns: int
    worst_ms: float
    taken: dict[str, list[int]]
    ticks: list[int]


@dataclass(frozen=True)
class Moment:
    """`ready` for the next take, or `finished`: everything is on the disk and readable."""

    what: str


Sample = tuple[dict[str, NDArray[np.uint8]], NDArray[Any]]


def record(connection: Connection, name: str, specs: RingSpecs, folder: Path, seconds: tuple[float, ...]) -> None:
    """Record takes of `seconds` each, with the recorder `name`. Any message ends a running take."""
    give_up_realtime()
    rings = RigRings.attach(specs)
    speak_to(folder / LOG)
    if name == ALOHA:
        _record_aloha(connection, rings, folder, seconds)
    else:
        _record_lerobot(connection, name, rings, folder, seconds)
    rings.close()


def speak_to(log: Path) -> None:
    """From now on everything this process prints goes to `log`; encoders write there without asking Python."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for printed in (1, 2):
        os.dup2(descriptor, printed)


def _loop(connection: Connection, rings: RigRings, seconds: float, keep: Callable[[Sample], None]) -> Stopped:
    taken: dict[str, list[int]] = {name: [] for name in CAMERAS}
    ticks: list[int] = []
    overruns, worst_s, turns = 0, 0.0, 0
    start_ns, start_s = time.monotonic_ns(), time.perf_counter()
    while time.perf_counter() - start_s < seconds and not connection.poll(0):
        turn_s = time.perf_counter()
        pictures = {}
        for camera in CAMERAS:
            newest = rings.frames[camera].latest()
            assert newest is not None
            taken[camera].append(newest[1])
            pictures[camera] = newest[2]["rgb"]
        joints = rings.ticks.latest()
        assert joints is not None
        ticks.append(joints[1])
        keep((pictures, joints[2]))
        turns += 1
        used_s = time.perf_counter() - turn_s
        worst_s = max(worst_s, used_s)
        overruns += used_s > 1 / FPS
        time.sleep(max(0.0, 1 / FPS - used_s))
    return Stopped(start_ns, time.monotonic_ns(), turns, overruns, worst_s * 1e3, taken, ticks)


def _record_lerobot(
    connection: Connection, name: str, rings: RigRings, folder: Path, seconds: tuple[float, ...]
) -> None:
    streaming, codec = LEROBOT[name]
    os.environ.update(HF_HUB_OFFLINE="1", HF_HOME=str(folder / "hf"), SVT_LOG="1")
    from lerobot.configs import RGBEncoderConfig
    from lerobot.datasets import LeRobotDataset

    joints = [f"joint_{k}.pos" for k in range(rings.ticks.latest()[2]["action"].shape[0])]  # type: ignore[index]
    vector = {"dtype": "float32", "shape": (len(joints),), "names": joints}
    picture = {"dtype": "video", "shape": (HEIGHT, WIDTH, 3), "names": ["height", "width", "channels"]}
    dataset = LeRobotDataset.create(
        REPO,
        int(FPS),
        {
            "observation.state": vector,
            "action": vector,
            **{f"observation.images.{camera}": picture for camera in CAMERAS},
        },
        root=folder / "dataset",
        use_videos=True,
        # What lerobot-record asks for: four threads a camera that write PNG files; idle while streaming.
        image_writer_threads=4 * len(CAMERAS),
        rgb_encoder=RGBEncoderConfig(vcodec=codec, preset="ultrafast" if codec == "h264" else None),
        streaming_encoding=streaming,
    )

    def keep(sample: Sample) -> None:
        pictures, row = sample
        dataset.add_frame(
            {
                "observation.state": row["follower_position"].astype(np.float32),
                "action": row["action"].astype(np.float32),
                **{f"observation.images.{camera}": rgb for camera, rgb in pictures.items()},
                "task": TASK,
            }
        )

    connection.send(Moment("open"))
    for length in seconds:
        connection.send(_loop(connection, rings, length, keep))
        dataset.save_episode()
        connection.send(Moment("ready"))
    dataset.finalize()
    connection.send(Moment("finished"))


def _record_aloha(connection: Connection, rings: RigRings, folder: Path, seconds: tuple[float, ...]) -> None:
    import h5py

    connection.send(Moment("open"))
    for episode, length in enumerate(seconds):
        samples: list[Sample] = []
        connection.send(_loop(connection, rings, length, samples.append))
        arrays: dict[str, list[NDArray[Any]]] = {
            "/observations/qpos": [row["follower_position"] for _, row in samples],
            "/observations/qvel": [row["follower_velocity"] for _, row in samples],
            "/observations/effort": [row["follower_effort"] for _, row in samples],
            "/action": [row["leader_position"] for _, row in samples],
        }
        for camera in CAMERAS:
            arrays[f"/observations/images/{camera}"] = [pictures[camera] for pictures, _ in samples]
        with h5py.File(folder / f"episode_{episode}.hdf5", "w", rdcc_nbytes=2 << 20) as file:
            file.attrs["sim"] = False
            for path, values in arrays.items():
                image = values[0].ndim == 3
                file.create_dataset(
                    path,
                    (len(values), *values[0].shape),
                    dtype=np.uint8 if image else np.float32,
                    chunks=(1, *values[0].shape) if image else None,
                )
            for path, values in arrays.items():
                file[path][...] = values
        del samples, arrays
        connection.send(Moment("ready"))
    connection.send(Moment("finished"))
