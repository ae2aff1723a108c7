"""Leaders that jump: a finger that slips, a bumped arm, a servo that has lost its turn count. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.samples import JointState


@dataclass(frozen=True)
class JumpLimits:
    """A hand moves a joint by at most `reading_gap` + `hand_speed` x time (rad) between two readings.

    An aligned leader further than `lead_gap` (rad) ahead of the command moves faster than the follower may.
    """

    reading_gap: float = 0.15
    hand_speed: float = 12.0
    lead_gap: float = 0.6


class JumpWatch:
    """`step` once per command. The gripper is left out: a trigger that springs open is no jump."""

    def __init__(self, arm: ArmModel, limits: JumpLimits) -> None:
        self._names, self._limits = arm.names, limits
        self._shape = (len(arm.joints),)
        self._last: tuple[int, NDArray[np.float64]] | None = None

    def forget(self) -> None:
        """Another leader, or another hand on it: what comes next is not compared with what was."""
        self._last = None

    def step(self, reading: JointState, ahead: NDArray[np.float64], aligned: bool) -> str:
        """What jumped, and how far, for the operator; "" when nothing did.

        `ahead` (D,) how far the leader, within the follower's limits, is ahead of the last command.
        """
        by = self._since_last(reading)
        far = None if by is None else np.flatnonzero(np.abs(by[0][:-1]) > by[1])
        if by is not None and far is not None and len(far):
            return self._told(by[0], far)
        if aligned:
            far = np.flatnonzero(np.abs(ahead[:-1]) > self._limits.lead_gap)
            if len(far):
                return self._told(ahead, far)
        return ""

    def _since_last(self, reading: JointState) -> tuple[NDArray[np.float64], float] | None:
        """(change (D,), how much of it a hand could have done), None for a reading that is no new one."""
        position = reading.position
        if position.shape != self._shape or not np.isfinite(position).all():
            return None
        last, stamp_ns = self._last, reading.stamp_ns
        if last is not None and stamp_ns == last[0]:
            return None
        self._last = (stamp_ns, position)
        if last is None:
            return None
        # A clock that went backwards gives no time to move in.
        elapsed_s = max(0.0, (stamp_ns - last[0]) * 1e-9)
        return position - last[1], self._limits.reading_gap + self._limits.hand_speed * elapsed_s

    def _told(self, by: NDArray[np.float64], joints: NDArray[np.intp]) -> str:
        return ", ".join(f"{self._names[k]} by {float(by[k]):+.2f} rad" for k in joints)
