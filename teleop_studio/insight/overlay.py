"""From a denoising trace to what is drawn: paths of the gripper's tip in the robot's base frame."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from teleop_studio.chunk import DenoisingTrace
from teleop_studio.insight.mode_split import split
from teleop_studio.status import Overlay

TipOf = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def overlay_of_trace(
    trace: DenoisingTrace,
    tip_of: TipOf,
    measured: NDArray[np.float64],
    commanded: NDArray[np.float64],
    executed_steps: int,
    stamp_ns: int,
) -> Overlay:
    """The tip paths of all samples at all solver steps.

    `tip_of` maps joints (..., D) to the tip (..., 3), m. `measured`, `commanded` (D,) of the tick observed: chunks are
    goals, and the arm sags below its goal by its gravity error; drawn uncorrected they would all lie too high.
    """
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
