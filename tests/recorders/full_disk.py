"""Fills a small disk at a random moment of a take, its end or its build, makes room again, and looks what is left.

The disk is a tmpfs of its own, which only root may mount; else a limit on the size of files stands for it.
"""

import contextlib
import os
import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from recorders.catalog import list_episodes
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.errors import DiskFull
from recorders.repair import recover
from recorders.verify import verify
from tests.recorders.sandbox import in_sandbox
from tests.recorders.takes import CAMERAS, START_NS, add_second, description, frame, picture

STAGES = ("take", "finish", "build")
_DISK_BYTES = 400 << 20  # a take is begun only with 256 MB free
_BALLAST = "ballast"


@dataclass
class Fills:
    """What was found after each disk was full and had room again."""

    runs: int = 0
    refused: int = 0  # how often the disk was really full before the work was done
    died: int = 0  # processes
    corrupted: int = 0
    lost: int = 0  # finished takes
    records_lost: int = 0  # of the running take
    said: list[str] = field(default_factory=list)

    def add(self, other: "Fills") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class _Done:
    """What the process that met a full disk had reported before: takes by their uuid with the ticks of each."""

    finished: dict[str, int] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    refused: bool = False


def fill_many(folder: Path, runs: int, seed: str, mount: bool) -> Fills:
    """Each stage in turn, on a disk that is mounted for it or with a limit. Only for a process without threads."""
    total = Fills()
    for number in range(runs):
        rng = Random(f"{seed} {number}")
        with _disk(folder / str(number), mount) as disk:
            stage = STAGES[number % len(STAGES)]
            ended = in_sandbox(lambda: _fill(disk, stage, rng), 30.0)  # noqa: B023
            disk.make_room()
            if ended.value is None:
                found = Fills(1, died=1, said=[f"{stage}: {ended.crash or ended.error}"])
            else:
                after = in_sandbox(lambda: _after(disk.folder, ended.value), 30.0)  # noqa: B023
                found = after.value or Fills(1, corrupted=1, said=[f"{stage}: {after.crash or after.error}"])
        found.said = [f"{seed} {number}, {stage}: {sentence}" for sentence in found.said]
        total.add(found)
    return total


class _Disk:
    def __init__(self, folder: Path, own: bool) -> None:
        self.folder = folder / "episodes"
        self.folder.mkdir()
        self._ballast = folder / _BALLAST if own else None

    def leave(self, free_bytes: int) -> None:
        """From now on only so much can be written: to the disk, or to one file."""
        if self._ballast is None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, resource.RLIM_INFINITY))
            return
        with open(self._ballast, "ab") as file:
            for _ in range(20):  # somebody else may write between the look and the taking
                state = os.statvfs(self.folder)
                size = os.fstat(file.fileno()).st_size + state.f_bavail * state.f_frsize
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), 0, max(1, size - free_bytes))
                    return

    def make_room(self) -> None:
        """In the process that called; the limit of another one ended with it."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if self._ballast is not None:
            self._ballast.unlink(missing_ok=True)


@contextmanager
def _disk(folder: Path, mount: bool) -> Iterator[_Disk]:
    folder.mkdir(parents=True)
    if mount:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(folder)], check=True)
    try:
        yield _Disk(folder, mount)
    finally:
        if mount:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(disk: _Disk, stage: str, rng: Random) -> _Done:
    done = _Done()
    _first_take(disk, done, rng)
    writer = EpisodeWriter(disk.folder, description())
    ticks = 0
    seconds = rng.choice([1, 2, 4])
    try:
        if stage == "take":
            disk.leave(rng.randrange(1, 400_000))
        for tick in range(seconds * 100):
            writer.add_frame(frame(tick))
            ticks += 1
            if tick % 4 == 0:
                for camera in CAMERAS:
                    writer.add_image(camera.name, START_NS + tick, tick // 4, picture(tick, camera))
        if stage == "finish":
            disk.leave(rng.choice([0, 1, 100, 4096, 16384]))
        journal = writer.finish("success", {"note": "x" * 12_000})
        done.finished[writer.uuid] = ticks
        if stage == "build":
            _build_while_the_disk_fills(disk, journal, rng)
    except DiskFull:
        done.refused = True
        if writer.uuid not in done.finished:
            done.running[writer.uuid] = ticks
    return done


def _first_take(disk: _Disk, done: _Done, rng: Random) -> None:
    """One that is whole, built or still waiting, when the disk gets full."""
    writer = EpisodeWriter(disk.folder, description())
    add_second(writer, 0)
    journal = writer.finish("success")
    done.finished[writer.uuid] = 100
    if rng.random() < 0.5:
        build_episode(journal)


def _build_while_the_disk_fills(disk: _Disk, journal: Path, rng: Random) -> None:
    if rng.random() < 0.3:
        disk.leave(rng.randrange(1, 300_000))
        build_episode(journal)
        return
    # Enough at first, and then somebody else takes it.
    somebody = threading.Timer(rng.random() * 0.02, lambda: disk.leave(rng.randrange(1, 60_000)))
    somebody.start()
    try:
        build_episode(journal)
    finally:
        somebody.join()


def _after(folder: Path, done: _Done) -> Fills:
    found = Fills(1, refused=done.refused)
    for result in recover(folder):
        if result.problem:
            found.lost += 1
            found.said.append(result.text)
    infos = {info.uuid: info for info in list_episodes(folder)}
    for info in infos.values():
        problems = verify(info.path)
        found.corrupted += bool(problems)
        found.said += [problem.text for problem in problems[:1]]
    for uuid, ticks in done.finished.items():
        if uuid not in infos or infos[uuid].frames != ticks or infos[uuid].outcome != "success":
            found.lost += 1
            found.said.append(f"a finished take of {ticks} ticks is gone, or not whole")
    for uuid, ticks in done.running.items():
        got = 0
        if uuid in infos:
            with EpisodeReader(infos[uuid].path) as reader:
                got = len(reader.frames)
                if not np.array_equal(reader.frames.action, [frame(index).action for index in range(got)]):
                    found.corrupted += 1
        if got < ticks and ticks > 50:  # a shorter one that was cut off is not worth a file
            found.records_lost += ticks - got
            found.said.append(f"the running take has {got} of {ticks} ticks")
    return found
