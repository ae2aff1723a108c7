"""Recording four cameras of 640x480 at 30 fps and two arms of 7 joints at 200 Hz: this project, LeRobot and ALOHA.

`python -m tests.benchmarks.bench_recording [--seconds S] [--only NAME ...] [--kill]` prints the rows of
docs/benchmarks.md. One process feeds the app's own shared-memory rings with pictures of the simulated rig (both scenes,
with a sensor's noise, 60 of each camera again and again) and real control ticks, always on time. Each recorder reads
those rings from processes of its own, one recorder after the other: this project's recorder follows them by number and
keeps everything; LeRobot's and ALOHA's programs are one loop at the picture rate and take the newest picture and the
newest joint values, so for them joints come at 30 Hz.

A recorder whose pictures pile up in memory is told to stop at `--memory` GiB, and its row says so. `--kill` does
something else: one finished take, then kill -9 in the middle of the next, and what can be read afterwards.
"""

import argparse
import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from teleop_studio.processes.rings import RigRings
from teleop_studio.rig import RigConfig
from tests.benchmarks import loop_recording, own_recording
from tests.benchmarks.loop_recorders import ALOHA, LEROBOT
from tests.benchmarks.recording_result import Result
from tests.benchmarks.rig_feed import CAMERAS, ROWS, Feeder, four_camera_rig, prepare

NAMES = (own_recording.NAME, *LEROBOT, ALOHA)
# LeRobot's PNG files of noisy pictures are the most that anybody leaves on the disk while recording.
_DISK_BYTES_PER_S = 30 * len(CAMERAS) * 700_000
_SETTLE_S = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a take; of each take with --kill")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help=f"those whose name has this in it: {', '.join(NAMES)}"
    )
    parser.add_argument("--memory", type=float, default=12.0, help="GiB that a recorder may fill")
    parser.add_argument("--patience", type=float, default=3600.0, help="s that saving may take")
    parser.add_argument("--kill", action="store_true", help="kill -9 instead of figures")
    parser.add_argument("--footage", type=Path, help="folder that keeps the pictures for the next run")
    options = parser.parse_args()
    names = [name for name in NAMES if not options.only or any(part in name for part in options.only)]
    with tempfile.TemporaryDirectory(prefix="teleop-bench-") as folder:
        _require_room(Path(folder), options.seconds)
        footage = options.footage or Path(folder)
        if not (footage / ROWS).exists():
            prepare(footage)
        if options.kill:
            print("| recorder | what is left after kill -9 |\n|---|---|")
            for name in names:
                print(f"| {name} | {_killed(name, footage, options)} |", flush=True)
            return
        print(_HEAD)
        results = [_measured(name, footage, options) for name in names]
        for result in results:
            print(f"\n{result.name}: {'; '.join(result.notes)}.")


def _measured(name: str, footage: Path, options: argparse.Namespace) -> Result:
    with _fed_rig(footage) as (rig, rings, feeder, folder):
        if name == own_recording.NAME:
            result = own_recording.measure(rig, rings, feeder, folder, options.seconds)
        else:
            memory_bytes = int(options.memory * 2**30)
            result = loop_recording.measure(
                name, rings, feeder, folder, options.seconds, memory_bytes, options.patience
            )
    print(_row(result), flush=True)
    return result


def _killed(name: str, footage: Path, options: argparse.Namespace) -> str:
    with _fed_rig(footage) as (rig, rings, feeder, folder):
        if name == own_recording.NAME:
            return own_recording.kill(rig, rings, feeder, folder, options.seconds)
        return loop_recording.kill(name, rings, feeder, folder, options.seconds, options.patience)


@contextlib.contextmanager
def _fed_rig(footage: Path) -> Iterator[tuple[RigConfig, RigRings, Feeder, Path]]:
    """A rig whose rings are being filled, and an empty folder that is removed afterwards."""
    rig = four_camera_rig()
    rings = RigRings.create("recording", rig)
    with tempfile.TemporaryDirectory(prefix="teleop-bench-take-") as folder:
        try:
            feeder = Feeder(footage, rings.specs)
            time.sleep(_SETTLE_S)
            yield rig, rings, feeder, Path(folder)
        finally:
            rings.close()


_HEAD = (
    "| recorder | s | pictures kept of due | lost | joint rows kept of 200 a second | CPU while recording, % of a core "
    "| CPU afterwards s | memory MB | MB/min | stop to ready s | stop to finished file s |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)


def _row(result: Result) -> str:
    lost = result.due - result.kept
    cells = (
        result.name,
        f"{result.seconds:.1f}",
        f"{result.kept} of {result.due}",
        f"{lost} ({100 * lost / result.due:.2f} %)",
        f"{result.ticks_kept} of {result.ticks_due}",
        f"{100 * result.cpu:.0f}",
        f"{result.cpu_after_s:.1f}",
        f"{result.peak_bytes / 1e6:.0f}",
        f"{result.bytes_stored / 1e6 / result.seconds * 60:.0f}",
        f"{result.ready_s:.2f}",
        f"{result.finished_s:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _require_room(folder: Path, seconds: float) -> None:
    needed, free = int(seconds * _DISK_BYTES_PER_S), shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(f"{folder} has {free / 1e9:.0f} GB free, {needed / 1e9:.0f} GB may be needed: set TMPDIR.")


if __name__ == "__main__":
    main()
