"""The table of policies in words: one list of columns for Markdown and for the report's page."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from teleop_studio.evaluation.policy_table import GOALS, CheckpointTrials, PolicyTable, TableRow


@dataclass(frozen=True)
class Column:
    title: str
    text: Callable[[TableRow], str]


def columns() -> tuple[Column, ...]:
    """In the order in which they are printed."""
    return (
        Column("policy", _name),
        Column("succeeded", lambda row: f"{row.summary.successes} / {row.summary.trials}"),
        Column("95 % interval", _interval),
        Column("p against the baseline (Holm)", _p_value),
        Column("left : right of demonstrations / samples / trials", _sides),
        Column("trials' sides off by", lambda row: _points(row.side_gap)),
        Column("flips", lambda row: _number(row.summary.flips, ".2f")),
        Column("boundary jump", _jump),
        Column("trained: CPU (wall)", lambda row: _spent(row.trained_s)),
        Column("CPU (wall) to " + " / ".join(f"{goal:.0%}" for goal in GOALS).replace("%", " %"), _seconds_to),
        Column("train step ms: CPU (wall)", _step),
        Column("chunk ms x1: p50 / p99", lambda row: _latency(row.summary.chunk_ms)),
        Column("x32: p50 / p99", lambda row: _latency(row.summary.samples_ms)),
        Column("parameters", lambda row: _parameters(row.facts.parameters)),
        Column("commonest failure", _failure),
    )


def markdown(table: PolicyTable) -> str:
    """The table, what has to be said with it, and the checkpoints of every run that has several."""
    shown = columns()
    lines = ["| " + " | ".join(column.title for column in shown) + " |", "|" + "---|" * len(shown)]
    lines += ["| " + " | ".join(column.text(row).replace("|", "\\|") for column in shown) + " |" for row in table.rows]
    for note in notes(table):
        lines += ["", note]
    for row in table.rows:
        if len(row.checkpoints) > 1:
            lines += ["", f"{row.facts.run}, checkpoint by checkpoint, the same starts:", ""]
            lines += ["| step | trained: CPU (wall) | succeeded | 95 % interval | flips |", "|---|---|---|---|---|"]
            lines += ["| " + " | ".join(checkpoint_cells(one)) + " |" for one in row.checkpoints]
    return "\n".join(lines) + "\n"


def checkpoint_cells(one: CheckpointTrials) -> tuple[str, ...]:
    """step, seconds of training, successes, interval, flips."""
    summary = one.summary
    return (
        str(one.step),
        _spent(one.trained_s),
        f"{summary.successes} / {summary.trials}",
        f"{100 * summary.interval.low:.0f} – {100 * summary.interval.high:.0f} %",
        _number(summary.flips, ".2f"),
    )


def notes(table: PolicyTable) -> list[str]:
    """What a reader must know to read the figures right."""
    said = ["Intervals are Clopper and Pearson's and speak of the starts, not of another training."]
    if table.comparisons:
        said.append(
            f"p: exact McNemar test on the starts shared with {table.baseline}; in brackets with Holm's correction for "
            f"the {table.comparisons} comparison{'s' if table.comparisons > 1 else ''} of this table."
        )
    if any(row.pooled for row in table.rows):
        said.append(
            "Runs of several seeds share their starts: their pooled trials are not independent, so the pooled interval "
            "is narrower than it ought to be."
        )
    if any(len(row.checkpoints) > 1 for row in table.rows):
        said.append(
            "Where the best of several checkpoints was chosen on these starts its rate is too good; try it once more "
            "from final starts."
        )
    said.append(
        "Flips: changes of side before the grasp, per trial. Boundary jump: median, over the median step within the "
        "new chunk, and the mean in mrad. Chunk times are wall time beside whatever else the machine did."
    )
    return said


def _name(row: TableRow) -> str:
    if row.pooled:
        return f"{row.facts.run} ({', '.join(row.pooled)})"
    words = [f"step {row.step}"] if row.step else []
    if row.facts.title:
        words.insert(0, row.facts.title)
    return f"{row.facts.run} ({', '.join(words)})" if words else row.facts.run


def _interval(row: TableRow) -> str:
    interval = row.summary.interval
    return f"{100 * interval.low:.0f} – {100 * interval.high:.0f} %"


def _p_value(row: TableRow) -> str:
    if row.against is None:
        return "–"
    split = f"{row.against.only_first}:{row.against.only_second} of {row.against.shared}"
    return f"{_p(row.against.p_value)} ({_p(row.p_holm)}), {split}"


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}"


def _sides(row: TableRow) -> str:
    facts, summary = row.facts, row.summary
    trials = (summary.left / summary.trials, summary.right / summary.trials) if summary.trials else (math.nan, math.nan)
    shares = (
        (facts.left_demonstrations, facts.right_demonstrations),
        (summary.left_samples, summary.right_samples),
        trials,
    )
    return " / ".join(_share(*pair) for pair in shares)


def _share(left: float, right: float) -> str:
    return f"{100 * left:.0f}:{100 * right:.0f} %" if math.isfinite(left) and math.isfinite(right) else "–"


def _points(gap: float) -> str:
    return f"{100 * gap:.0f} points" if math.isfinite(gap) else "–"


def _jump(row: TableRow) -> str:
    if not math.isfinite(row.summary.boundary_jump):
        return "–"
    return f"{row.summary.boundary_jump:.2f} ({row.summary.boundary_jump_mrad:.0f} mrad)"


def _spent(seconds: tuple[float, float]) -> str:
    wall, cpu = seconds
    if not math.isfinite(wall):
        return "–"
    return f"{cpu:.0f} s ({wall:.0f} s)" if math.isfinite(cpu) else f"– ({wall:.0f} s)"


def _seconds_to(row: TableRow) -> str:
    if not row.seconds_to:
        return "–"
    return " / ".join(_spent(row.seconds_to[goal]) if goal in row.seconds_to else "–" for goal in GOALS)


def _step(row: TableRow) -> str:
    wall, cpu = row.facts.step_ms, row.facts.step_cpu_ms
    if not math.isfinite(wall):
        return "–"
    return f"{_number(cpu, '.0f')} ({wall:.0f})"


def _latency(times: tuple[float, float]) -> str:
    return f"{times[0]:.0f} / {times[1]:.0f}" if math.isfinite(times[0]) else "–"


def _parameters(count: int) -> str:
    if count < 1:
        return "–"
    return f"{count / 1e6:.2f} M" if count >= 1e6 else f"{count / 1e3:.0f} k"


def _failure(row: TableRow) -> str:
    words, count = row.commonest_failure
    return f"{words} ({count})" if count else "–"


def _number(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else "–"
