"""Pairs of one moment on the monotonic and on the wall clock: the only place where the wall clock counts."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ANCHOR_PERIOD_S = 10.0
# NTP slews by at most 0.5 ms per second, so 5 ms from anchor to anchor; a busy machine reads both a few ms apart.
_JUMP_NS = 50_000_000
_READS = 3


@dataclass(frozen=True)
class ClockJump:
    """Somebody or something set the wall clock forward by `step_s` (back when negative).

    It happened between the monotonic stamps `after_ns` and `before_ns`.
    """

    after_ns: int
    before_ns: int
    step_s: float


def read_clocks() -> tuple[int, int]:
    """Now on the monotonic and on the wall clock, ns: the tightest of a few readings."""
    readings = []
    for _ in range(_READS):
        begin = time.monotonic_ns()
        wall_ns = time.time_ns()
        end = time.monotonic_ns()
        readings.append((end - begin, (begin + end) // 2, wall_ns))
    _, mono_ns, wall_ns = min(readings)
    return mono_ns, wall_ns


def wall_time_ns(anchors: NDArray[np.int64], mono_ns: int) -> int | None:
    """The wall clock at a monotonic stamp, ns since 1970 UTC, by the newest of `anchors` (A, 2) not after it.

    Before the first anchor by the first one; None without any.
    """
    if not len(anchors):
        return None
    index = max(0, int(np.searchsorted(anchors[:, 0], mono_ns, side="right")) - 1)
    anchor_mono_ns, anchor_wall_ns = anchors[index]
    return int(anchor_wall_ns) + mono_ns - int(anchor_mono_ns)


def clock_jumps(anchors: NDArray[np.int64]) -> list[ClockJump]:
    """Where the wall clock of `anchors` (A, 2) did not go on as the monotonic one did."""
    steps = np.diff(anchors[:, 1] - anchors[:, 0])
    return [
        ClockJump(int(anchors[index, 0]), int(anchors[index + 1, 0]), float(steps[index]) / 1e9)
        for index in np.flatnonzero(np.abs(steps) > _JUMP_NS)
    ]
