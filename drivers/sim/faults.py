"""What can go wrong on an emulated line, on request or by seeded rules: the fault script of a bus."""

from collections import defaultdict, deque
from dataclasses import dataclass

from drivers.sim.fault_rules import RunningRules


@dataclass(frozen=True)
class Fault:
    """What happens to one reply. `delay_ns` lets it come late, `noise` comes before it.

    `misheard`: the servo answers that the instruction's checksum was wrong. `repeat`: the reply comes twice. `partial`:
    it breaks off in the middle. `wrong_id`: it comes under the next higher id, with a valid checksum.
    """

    drop: bool = False
    corrupt: bool = False
    misheard: bool = False
    repeat: bool = False
    delay_ns: int = 0
    noise: bytes = b""
    partial: bool = False
    wrong_id: bool = False


class FaultScript:
    """Faults in waiting, per servo; each reply of that servo takes the next one, and without any the `rules` decide.

    `unplugged`: the whole line is gone. `silent`: ids of servos without power or cable; they hear nothing either.
    `no_fast_read`: the servos do not know Fast Sync Read, as with old firmware. `chain_stops`: in a plain group read a
    missing servo silences those after it, which some firmware may do; by default the later ones answer.
    """

    def __init__(self) -> None:
        self.unplugged = False
        self.silent: set[int] = set()
        self.no_fast_read = False
        self.chain_stops = False
        self.rules: RunningRules | None = None
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

    def cut_replies(self, servo_id: int, count: int = 1) -> None:
        """The next `count` replies break off in the middle."""
        self._add(servo_id, Fault(partial=True), count)

    def mislabel_replies(self, servo_id: int, count: int = 1) -> None:
        """The next `count` replies come under the next higher id."""
        self._add(servo_id, Fault(wrong_id=True), count)

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

    def next_for(self, servo_id: int, instruction: int = 0, now_ns: int = 0) -> Fault | None:
        """Take the next fault of this servo's replies."""
        waiting = self._waiting.get(servo_id)
        if waiting:
            return waiting.popleft()
        if self.rules is None:
            return None
        rule = self.rules.next_for(servo_id, instruction, now_ns)
        if rule is None:
            return None
        return Fault(
            drop=rule.kind == "drop",
            corrupt=rule.kind == "crc",
            misheard=rule.kind == "misheard",
            repeat=rule.kind == "duplicate",
            delay_ns=round(rule.delay_ms * 1e6) if rule.kind == "late" else 0,
            noise=rule.noise if rule.kind == "noise" else b"",
            partial=rule.kind == "partial",
            wrong_id=rule.kind == "wrong-id",
        )

    def _add(self, servo_id: int, fault: Fault, count: int) -> None:
        self._waiting[servo_id].extend([fault] * count)
