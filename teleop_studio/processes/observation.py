"""What the policy may see, taken from the rings: the newest pictures and the joint state that belongs to them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.chunk import Observation
from teleop_studio.processes.rings import RigRings

STALE_NS = 1_000_000_000  # a camera that was lost must not show the policy how the world was
_SEARCH_TICKS = 200


def take_observation(rings: RigRings, task: str = "") -> tuple[Observation, NDArray[Any]] | None:
    """The observation and the control tick it rests on; None while a camera or the arm has delivered nothing.

    Nor is there one when a camera's newest picture is a second older than the newest tick.
    The state is the newest follower reading not after the newest picture, as in the training data.
    """
    images: dict[str, NDArray[np.uint8]] = {}
    stamp_ns = 0
    for name, ring in rings.frames.items():
        newest = ring.latest()
        if newest is None or rings.ticks.newest_stamp_ns() - newest[1] > STALE_NS:
            return None
        images[name] = newest[2]["rgb"][None]
        stamp_ns = max(stamp_ns, newest[1])
    row = tick_at(rings, stamp_ns)
    if row is None:
        return None
    return Observation(stamp_ns, np.array(row["follower_position"])[None], images, task), row


def tick_at(rings: RigRings, stamp_ns: int) -> NDArray[Any] | None:
    """The newest tick whose follower reading is not after `stamp_ns`; the oldest kept one when all are after it."""
    found: NDArray[Any] | None = None
    newest = rings.ticks.written - 1
    for index in range(newest, max(newest - _SEARCH_TICKS, -1), -1):
        item = rings.ticks.read(index)
        if item is None:
            break
        found = item[1]
        if int(found["follower_stamp_ns"]) <= stamp_ns:
            break
    return found
