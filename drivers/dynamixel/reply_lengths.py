"""Which length of answer to ask for, so that no late answer fits a newer request."""

from collections.abc import Iterable
from typing import Final

from drivers.clock import Clock

_LENGTHS: Final = 8  # a byte more each, at most 7 bytes beyond what is wanted
_LATEST_NS = 100_000_000  # an answer that was given up may come for so long
_NOBODY: Final[frozenset[int]] = frozenset()


class ReplyLengths:
    """`extra` bytes to ask for now: another number after each request that was given up.

    The protocol numbers no requests, so only its length tells an old answer from a new one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ns = [0] * _LENGTHS
        self._given_up = [_NOBODY] * _LENGTHS
        self.extra = 0

    @property
    def doubtful(self) -> frozenset[int]:
        """Servos from which an answer of this length may still come to an older request."""
        until_ns = self._until_ns[self.extra]
        if not until_ns or self._clock.now_ns() >= until_ns:
            return _NOBODY
        return self._given_up[self.extra]

    def give_up(self, servo_ids: Iterable[int]) -> None:
        """Nobody waits any longer for the answers of this length from these servos: take the next length."""
        self._given_up[self.extra] = self.doubtful.union(servo_ids)
        self._until_ns[self.extra] = self._clock.now_ns() + _LATEST_NS
        self.extra = (self.extra + 1) % _LENGTHS
