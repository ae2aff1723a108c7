"""The command "evaluate": try runs or all their checkpoints from the same starts, and print the table of policies."""

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from teleop_studio.commands.driving import CommandFailed, named_rig, opened, run_script, say, until_job_ends
from teleop_studio.evaluation.machine import machine_facts
from teleop_studio.evaluation.policy_table import PolicyTable, TableRow
from teleop_studio.evaluation.table_page import write_table
from teleop_studio.evaluation.table_text import markdown
from teleop_studio.evaluation.trials import RunSummary
from teleop_studio.policies.checkpoint_folder import TRIALS, checkpoints, choose_best, run_of
from teleop_studio.run_reading import sides_of, trained_layouts
from teleop_studio.script import Say, Step, Wait
from teleop_studio.starts import FINAL_SEED, TEST_SEED, overlap, overlap_sentence
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Success of each run with its interval, and the sides."""
    workspace = Workspace.create(options.workspace)
    rig = named_rig(options.rig, workspace)
    if not rig.simulated:
        raise CommandFailed(f"{rig.name} is a real rig: only the simulated one can score trials by itself.")
    rig = replace(rig, shift=options.shift or rig.shift)
    if not options.run and not options.table:
        raise CommandFailed("Name the runs to try: --run RUN. With --table alone the trials made so far are shown.")
    options.seed = _first_start(options)
    runs = _distinct(options.run or [])
    tried = _checkpoints(runs) if options.checkpoints else runs
    result: dict[str, Any] = {"seed": options.seed}
    studio = Studio(rig, workspace)
    try:
        if tried:
            _refuse_seen(runs, options)
            run_script(studio, _evaluation(studio, tried, options))
            result.update(_told(studio, runs))
        if options.checkpoints or options.table:
            result["table"] = _table(studio, runs, options)
    finally:
        studio.close()
    return result


def _first_start(options: argparse.Namespace) -> int:
    if options.seed is not None and options.final:
        raise CommandFailed("--seed and --final both name the first start. Leave one out.")
    if options.final and options.checkpoints:
        raise CommandFailed("Final starts are looked at once, not to choose among checkpoints. Leave --final out.")
    if options.seed is not None:
        return int(options.seed)
    return FINAL_SEED if options.final else TEST_SEED


def _distinct(given: list[Path]) -> list[Path]:
    runs = [run.resolve() for run in given]
    names = [run_of(run).name for run in runs]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice and len({run_of(run) for run in runs}) == len(runs):
        raise CommandFailed(f"Two of the runs are called {twice}. Rename one: trials are told apart by that name.")
    return runs


def _checkpoints(runs: list[Path]) -> list[Path]:
    """Every checkpoint of every run. Raises `CommandFailed` for a run without any."""
    found = []
    for run in runs:
        ours = checkpoints(run)
        if not ours:
            raise CommandFailed(f"The run {run.name} has no checkpoint yet. Train it until its first one.")
        found += ours
    return found


def _refuse_seen(runs: list[Path], options: argparse.Namespace) -> None:
    """Raises `CommandFailed` for starts that a run has seen, unless they are asked for."""
    starts = range(options.seed, options.seed + options.trials)
    for run in runs:
        seen = overlap(starts, trained_layouts(run_of(run)))
        if seen and not options.seen_starts:
            raise CommandFailed(overlap_sentence(run_of(run), seen, options.trials))
        if seen:
            say(f"Careful: {overlap_sentence(run_of(run), seen, options.trials)}")


def _evaluation(studio: Studio, runs: list[Path], options: argparse.Namespace) -> Iterator[Step]:
    if options.live:
        yield from opened(studio)
        for steps, choose in (
            (options.executed_steps, studio.set_executed_steps),
            (options.solver_steps, studio.set_solver_steps),
        ):
            if steps is not None:
                choose(steps)
        studio.set_temporal_ensembling(options.ensembling)
    studio.evaluate(
        runs,
        options.trials,
        options.seed,
        fast=not options.live,
        record=not options.no_episodes,
        executed_steps=options.executed_steps,
        solver_steps=options.solver_steps,
        ensembling=options.ensembling,
    )
    yield from until_job_ends(studio)
    yield Say("All starts are done.")
    yield Wait()


def _told(studio: Studio, runs: list[Path]) -> dict[str, Any]:
    sheet = studio.tasks.sheet
    summaries = [sheet.summary(name) for name in dict.fromkeys(run_of(run).name for run in runs)]
    for summary in summaries:
        say(summary_line(summary))
    result: dict[str, Any] = {"runs": [summary_object(summary) for summary in summaries]}
    if len(summaries) == 2 and all(len(summary.steps) < 2 for summary in summaries):
        comparison = sheet.compare(summaries[0].run, summaries[1].run)
        result["paired"] = {"p": comparison.p_value}
        say(f"Paired comparison on the same starts: p = {comparison.p_value:.3f} (exact McNemar).")
    return result


def _table(studio: Studio, runs: list[Path], options: argparse.Namespace) -> dict[str, Any]:
    """Print the table, write it beside the trial sheet, and let each run's best checkpoint be chosen by its trials."""
    folders = [run_of(run) for run in runs] or [info.path for info in studio.runs()]
    sides = {path: side for run in folders for path, side in sides_of(run).items()}
    starts = range(options.seed, options.seed + options.trials) if runs else ()
    table = studio.policy_tables.table(
        studio.rig.scene,
        options.baseline,
        sides,
        shift=studio.rig.shift,
        live=options.live,
        runs=[run_of(run) for run in runs],
        seeds=starts,
    )
    if not table.rows:
        raise CommandFailed("There are no trials to show yet. Try some runs: teleop-studio evaluate --run RUN --table.")
    if options.checkpoints:
        for row in table.rows:
            _choose(row, folders)
    facts = machine_facts()
    said = (
        f"Scene {studio.rig.scene}, shift {studio.rig.shift}, "
        f"{'live' if options.live else 'in lock-step'}; {facts['Processor']}, "
        f"torch {facts['torch']}."
    )
    print(markdown(table) if not options.json else "", end="")
    page = write_table(studio.workspace.trials, table, "Policies, tried from the same starts", said)
    say(f"The table is in {page}.")
    return {"page": str(page), **table_object(table)}


