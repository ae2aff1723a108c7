"""How the newest control tick stands with the first motion: gaps, what is waited for, which joints are too far away."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.control.first_motion import FirstMotionLimits, Waiting
from teleop_studio.control.sources import HOLD
from teleop_studio.processes.tick_row import SOURCES

LIMITS = FirstMotionLimits()


@dataclass(frozen=True)
class SoftStart:
    """`gap` the largest one while a soft start runs, else 0. `joint_gaps` leader minus follower, joint units.

    `too_far` the joints of a refused leader and by how much, for the operator.
    """

    aligning: bool = False
    gap: float = 0.0
    joint_gaps: tuple[float, ...] = ()
    waiting: Waiting = Waiting.NOTHING
    too_far: str = ""


def soft_start(row: NDArray[Any] | None, names: tuple[str, ...]) -> SoftStart:
    """Of one row of `tick_dtype`, None before the first."""
    if row is None:
        return SoftStart()
    aligning = bool(row["aligning"])
    waiting = Waiting(int(row["waiting"]))
    return SoftStart(
        aligning=aligning and SOURCES[int(row["source"])] != HOLD,
        gap=float(row["gap"]) if aligning else 0.0,
        joint_gaps=tuple((row["leader_position"] - row["follower_position"]).tolist()),
        waiting=waiting,
        too_far=_too_far(row["requested"] - row["action"], names) if waiting is Waiting.TOO_FAR else "",
    )


def _too_far(away: NDArray[np.float64], names: tuple[str, ...]) -> str:
    # The last joint is the gripper, which is never too far.
    far = [k for k in range(len(away) - 1) if abs(away[k]) > LIMITS.refuse_gap]
    return ", ".join(f"{names[k]} by {abs(float(away[k])):.2f} rad" for k in far)
