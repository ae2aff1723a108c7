"""A box for the gripper's tip: proves of a straight way in joint space that the tip stays inside. Pure."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.kinematics import Chain

Array = NDArray[np.float64]
TipOf = Callable[[Array], Array]

_PIECES = 8
_U = np.linspace(0.0, 1.0, _PIECES + 1)[:, None]


class WorkspaceLimit:
    """`tip_of` maps joint vectors (N, D) to tips (N, 3), m, in the frame of the box.

    `reach` (D,) m: how far the tip can be from each joint's axis, 0 for the gripper; it bounds how far and how curved
    the tip moves. `lower`, `upper` (3,) m, infinite where there is no wall. A tip that starts outside may only move
    so that it gets no further outside; where it has come back to, it may not leave again.
    """

    def __init__(self, tip_of: TipOf, reach: Array, lower: Array, upper: Array) -> None:
        self._tip_of, self._reach = tip_of, np.asarray(reach, np.float64)
        self._hinges = self._reach > 0
        self._box = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
        self._lower, self._upper = self._box
        self._margin = 0.0

    def start(self, joints: Array) -> None:
        """Begin at `joints` (D,), at rest."""
        tip = self._tip_of(joints[None])[0]
        self._lower, self._upper = np.minimum(self._box[0], tip), np.maximum(self._box[1], tip)
        self._margin = self._distance(tip)

    def allows(self, joints: Array, way: Array) -> bool:
        """True when the tip stays inside all along `joints` + u `way`, u = 0 .. 1. False when that is not certain.

        Between two neighbouring samples the tip leaves their chord by at most s (1 - s) / 2 h^2 max |tip''|, and
        |tip''| <= (sum reach |way|) (sum |way|), because no point turns about an axis at more than `reach` from it.
        """
        length_m = self._length(way)
        if length_m <= self._margin:
            return True
        tips = self._tip_of(joints + _U * way)
        margins = np.minimum(tips - self._lower, self._upper - tips).min(axis=1)
        bulge_m = length_m * float(np.abs(way[self._hinges]).sum()) / (2 * _PIECES**2)
        if margins[1:].min() < 0 or np.maximum(margins[:-1], margins[1:]).min() < bulge_m:
            return False
        self._come_back(tips, bulge_m)
        self._margin = self._distance(tips[0])
        return True

    def moved(self, step: Array) -> None:
        """The arm has gone `step` (D,) along a way that was allowed."""
        self._margin -= self._length(step)

    def _length(self, way: Array) -> float:
        """An upper bound of how far the tip moves, m."""
        return float(self._reach @ np.abs(way))

    def _distance(self, tip: Array) -> float:
        return float(min((tip - self._lower).min(), (self._upper - tip).min()))

    def _come_back(self, tips: Array, bulge_m: float) -> None:
        """Walls that were moved outwards for a tip outside follow it home, behind all of its allowed way."""
        lower, upper = self._box
        if self._lower is lower and self._upper is upper:
            return
        self._lower = np.minimum(lower, np.maximum(self._lower, tips.min(axis=0) - bulge_m / 4))
        self._upper = np.maximum(upper, np.minimum(self._upper, tips.max(axis=0) + bulge_m / 4))
        if (self._lower == lower).all() and (self._upper == upper).all():
            self._lower, self._upper = lower, upper


def reach_of(arm: ArmModel) -> Array:
    """(D,) m: how far the gripper's tip can be from the axis of each joint; 0 for joints that do not move it."""
    reach = np.zeros(len(arm.joints))
    beyond = float(np.linalg.norm(arm.tcp))
    for link in reversed(arm.links):
        reach[arm.names.index(link.joint)] = beyond
        beyond += float(np.linalg.norm(link.offset))
    return reach


def workspace_limit(arm: ArmModel, lower: Array, upper: Array) -> WorkspaceLimit:
    """The box `lower` .. `upper` (3,), m in the base frame of `arm`. Raises `ValueError` for an arm without lengths."""
    if not arm.links:
        raise ValueError(
            f"{arm.title or arm.name} has no known link lengths, so nobody can tell where its gripper is: a box can "
            "not be kept. Take the box out of the rig file."
        )
    return WorkspaceLimit(Chain(arm).forward, reach_of(arm), lower, upper)
