"""Success against seconds of training, each checkpoint with its interval, as an SVG for the report."""

import math
from collections.abc import Sequence

from teleop_studio.evaluation.policy_table import GOALS, CheckpointTrials

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 620, 250, 46, 12, 14, 38


def success_curve(checkpoints: Sequence[CheckpointTrials]) -> str:
    """Against processor time where every checkpoint has it, else elapsed time, else the step."""
    places, unit = _places(checkpoints)
    last = max(places)
    span, fall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(place: float) -> float:
        return _LEFT + span * place / last

    def y(rate: float) -> float:
        return _TOP + fall * (1 - rate)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Success against training">']
    parts += [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(rate):.1f}" y2="{y(rate):.1f}"/>'
        for rate in (0.0, 0.5, *GOALS, 1.0)
    ]
    parts += [
        f'<text class="tick" x="{_LEFT - 6}" y="{y(rate) + 4:.1f}" text-anchor="end">{100 * rate:.0f} %</text>'
        for rate in (0.0, 0.5, *GOALS[::2])
    ]
    points = []
    for one, place in zip(checkpoints, places, strict=True):
        summary = one.summary
        points.append(f"{x(place):.1f},{y(summary.rate):.1f}")
        parts.append(
            f'<line class="range" x1="{x(place):.1f}" x2="{x(place):.1f}" y1="{y(summary.interval.low):.1f}" '
            f'y2="{y(summary.interval.high):.1f}"/>'
        )
        parts.append(
            f'<circle class="rate" cx="{x(place):.1f}" cy="{y(summary.rate):.1f}" r="4"/>'
            f'<text class="tick" x="{x(place):.1f}" y="{_HEIGHT - 20}" text-anchor="middle">{place:.0f}</text>'
        )
    parts.append(f'<polyline class="curve" points="{" ".join(points)}"/>')
    said = f"{unit}; bars: 95 % intervals"
    parts.append(f'<text class="tick" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">{said}</text>')
    return "".join(parts) + "</svg>"


def _places(checkpoints: Sequence[CheckpointTrials]) -> tuple[list[float], str]:
    for index, unit in ((1, "processor seconds of training"), (0, "seconds of training")):
        places = [one.trained_s[index] for one in checkpoints]
        if all(math.isfinite(place) and place > 0 for place in places):
            return places, unit
    return [float(max(one.step, 1)) for one in checkpoints], "training steps"
