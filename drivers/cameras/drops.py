"""Pictures that a camera left out, told from the driver's stamps: nobody else counts them."""

from collections import deque
from statistics import median

_REMEMBERED = 15
_SURE_AFTER = 8
_LATE = 1.6  # of its usual period; a camera's clock jitters by a few percent


class DropCount:
    """Knows a camera's own period from its last pictures, so that one at half its rate is slow, not full of drops."""

    def __init__(self) -> None:
        self._intervals: deque[int] = deque(maxlen=_REMEMBERED)
        self._last_ns: int | None = None

    def before(self, stamp_ns: int) -> int:
        """How many pictures are missing between the last one and this."""
        last_ns, self._last_ns = self._last_ns, stamp_ns
        if last_ns is None or stamp_ns <= last_ns:
            return 0
        interval_ns = stamp_ns - last_ns
        lost = 0
        if len(self._intervals) >= _SURE_AFTER:
            period_ns = median(self._intervals)
            lost = round(interval_ns / period_ns) - 1 if interval_ns > _LATE * period_ns else 0
        self._intervals.append(interval_ns)
        return lost
