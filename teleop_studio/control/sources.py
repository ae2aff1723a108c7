"""Who says where the follower should go: human, policy, recording and hold are the same thing, an `ActionSource`."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drivers.samples import JointState

LEADER, POLICY, REPLAY, HOLD, REST = "leader", "policy", "replay", "hold", "rest"
_NEAR = 0.15  # joint units; the weight of an arm costs a third of that


class ActionSource(Protocol):
    """Asked once per tick for the follower's next goal."""

    name: str

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        """Requested goal (D,) rad, gripper 0..1; None when there is nothing to say, which means hold.

        `follower` is the newest reading, one tick old.
        """


@runtime_checkable
class PlannedSource(Protocol):
    """A source with a plan in time, which has to wait while the follower is not on it yet."""

    def postpone(self, by_ns: int) -> None:
        """The follower is still being brought to what was asked for: the rest of the plan comes `by_ns` later."""


class LeaderSource:
    """The follower copies the leader arm."""

    name = LEADER

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        return leader.position


class HoldSource:
    """The follower keeps its last goal."""

    name = HOLD

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        return None


class StartSource:
    """The follower goes to where the leader stands at first, if that is near, and stays there; else it holds.

    A simulated leader that was put at the start of a scene carries the follower's weight in its pose.
    """

    name = HOLD

    def __init__(self) -> None:
        self._pose: NDArray[np.float64] | None = None

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        if self._pose is None:
            near = bool((np.abs(leader.position - follower.position) < _NEAR).all())
            self._pose = leader.position.copy() if near else follower.position.copy()
        return self._pose


class RestSource:
    """The follower moves smoothly from where it is to `pose` (D,), no joint faster than `speed` joint units/s.

    `finished` once `pose` has been asked for. The way is straight in joint space and as slow as its longest joint
    needs; minimum jerk, s(u) = 10 u^3 - 15 u^4 + 6 u^5, whose top speed is 15/8 of the mean.
    """

    name = REST

    def __init__(self, pose: NDArray[np.float64], speed: float = 0.5) -> None:
        self._pose, self._speed = np.asarray(pose, np.float64), speed
        self._start: tuple[int, NDArray[np.float64], float] | None = None
        self.finished = False

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        if self._start is None:
            far = float(np.abs(self._pose - follower.position).max())
            self._start = (now_ns, follower.position, max(1.875 * far / self._speed, 1e-3))
        start_ns, start, duration_s = self._start
        u = min(1.0, (now_ns - start_ns) * 1e-9 / duration_s)
        self.finished = u >= 1.0
        goal: NDArray[np.float64] = start + u**3 * (10 - 15 * u + 6 * u**2) * (self._pose - start)
        return goal


class ReplaySource:
    """The follower repeats recorded commands with their own timing.

    `stamp_ns` (T,) as recorded, not decreasing; `actions` (T, D), nan in rows in which nothing was commanded: the
    last command holds over them. The recording runs from the first `action` call on, and stands still from each
    `hold_start` to the next one. Raises `ValueError` for a recording that can not be played.
    """

    name = REPLAY

    def __init__(self, stamp_ns: NDArray[np.int64], actions: NDArray[np.float64]) -> None:
        stamps, goals = np.asarray(stamp_ns, np.int64), np.asarray(actions, np.float64)
        if len(stamps) != len(goals) or len(goals) == 0:
            raise ValueError(f"replay needs as many stamps as actions, at least one; got {len(stamps)}, {len(goals)}")
        if np.any(np.diff(stamps) < 0):
            raise ValueError(f"the recording's time runs backwards after row {int(np.argmax(np.diff(stamps) < 0))}")
        driven = np.all(np.isfinite(goals), axis=-1)
        if goals.ndim != 2 or not np.any(driven):
            raise ValueError(f"the recording commands nothing: {goals.shape} actions, {np.sum(driven)} of them usable")
        self._offset_ns = stamps[driven] - stamps[driven][0]
        self._actions = goals[driven]
        self._played_ns = 0
        self._last_ns: int | None = None
        self.finished = False

    def hold_start(self) -> None:
        """Stand still in the recording until the next `action`: while the follower is being aligned with it."""
        self._last_ns = None

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        if self._last_ns is not None:
            self._played_ns += now_ns - self._last_ns
        self._last_ns = now_ns
        self.finished = self._played_ns >= int(self._offset_ns[-1])
        index = int(np.searchsorted(self._offset_ns, self._played_ns, side="right")) - 1
        goal: NDArray[np.float64] = self._actions[index]
        return goal
