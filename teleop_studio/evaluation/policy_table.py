"""The table of policies: each run's trials beside what its training cost, and tests on the starts that they share."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from teleop_studio.evaluation.intervals import PairedComparison, holm
from teleop_studio.evaluation.run_facts import RunFacts
from teleop_studio.evaluation.trials import RunSummary, TrialResult, paired, summarised

GOALS = (0.80, 0.90, 0.95)
"""Success rates to which the seconds of training are given."""


@dataclass(frozen=True)
class CheckpointTrials:
    """The trials of one checkpoint, the last one of each start."""

    step: int
    results: tuple[TrialResult, ...]
    summary: RunSummary
    trained_s: tuple[float, float]  # elapsed, processor time; nan where unknown


@dataclass(frozen=True)
class TableRow:
    """One run, at the checkpoint `step`; or with `pooled`, all runs that differ only in the training's seed.

    `checkpoints` all that were tried in the same way, oldest first. `seconds_to` for each of `GOALS` the (elapsed,
    processor) seconds of training behind the first of several tried checkpoints that reached it; nan where none did,
    empty when only one was tried. `against` the comparison with the baseline, None for itself and where no start is
    shared; `p_holm` its p corrected for the number of comparisons in this table.
    """

    facts: RunFacts
    step: int
    summary: RunSummary
    trained_s: tuple[float, float]
    checkpoints: tuple[CheckpointTrials, ...] = ()
    seconds_to: Mapping[float, tuple[float, float]] = field(default_factory=dict)
    against: PairedComparison | None = None
    p_holm: float = math.nan
    pooled: tuple[str, ...] = ()

    @property
    def commonest_failure(self) -> tuple[str, int]:
        """("", 0) when nothing failed."""
        return next(iter(self.summary.failures.items()), ("", 0))

    @property
    def side_gap(self) -> float:
        """By how much the trials' left share differs from the demonstrations', 0..1, of those that took a side.

        A policy that lost the rarer side would show a gap as large as that side's share.
        """
        took = self.summary.left + self.summary.right
        shown = self.facts.left_demonstrations + self.facts.right_demonstrations
        if not took or not shown > 0:
            return math.nan
        return abs(self.summary.left / took - self.facts.left_demonstrations / shown)


@dataclass(frozen=True)
class PolicyTable:
    """`rows` in the order of the runs, each group of seeds followed by its pooled row. `baseline` "" when none."""

    rows: tuple[TableRow, ...]
    baseline: str
    comparisons: int


def policy_table(results: Iterable[TrialResult], facts: Mapping[str, RunFacts], baseline: str = "") -> PolicyTable:
    """Of trials made under one condition: filter them first (`under`). `facts` by run; a run without them stands bare.

    `baseline` the run that the others are compared with; "" takes the first one that was tried.
    """
    grouped: dict[str, list[TrialResult]] = {}
    for result in results:
        grouped.setdefault(result.run, []).append(result)
    rows = [_row(run, trials, facts.get(run, RunFacts(run))) for run, trials in grouped.items()]
    found = baseline if baseline in grouped else next(iter(grouped), "")
    rows = _compared(rows, found)
    count = sum(row.against is not None for row in rows)
    return PolicyTable(tuple(_with_pooled(rows)), found, count)


def under(results: Iterable[TrialResult], scene: str, shift: str = "none", live: bool = False) -> list[TrialResult]:
    """The trials of one scene and shift, in lock-step or `live`. A trial of an older sheet, without scene, counts."""
    return [one for one in results if one.scene in ("", scene) and one.shift == shift and one.live == live]


def _row(run: str, trials: Sequence[TrialResult], facts: RunFacts) -> TableRow:
    driven = _most_tried(trials, facts.best_step)
    by_step: dict[int, dict[int, TrialResult]] = {}
    for one in trials:
        if _way(one) == driven:
            by_step.setdefault(one.measured.step, {})[one.seed] = one
    tried = []
    for step in sorted(by_step):
        results = tuple(by_step[step].values())
        tried.append(CheckpointTrials(step, results, summarised(run, list(results)), facts.trained_s(step)))
    shown = next((one for one in tried if one.step == facts.best_step), tried[-1])
    to = {goal: _seconds_to(tried, goal) for goal in GOALS} if len(tried) > 1 else {}
    return TableRow(facts, shown.step, shown.summary, shown.trained_s, tuple(tried), to)


def _most_tried(trials: Sequence[TrialResult], best_step: int) -> tuple[int, int]:
    """The way of driving (K, S) that has the most trials; of two, the one of the played checkpoint, then the newer."""
    counts: dict[tuple[int, int], list[int]] = {}
    for number, one in enumerate(trials):
        count = counts.setdefault(_way(one), [0, 0, 0])
        count[0] += 1
        count[1] += one.measured.step == best_step
        count[2] = number
    return max(counts, key=lambda way: counts[way])


def _way(trial: TrialResult) -> tuple[int, int]:
    return trial.measured.executed_steps, trial.measured.solver_steps


def _seconds_to(tried: Sequence[CheckpointTrials], goal: float) -> tuple[float, float]:
    return next((one.trained_s for one in tried if one.summary.rate >= goal), (math.nan, math.nan))


def _results(row: TableRow) -> tuple[TrialResult, ...]:
    return next((one.results for one in row.checkpoints if one.step == row.step), ())


def _compared(rows: list[TableRow], baseline: str) -> list[TableRow]:
    base = next((row for row in rows if row.facts.run == baseline), None)
    if base is None:
        return rows
    compared = [row if row is base else replace(row, against=paired(_results(row), _results(base))) for row in rows]
    tested = [row.against.p_value for row in compared if row.against is not None]
    corrected = iter(holm(tested))
    return [row if row.against is None else replace(row, p_holm=next(corrected)) for row in compared]


def _with_pooled(rows: list[TableRow]) -> Iterable[TableRow]:
    """Runs of one recipe side by side, and their trials together after them."""
    left = list(rows)
    while left:
        recipe = left[0].facts.recipe
        same = [row for row in left if recipe and row.facts.recipe == recipe] or left[:1]
        yield from same
        if len(same) > 1:
            yield _pooled(same)
        taken = {row.facts.run for row in same}
        left = [row for row in left if row.facts.run not in taken]


def _pooled(rows: Sequence[TableRow]) -> TableRow:
    first = rows[0].facts
    results = [result for row in rows for result in _results(row)]
    name = f"{first.policy}, {len(rows)} seeds"
    spent = [row.trained_s for row in rows]
    mean = (sum(wall for wall, _ in spent) / len(spent), sum(cpu for _, cpu in spent) / len(spent))
    return TableRow(
        facts=replace(first, run=name),
        step=rows[0].step if len({row.step for row in rows}) == 1 else 0,
        summary=summarised(name, results),
        trained_s=mean,
        pooled=tuple(row.facts.run for row in rows),
    )
