"""What the policy may see, taken from the rings: the newest pictures and the joint state that belongs to them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.chunk import Observation
from teleop_studio.policies.config import CHUNK_DT_S
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.shared_ring import SharedRing
from teleop_studio.rig import RigConfig

if TYPE_CHECKING:
    from teleop_studio.policies.player import PolicyPlayer

STALE_NS = 1_000_000_000  # a camera that was lost must not show the policy how the world was
_SEARCH_TICKS = 200


class _Overwritten(Exception):
    """A picture or reading that was there is not any more."""


def require_fit(player: "PolicyPlayer", rig: RigConfig) -> None:
    """Raises `CheckpointError`, which names every difference, unless the policy fits the rig."""
    from teleop_studio.policies.checkpoint import RigShape

    sides = {camera.name: min(camera.width, camera.height) for camera in rig.cameras}
    player.require(RigShape(tuple(sides), rig.follower.model.names, sides, rig.control_hz))


def take_observation(
    rings: RigRings, task: str = "", observations: int = 1, dt_s: float = CHUNK_DT_S
) -> tuple[Observation, NDArray[Any]] | None:
    """The observation and the control tick it rests on; None while a camera or the arm has delivered nothing.

    Nor is there one when a camera's newest picture is a second older than the newest tick.
    The state is the newest follower reading not after the newest picture, as in the training data. Of `observations`
    frames, `dt_s` apart, the earlier ones are those nearest to their time and never after the newest
    (`training.moments.history_of`); the oldest is repeated where there is none so old.
    """
    newest: dict[str, tuple[int, int, NDArray[Any]]] = {}
    for name, ring in rings.frames.items():
        found = ring.latest()
        if found is None or rings.ticks.newest_stamp_ns() - found[1] > STALE_NS:
            return None
        newest[name] = found
    stamp_ns = max((stamp for _, stamp, _ in newest.values()), default=0)
    tick = _tick_at(rings, stamp_ns)
    if tick is None:
        return None
    index, row = tick
    state, images = np.array(row["follower_position"])[None], {name: newest[name][2]["rgb"][None] for name in newest}
    if observations > 1:
        dt_ns = round(dt_s * 1e9)
        earlier_ns = [stamp_ns - dt_ns * back for back in range(1, observations)]
        try:
            states = _before(rings.ticks, index, earlier_ns, lambda k: _reading_ns(rings.ticks, k), "follower_position")
            state = np.concatenate([states, state])
            for name, ring in rings.frames.items():
                before = _before(ring, newest[name][0], earlier_ns, ring.stamp_ns, "rgb")
                images[name] = np.concatenate([before, images[name]])
        except _Overwritten:  # whoever reads was held up for seconds
            return None
    return Observation(stamp_ns, state, images, task), row


def tick_at(rings: RigRings, stamp_ns: int) -> NDArray[Any] | None:
    """The newest tick whose follower reading is not after `stamp_ns`; the oldest kept one when all are after it."""
    found = _tick_at(rings, stamp_ns)
    return None if found is None else found[1]


def _tick_at(rings: RigRings, stamp_ns: int) -> tuple[int, NDArray[Any]] | None:
    found: tuple[int, NDArray[Any]] | None = None
    newest = rings.ticks.written - 1
    for index in range(newest, max(newest - _SEARCH_TICKS, -1), -1):
        item = rings.ticks.read(index)
        if item is None:
            break
        found = index, item[1]
        if int(item[1]["follower_stamp_ns"]) <= stamp_ns:
            break
    return found


def _before(
    ring: SharedRing, newest: int, moments_ns: list[int], stamp_of: Callable[[int], int | None], value: str
) -> NDArray[Any]:
    """(n, ...) the field `value` of the items nearest to moments (n,), the newest first there and the last here."""
    items = [ring.read(_nearest(stamp_of, newest, at_ns)) for at_ns in moments_ns]
    rows = [item[1][value] for item in items if item is not None]
    if len(rows) < len(items):
        raise _Overwritten
    return np.stack(rows[::-1])


def _nearest(stamp_of: Callable[[int], int | None], newest: int, at_ns: int) -> int:
    """Index of the item nearest to `at_ns`, at most `newest`; the oldest kept one when all are after it."""
    after = newest
    after_ns = stamp_of(after)
    while after_ns is not None and after_ns > at_ns:
        before_ns = stamp_of(after - 1)
        if before_ns is None:
            break
        if before_ns <= at_ns:
            return after if after_ns - at_ns < at_ns - before_ns else after - 1
        after, after_ns = after - 1, before_ns
    return after


def _reading_ns(ticks: SharedRing, index: int) -> int | None:
    item = ticks.read(index)
    return None if item is None else int(item[1]["follower_stamp_ns"])
