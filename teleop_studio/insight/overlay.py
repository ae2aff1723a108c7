"""From a denoising trace to what is drawn: paths of the gripper's tip in the robot's base frame."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from teleop_studio.chunk import DenoisingTrace
from teleop_studio.insight.mode_split import split
from teleop_studio.status import Overlay

SHOWN_STEPS = 20
"""Solver steps of a trace that are drawn: of a longer one evenly spread ones, the first and the last among them."""

TipOf = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def overlay_of_trace(
    trace: DenoisingTrace,
    tip_of: TipOf,
    measured: NDArray[np.float64],
    commanded: NDArray[np.float64],
    executed_steps: int,
    stamp_ns: int,
) -> Overlay:
    """The tip paths of all samples at the solver steps, `SHOWN_STEPS` of them at most.

    `tip_of` maps joints (..., D) to the tip (..., 3), m. `measured`, `commanded` (D,) of the tick observed: chunks are
    goals, and the arm sags below its goal by its gravity error; drawn uncorrected they would all lie too high.
    """
    trace = thinned(trace, SHOWN_STEPS)
    tips = tip_of(trace.actions)
    if np.all(np.isfinite(commanded)):
        tips = tips + (tip_of(measured) - tip_of(commanded))
    modes = split(tips[-1], executed_steps)
    return Overlay(
        stamp_ns=stamp_ns,
        tip_paths=tips.astype(np.float32),
        velocity_norm=trace.velocity_norm.astype(np.float32),
        executed_steps=executed_steps,
        left_share=modes.left_share,
        right_share=modes.right_share,
        spread_mm=modes.spread_mm,
    )


def thinned(trace: DenoisingTrace, steps: int) -> DenoisingTrace:
    """At most `steps` of the trace's S solver steps, evenly spread; the noise and the sampled chunks always stay."""
    taken = len(trace.velocity_norm)
    if taken <= steps:
        return trace
    rows = np.linspace(0, taken, steps + 1).round().astype(np.int64)
    return DenoisingTrace(trace.actions[rows], trace.velocity_norm[rows[1:] - 1])
