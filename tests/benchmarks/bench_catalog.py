"""How long a collection of thousands of episodes takes to open, and how much memory: `python -m tests.benchmarks...`.

Makes real episode files (verified ones, each with its own uuid, motion and checksums) from one short take, then asks
fresh processes: listing without an index, with it, after one label, after one more episode; the window's lists and
statistics; and, with `--against COMMIT`, the same listing by the code of an earlier commit.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import h5py
import numpy as np

from recorders import schema
from recorders.checksum import array_sha256, content_sha256
from recorders.episode_builder import build_episode
from recorders.episode_file import file_name
from recorders.episode_writer import CameraDescription, EpisodeWriter
from recorders.index import INDEX_FILE, INDEX_FOLDER
from recorders.verify import verify
from tests.recorders.takes import START_NS, description, frame, picture

ROOT = Path(__file__).parents[2]
TICKS = 40
CAMERAS = (CameraDescription("front", 64, 48, 30.0), CameraDescription("wrist", 64, 48, 30.0))

LIST = """
import json, sys, time
from pathlib import Path
from recorders.catalog import list_episodes

def most_kb():
    # Of this program alone: getrusage would start from the process that started it.
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))

folder = Path(sys.argv[1])
before = most_kb()
start_s, cpu_s = time.perf_counter(), time.process_time()
infos = list_episodes(folder)
took_s, cpu_s = time.perf_counter() - start_s, time.process_time() - cpu_s
grown_mb = (most_kb() - before) / 1024
again_s = time.perf_counter()
list_episodes(folder)
again_s = time.perf_counter() - again_s
print(json.dumps([len(infos), took_s, cpu_s, grown_mb, again_s]))
"""

WINDOW = """
import json, sys, time
from pathlib import Path
from teleop_studio.library import Library
from teleop_studio.workspace import Workspace

def took(do, times=1):
    start_s = time.perf_counter()
    for _ in range(times):
        do()
    return (time.perf_counter() - start_s) / times * 1e3

library = Library(Workspace(Path(sys.argv[1])))
result = {"first list": took(library.episodes), "list when nothing changed": took(library.episodes, 1000)}
path = library.episodes()[0].path
result["statistics"] = took(library.statistics)
result["statistics when nothing changed"] = took(library.statistics, 1000)
def label():
    library.label(path, "failure")
    library.episodes()
result["one label and the list"] = took(label)
result["statistics after it"] = took(library.statistics)
def put_away():
    library.restore(library.move_to_bin(path))
    library.episodes()
