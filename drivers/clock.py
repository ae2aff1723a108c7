"""Time that can be real or driven by hand: the seam that lets the same classes run live and in lock-step."""

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Monotonic nanoseconds and a way to wait for a moment."""

    def now_ns(self) -> int:
        """Monotonic time, ns."""

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Return at `deadline_ns` or at once when it has passed."""


class MonotonicClock:
    """The machine's clock: CLOCK_MONOTONIC, one for all processes of a host."""

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        # CPython 3.12 sleeps by clock_nanosleep(TIMER_ABSTIME); a negative wait returns at once.
        remaining_s = (deadline_ns - time.monotonic_ns()) * 1e-9
        if remaining_s > 0:
            time.sleep(remaining_s)


class ManualClock:
    """A clock that moves only when told to; everything that lives in its time is stepped by `on_advance`.

    `sleep_until_ns` is how a lock-step program advances: it calls each `on_advance(now_ns)` listener in the
    order they were added, after setting the time.
    """

    def __init__(self, start_ns: int = 1_000_000_000) -> None:
        self._now_ns = start_ns
        self._listeners: list[Callable[[int], None]] = []

    def now_ns(self) -> int:
        return self._now_ns

    def on_advance(self, listener: Callable[[int], None]) -> None:
        """Call `listener(now_ns)` after each advance."""
        self._listeners.append(listener)

    def advance_ns(self, duration_ns: int) -> None:
        """Move the time forward by `duration_ns` >= 0."""
        self.sleep_until_ns(self._now_ns + duration_ns)

    def sleep_until_ns(self, deadline_ns: int) -> None:
        if deadline_ns <= self._now_ns:
            return
        self._now_ns = deadline_ns
        for listener in self._listeners:
            listener(deadline_ns)