def _choose(row: TableRow, folders: list[Path]) -> None:
    """The checkpoint with most successes; of equal ones the one trained longest."""
    run = next((folder for folder in folders if folder.name == row.facts.run), None)
    if run is None or len(row.checkpoints) < 2:
        return
    best = max(row.checkpoints, key=lambda one: (one.summary.rate, one.step))
    choose_best(run, best.step, TRIALS, best.summary.rate)
    say(
        f"{run.name} is played from step {best.step} from now on: {best.summary.successes} of {best.summary.trials}, "
        "the most of its checkpoints. Its rate on these starts is therefore too good: try it once with --final."
    )


def summary_line(summary: RunSummary) -> str:
    """Successes with their interval, in words."""
    low, high = summary.interval.low, summary.interval.high
    flips = f", {summary.flips:.2f} flips a trial" if math.isfinite(summary.flips) else ""
    return (
        f"{summary.run}: {summary.successes} of {summary.trials} succeeded "
        f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %), left {summary.left}, right {summary.right}{flips}."
    )


def summary_object(summary: RunSummary) -> dict[str, Any]:
    """The same for scripts."""
    return {
        "run": summary.run,
        "trials": summary.trials,
        "successes": summary.successes,
        "interval": [summary.interval.low, summary.interval.high],
        "left": summary.left,
        "right": summary.right,
        "left_samples": _known(summary.left_samples),
        "right_samples": _known(summary.right_samples),
        "failures": summary.failures,
        "flips": _known(summary.flips),
        "boundary_jump": _known(summary.boundary_jump),
        "boundary_jump_mrad": _known(summary.boundary_jump_mrad),
        "chunk_ms": [_known(ms) for ms in summary.chunk_ms],
        "samples_ms": [_known(ms) for ms in summary.samples_ms],
        "steps": list(summary.steps),
    }


def table_object(table: PolicyTable) -> dict[str, Any]:
    """The table for scripts."""
    return {"baseline": table.baseline, "comparisons": table.comparisons, "rows": [_row(row) for row in table.rows]}


def _row(row: TableRow) -> dict[str, Any]:
    facts = row.facts
    return {
        **summary_object(row.summary),
        "policy": facts.policy,
        "seed": facts.seed,
        "step": row.step,
        "pooled": list(row.pooled),
        "left_demonstrations": _known(facts.left_demonstrations),
        "right_demonstrations": _known(facts.right_demonstrations),
        "side_gap": _known(row.side_gap),
        "trained_s": [_known(seconds) for seconds in row.trained_s],
        "seconds_to": {f"{goal:.0%}": [_known(s) for s in spent] for goal, spent in row.seconds_to.items()},
        "step_ms": _known(facts.step_ms),
        "step_cpu_ms": _known(facts.step_cpu_ms),
        "parameters": facts.parameters,
        "p": row.against.p_value if row.against else None,
        "p_holm": _known(row.p_holm),
        "checkpoints": [
            {
                "step": one.step,
                "trained_s": [_known(seconds) for seconds in one.trained_s],
                "successes": one.summary.successes,
                "trials": one.summary.trials,
            }
            for one in row.checkpoints
        ],
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
