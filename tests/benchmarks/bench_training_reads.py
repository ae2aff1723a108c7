"""Random-access training samples per second: our mapped cache, our episode files, and LeRobotDataset on their export.

`python -m tests.benchmarks.bench_training_reads [--episodes E] [--batches N] [--repeats R] [--data FOLDER]` prints the
rows of docs/benchmarks.md. A sample is two cameras, two observation frames 1/15 s apart with their joints, and the 16
actions from then on. LeRobot reads two exports of the same episodes: pictures as recorded, which it reduces as its own
reader would have to, and pictures that were reduced to the training's size before. All readers take turns on one core.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import ArmSample, CameraDescription, EpisodeDescription, EpisodeWriter, Frame
from recorders.exporters.export import export
from teleop_studio.policies.picture_reduction import reduce_picture
from teleop_studio.training.cache_building import cache_episode
from teleop_studio.training.chunk_dataset import ChunkDataset, build_dataset
from teleop_studio.training.episodes import choose_episodes, common_task, demonstrations

PX, FPS, OBSERVATIONS, HORIZON = 64, 15, 2, 16


@dataclass
class Reading:
    """One reader's batches: wall and CPU seconds of each repeat."""

    name: str
    pictures: str
    read: Callable[[int], tuple[float, float]]  # seed -> wall s, CPU s
    wall_s: list[float]
    cpu_s: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=20, help="demonstrations to record in lock-step")
    parser.add_argument("--batch", type=int, default=64, help="samples in a batch")
    parser.add_argument("--batches", type=int, default=4, help="batches of each reader in a repeat")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=None, help="folder of episodes instead of recording some")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        _measure(options, Path(folder))


def _measure(options: argparse.Namespace, folder: Path) -> None:
    paths = choose_episodes(options.data or _recorded(folder / "native", options.episodes))
    reduced = [_reduced_copy(path, folder / "reduced") for path in paths]
    with EpisodeReader(paths[0]) as reader:
        camera = reader.description.cameras[0]
        native = f"{camera.width}x{camera.height} {camera.codec}"
    build_s, pictures = _cached(paths, folder / "cache")
    datasets = _dataset(paths, folder / "cache"), _dataset(reduced, folder / "cache")
    exports = [_exported(files, folder / f"lerobot-{k}") for k, files in enumerate((paths, reduced))]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # children inherit it: one core for every reader
    with ExitStack() as stack:
        from_files = [
            partial(_from_files, dataset, stack.enter_context(_opened(files)))
            for dataset, files in zip(datasets, (paths, reduced), strict=True)
        ]
        lerobots = [stack.enter_context(_lerobot(exported, options.batch, options.batches)) for exported in exports]
        _check_equal(datasets[0], from_files[0])
        ours = partial(_timed, options.batch, options.batches, datasets[0])
        readings = [
            Reading("ours, mapped cache", f"{PX}x{PX}, from {native}", partial(ours, _from_cache(datasets[0])), [], []),
            Reading("ours, episode files", native, partial(ours, from_files[0]), [], []),
            Reading("ours, episode files", f"{PX}x{PX} jpeg", partial(ours, from_files[1]), [], []),
            Reading("LeRobotDataset", f"{native.split()[0]} H.264, reduced", lerobots[0], [], []),
            Reading("LeRobotDataset", f"{PX}x{PX} H.264", lerobots[1], [], []),
        ]
        for repeat in range(-1, options.repeats):  # the first warms up
            for reading in readings:
                wall_s, cpu_s = reading.read(repeat + 1)
                if repeat >= 0:
                    reading.wall_s.append(wall_s)
                    reading.cpu_s.append(cpu_s)
    _print_rows(readings, options.batch * options.batches)
    print()
    print(
        f"{len(paths)} episodes, {len(datasets[0])} moments; cache: {pictures} pictures, "
        f"{sum(path.stat().st_size for path in datasets[0].cached) / 1e6:.0f} MB, built in {build_s:.1f} s "
        f"({build_s / pictures * 1e3:.2f} ms a picture), against "
        f"{sum(path.stat().st_size for path in paths) / 1e6:.0f} MB of episodes."
    )


