"""How regularly the control loop ran during a take, measured as it runs: the end of a long one costs nothing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.episode import LoopStatistics

_BIN_MS = 0.01
_BINS = 5_000  # the last one holds all errors of 50 ms and more


class LoopMeter:
    """Follows tick rows. Period errors are |time between two ticks - period|, to a hundredth of a millisecond."""

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = 1e9 / rate_hz
        self._errors = np.zeros(_BINS, np.int64)
        self._largest_ms = 0.0
        self._ticks = 0
        self._last_ns = 0
        self._first: NDArray[Any] | None = None
        self._newest: NDArray[Any] | None = None

    def follow(self, rows: NDArray[Any]) -> None:
        """`rows` (n,) of `tick_dtype`, in order, n >= 1."""
        stamps = rows["stamp_ns"]
        if self._first is None:
            self._first, steps = rows[0], np.diff(stamps)
        else:
            steps = np.diff(stamps, prepend=self._last_ns)
        self._newest, self._last_ns = rows[-1], int(stamps[-1])
        self._ticks += len(rows)
        if len(steps):
            errors_ms = np.abs(steps - self._period_ns) * 1e-6
            self._errors += np.bincount(np.minimum(errors_ms / _BIN_MS, _BINS - 1).astype(np.int64), minlength=_BINS)
            self._largest_ms = max(self._largest_ms, float(errors_ms.max()))

    def statistics(self) -> LoopStatistics:
        """Of all rows so far; counters from the first row to the newest."""
        return LoopStatistics(
            ticks=self._ticks,
            missed_deadlines=self._counted("missed_deadlines"),
            period_error_p50_ms=self._quantile(0.50),
            period_error_p99_ms=self._quantile(0.99),
            period_error_max_ms=round(self._largest_ms, 3),
            bus_retries=self._counted("bus_retries"),
        )

    def _counted(self, name: str) -> int:
        return 0 if self._first is None or self._newest is None else int(self._newest[name]) - int(self._first[name])

    def _quantile(self, share: float) -> float:
        """Upper edge of the bin in which it lies, but never beyond the largest error."""
        total = self._errors.sum()
        if not total:
            return 0.0
        at = int(np.searchsorted(np.cumsum(self._errors), share * total))
        return round(min((at + 1) * _BIN_MS, self._largest_ms), 3)
