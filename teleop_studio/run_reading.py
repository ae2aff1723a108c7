"""What a run's folder says about the run, for the table of policies and for choosing its starts; free of torch."""

import hashlib
import json
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorders.catalog import list_episodes
from recorders.episode_info import EpisodeInfo
from recorders.errors import RecorderError
from teleop_studio.evaluation.run_facts import RunFacts
from teleop_studio.policies import POLICIES
from teleop_studio.policies.checkpoint_folder import WEIGHTS, best_checkpoint
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.run_folder import METRICS, RunConfig, read_config

_LARGEST_HEADER_BYTES = 64 << 20
_SIDES = ("left", "right")
_OF_THE_MACHINE = ("seed", "device", "processes", "stretch_from")


def run_facts(run: Path, sides: Mapping[Path, str] | None = None) -> RunFacts:
    """`sides` of episodes by file, "left" or "right"; see `sides_of`.

    What the folder does not tell stays unknown: a run that was moved to another machine has lost its episodes.
    """
    try:
        config = read_config(run)
    except TrainingError:
        return RunFacts(run.name)
    seconds = training_seconds(run / METRICS)
    checkpoint = best_checkpoint(run)
    counts = _side_counts(config.episodes, sides or {})
    shown = sum(counts.values())
    kind = POLICIES.get(config.settings.policy)
    return RunFacts(
        run=run.name,
        policy=config.settings.policy,
        title=kind.title if kind else config.settings.policy,
        seed=config.settings.seed,
        recipe=_recipe(config),
        seconds=seconds,
        step_ms=_step_ms(seconds, 1),
        step_cpu_ms=_step_ms(seconds, 2),
        parameters=count_parameters(checkpoint / WEIGHTS) if checkpoint else 0,
        demonstrations=len(config.episodes),
        left_demonstrations=counts["left"] / shown if shown else math.nan,
        right_demonstrations=counts["right"] / shown if shown else math.nan,
        best_step=int(checkpoint.name) if checkpoint else 0,
    )


def trained_layouts(run: Path) -> frozenset[int]:
    """The layouts of the simulated scene that the run's demonstrations began with; empty where they do not say."""
    try:
        episodes = read_config(run).episodes
    except TrainingError:
        return frozenset()
    seeds = (info.extra.get("seed") for info in _infos(episodes).values())
    return frozenset(seed for seed in seeds if isinstance(seed, int))


def sides_of(run: Path) -> dict[Path, str]:
    """Which side each of the run's demonstrations took: as the gripper's path says, else as the operator was told.

    Reads the folders' indexes, which may have to be made first: nothing for the window.
    """
    try:
        episodes = read_config(run).episodes
    except TrainingError:
        return {}
    found = {}
    for path, info in _infos(episodes).items():
        side = info.side or str(info.extra.get("operator_side", ""))
        if side in _SIDES:
            found[path] = side
    return found


def training_seconds(metrics: Path) -> NDArray[np.float64]:
    """(n, 3) rows of step, elapsed and processor seconds; processor time nan where the run did not note it.

    Each process that trained a run counts its processor time from its own start: a resumed run's parts are added up.
    """
    rows: list[tuple[float, float, float]] = []
    earlier = newest = 0.0
    for row in _lines(metrics):
        if "elapsed_s" not in row:
            continue
        cpu = float(row.get("cpu_s", math.nan))
        if cpu < newest:
            earlier += newest
        newest = cpu if math.isfinite(cpu) else newest
        rows.append((float(row["step"]), float(row["elapsed_s"]), earlier + cpu))
    return np.array(rows, np.float64).reshape(-1, 3)


def count_parameters(weights: Path) -> int:
    """Numbers in a safetensors file, from its header alone; 0 when it can not be read."""
    try:
        with weights.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(size, _LARGEST_HEADER_BYTES)))
        return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return 0


def _recipe(config: RunConfig) -> str:
    """Equal for runs that differ in nothing but the training's seed and the machine."""
    settings = {key: value for key, value in asdict(config.settings).items() if key not in _OF_THE_MACHINE}
    said = json.dumps([settings, [str(path) for path in config.episodes]], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _step_ms(seconds: NDArray[np.float64], column: int) -> float:
    """Median over the stretches between two lines of the curve."""
    if len(seconds) < 2:
        return math.nan
    steps, took = np.diff(seconds[:, 0]), np.diff(seconds[:, column])
    usable = (steps > 0) & (took > 0)
    return float(1e3 * np.median(took[usable] / steps[usable])) if usable.any() else math.nan


def _side_counts(episodes: Iterable[Path], sides: Mapping[Path, str]) -> dict[str, int]:
    taken = [sides.get(path, "") for path in episodes]
    return {side: taken.count(side) for side in _SIDES}


def _infos(episodes: Iterable[Path]) -> dict[Path, EpisodeInfo]:
    """Of those that are still there, from the index of their folder."""
    wanted = set(episodes)
    found: dict[Path, EpisodeInfo] = {}
    for folder in {path.parent for path in wanted}:
        try:
            listed = list_episodes(folder)
        except (OSError, RecorderError):
            continue
        found.update({info.path: info for info in listed if info.path in wanted})
    return found


def _lines(path: Path) -> Iterable[dict[str, float]]:
    try:
        text = path.read_text()
    except OSError:
        return
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # cut off by a crash, or still being written
        if isinstance(row, dict) and "step" in row:
            yield row