def _print_rows(readings: list[Reading], samples: int) -> None:
    native, small = readings[-2:]
    print(f"| reader | pictures on disk | samples/s | per CPU s | x LeRobot as recorded | x LeRobot {PX}x{PX} |")
    print("|---|---|---|---|---|---|")
    for reading in readings:
        wall_s = statistics.median(reading.wall_s)
        rates = sorted(samples / one for one in reading.wall_s)
        against = [statistics.median(other.wall_s) / wall_s for other in (native, small)]
        print(
            f"| {reading.name} | {reading.pictures} | {samples / wall_s:.0f} ({rates[0]:.0f} .. {rates[-1]:.0f}) | "
            f"{samples / statistics.median(reading.cpu_s):.0f} | {against[0]:.1f} | {against[1]:.1f} |"
        )


def _recorded(folder: Path, count: int) -> Path:
    command = [sys.executable, "-m", "teleop_studio", "record", "--scripted", "--fast", "--episodes", str(count)]
    command += ["--out", str(folder), "--workspace", str(folder.parent / "workspace")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def _reduced_copy(path: Path, folder: Path) -> Path:
    """The same episode with its pictures reduced to the training's size."""
    with EpisodeReader(path) as reader:
        said, frames = reader.description, reader.frames
        cameras = tuple(CameraDescription(camera.name, PX, PX, camera.fps) for camera in said.cameras)
        description = EpisodeDescription(**{**vars(said), "cameras": cameras})
        writer = EpisodeWriter(folder, description)
        for k, stamp_ns in enumerate(frames.stamp_ns):
            leader = ArmSample(
                int(frames.leader_stamp_ns[k]),
                frames.leader_position[k],
                frames.leader_velocity[k],
                frames.leader_effort[k],
            )
            follower = ArmSample(
                int(frames.follower_stamp_ns[k]),
                frames.follower_position[k],
                frames.follower_velocity[k],
                frames.follower_effort[k],
            )
            source = str(frames.source[k])
            writer.add_frame(Frame(int(stamp_ns), leader, follower, frames.requested[k], frames.action[k], source))
        for name in reader.cameras:
            stream = reader.images(name)
            for k, stamp_ns in enumerate(stream.stamp_ns):
                writer.add_image(name, int(stamp_ns), int(stream.sequence[k]), reduce_picture(stream[k], PX))
        return build_episode(writer.finish("success"))


def _cached(paths: list[Path], cache: Path) -> tuple[float, int]:
    """Seconds that filling the cache took, and how many pictures that were."""
    began_s = time.perf_counter()
    pictures = sum(cache_episode(path, cache, PX).pictures for path in paths)
    return time.perf_counter() - began_s, pictures


def _dataset(paths: list[Path], cache: Path) -> ChunkDataset:
    task = common_task(paths)
    assert (task.config.picture_px, task.config.horizon, round(1 / task.config.chunk_dt_s)) == (PX, HORIZON, FPS)
    return build_dataset(demonstrations(paths), replace(task.config, observations=OBSERVATIONS), task.tip_of, cache)


def _from_cache(dataset: ChunkDataset) -> Callable[[NDArray[np.int64]], NDArray[np.uint8]]:
    def read(moments: NDArray[np.int64]) -> NDArray[np.uint8]:
        pictures = dataset.seen(moments).pictures
        assert pictures is not None
        return pictures.numpy()

    return read


@contextmanager
def _opened(paths: list[Path]) -> Iterator[list[EpisodeReader]]:
    with ExitStack() as stack:
        yield [stack.enter_context(EpisodeReader(path)) for path in paths]


def _from_files(dataset: ChunkDataset, readers: list[EpisodeReader], moments: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The same pictures as from the cache, decoded and reduced from the open episode files."""
    cameras = dataset.config.cameras
    pictures = np.empty((len(moments), OBSERVATIONS, len(cameras), PX, PX, 3), np.uint8)
    for row, moment in enumerate(moments):
        for camera, name in enumerate(cameras):
            episode = int(dataset._source[moment, camera]) // len(cameras)
            stream = readers[episode].images(name)
            for observation, index in enumerate(dataset._picture_index[moment, :, camera]):
                pictures[row, observation, camera] = reduce_picture(stream[int(index)], PX)
    return pictures


def _check_equal(dataset: ChunkDataset, from_files: Callable[[NDArray[np.int64]], NDArray[np.uint8]]) -> None:
    moments = np.linspace(0, len(dataset) - 1, 16).astype(np.int64)
    np.testing.assert_array_equal(_from_cache(dataset)(moments), from_files(moments))


def _timed(
    batch: int,
    batches: int,
    dataset: ChunkDataset,
    pictures_of: Callable[[NDArray[np.int64]], NDArray[np.uint8]],
    seed: int,
) -> tuple[float, float]:
    """Wall and CPU seconds of random batches, everything in them included."""
    drawn = np.random.default_rng(seed).integers(0, len(dataset), (batches, batch))
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    for moments in drawn:
        pictures = pictures_of(moments)
        index = torch.from_numpy(moments)
        states, actions, valid = dataset._states[index], dataset.actions[index], dataset.valid[index]
    took = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    assert pictures.shape == (batch, OBSERVATIONS, len(dataset.config.cameras), PX, PX, 3)
    assert len(states) == len(actions) == len(valid) == batch
    return took


def _exported(paths: list[Path], out: Path) -> Path:
    return export("lerobot", paths, out, fps=FPS).folder


@contextmanager
def _lerobot(folder: Path, batch: int, batches: int) -> Iterator[Callable[[int], tuple[float, float]]]:
    """LeRobotDataset in a process of its own, which answers a seed with its times."""
    near, far = multiprocessing.get_context("spawn").Pipe()
    child = multiprocessing.get_context("spawn").Process(target=_read_lerobot, args=(far, folder, batch, batches))
    os.environ["HF_HUB_OFFLINE"] = "1"
    child.start()
    far.close()

    def read(seed: int) -> tuple[float, float]:
        near.send(seed)
        took: tuple[float, float] = near.recv()
        return took

    try:
        yield read
    finally:
        near.close()
        child.join()


def _read_lerobot(pipe: Connection, folder: Path, batch: int, batches: int) -> None:
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    torch.set_num_threads(1)
    keys = LeRobotDataset("teleop-studio/local", root=folder, video_backend="pyav").meta.camera_keys
    before = [(k - OBSERVATIONS + 1) / FPS for k in range(OBSERVATIONS)]
    wanted = {key: before for key in [*keys, "observation.state"]} | {"action": [k / FPS for k in range(HORIZON)]}
    dataset = LeRobotDataset(
        "teleop-studio/local", root=folder, delta_timestamps=wanted, video_backend="pyav", return_uint8=True
    )
    while True:
        try:
            seed = pipe.recv()
        except EOFError:
            return
        drawn = np.random.default_rng(seed).integers(0, len(dataset), (batches, batch))
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        for rows in drawn:
            samples = torch.utils.data.default_collate([dataset[int(row)] for row in rows])
            pictures = torch.stack([_small(samples[key]) for key in keys], dim=2)
        took = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        assert pictures.shape == (batch, OBSERVATIONS, len(keys), 3, PX, PX), pictures.shape
        assert samples["action"].shape[:2] == (batch, HORIZON)
        pipe.send(took)


def _small(pictures: torch.Tensor) -> torch.Tensor:
    """(B, O, 3, h, w) uint8 reduced by area, when it is not of the size already."""
    if pictures.shape[-2:] == (PX, PX):
        return pictures
    reduced = torch.nn.functional.interpolate(pictures.flatten(0, 1).float(), (PX, PX), mode="area")
    return reduced.round().byte().unflatten(0, pictures.shape[:2])


if __name__ == "__main__":
    main()
