"""A clock that can be held at a moment while what has happened since then is worked out."""

from collections.abc import Iterator

from drivers.clock import Clock


class StepClock:
    """The time of `clock`, but during `steps` the time of the step."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._step_ns: int | None = None

    def now_ns(self) -> int:
        return self._clock.now_ns() if self._step_ns is None else self._step_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        self._clock.sleep_until_ns(deadline_ns)

    def steps(self, start_ns: int, count: int, step_ns: int) -> Iterator[int]:
        """`count` moments after `start_ns`; each is the present while the loop's body runs."""
        try:
            for k in range(1, count + 1):
                self._step_ns = start_ns + k * step_ns
                yield self._step_ns
        finally:
            self._step_ns = None
