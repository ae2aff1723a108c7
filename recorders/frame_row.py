"""How one control tick lies in the journal: two stamps and eight rows of D values."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders import schema
from recorders.episode import Frame

# The column of the episode file that each field becomes.
FIELDS = {
    schema.LEADER_STAMP: "leader_stamp_ns",
    schema.FOLLOWER_STAMP: "follower_stamp_ns",
    schema.LEADER_POSITION: "leader_position",
    schema.LEADER_VELOCITY: "leader_velocity",
    schema.LEADER_EFFORT: "leader_effort",
    schema.FOLLOWER_POSITION: "follower_position",
    schema.FOLLOWER_VELOCITY: "follower_velocity",
    schema.FOLLOWER_EFFORT: "follower_effort",
    schema.REQUESTED: "requested",
    schema.ACTION: "action",
}


def frame_dtype(joints: int) -> np.dtype[Any]:
    """The payload of a frame record. The tick's own stamp and its source are in the record's head."""
    vector = ("<f8", (joints,))
    return np.dtype(
        [
            ("leader_stamp_ns", "<i8"),
            ("follower_stamp_ns", "<i8"),
            ("leader_position", *vector),
            ("leader_velocity", *vector),
            ("leader_effort", *vector),
            ("follower_position", *vector),
            ("follower_velocity", *vector),
            ("follower_effort", *vector),
            ("requested", *vector),
            ("action", *vector),
        ]
    )


class FrameRow:
    """Fills one reusable row."""

    def __init__(self, joint_names: tuple[str, ...]) -> None:
        self._joint_names = joint_names
        self._row: NDArray[Any] = np.zeros((), frame_dtype(len(joint_names)))

    def pack(self, frame: Frame) -> bytes:
        """The payload of `frame`. Raises `ValueError` when a vector has not one value per joint."""
        row = self._row
        row["leader_stamp_ns"], row["follower_stamp_ns"] = frame.leader.stamp_ns, frame.follower.stamp_ns
        self._put("leader_position", frame.leader.position)
        self._put("leader_velocity", frame.leader.velocity)
        self._put("leader_effort", frame.leader.effort)
        self._put("follower_position", frame.follower.position)
        self._put("follower_velocity", frame.follower.velocity)
        self._put("follower_effort", frame.follower.effort)
        self._put("requested", frame.requested)
        self._put("action", frame.action)
        return row.tobytes()

    def _put(self, name: str, vector: NDArray[np.float64]) -> None:
        # numpy would stretch a single value over all joints without a word.
        if np.shape(vector) != (len(self._joint_names),):
            raise ValueError(
                f"{name} has shape {np.shape(vector)}, the episode has {len(self._joint_names)} joints: "
                f"{self._joint_names}"
            )
        self._row[name] = vector
