"""How long to wait for an answer: as long as this adapter and this computer have lately needed."""

from typing import Final

SHORTEST_NS: Final = 3_000_000  # an adapter at 1 ms latency, and a computer that stumbles a little
_FACTOR = 2
_WINDOW = 64  # complete answers


class ReplyMargin:
    """Learns the wait for an answer beyond its bytes' own time on the line, `SHORTEST_NS` to `longest_ns`.

    It begins with `longest_ns`, goes down to twice the worst of the last 64 to 128 answers, and doubles when an answer
    came after all. A lost answer then costs a control loop milliseconds, and a slow adapter is not taken for a dead
    servo.
    """

    def __init__(self, longest_ns: int) -> None:
        self._longest_ns = longest_ns
        self._worst_ns, self._worst_before_ns = 0, longest_ns
        self._left = _WINDOW
        self.ns = longest_ns

    def saw(self, late_ns: int) -> None:
        """A complete answer came `late_ns` after its bytes' own time."""
        if late_ns > self._worst_ns:
            self._worst_ns = late_ns
        self._left -= 1
        if not self._left:
            worst_ns = max(self._worst_ns, self._worst_before_ns)
            self._worst_before_ns, self._worst_ns, self._left = self._worst_ns, 0, _WINDOW
            self.ns = self._within(_FACTOR * worst_ns)

    def too_short(self) -> None:
        """An answer came after the wait for it had ended."""
        self.ns = self._within(2 * self.ns)
        self._worst_ns = max(self._worst_ns, self.ns // _FACTOR)

    def _within(self, wait_ns: int) -> int:
        return min(self._longest_ns, max(SHORTEST_NS, wait_ns))
