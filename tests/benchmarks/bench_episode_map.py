"""Episodes per minute through each engine of the map: reducing all pictures of an episode into the training cache.

`python -m tests.benchmarks.bench_episode_map [--episodes E] [--workers N] [--repeats R] [--data FOLDER]` prints the
rows of docs/benchmarks.md. "First result" is what starting an engine costs; the rate is that of the results after each
worker's first.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from teleop_studio.processes.episode_map import ENGINES, EpisodeResult, map_episodes
from teleop_studio.training.cache_building import CachedEpisode, cache_episode
from teleop_studio.training.episodes import choose_episodes

PX = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=20, help="demonstrations to record in lock-step")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, default=None, help="folder of episodes instead of recording some")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = choose_episodes(options.data or _recorded(folder / "episodes", options.episodes))
        if len(paths) <= options.workers:
            parser.error(f"{len(paths)} episodes are too few for {options.workers} workers")
        took: dict[str, list[tuple[float, float, float]]] = {engine: [] for engine in ENGINES}
        results: dict[str, list[CachedEpisode | None]] = {}
        for _ in range(options.repeats):
            for engine in took:
                times, results[engine] = _run(engine, paths, options.workers, folder / "cache")
                took[engine].append(times)
        assert all(values == results["serial"] and None not in values for values in results.values())
    print("| engine | workers | first result s | all s | episodes per minute then |")
    print("|---|---|---|---|---|")
    for engine, times in took.items():
        first_s = statistics.median(first for first, _, _ in times)
        all_s = statistics.median(whole for _, whole, _ in times)
        rate = statistics.median(rate for _, _, rate in times)
        workers = 1 if engine == "serial" else options.workers
        print(f"| {engine} | {workers} | {first_s:.1f} | {all_s:.1f} | {rate:.0f} |")


def _run(
    engine: str, paths: list[Path], workers: int, cache: Path
) -> tuple[tuple[float, float, float], list[CachedEpisode | None]]:
    """Seconds to the first result and to the last, episodes per minute after the start, and the results."""
    came_s: list[float] = []

    def on_done(result: EpisodeResult[CachedEpisode]) -> None:
        came_s.append(time.perf_counter())
        if result.error:
            print(f"{engine}: {result.error}", file=sys.stderr)

    began_s = time.perf_counter()
    task = partial(cache_episode, folder=cache, side_px=PX)
    results = map_episodes(task, paths, engine=engine, workers=workers, niceness=0, on_done=on_done)
    shutil.rmtree(cache)
    rate = 60.0 * (len(paths) - workers) / (came_s[-1] - came_s[workers - 1])
    return (came_s[0] - began_s, came_s[-1] - began_s, rate), [result.value for result in results]


def _recorded(folder: Path, count: int) -> Path:
    command = [sys.executable, "-m", "teleop_studio", "record", "--scripted", "--fast", "--episodes", str(count)]
    command += ["--out", str(folder), "--workspace", str(folder.parent / "workspace")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


if __name__ == "__main__":
    main()
