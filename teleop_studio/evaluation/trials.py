"""The trial sheet: what came of each start, kept as one JSON object a line, and its summary per run."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from teleop_studio.evaluation.intervals import Interval, PairedComparison, clopper_pearson, mcnemar_exact

SIDES = ("left", "right")


class TrialSheetError(Exception):
    """A trial sheet can not be read; says which line of it and why."""


@dataclass(frozen=True)
class TrialResult:
    """One run of a policy from one start.

    `seed` names the start: equal seeds are equal starts. `failed` the reason in the operator's words, "" for a
    success. `side` "left", "right", or "" when it can not be told. `episode` its file, None when not recorded.
    `left_samples`, `right_samples`: shares (0..1) of the sampled chunks at the start; nan when not measured.
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
        results = self.of_run(run)
        successes = sum(result.success for result in results)
        took = sorted(result.duration_s for result in results if result.success and math.isfinite(result.duration_s))
        failures = Counter(result.failed or "no reason given" for result in results if not result.success)
        return RunSummary(
            run=run,
            trials=len(results),
            successes=successes,
            interval=clopper_pearson(successes, len(results)),
            left=sum(result.side == "left" for result in results),
            right=sum(result.side == "right" for result in results),
            left_ok=sum(result.side == "left" and result.success for result in results),
            right_ok=sum(result.side == "right" and result.success for result in results),
            failures=dict(failures.most_common()),
            left_samples=_mean(result.left_samples for result in results),
            right_samples=_mean(result.right_samples for result in results),
            median_duration_s=took[len(took) // 2] if took else math.nan,
        )

    def compare(self, first: str, second: str) -> PairedComparison:
        """Two runs on the starts that both of them tried (the last trial counts when one was repeated).

        Raises `ValueError` when they share no start.
        """
        ours = {result.seed: result.success for result in self.of_run(first)}
        theirs = {result.seed: result.success for result in self.of_run(second)}
        shared = [seed for seed in ours if seed in theirs]
        if not shared:
            raise ValueError(f"the runs {first!r} and {second!r} share no start; evaluate both with the same seed")
        return mcnemar_exact([ours[seed] for seed in shared], [theirs[seed] for seed in shared])

    def save(self, path: Path) -> None:
        """Write the whole sheet, replacing what was there."""
        path.write_text("".join(_line(result) for result in self.results), encoding="utf-8")

    def append(self, result: TrialResult, path: Path) -> None:
        """Add one trial here and at the end of the file, so that a break loses no earlier one."""
        self.results.append(result)
        with path.open("a", encoding="utf-8") as file:
            file.write(_line(result))


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
    # JSON has no nan; null reads back as nan.
    plain = {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in values.items()}
    return json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n"


_KINDS: dict[str, type | tuple[type, ...]] = {
    "run": str,
    "seed": int,
    "success": bool,
    "failed": str,
    "side": str,
    "duration_s": (int, float),
    "left_samples": (int, float),
    "right_samples": (int, float),
}


def _trial(values: Any) -> TrialResult:
    if not isinstance(values, dict):
        raise ValueError(f"an object is needed, not {type(values).__name__}")
    unknown = set(values) - {field.name for field in fields(TrialResult)}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    given = {key: value for key, value in values.items() if value is not None}
    for key, kind in _KINDS.items():
        if key in given and not isinstance(given[key], kind):
            raise ValueError(f"{key} = {given[key]!r}")
    if "episode" in given:
        given["episode"] = Path(given["episode"])
    return TrialResult(**given)


def _mean(values: Iterable[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan
