"""The recorders of `loop_recorders`, measured and killed from outside."""

import contextlib
import multiprocessing
import os
import re
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import psutil

from teleop_studio.processes.rings import RigRings
from tests.benchmarks.loop_recorders import ALOHA, LOG, REPO, Moment, Stopped, record, speak_to
from tests.benchmarks.process_cost import ProcessCost
from tests.benchmarks.recording_result import Result, count_kept
from tests.benchmarks.rig_feed import CAMERAS, HEIGHT, WIDTH, Feeder
from tests.benchmarks.rig_pictures import FPS

_SPAWN = multiprocessing.get_context("spawn")
# A second of all cameras in memory, and one camera of it once more while it is written.
_ALOHA_BYTES_PER_S = int(FPS) * WIDTH * HEIGHT * 3 * (len(CAMERAS) + 1)


def measure(
    name: str, rings: RigRings, feeder: Feeder, folder: Path, seconds: float, memory_bytes: int, patience_s: float
) -> Result:
    """One take of `seconds`, or of what fits into `memory_bytes`; saving may take `patience_s`."""
    result = Result(name)
    if name == ALOHA and memory_bytes < seconds * _ALOHA_BYTES_PER_S:
        fits_s = memory_bytes / _ALOHA_BYTES_PER_S
        result.notes.append(f"{seconds:.0f} s would need {seconds * _ALOHA_BYTES_PER_S / 1e9:.0f} GB of memory")
        seconds = fits_s
    running = _Running(name, rings, folder, (seconds,))
    cost = ProcessCost(running.pid)
    cpu_s = cost.cpu_s()

    def watch() -> None:
        if cost.now_bytes > memory_bytes and name != ALOHA and len(result.notes) == 0:
            running.connection.send("stop")
            result.notes.append(f"told to stop with {cost.now_bytes / 1e9:.1f} GB of pictures waiting in memory")

    stopped = running.await_one(Stopped, seconds + patience_s, watch)
    stopped_cpu_s, stop_s = cost.cpu_s(), stopped.stop_ns * 1e-9
    result.seconds = (stopped.stop_ns - stopped.start_ns) * 1e-9
    result.cpu = (stopped_cpu_s - cpu_s) / result.seconds
    fed = feeder.stop()
    pictures = {camera: np.array(stamps, np.int64) for camera, stamps in stopped.taken.items()}
    count_kept(result, fed, pictures, np.array(stopped.ticks, np.int64), (stopped.start_ns, stopped.stop_ns))
    running.await_one(Moment, patience_s)
    result.ready_s = time.monotonic() - stop_s
    result.cpu_after_s = cost.cpu_s() - stopped_cpu_s
    running.await_one(Moment, patience_s)
    result.finished_s = time.monotonic() - stop_s
    cost.close()
    running.process.join()
    result.peak_bytes = cost.peak_bytes
    stored = [*folder.glob("*.hdf5"), *folder.glob("dataset/**/*")]
    result.bytes_stored = sum(path.stat().st_size for path in stored if path.is_file())
    _note(result, stopped, folder)
    return result


def kill(name: str, rings: RigRings, feeder: Feeder, folder: Path, seconds: float, patience_s: float) -> str:
    """One saved take, then kill -9 after `seconds` of the next; what can be read afterwards."""
    running = _Running(name, rings, folder, (seconds, 100 * seconds))
    running.await_one(Moment, seconds + patience_s)
    time.sleep(seconds)
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(running.pid).children(recursive=True):
            child.kill()
    running.process.kill()
    running.process.join()
    feeder.stop()
    if name == ALOHA:
        found = [_aloha_length(path) for path in sorted(folder.glob("*.hdf5"))]
        return f"files that open: {found or 'none'}"
    near, far = _SPAWN.Pipe()
    reader = _SPAWN.Process(target=_read_lerobot, args=(far, folder))
    reader.start()
    far.close()
    said = str(near.recv())
    reader.join()
    left = [f"{path.relative_to(folder)} {path.stat().st_size / 1e3:.0f} kB" for path in folder.rglob("*.parquet")]
    videos = [path for path in folder.rglob("*.mp4")]
    return f"{said}; on the disk: {', '.join(sorted(left)) or 'no Parquet file'}, {len(videos)} MP4 files"


class _Running:
    """A recorder's process, open and recording."""

    def __init__(self, name: str, rings: RigRings, folder: Path, seconds: tuple[float, ...]) -> None:
        self._log = folder / LOG
        self.connection: Connection
        self.connection, far = _SPAWN.Pipe()
        self.process: SpawnProcess = _SPAWN.Process(target=record, args=(far, name, rings.specs, folder, seconds))
        self.process.start()
        far.close()
        self.await_one(Moment, 120.0)

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def await_one(self, kind: type, patience_s: float, watch: Callable[[], None] = lambda: None) -> Any:
        """The next message of `kind`; others are passed over. Raises `RuntimeError` when it does not come."""
        end_s = time.monotonic() + patience_s
        while time.monotonic() < end_s:
            watch()
            if self.connection.poll(0.05):
                message = self.connection.recv()
                if isinstance(message, kind):
                    return message
            elif not self.process.is_alive():
                said = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the recorder ended with exit code {self.process.exitcode}:\n{said}")
        raise RuntimeError(f"no {kind.__name__} within {patience_s:.0f} s")


def _note(result: Result, stopped: Stopped, folder: Path) -> None:
    distinct = sum(len(set(stamps)) for stamps in stopped.taken.values())
    due = round(result.seconds * FPS)
    result.notes.append(
        f"{stopped.turns} turns of {due} due, {stopped.overruns} longer than their period, "
        f"the longest {stopped.worst_ms:.0f} ms; {stopped.turns * len(CAMERAS) - distinct} pictures taken twice"
    )
    if result.name == ALOHA:
        lengths = [_aloha_length(path) for path in folder.glob("*.hdf5")]
        result.notes.append(f"in the file: {', '.join(lengths)}")
        return
    written = [_video_frames(folder, camera) for camera in CAMERAS]
    result.notes.append(f"pictures in the videos: {written}")
    # A row whose picture its encoder dropped is a picture lost.
    result.kept -= sum(max(0, stopped.turns - frames) for frames in written)


def _video_frames(folder: Path, camera: str) -> int:
    import av

    frames = 0
    for path in folder.rglob(f"observation.images.{camera}/**/*.mp4"):
        with av.open(str(path)) as video:
            frames += sum(1 for packet in video.demux(video=0) if packet.size)
    return frames


def _aloha_length(path: Path) -> str:
    try:
        with h5py.File(path) as file:
            lengths = {len(file[f"observations/images/{camera}"]) for camera in CAMERAS}
            return f"{path.name} with {', '.join(map(str, sorted(lengths)))} steps"
    except (OSError, KeyError) as error:
        return f"{path.name} does not open ({str(error).splitlines()[0][:100]})"


def _read_lerobot(connection: Connection, folder: Path) -> None:
    speak_to(folder / LOG)
    os.environ.update(HF_HUB_OFFLINE="1", HF_HOME=str(folder / "hf"))
    from lerobot.datasets import LeRobotDataset

    try:
        dataset = LeRobotDataset(REPO, root=folder / "dataset")
        connection.send(f"opens with {dataset.num_episodes} episodes, {dataset.num_frames} frames")
    except Exception as error:  # whatever it is, it is what the operator gets
        said = re.sub(r"https?://\S+", "the Hub", str(error).splitlines()[0])
        connection.send(f"does not open ({type(error).__name__}: {said[:100]})")
