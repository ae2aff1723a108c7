"""What can go wrong on an emulated line, on request: the fault script of a bus."""

from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What happens to one reply. `delay_ns` lets it come late, `noise` comes before it.

    `misheard`: the servo answers that the instruction's checksum was wrong. `repeat`: the reply comes twice.
    """

    drop: bool = False
    corrupt: bool = False
    misheard: bool = False
    repeat: bool = False
    delay_ns: int = 0
    noise: bytes = b""


class FaultScript:
    """Faults in waiting, per servo; each reply of that servo takes the next one.

    `unplugged`: the whole line is gone. `silent`: ids of servos without power or cable; they hear nothing either.
    `no_fast_read`: the servos do not know Fast Sync Read, as with old firmware.
    """

    def __init__(self) -> None:
        self.unplugged = False
        self.silent: set[int] = set()
        self.no_fast_read = False
        self._waiting: defaultdict[int, deque[Fault]] = defaultdict(deque)

    def drop_replies(self, servo_id: int, count: int = 1) -> None:
        """The next `count` replies of this servo get lost. In a joint read the servos after it are not heard either."""
        self._add(servo_id, Fault(drop=True), count)

    def corrupt_replies(self, servo_id: int, count: int = 1) -> None:
        """One bit of the next `count` replies is wrong."""
        self._add(servo_id, Fault(corrupt=True), count)

    def delay_replies(self, servo_id: int, delay_ms: float, count: int = 1) -> None:
        """The next `count` replies come late."""
        self._add(servo_id, Fault(delay_ns=round(delay_ms * 1e6)), count)

    def mishear(self, servo_id: int, count: int = 1) -> None:
        """The servo answers the next `count` instructions with a checksum error. Not for joint reads."""
        self._add(servo_id, Fault(misheard=True), count)

    def repeat_replies(self, servo_id: int, count: int = 1) -> None:
        """The next `count` replies come twice."""
        self._add(servo_id, Fault(repeat=True), count)

    def precede_replies(self, servo_id: int, noise: bytes, count: int = 1) -> None:
        """Bytes nobody sent come before the next `count` replies."""
        self._add(servo_id, Fault(noise=noise), count)

    def silence(self, servo_id: int) -> None:
        """The servo loses its cable."""
        self.silent.add(servo_id)

    def revive(self, servo_id: int) -> None:
        """Its cable is back; it kept its power."""
        self.silent.discard(servo_id)

    def unplug(self) -> None:
        """The USB cable is pulled."""
        self.unplugged = True

    def plug_in(self) -> None:
        """The line in memory works again; a pty or socket has to be opened anew."""
        self.unplugged = False

    def next_for(self, servo_id: int) -> Fault | None:
        """Take the next fault of this servo's replies."""
        waiting = self._waiting.get(servo_id)
        if not waiting:
            return None
        return waiting.popleft()

    def _add(self, servo_id: int, fault: Fault, count: int) -> None:
        self._waiting[servo_id].extend([fault] * count)
