"""Which pictures of a camera were due during a take: what it counts itself, and what only the clock can tell."""

from dataclasses import dataclass

# The driver of a camera keeps up to four pictures while nobody fetches them: a shorter pause loses none.
STALL_PERIODS = 5.0
_SHORT_SHARE = 0.02  # real cameras run up to a percent beside their nominal rate


@dataclass(frozen=True)
class Missing:
    """`count` pictures from number `first` on. `t0_ns`, `t1_ns` stamps of the neighbours, -1 where there is none."""

    first: int
    count: int
    t0_ns: int = -1
    t1_ns: int = -1


class PictureCount:
    """Numbers the pictures of one camera in a take that begins at `first_ns`.

    A number is the camera's own count as long as that goes on. A camera that was started anew counts from 0 again, and
    one that counts only what it delivers does not count while it stands still: then the time between two stamps tells
    how many were due, and the numbers go on behind them.
    """

    def __init__(self, fps: float, first_ns: int) -> None:
        self._period_ns, self._first_ns = 1e9 / fps, first_ns
        self._number = self._own = self._last_ns = -1
        self.written = self.missing = 0

    def next(self, own: int, stamp_ns: int) -> tuple[int, Missing | None]:
        """The number of the next picture, whose own count is `own`, and what is missing before it."""
        lost = self._lost_before(own, stamp_ns)
        number = self._number + 1 + lost if self.written else max(own, lost)
        gap = Missing(number - lost, lost, self._last_ns, stamp_ns) if lost else None
        self._number, self._own, self._last_ns = number, own, stamp_ns
        self.written += 1
        self.missing += lost
        return number, gap

    def overdue(self, now_ns: int) -> int:
        """How many pictures should have come since the newest; 0 while it is not late. One may be on its way."""
        periods = self._periods_until(now_ns)
        return int(periods) - 1 if periods > STALL_PERIODS else 0

    def close(self, now_ns: int) -> list[Missing]:
        """What is missing at the end of the take: behind the newest picture, and one by one from a camera too slow."""
        return [gap for gap in (self._tail(now_ns), self._shortfall(now_ns)) if gap.count]

    def _tail(self, now_ns: int) -> Missing:
        return self._behind(self.overdue(now_ns), self._last_ns)

    def _shortfall(self, now_ns: int) -> Missing:
        due = (now_ns - self._first_ns) / self._period_ns
        short = int(due) - self.written - self.missing
        return self._behind(short if short > max(2.0, _SHORT_SHARE * due) else 0, -1)

    def _behind(self, count: int, t0_ns: int) -> Missing:
        gap = Missing(self._number + 1, count, t0_ns)
        self._number += count
        self.missing += count
        return gap

    def _lost_before(self, own: int, stamp_ns: int) -> int:
        periods = self._periods_until(stamp_ns)
        if self.written and own > self._own + 1:
            return own - self._own - 1
        if self.written and own <= self._own:
            return max(0, round(periods) - 1)
        return round(periods) - 1 if periods > STALL_PERIODS else 0

    def _periods_until(self, now_ns: int) -> float:
        """Since the newest picture; one that was taken long before the take began counts from the take's beginning."""
        since_ns = max(float(self._last_ns), self._first_ns - self._period_ns)
        return (now_ns - since_ns) / self._period_ns
