"""Small charts as inline SVG: curves, sides, intervals, trial by trial. Colours come from report.css by class name."""

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from teleop_studio.evaluation.trials import RunSummary, TrialResult

_WIDTH, _HEIGHT = 460, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 34


def curve(points: NDArray[np.float64], label: str, unit: str = "", log: bool = False) -> str:
    """One curve of (step, value) rows. `log` for a logarithmic value axis; rows that are not finite are left out.

    Returns a sentence instead of a chart when fewer than two rows can be drawn.
    """
    rows = np.asarray(points, np.float64)
    rows = rows[np.all(np.isfinite(rows), axis=1)]
    if log:
        rows = rows[rows[:, 1] > 0]
    if len(rows) < 2:
        return f'<p class="nothing">{escape(label)}: not enough points for a curve.</p>'
    last_step, last_value = float(rows[-1, 0]), float(rows[-1, 1])
    rows = _thinned(rows, 400)
    values = np.log10(rows[:, 1]) if log else rows[:, 1]
    ticks = _log_ticks(values) if log else _ticks(min(0.0, float(values.min())), float(values.max()))
    low, high = min(ticks[0], float(values.min())), max(ticks[-1], float(values.max()))
    x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * rows[:, 0] / max(last_step, 1.0)
    y = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (values - low) / max(high - low, 1e-12))
    parts = [_frame(label)]
    for tick in ticks:
        at = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (tick - low) / max(high - low, 1e-12))
        text = _number(10**tick if log else tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{at + 3.5:.1f}" text-anchor="end">{text}</text>')
    for tick in _ticks(0.0, last_step):
        if tick > last_step:
            break
        at = _LEFT + (_WIDTH - _LEFT - _RIGHT) * tick / max(last_step, 1.0)
        text = f'<text class="tick" x="{at:.1f}" y="{_HEIGHT - 18}" text-anchor="middle">{tick:g}</text>'
        parts.append(text)
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    parts.append(f'<polyline class="curve" points="{path}"/>')
    parts.append(f'<circle class="last" cx="{x[-1]:.1f}" cy="{y[-1]:.1f}" r="3"/>')
    parts.append(f'<text class="axis" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">step</text></svg>')
    ending = f"{_number(last_value)}{' ' + unit if unit else ''} at step {last_step:g}"
    caption = f"<figcaption><b>{escape(label)}</b> {escape(ending)}</figcaption>"
    return f"<figure>{''.join(parts)}{caption}</figure>"


def sides(rows: Sequence[tuple[str, float, float]]) -> str:
    """Left and right shares as one bar each: rows (label, left, right) with shares 0..1; nan draws "not measured"."""
    height, bar, label_width, width = 30 * len(rows) + 22, 18, 250, 900
    span = width - label_width - 110
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Left and right shares">']
    for k, (label, left, right) in enumerate(rows):
        y = 4 + 30 * k
        parts.append(
            f'<text class="label" x="{label_width - 10}" y="{y + 13}" text-anchor="end">{escape(label)}</text>'
        )
        if not (math.isfinite(left) and math.isfinite(right)):
            parts.append(f'<text class="tick" x="{label_width}" y="{y + 13}">not measured</text>')
            continue
        rest = max(0.0, 1 - left - right)
        x = float(label_width)
        for share, kind in ((left, "left"), (rest, "neither"), (right, "right")):
            parts.append(f'<rect class="{kind}" x="{x:.1f}" y="{y}" width="{span * share:.1f}" height="{bar}"/>')
            x += span * share
        text = f"{100 * left:.0f} : {100 * right:.0f} %"
        parts.append(f'<text class="label" x="{label_width + span + 10}" y="{y + 13}">{text}</text>')
    middle = label_width + span / 2
    parts.append(f'<line class="half" x1="{middle}" x2="{middle}" y1="0" y2="{height - 18}"/>')
    parts.append(f'<text class="tick" x="{label_width}" y="{height - 4}">left</text>')
    parts.append(f'<text class="tick" x="{label_width + span}" y="{height - 4}" text-anchor="end">right</text></svg>')
    return "".join(parts)


def interval(summary: RunSummary) -> str:
    """The success rate as a dot with its interval on a line from 0 to 100 %."""
    width, height, left, span = 260, 34, 8, 244
    parts = [
        f'<svg class="interval" viewBox="0 0 {width} {height}" role="img" aria-label="Success rate with interval">'
    ]
    for percent in (0, 50, 100):
        x = left + span * percent / 100
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="3" y2="20"/>')
        anchor = {0: "start", 50: "middle", 100: "end"}[percent]
        parts.append(f'<text class="tick" x="{x}" y="31" text-anchor="{anchor}">{percent} %</text>')
    low, high = left + span * summary.interval.low, left + span * summary.interval.high
    parts.append(f'<line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="11.5" y2="11.5"/>')
    if summary.trials:
        parts.append(f'<circle class="rate" cx="{left + span * summary.rate:.1f}" cy="11.5" r="5"/>')
    return "".join(parts) + "</svg>"


def trial_strip(results: Sequence[TrialResult]) -> str:
    """One mark a trial in the order they ran: filled when it succeeded, crossed when not, coloured by its side."""
    columns, cell = 25, 24
    rows = -(-len(results) // columns)
    width, height = columns * cell, max(rows, 1) * cell
    parts = [f'<svg class="strip" viewBox="0 0 {width} {height}" role="img" aria-label="Trials one by one">']
    for k, result in enumerate(results):
        x, y = cell * (k % columns) + 2, cell * (k // columns) + 2
        kind = result.side or "neither"
        ending = "success" if result.success else result.failed or "failed"
        told = f"start {result.seed}: {ending}, {result.side or 'no side'}"
        outcome = kind if result.success else f"{kind} failed"
        parts.append(f'<g class="{outcome}"><title>{escape(told)}</title>')
        parts.append(f'<rect x="{x}" y="{y}" width="18" height="18" rx="4"/>')
        if not result.success:
            parts.append(f'<path d="M{x + 5} {y + 5}l8 8m0 -8l-8 8"/>')
        parts.append("</g>")
    return "".join(parts) + "</svg>"


def _frame(label: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label, quote=True)}">'


def _thinned(rows: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """At most `most` rows: means over equal stretches, so that noise is drawn as what it averages to."""
    if len(rows) <= most:
        return rows
    return np.stack([stretch.mean(axis=0) for stretch in np.array_split(rows, most)])


def _ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers, the last not below `high`."""
    span = max(high - low, 1e-9)
    raw = span / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, last + 1)]


def _log_ticks(exponents: NDArray[np.float64]) -> list[float]:
    """Exponents of 1, 2, 5 times powers of ten inside the range, at least the two that enclose it."""
    low, high = float(exponents.min()), float(exponents.max())
    candidates = [
        power + math.log10(lead) for power in range(math.floor(low) - 1, math.ceil(high) + 1) for lead in (1, 2, 5)
    ]
    below = max(tick for tick in candidates if tick <= low + 1e-9)
    above = min(tick for tick in [*candidates, math.ceil(high) + 0.0, math.floor(high) + 1.0] if tick >= high - 1e-9)
    ticks = [tick for tick in candidates if below - 1e-9 <= tick <= above + 1e-9]
    return ticks if len(ticks) <= 7 else [tick for tick in ticks if abs(tick - round(tick)) < 1e-9]


def _number(value: float) -> str:
    return f"{value:.3g}"
