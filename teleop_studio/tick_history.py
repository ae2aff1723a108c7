"""The last half minute of control ticks in plain arrays: for the strip chart and the loop's health."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.processes.shared_ring import SharedRing
from teleop_studio.status import History, LoopHealth

_HEALTH_S = 10.0


class TickHistory:
    """Follows a tick ring; `rows` newest ticks are kept."""

    def __init__(self, joints: int, rows: int = 6000) -> None:
        self._rows = rows
        self._stamp_ns = np.zeros(rows, np.int64)
        self._leader = np.zeros((rows, joints))
        self._follower = np.zeros((rows, joints))
        self._action = np.zeros((rows, joints))
        self._count = 0
        self._next: int | None = None
        self.newest: NDArray[Any] | None = None

    def follow(self, ring: SharedRing) -> None:
        """Take over what is new."""
        written = ring.written
        if self._next is None or self._next > written:
            self._next = max(0, written - 1)
        self._next = max(self._next, written - ring.spec.slots + 8)
        while self._next < written:
            item = ring.read(self._next)
            self._next += 1
            if item is not None:
                self._keep(item[1])

    def recent(self, seconds: float) -> History:
        """The ticks of the last `seconds`, oldest first."""
        order = self._recent_rows(seconds)
        stamp_ns = self._stamp_ns[order]
        newest_ns = stamp_ns[-1] if len(stamp_ns) else 0
        return History(
            time_s=(stamp_ns - newest_ns) * 1e-9,
            leader=self._leader[order],
            follower=self._follower[order],
            action=self._action[order],
        )

    def health(self, rate_hz: float, scheduling: str) -> LoopHealth:
        """Period errors |stamp difference - period| of the last 10 s."""
        if self.newest is None:
            return LoopHealth(rate_hz=rate_hz, scheduling=scheduling)
        stamp_ns = self._stamp_ns[self._recent_rows(_HEALTH_S)]
        error_ms = np.abs(np.diff(stamp_ns) - 1e9 / rate_hz) * 1e-6 if len(stamp_ns) > 2 else np.zeros(1)
        p50, p99, p999 = np.percentile(error_ms, (50, 99, 99.9))
        return LoopHealth(
            rate_hz=rate_hz,
            scheduling=scheduling,
            ticks=int(self.newest["index"]) + 1,
            missed_deadlines=int(self.newest["missed_deadlines"]),
            period_error_p50_ms=float(p50),
            period_error_p99_ms=float(p99),
            period_error_p999_ms=float(p999),
            bus_retries=int(self.newest["bus_retries"]),
        )

    def _keep(self, row: NDArray[Any]) -> None:
        at = self._count % self._rows
        self._stamp_ns[at] = row["stamp_ns"]
        self._leader[at] = row["leader_position"]
        self._follower[at] = row["follower_position"]
        self._action[at] = row["action"]
        self._count += 1
        self.newest = row

    def _recent_rows(self, seconds: float) -> NDArray[np.int64]:
        kept = min(self._count, self._rows)
        order = np.arange(self._count - kept, self._count) % self._rows
        if kept == 0:
            return order
        newest_ns = self._stamp_ns[order[-1]]
        recent: NDArray[np.int64] = order[self._stamp_ns[order] >= newest_ns - round(seconds * 1e9)]
        return recent
