"""Every format out and back: how fast, how large, and how far the episodes are from the recorded ones afterwards.

`python -m tests.benchmarks.bench_export [--episodes N] [--data FOLDER] [--rounds R] [--formats NAME ...]` prints its
table. The episodes are recorded by the scripted operator on the simulated rig unless a folder of them is given. All
formats take turns in each round, in one run; rates are medians of the rounds. What a format's process needs to start
(lerobot loads torch) is told by itself and not counted into the rates. Errors are the largest of all rows against the
recording resampled to the same moments; what resampling itself does is in the table's last lines.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recorders.catalog import list_episodes
from recorders.episode_reader import EpisodeReader
from recorders.exporters import EXPORTERS
from recorders.exporters.export import export
from recorders.importers.importing import import_episodes
from recorders.resample import chosen_pictures, on_grid

# Who opened it in the tests; see tests/recorders/exporters and tests/contracts/test_formats.py.
READERS = {
    "lerobot": "LeRobotDataset 0.6 (at each export, and at the import)",
    "robomimic": "robomimic 0.3 SequenceDataset, h5py",
    "act": "h5py with ACT's access pattern",
    "act-jpeg": "h5py and cv2 with ACT++'s access pattern",
    "plain": "PyAV, pandas, pyarrow, csv, json",
}


@dataclass(frozen=True)
class Errors:
    """Largest errors of joints, rad (grippers 0 to 1), and the PSNR of all pictures, dB; inf when they are equal."""

    state: float
    action: float
    psnr_db: float


@dataclass
class Timing:
    """Of one format: seconds until the first episode begins, and for all episodes from there on; one per round."""

    start_s: list[float]
    work_s: list[float]

    def rate(self, episodes: int) -> float:
        """Episodes per minute."""
        return 60 * episodes / statistics.median(self.work_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=6, help="how many to record")
    parser.add_argument("--data", type=Path, help="a folder of episodes instead")
    parser.add_argument("--rounds", type=int, default=3, help="how often the times are taken")
    parser.add_argument("--formats", nargs="+", choices=list(EXPORTERS), default=list(EXPORTERS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or recorded(Path(folder) / "workspace", options.episodes)
        episodes = [info.path for info in list_episodes(data) if not info.problem]
        run(episodes, Path(folder), options.formats, options.rounds)


def recorded(workspace: Path, count: int) -> Path:
    """The folder of `count` demonstrations by the scripted operator, 320x240 and 100 ticks per second."""
    command = [sys.executable, "-m", "teleop_studio", "record", "--scripted", "--fast"]
    arguments = ["--episodes", str(count), "--workspace", str(workspace)]
    subprocess.run([*command, *arguments], check=True, capture_output=True)
    return workspace / "episodes"


def run(episodes: list[Path], folder: Path, formats: list[str], rounds: int) -> None:
    """Measure and print."""
    outward = {name: Timing([], []) for name in formats}
    back = {name: Timing([], []) for name in formats if EXPORTERS[name].read_back}
    errors: dict[str, Errors] = {}
    size_mb: dict[str, float] = {}
    for number in range(rounds + 1):
        for name in formats:
            out, ours = folder / f"out-{name}", folder / f"ours-{name}"
            timed(outward[name], lambda told, n=name, o=out: export(n, episodes, o, progress=told), number > 0)
            size_mb[name] = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
            if name in back:
                kind = EXPORTERS[name].read_back
                timed(
                    back[name], lambda told, k=kind, o=out, i=ours: import_episodes(k, o, i, progress=told), number > 0
                )
                errors[name] = errors.get(name) or compared(episodes, ours)
                shutil.rmtree(ours)
            shutil.rmtree(out)
    print_table(episodes, outward, back, errors, size_mb)


def timed(timing: Timing, work: Callable[[Callable[[int, int, str], None]], object], counted: bool) -> None:
    """Run `work` with a progress callback; the first round only warms up."""
    began_s = time.perf_counter()
    first_s: list[float] = []

    def told(done: int, total: int, detail: str) -> None:
        if not first_s and detail != "Starting.":
            first_s.append(time.perf_counter())

    work(told)
    ended_s = time.perf_counter()
    if counted:
        timing.start_s.append(first_s[0] - began_s)
        timing.work_s.append(ended_s - first_s[0])


def compared(episodes: list[Path], folder: Path) -> Errors:
    """The imported episodes of `folder` against the recorded ones."""
    state = action = square_sum = 0.0
    pictures = 0
    for before, after in zip(episodes, (info.path for info in list_episodes(folder)), strict=True):
        with EpisodeReader(before) as source, EpisodeReader(after) as found:
            rows = on_grid(source, round(found.description.control_hz))
            state = max(state, float(np.abs(found.frames.follower_position - rows.state).max()))
            action = max(action, float(np.abs(found.frames.action - rows.action).max()))
            for camera in source.cameras:
                stream = found.images(camera)
                for index, wanted in enumerate(chosen_pictures(source, camera, rows)):
                    square_sum += float(np.square(stream[index].astype(np.float32) - wanted).mean())
                    pictures += 1
    mean_square = square_sum / max(1, pictures)
    return Errors(state, action, 10 * float(np.log10(255**2 / mean_square)) if mean_square else float("inf"))


def print_table(
    episodes: list[Path],
    outward: dict[str, Timing],
    back: dict[str, Timing],
    errors: dict[str, Errors],
    size_mb: dict[str, float],
) -> None:
    """The rows for docs/benchmarks.md."""
    count = len(episodes)
    print("| format | out, episodes/min | back | start out / back | MB/episode | state | action | PSNR | opened by |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, timing in outward.items():
        inward, error = back.get(name), errors.get(name)
        start = f"{statistics.median(timing.start_s):.1f} s"
        cells = [name, f"{timing.rate(count):.0f}"]
        if inward is None or error is None:
            cells += ["-", f"{start} / -", f"{size_mb[name] / count:.1f}", "-", "-", "-"]
        else:
            cells += [f"{inward.rate(count):.0f}", f"{start} / {statistics.median(inward.start_s):.1f} s"]
            cells += [f"{size_mb[name] / count:.1f}", f"{error.state:.1e} rad", f"{error.action:.1e} rad"]
            cells.append("equal" if error.psnr_db == float("inf") else f"{error.psnr_db:.1f} dB")
        print(f"| {' | '.join([*cells, READERS[name]])} |", flush=True)
    lengths, sizes, moved = [], [], []
    fps = 0
    for path in episodes:
        with EpisodeReader(path) as reader:
            lengths.append(reader.info.duration_s)
            sizes.append(path.stat().st_size / 1e6)
            moved.append(resampling_error(reader))
            fps = round(reader.description.cameras[0].fps)
    print(f"| episodes | {count}, {statistics.mean(lengths):.1f} s each, {statistics.mean(sizes):.1f} MB as recorded |")
    print(
        f"| resampling to {fps} rows/s and back (linear) | largest error of a tick {max(moved):.1e} rad |", flush=True
    )


def resampling_error(reader: EpisodeReader) -> float:
    """The largest error of a follower's joint (no gripper) when its rows are joined by straight lines again, rad."""
    rows, frames = on_grid(reader, round(reader.description.cameras[0].fps)), reader.frames
    inside = (frames.follower_stamp_ns >= rows.stamp_ns[0]) & (frames.follower_stamp_ns <= rows.stamp_ns[-1])
    worst = 0.0
    for joint, name in enumerate(reader.joint_names):
        if not name.endswith("gripper"):
            drawn = np.interp(frames.follower_stamp_ns[inside], rows.stamp_ns, rows.state[:, joint])
            worst = max(worst, float(np.abs(drawn - frames.follower_position[inside, joint]).max()))
    return worst


if __name__ == "__main__":
    main()
