"""A follower that does not come after its commands: blocked, overloaded, or without torque. Pure."""

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel

PATIENCE_S = 0.5


class FollowWatch:
    """`step` once per tick. The gripper is left out: closed on something, it never reaches its goal."""

    def __init__(self, arm: ArmModel, patience_s: float = PATIENCE_S) -> None:
        self._names, self._patience_s = arm.names, patience_s
        self._limits = np.array([joint.follow_error for joint in arm.joints])
        self._limits[-1] = np.inf
        self._behind_s: NDArray[np.float64] = np.zeros(len(arm.joints))

    def restart(self) -> None:
        self._behind_s[:] = 0.0

    def step(self, command: NDArray[np.float64], measured: NDArray[np.float64], dt_s: float) -> str:
        """Why the arm must hold where it is, in the operator's words; "" while every joint follows.

        `command`, `measured` (D,) of the same moment; a value that is no number counts as not following.
        """
        error = np.abs(command - measured)
        behind = ~(error <= self._limits)
        if not behind.any():
            if self._behind_s.any():
                self.restart()
            return ""
        self._behind_s = np.where(behind, self._behind_s + dt_s, 0.0)
        stuck = np.flatnonzero(self._behind_s > self._patience_s)
        if not len(stuck):
            return ""
        told = ", ".join(f"{self._names[k]} is {error[k]:.2f} rad behind its command" for k in stuck)
        return (
            f"{told} for {self._patience_s:g} s: holding where the arm is. "
            "Something blocks it or its servo is too weak or limp. Free it, look at its load, then resume."
        )
