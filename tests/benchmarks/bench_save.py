"""What saving costs the operator: from the end of a take until the next one runs, and until the episode file is there.

`python -m tests.benchmarks.bench_save [--seconds 5 60 600] [--repeat N]` prints the rows of docs/benchmarks.md, medians
of N takes. The app's own recorder and builder follow the real rings of four cameras of 640x480 at 30 fps and two arms
at 200 Hz. The data of a take are fed as fast as the recorder takes them, not in real time, so the disk has less time
than it would have to bring them down before the take ends. Then the end of the take and the start of the next are asked
for in one breath, and ticks go on at 200 Hz.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Child
from teleop_studio.processes.rings import FrameRow, RigRings
from tests.benchmarks.rig_feed import CAMERAS, HEIGHT, ROWS, WIDTH, four_camera_rig, prepare
from tests.benchmarks.rig_pictures import CONTROL_HZ, FPS

_AHEAD_S = 1.0  # of what the recorder has written: the rings hold 2.5 s of pictures
_PATIENCE_S = 1800.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[5.0, 60.0, 600.0], help="lengths of the takes")
    parser.add_argument("--repeat", type=int, default=3, help="takes of each length")
    parser.add_argument("--footage", type=Path, help="folder that keeps the pictures for the next run")
    parser.add_argument("--out", type=Path, help="folder on the disk to be measured (default: the temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="teleop-bench-", dir=options.out) as folder:
        footage = options.footage or Path(folder)
        if not (footage / ROWS).exists():
            prepare(footage)
        print(_HEAD, flush=True)
        for seconds in options.seconds:
            runs = [measure(footage, Path(folder) / "episodes", seconds) for _ in range(options.repeat)]
            print(_row(seconds, runs), flush=True)


@dataclass
class Saved:
    """One take: journal size, and seconds from the wish to end it until each step was there."""

    megabytes: float = 0.0
    ready_s: float = 0.0
    next_s: float = 0.0
    on_disk_s: float = 0.0
    built_s: float = 0.0


def measure(footage: Path, folder: Path, seconds: float) -> Saved:
    """One take of `seconds`, its end, and the beginning of the next one, which is thrown away."""
    rig = four_camera_rig()
    rings = RigRings.create("saving", rig)
    folder.mkdir(exist_ok=True)
    recorder = Child("recorder", "recorder_process", (rig, rings.specs, folder))
    builder = Child("builder", "builder_process", ((folder,),))
    try:
        bench = _Bench(_Feed(footage, rings), recorder, builder, folder)
        bench.wait_for(recorder, m.Ready)
        bench.wait_for(builder, m.Ready)
        bench.record(seconds)
        saved = bench.save()
        bench.built.unlink()
        return saved
    finally:
        recorder.stop()
        builder.stop()
        rings.close()


class _Feed:
    """Ticks and pictures by number, each stamped with the moment at which it would be due."""

    def __init__(self, footage: Path, rings: RigRings) -> None:
        self._rings = rings
        self._ticks = np.load(footage / ROWS)
        self._pictures = {name: np.load(footage / f"{name}.npy", mmap_mode="r") for name in CAMERAS}
        self._row = FrameRow(WIDTH, HEIGHT)
        self._begin_ns = time.monotonic_ns()
        self.ticks = 0

    def tick(self) -> None:
        """The next tick, and the pictures that are due by then."""
        now_ns = self._begin_ns + round(self.ticks * 1e9 / CONTROL_HZ)
        before, due = ((self.ticks - ago) * FPS // CONTROL_HZ for ago in (1, 0))
        if due > before:
            for name, pictures in self._pictures.items():
                row = self._row.fill(int(due), pictures[int(due) % len(pictures)])
                self._rings.frames[name].push(row, now_ns)
        row = self._ticks[self.ticks % len(self._ticks)].copy()
        row["index"], row["stamp_ns"] = self.ticks, now_ns
        row["leader_stamp_ns"] = row["follower_stamp_ns"] = now_ns
        self._rings.ticks.push(row, now_ns)
        self.ticks += 1


@dataclass
class _Bench:
    feed: _Feed
    recorder: Child
    builder: Child
    folder: Path
    built: Path = Path()
    _heard: dict[str, list[tuple[float, Any]]] = field(default_factory=dict)

    def record(self, seconds: float) -> None:
        """Everything of the take is in its journal when this returns."""
        self.recorder.send(m.StartTake(self.folder, "pick up the bottle", "human", 0, take=1))
        per_s = CONTROL_HZ + FPS * len(CAMERAS)
        written, ticks = 0, round(seconds * CONTROL_HZ)
        while self.feed.ticks < ticks or written < seconds * per_s - len(CAMERAS):
            if self.feed.ticks < ticks and self.feed.ticks / CONTROL_HZ < written / per_s + _AHEAD_S:
                for _ in range(10):
                    self.feed.tick()
            else:
                time.sleep(0.001)
            for _, progress in self._take(self.recorder, m.TakeProgress):
                written = progress.frames_written + progress.missing

    def save(self) -> Saved:
        """End the take and begin the next; ticks go on until all is saved."""
        (journal,) = (self.folder / ".journal").glob("*/take.journal")
        saved = Saved(megabytes=journal.stat().st_size / 1e6)
        begin_s = time.perf_counter()
        self.recorder.send(m.FinishTake("success"))
        self.recorder.send(m.StartTake(self.folder, "the next one", "human", self.feed.ticks, take=2))
        saved.ready_s = self.wait_for(self.recorder, m.TakeEnded)[0] - begin_s
        saved.next_s = self.wait_for(self.recorder, m.TakeProgress, lambda told: told.take == 2)[0] - begin_s
        closed_s, closed = self.wait_for(self.recorder, m.TakeClosed)
        saved.on_disk_s = closed_s - begin_s
        self.builder.send(m.BuildEpisode(closed.journal))
        built_s, built = self.wait_for(self.builder, m.TakeSaved)
        saved.built_s, self.built = built_s - begin_s, built.path
        self.recorder.send(m.DiscardTake())
        self.wait_for(self.recorder, m.TakeDropped)
        return saved

    def wait_for(self, child: Child, kind: type, wanted: Any = lambda _: True) -> tuple[float, Any]:
        """(when it was heard, the message); ticks go on at their rate meanwhile."""
        next_s = time.perf_counter()
        end_s = next_s + _PATIENCE_S
        while time.perf_counter() < end_s:
            for heard in self._take(child, kind):
                if wanted(heard[1]):
                    return heard
            if time.perf_counter() >= next_s and kind is not m.Ready:
                self.feed.tick()
                next_s += 1 / CONTROL_HZ
            time.sleep(0.0005)
        raise RuntimeError(f"{child.name} did not say {kind.__name__} within {_PATIENCE_S:.0f} s")

    def _take(self, child: Child, kind: type) -> list[tuple[float, Any]]:
        heard = self._heard.setdefault(child.name, [])
        heard += [(time.perf_counter(), message) for message in child.receive()]
        found = [entry for entry in heard if isinstance(entry[1], kind)]
        heard[:] = [entry for entry in heard if not isinstance(entry[1], kind)]
        return found


_HEAD = (
    "| take | takes | journal MB | stop to ready ms, median (worst) | stop to the next take's first tick ms, median "
    "(worst) | stop to on the disk s | stop to episode file s |\n|---|---|---|---|---|---|---|"
)


def _row(seconds: float, runs: list[Saved]) -> str:
    ready, following = ([getattr(run, name) * 1e3 for run in runs] for name in ("ready_s", "next_s"))
    cells = (
        f"{seconds:g} s",
        str(len(runs)),
        f"{runs[0].megabytes:.0f}",
        f"{statistics.median(ready):.1f} ({max(ready):.1f})",
        f"{statistics.median(following):.1f} ({max(following):.1f})",
        f"{statistics.median(run.on_disk_s for run in runs):.2f}",
        f"{statistics.median(run.built_s for run in runs):.2f}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
