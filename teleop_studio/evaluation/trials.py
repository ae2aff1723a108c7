"""The trial sheet: what came of each start, kept as one JSON object a line, and its summary per run."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from teleop_studio.evaluation.intervals import Interval, PairedComparison, clopper_pearson, mcnemar_exact
from teleop_studio.evaluation.measures import TrialMeasures, mean, median, percentile

SIDES = ("left", "right")


class TrialSheetError(Exception):
    """A trial sheet can not be read; says which line of it and why."""


@dataclass(frozen=True)
class TrialResult:
    """One run of a policy from one start.

    `seed` names the start: equal seeds are equal starts. `failed` the reason in the operator's words, "" for a
    success. `side` "left", "right", or "" when it can not be told. `episode` its file, None when not recorded.
    `left_samples`, `right_samples`: shares (0..1) of the sampled chunks at the start, or, where the ways part later, at
    the first chunk of which half of the samples take a side; nan when not measured.
    `measured` how it was driven. `scene` it took place in, `shift` what was changed in it since the demonstrations.
    `live` in real time on the live rig rather than in lock-step.
    """

    run: str
    seed: int
    success: bool
    failed: str = ""
    side: str = ""
    duration_s: float = math.nan
    episode: Path | None = None
    left_samples: float = math.nan
    right_samples: float = math.nan
    measured: TrialMeasures = field(default_factory=TrialMeasures)
    scene: str = ""
    shift: str = "none"
    live: bool = False

    def __post_init__(self) -> None:
        if self.side not in ("", *SIDES):
            raise ValueError(f"side = {self.side!r}: must be 'left', 'right' or ''")


@dataclass(frozen=True)
class RunSummary:
    """What the sheet says about one run.

    `interval` of the success rate, 95 %. `left`, `right` count the trials that went that way, successful or not.
    `left_ok`, `right_ok` those that succeeded. `failures` reason -> count, commonest first. `left_samples`,
    `right_samples` mean shares over the trials that measured them, nan when none did.
    `median_duration_s` of the successes, nan without any.

    Of the trials that were measured, nan when none was: `flips` mean number an episode; `left_chunks`, `right_chunks`
    mean shares of the executed chunks' first side; `boundary_jump` median, `boundary_jump_mrad` mean over the trials;
    `chunk_ms`, `samples_ms` (median, 99th percentile) over all their chunks, `chunk_worst_ms` the slowest.
    `steps` the checkpoints that drove, by training steps; more than one when the sheet holds trials of several.
    """

    run: str
    trials: int
    successes: int
    interval: Interval
    left: int
    right: int
    left_ok: int
    right_ok: int
    failures: dict[str, int]
    left_samples: float
    right_samples: float
    median_duration_s: float
    flips: float = math.nan
    left_chunks: float = math.nan
    right_chunks: float = math.nan
    boundary_jump: float = math.nan
    boundary_jump_mrad: float = math.nan
    chunk_ms: tuple[float, float] = (math.nan, math.nan)
    samples_ms: tuple[float, float] = (math.nan, math.nan)
    chunk_worst_ms: float = math.nan
    steps: tuple[int, ...] = ()

    @property
    def rate(self) -> float:
        """0..1; nan without trials."""
        return self.successes / self.trials if self.trials else math.nan

    @property
    def neither(self) -> int:
        return self.trials - self.left - self.right


class TrialSheet:
    """All trials of an evaluation, in the order in which they were run."""

    def __init__(self, results: Iterable[TrialResult] = ()) -> None:
        self.results = list(results)

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs that were tried, in the order of their first trial."""
        return tuple(dict.fromkeys(result.run for result in self.results))

    def of_run(self, run: str) -> list[TrialResult]:
        return [result for result in self.results if result.run == run]

    def summary(self, run: str) -> RunSummary:
        """Counts of one run; a run without trials gives zeros and the interval 0 .. 100 %."""
        return summarised(run, self.of_run(run))

    def compare(self, first: str, second: str) -> PairedComparison:
        """Two runs on the starts that both of them tried (the last trial counts when one was repeated).

        Raises `ValueError` when they share no start.
        """
        found = paired(self.of_run(first), self.of_run(second))
        if found is None:
            raise ValueError(f"the runs {first!r} and {second!r} share no start; evaluate both with the same seed")
        return found

    def save(self, path: Path) -> None:
        """Write the whole sheet, replacing what was there."""
        path.write_text("".join(_line(result) for result in self.results), encoding="utf-8")

    def append(self, result: TrialResult, path: Path) -> None:
        """Add one trial here and at the end of the file, so that a break loses no earlier one."""
        self.results.append(result)
        with path.open("a", encoding="utf-8") as file:
            file.write(_line(result))


