"""How fast a run goes and how long it will take; pauses do not count."""

import time
from collections import deque
from collections.abc import Callable

_RECENT_STEPS = 100  # the remaining time is judged by these


class Pace:
    """Told of each finished step and of pauses; `clock` in s. Says a rate from the second step on.

    `earlier_s` of training before the run was resumed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, earlier_s: float = 0.0) -> None:
        self._clock, self._earlier_s = clock, earlier_s
        self._since_s: float | None = clock()  # None during a pause
        # From the end of the first step on: that one is several times as long as the others.
        self._finished_at: deque[float] = deque(maxlen=_RECENT_STEPS + 1)

    def step(self) -> None:
        """A step has just been finished."""
        self._finished_at.append(self._clock())

    def pause(self) -> None:
        """What follows until `go_on` is no training."""
        self._earlier_s, self._since_s = self.elapsed_s, None

    def go_on(self) -> None:
        self._since_s = self._clock()
        self._finished_at.clear()

    @property
    def elapsed_s(self) -> float:
        """Time spent on training, also before the run was resumed."""
        return self._earlier_s + (0.0 if self._since_s is None else self._clock() - self._since_s)

    @property
    def steps_per_s(self) -> float:
        """Of the newest steps, with all that was done between them; 0 while unknown."""
        if len(self._finished_at) < 2:
            return 0.0
        recent_s = self._finished_at[-1] - self._finished_at[0]
        return (len(self._finished_at) - 1) / recent_s if recent_s > 0 else 0.0

    def eta_s(self, steps_left: int) -> float | None:
        """None while unknown."""
        rate = self.steps_per_s
        return steps_left / rate if rate > 0 else None