result["bin, restore and the list"] = took(put_away)
result["thumbnail"] = took(lambda: library.thumbnail(path))
print(json.dumps(result))
"""

FIRST = """
import json, sys, time
from pathlib import Path
from teleop_studio.library import Library
from teleop_studio.workspace import Workspace
library = Library(Workspace(Path(sys.argv[1])))
start_s = time.perf_counter()
rows = library.episodes()
print(json.dumps([len(rows), library.count, (time.perf_counter() - start_s) * 1e3]))
"""

SURVEY = """
import json, sys, time
from pathlib import Path
from recorders.catalog import Catalog
from recorders.index import use_index
from recorders.survey import survey
from teleop_studio.episode_view import measured_side
catalog = Catalog(Path(sys.argv[1]))
catalog.refresh()
start_s = time.process_time()
found = {catalog.key(info): survey(info.path, measured_side) for info in catalog.unsurveyed()}
use_index(catalog.folder, lambda index: index.put_surveys(found))
print(json.dumps([len(found), time.process_time() - start_s]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5, help="fresh processes for each figure; medians are printed")
    parser.add_argument("--workers", type=int, default=2, help="processes that make the files")
    parser.add_argument("--folder", type=Path, help="keep the files here, and use those that are there")
    parser.add_argument("--against", default="", help="also list with the code of this commit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        workspace = options.folder or Path(scratch) / "workspace"
        folder = workspace / "episodes"
        make_episodes(folder, options.episodes, options.workers)
        print("| what | episodes | time (median) | CPU | memory growth | listed again |", flush=True)
        print("|---|---|---|---|---|---|", flush=True)
        if options.against:
            old = Path(scratch) / "old"
            _unpack(options.against, old)
            _measure_listing(f"{options.against}: ", old, folder, Path(".catalog.json"), options.repeats)
        _measure_listing("", ROOT, folder, Path(INDEX_FOLDER), options.repeats)
        _measure_window(workspace, folder, options.repeats)


def make_episodes(folder: Path, count: int, workers: int) -> None:
    """As many valid episodes as `count`, with what is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    there = len(list(folder.glob("*.h5")))
    if there >= count:
        return
    with tempfile.TemporaryDirectory() as scratch:
        first = _first_episode(Path(scratch))
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            numbers = range(there + 1, count + 1)
            list(pool.map(_vary, [first] * len(numbers), [folder] * len(numbers), numbers, chunksize=50))
    sample = sorted(folder.glob("*.h5"))[:: max(1, count // 20)]
    problems = [problem.text for path in sample for problem in verify(path)]
    assert not problems, problems


def _first_episode(folder: Path) -> Path:
    extra = {"leader": {"arm": "studio-leader", "port": "simulated"}, "seed": 7, "operator_side": "right"}
    extra["follower"] = {"arm": "studio-follower", "port": "simulated"}
    writer = EpisodeWriter(folder, description(cameras=CAMERAS, extra=extra))
    for index in range(TICKS):
        writer.add_frame(frame(index))
    for index in range(TICKS // 3):
        for camera in CAMERAS:
            writer.add_image(camera.name, START_NS + index * 33_333_333, index, picture(index, camera))
    return build_episode(writer.finish("success"))


def _vary(first: Path, folder: Path, number: int) -> None:
    """A copy with a name, a uuid, a length and a motion of its own, and the checksums of that."""
    own = str(uuid.UUID(int=np.random.default_rng(number).integers(1 << 62).item() << 64 | number))
    path = folder / file_name(number, own)
    shutil.copy(first, path)
    rng = np.random.default_rng(number)
    with h5py.File(path, "r+") as file:
        file.attrs[schema.UUID] = own
        file.attrs[schema.TASK] = f"task {number % 7}"
        for column in (schema.FOLLOWER_POSITION, schema.ACTION):
            values = file[column.path][...] + rng.normal(0, 0.05)
            file[column.path][...] = values
            file[column.path].attrs[schema.SHA256] = array_sha256(values)
        file.attrs[schema.CONTENT_SHA256] = content_sha256(file)


def _measure_listing(name: str, code: Path, folder: Path, index: Path, repeats: int) -> None:
    first = []
    for _ in range(max(1, repeats // 2)):
        _remove(folder / index)
        first.append(_ask(code, LIST, folder))
    _print_listing(f"{name}first opening, no index", first)
    _print_listing(f"{name}opening with the index", [_ask(code, LIST, folder) for _ in range(repeats)])


def _measure_window(workspace: Path, folder: Path, repeats: int) -> None:
    index = folder / INDEX_FOLDER / INDEX_FILE
    shutil.move(index.parent, folder / ".aside")
    listed, count, took_ms = _ask(ROOT, FIRST, workspace)
    print(f"| window: first look without an index | {listed} of {count} | {took_ms:.0f} ms | | | |", flush=True)
    _remove(index.parent)
    shutil.move(folder / ".aside", index.parent)
    count, cpu_s = _ask(ROOT, SURVEY, folder)
    if count:
        print(f"| survey | {count} | | {cpu_s / count * 1e3:.1f} ms each | | |", flush=True)
    _print_listing("opening with the index and all surveys", [_ask(ROOT, LIST, folder) for _ in range(repeats)])
    added = []
    for number in range(repeats):
        path = folder / file_name(900_000 + number, f"{number:08x}")
        shutil.copy(next(iter(sorted(folder.glob("*.h5")))), path)
        added.append(_ask(ROOT, LIST, folder))
        path.unlink()
    _print_listing("opening after one more episode", added)
    print(f"| size of the index | | {index.stat().st_size / 1e6:.1f} MB | | | |")
    asked = [_ask(ROOT, WINDOW, workspace) for _ in range(repeats)]
    for what in asked[0]:
        print(f"| window: {what} | | {statistics.median(one[what] for one in asked):.3f} ms | | | |", flush=True)


def _print_listing(what: str, answers: list[list[float]]) -> None:
    count, took_s, cpu_s, grown_mb, again_s = (statistics.median(column) for column in zip(*answers, strict=True))
    print(
        f"| {what} | {count:.0f} | {took_s * 1e3:.0f} ms | {cpu_s * 1e3:.0f} ms | {grown_mb:.1f} MB | "
        f"{again_s * 1e3:.0f} ms |",
        flush=True,
    )


def _ask(code: Path, script: str, path: Path) -> list[float]:
    environment = {**os.environ, "PYTHONPATH": str(code)}
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, cwd=code, env=environment, check=True, capture_output=True, text=True)
    answer: list[float] = json.loads(done.stdout)
    return answer


def _unpack(commit: str, folder: Path) -> None:
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit, "recorders"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
