"""How one trial's chunks follow each other: does the policy change its mind, and does the arm jerk between chunks?"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from teleop_studio.chunk import ActionChunk
from teleop_studio.insight.mode_split import DEAD_BAND_M

GRASP_TRAVEL = 0.15
"""Of the gripper's stroke: closing by more than this is a grasp, as in the training's landmarks."""

LEAST_STEP_RAD = 1e-3
"""A chunk that hardly moves is measured against this: nothing can be divided by a step of nothing."""

TipOf = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class ChunkMeter:
    """Told each executed chunk of one trial, in order.

    `tip_of` maps joints (..., D) to the gripper's tip (..., 3), m, base frame; None where the arm's lengths are not
    known: then no chunk has a side. `straight_ahead_rad` the azimuth that is neither left nor right.
    """

    def __init__(self, tip_of: TipOf | None, straight_ahead_rad: float = 0.0) -> None:
        self._tip_of = tip_of
        self._left = np.array([-math.sin(straight_ahead_rad), math.cos(straight_ahead_rad)])
        self._widest, self._grasped = 0.0, False
        self._newest_side = ""
        self._jumps_rad: list[float] = []
        self._ratios: list[float] = []
        self.chunks = 0
        self.flips = 0
        self.first_side = ""

    def add(self, chunk: ActionChunk, command: NDArray[np.float64], now_ns: int) -> None:
        """`chunk` takes over at `now_ns`, when the command (D,) just sent was `command`; the gripper is the last joint.

        `command` of nan (nothing was sent yet) makes no boundary.
        """
        if self.chunks > 0 and np.all(np.isfinite(command)):
            jump = float(np.linalg.norm((chunk.at(now_ns) - command)[:-1]))
            self._jumps_rad.append(jump)
            self._ratios.append(jump / max(_median_step(chunk), LEAST_STEP_RAD))
        self.chunks += 1
        gripper = float(command[-1]) if math.isfinite(float(command[-1])) else float(chunk.actions[0, -1])
        self._widest = max(self._widest, gripper)
        self._grasped = self._grasped or gripper < self._widest - GRASP_TRAVEL
        if not self._grasped:
            self._see_side(chunk)

    @property
    def boundary_jump(self) -> float:
        """Median over the boundaries of jump over the new chunk's median step; nan without a boundary."""
        return float(np.median(self._ratios)) if self._ratios else math.nan

    @property
    def boundary_jump_mrad(self) -> float:
        """Mean over the boundaries, norm over the joints without the gripper; nan without a boundary."""
        return 1e3 * float(np.mean(self._jumps_rad)) if self._jumps_rad else math.nan

    def _see_side(self, chunk: ActionChunk) -> None:
        side = self._side(chunk)
        if not side:
            return
        self.flips += self._newest_side not in ("", side)
        self._newest_side = side
        self.first_side = self.first_side or side

    def _side(self, chunk: ActionChunk) -> str:
        """ "left", "right", or "" for an end within the dead band of the line straight ahead."""
        if self._tip_of is None:
            return ""
        aside_m = float(self._left @ self._tip_of(chunk.actions[-1])[:2])
        if abs(aside_m) <= DEAD_BAND_M:
            return ""
        return "left" if aside_m > 0 else "right"


def _median_step(chunk: ActionChunk) -> float:
    """rad from one goal to the next, gripper left out; 0 for a chunk of one goal."""
    steps = np.linalg.norm(np.diff(chunk.actions[:, :-1], axis=0), axis=1)
    return float(np.median(steps)) if len(steps) else 0.0