def paired(first: Iterable[TrialResult], second: Iterable[TrialResult]) -> PairedComparison | None:
    """Of the starts that both have (the last trial counts when one was repeated); None when they share none."""
    ours = {result.seed: result.success for result in first}
    theirs = {result.seed: result.success for result in second}
    shared = [seed for seed in ours if seed in theirs]
    return mcnemar_exact([ours[seed] for seed in shared], [theirs[seed] for seed in shared]) if shared else None


def summarised(name: str, results: list[TrialResult]) -> RunSummary:
    """The counts of any trials under one name."""
    successes = sum(result.success for result in results)
    took = sorted(result.duration_s for result in results if result.success and math.isfinite(result.duration_s))
    measured = [result.measured for result in results if result.measured.chunks]
    failures = Counter(result.failed or "no reason given" for result in results if not result.success)
    return RunSummary(
        run=name,
        trials=len(results),
        successes=successes,
        interval=clopper_pearson(successes, len(results)),
        left=sum(result.side == "left" for result in results),
        right=sum(result.side == "right" for result in results),
        left_ok=sum(result.side == "left" and result.success for result in results),
        right_ok=sum(result.side == "right" and result.success for result in results),
        failures=dict(failures.most_common()),
        left_samples=mean(result.left_samples for result in results),
        right_samples=mean(result.right_samples for result in results),
        median_duration_s=took[len(took) // 2] if took else math.nan,
        flips=mean(one.flips for one in measured),
        left_chunks=mean(one.chunk_side == "left" for one in measured),
        right_chunks=mean(one.chunk_side == "right" for one in measured),
        boundary_jump=median(one.boundary_jump for one in measured),
        boundary_jump_mrad=mean(one.boundary_jump_mrad for one in measured),
        chunk_ms=_p50_p99([ms for one in measured for ms in one.chunk_ms]),
        samples_ms=_p50_p99([ms for one in measured for ms in one.samples_ms]),
        chunk_worst_ms=max((ms for one in measured for ms in one.chunk_ms), default=math.nan),
        steps=tuple(sorted({one.step for one in measured if one.step})),
    )


def load_trials(path: Path) -> TrialSheet:
    """Read a sheet. Raises `TrialSheetError` naming the first line that is not a trial."""
    try:
        # Not splitlines(): it would also break at the rarer line ends that JSON leaves unescaped inside a text.
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TrialSheetError(f"The trial sheet {path} can not be read: {error}.") from error
    results = []
    for number, line in enumerate(lines if lines != [""] else [], start=1):
        try:
            results.append(_trial(json.loads(line)))
        except (ValueError, TypeError) as error:
            raise TrialSheetError(
                f"Line {number} of {path} is not a trial: {error}. "
                "A break while it was written leaves such a line at the end; delete it."
            ) from error
    return TrialSheet(results)


def _line(result: TrialResult) -> str:
    values: dict[str, Any] = asdict(result)
    values["episode"] = None if result.episode is None else result.episode.as_posix()
    plain = _without_nan(values)
    plain["measured"] = _without_nan(values["measured"]) if result.measured.chunks else None
    return json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n"


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no nan; null reads back as nan."""
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in values.items()}


_KINDS: dict[str, type | tuple[type, ...]] = {
    "run": str,
    "seed": int,
    "success": bool,
    "failed": str,
    "side": str,
    "duration_s": (int, float),
    "left_samples": (int, float),
    "right_samples": (int, float),
    "measured": dict,
    "scene": str,
    "shift": str,
    "live": bool,
}

_MEASURED_KINDS: dict[str, type | tuple[type, ...]] = {
    "step": int,
    "chunks": int,
    "flips": int,
    "chunk_side": str,
    "boundary_jump": (int, float),
    "boundary_jump_mrad": (int, float),
    "chunk_ms": list,
    "samples_ms": list,
    "executed_steps": int,
    "solver_steps": int,
}


def _trial(values: Any) -> TrialResult:
    given = _given(values, TrialResult, _KINDS)
    if "episode" in given:
        given["episode"] = Path(given["episode"])
    if "measured" in given:
        measured = _given(given["measured"], TrialMeasures, _MEASURED_KINDS)
        for key in ("chunk_ms", "samples_ms"):
            measured[key] = tuple(float(ms) for ms in measured.get(key, ()))
        given["measured"] = TrialMeasures(**measured)
    return TrialResult(**given)


def _given(values: Any, record: type, kinds: dict[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """The values that are not null. Raises `ValueError` for what is no field of `record`, or of another kind."""
    if not isinstance(values, dict):
        raise ValueError(f"an object is needed, not {type(values).__name__}")
    unknown = set(values) - {field.name for field in fields(record)}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    given = {key: value for key, value in values.items() if value is not None}
    for key, kind in kinds.items():
        if key in given and not isinstance(given[key], kind):
            raise ValueError(f"{key} = {given[key]!r}")
    return given


def _p50_p99(values: list[float]) -> tuple[float, float]:
    return percentile(values, 50), percentile(values, 99)
