"""Whether a source may drive yet: aligned, still being approached softly, or too far away to be approached at all."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel


class Waiting(IntEnum):
    """Why the follower does not go where it is asked to, although nothing is wrong. A tick carries the number."""

    NOTHING = 0
    TOO_FAR = 1  # the leader must be brought closer
    SETTLING = 2  # the source has jumped or runs away; a moment of standing still
    BOX = 3  # the gripper's tip is at the edge of its box
    MIRRORING = 4  # the leader is being led to the follower


@dataclass(frozen=True)
class FirstMotionLimits:
    """Joint units, joint units/s, s. The gripper, the last joint, is approached slowly but never refused.

    Closer than `aligned_gap` in every joint is aligned. A leader further than `refuse_gap` is not approached. A gap
    that grows by `restart_gap` while it is being closed starts the approach again after `settle_s` of standing still.
    """

    soft_start_speed: float = 0.6
    aligned_gap: float = 0.06
    refuse_gap: float = 0.8
    restart_gap: float = 0.3
    settle_s: float = 0.3


class FirstMotionGuard:
    """The guard at each start, resume, hand-over and lost source. `judge` once per command."""

    def __init__(self, arm: ArmModel, limits: FirstMotionLimits) -> None:
        self._names, self._limits = arm.names, limits
        self._refuse: NDArray[np.float64] = np.full(len(arm.joints), limits.refuse_gap)
        # From closed to open is 1: a gripper can not be far enough away to be dangerous.
        self._refuse[-1] = np.inf
        self.aligning = True
        self.waiting = Waiting.NOTHING
        self._smallest_gap = np.inf
        self._settle_left_s = 0.0

    def restart(self, settle_s: float = 0.0) -> None:
        """Approach whatever is requested next softly, after `settle_s` of standing still."""
        self.aligning = True
        self._smallest_gap = np.inf
        self._settle_left_s = max(self._settle_left_s, settle_s)

    def judge(self, away: NDArray[np.float64], gap: float, refusable: bool, dt_s: float) -> Waiting:
        """Whether the follower has to stand still for now.

        `away` (D,) how far the request as it was made lies from the last command, `gap` the largest distance within
        the joint limits. `refusable` for a leader, which somebody can bring closer.
        """
        self.waiting = Waiting.NOTHING
        if self._settle_left_s > 0:
            self._settle_left_s -= dt_s
            self.waiting = Waiting.SETTLING
        elif self.aligning:
            self.waiting = self._approach(away, gap, refusable)
        return self.waiting

    def too_far(self, away: NDArray[np.float64]) -> str:
        """The joints that are too far away and by how much, for the operator; "" when none is."""
        far = np.flatnonzero(np.abs(away) > self._refuse)
        return ", ".join(f"{self._names[k]} by {abs(float(away[k])):.2f} rad" for k in far)

    def _approach(self, away: NDArray[np.float64], gap: float, refusable: bool) -> Waiting:
        if refusable and bool((np.abs(away) > self._refuse).any()):
            self._smallest_gap = np.inf
            return Waiting.TOO_FAR
        if gap < self._limits.aligned_gap:
            self.aligning = False
            return Waiting.NOTHING
        self._smallest_gap = min(self._smallest_gap, gap)
        if gap > self._smallest_gap + self._limits.restart_gap:
            # It moves faster than the follower comes: chasing it would be no soft start.
            self.restart(self._limits.settle_s)
            return Waiting.SETTLING
        return Waiting.NOTHING
