"""Who says where the follower should go: human, policy, recording and hold are the same thing, an `ActionSource`."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.samples import JointState

LEADER, POLICY, REPLAY, HOLD = "leader", "policy", "replay", "hold"


class ActionSource(Protocol):
    """Asked once per tick for the follower's next goal."""

    name: str

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        """Requested goal (D,) rad, gripper 0..1; None when there is nothing to say, which means hold.

        `follower` is the newest reading, one tick old.
        """


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


class ReplaySource:
    """The follower repeats recorded commands with their own timing.

    `stamp_ns` (T,) as recorded, increasing; `actions` (T, D). The clock starts at the first `action` call.
    """

    name = REPLAY

    def __init__(self, stamp_ns: NDArray[np.int64], actions: NDArray[np.float64]) -> None:
        if len(stamp_ns) != len(actions) or len(actions) == 0:
            raise ValueError(f"replay needs as many stamps as actions, at least one; got {len(stamp_ns)}, {len(actions)}")
        self._offset_ns = np.asarray(stamp_ns, np.int64) - int(stamp_ns[0])
        self._actions = np.asarray(actions, np.float64)
        self._start_ns: int | None = None
        self.finished = False

    def hold_start(self) -> None:
        """Wait at the first recorded pose: used while the follower is still being aligned with it."""
        self._start_ns = None

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        if self._start_ns is None:
            self._start_ns = now_ns
        elapsed_ns = now_ns - self._start_ns
        index = int(np.searchsorted(self._offset_ns, elapsed_ns, side="right")) - 1
        self.finished = elapsed_ns >= self._offset_ns[-1]
        goal: NDArray[np.float64] = self._actions[max(index, 0)]
        return goal
