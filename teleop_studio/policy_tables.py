"""The table of policies of a workspace: its trial sheet and its runs, read again only when they have changed."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from teleop_studio.evaluation.policy_table import PolicyTable, TableRow, policy_table, under
from teleop_studio.evaluation.run_facts import RunFacts
from teleop_studio.evaluation.trials import TrialResult, TrialSheet, load_trials
from teleop_studio.learning_status import PolicyRow
from teleop_studio.policies.checkpoint_folder import BEST, CHECKPOINTS
from teleop_studio.run_reading import run_facts
from teleop_studio.training.run_folder import CONFIG, METRICS
from teleop_studio.workspace import Workspace

TRIAL_SHEET = "trials.jsonl"


class PolicyTables:
    """Looks at one workspace. `sides` of demonstrations by file, as far as they were measured."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._sheet, self._sheet_stamp = TrialSheet(), (0, 0)
        self._facts: dict[Path, tuple[object, RunFacts]] = {}

    def table(
        self,
        scene: str,
        baseline: str = "",
        sides: Mapping[Path, str] | None = None,
        shift: str = "none",
        live: bool = False,
        runs: Iterable[Path] = (),
        seeds: Iterable[int] = (),
    ) -> PolicyTable:
        """Of all trials made so; `runs` only those, wherever they lie, `seeds` only those starts; empty for all.

        Raises `TrialSheetError` for a sheet that can not be read.
        """
        wanted, starts = {run.name: run for run in runs}, frozenset(seeds)
        results = [
            one
            for one in under(self._results(), scene, shift, live)
            if (not wanted or one.run in wanted) and (not starts or one.seed in starts)
        ]
        names = dict.fromkeys(one.run for one in results)
        facts = {name: self._facts_of(wanted.get(name, self._workspace.runs / name), sides or {}) for name in names}
        return policy_table(results, facts, baseline)

    def _results(self) -> list[TrialResult]:
        path = self._workspace.trials / TRIAL_SHEET
        try:
            said = path.stat()
        except OSError:
            return []
        if (said.st_mtime_ns, said.st_size) != self._sheet_stamp:
            self._sheet = load_trials(path)
            self._sheet_stamp = (said.st_mtime_ns, said.st_size)
        return self._sheet.results

    def _facts_of(self, run: Path, sides: Mapping[Path, str]) -> RunFacts:
        stamp = (len(sides), *(_changed(run / name) for name in (CONFIG, METRICS, BEST, CHECKPOINTS)))
        known = self._facts.get(run)
        if known is None or known[0] != stamp:
            known = self._facts[run] = (stamp, run_facts(run, sides))
        return known[1]


def rows(table: PolicyTable, compared: bool = True) -> tuple[PolicyRow, ...]:
    """As the window draws them, with the comparisons or without; seeds that were pooled stand there one by one."""
    return tuple(_row(row, compared) for row in table.rows if not row.pooled)


def _row(row: TableRow, compared: bool) -> PolicyRow:
    summary, facts, against = row.summary, row.facts, row.against if compared else None
    failure, count = row.commonest_failure
    trials = summary.left / summary.trials if summary.trials else math.nan
    return PolicyRow(
        run=facts.run,
        policy=facts.policy,
        title=facts.title,
        step=row.step,
        trials=summary.trials,
        successes=summary.successes,
        low=summary.interval.low,
        high=summary.interval.high,
        left_demonstrations=facts.left_demonstrations,
        left_samples=summary.left_samples,
        left_trials=trials,
        flips=summary.flips,
        boundary_jump=1e-3 * summary.boundary_jump_mrad,
        training_s=row.trained_s[0],
        chunk_ms=summary.chunk_ms[0],
        chunk_worst_ms=summary.chunk_worst_ms,
        parameters=facts.parameters,
        failure=failure,
        failure_count=count,
        p_value=against.p_value if against else math.nan,
        shared=against.shared if against else 0,
    )


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
