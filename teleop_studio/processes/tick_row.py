"""One control tick as a fixed row in shared memory: what recorder, inference and window read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.control.loop import Tick
from teleop_studio.control.sources import HOLD, LEADER, POLICY, REPLAY, REST

SOURCES = (HOLD, LEADER, POLICY, REPLAY, REST)  # the way to rest is never part of a take


def tick_dtype(joints: int) -> list[tuple[str, Any] | tuple[str, Any, tuple[int, ...]]]:
    """Description of the row for D joints. `_old` where a servo did not answer and its last values are repeated."""
    vector = (joints,)
    return [
        ("index", np.int64),
        ("stamp_ns", np.int64),
        ("leader_stamp_ns", np.int64),
        ("leader_position", np.float64, vector),
        ("leader_velocity", np.float64, vector),
        ("leader_effort", np.float64, vector),
        ("follower_stamp_ns", np.int64),
        ("follower_position", np.float64, vector),
        ("follower_velocity", np.float64, vector),
        ("follower_effort", np.float64, vector),
        ("alert", np.bool_, vector),
        ("leader_old", np.bool_, vector),
        ("follower_old", np.bool_, vector),
        ("requested", np.float64, vector),
        ("action", np.float64, vector),
        ("source", np.uint8),
        ("aligning", np.bool_),
        ("gap", np.float64),
        ("waiting", np.uint8),
        ("late_ns", np.int64),
        ("missed_deadlines", np.int64),
        ("bus_retries", np.int64),
    ]


class TickRow:
    """Fills one reusable row."""

    def __init__(self, joints: int) -> None:
        self._row: NDArray[Any] = np.zeros((), tick_dtype(joints))

    def fill(self, tick: Tick, bus_retries: int = 0) -> NDArray[Any]:
        """The row of `tick`; the same array each time."""
        row = self._row
        row["index"], row["stamp_ns"] = tick.index, tick.stamp_ns
        for side, state in (("leader", tick.leader), ("follower", tick.follower)):
            row[f"{side}_stamp_ns"] = state.stamp_ns
            row[f"{side}_position"] = state.position
            row[f"{side}_velocity"] = state.velocity
            row[f"{side}_effort"] = state.effort
            row[f"{side}_old"] = state.age_ns > 0
        row["alert"] = tick.follower.alert
        row["requested"], row["action"] = tick.requested, tick.action
        row["source"] = SOURCES.index(tick.source)
        row["aligning"], row["gap"], row["waiting"] = tick.aligning, tick.gap, tick.waiting
        row["late_ns"], row["missed_deadlines"] = tick.late_ns, tick.missed_deadlines
        row["bus_retries"] = bus_retries
        return row
