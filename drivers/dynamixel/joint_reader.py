"""Reads the state of all servos of an arm, keeps what each was last seen doing, and leaves dead ones out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drivers.clock import Clock
from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.sync import SyncRead, SyncReply
from drivers.dynamixel.wire import ALERT_BIT

# Effort, velocity and position lie side by side on every X servo, so one block reads all three.
STATE_ADDRESS: Final = 126
STATE_FIELDS: Final = np.dtype([("effort", "<i2"), ("velocity", "<i4"), ("position", "<i4")])
MISSES_ALLOWED: Final = 3  # in a row; a servo that misses so many for so long is lost
_LOST_NS = 100_000_000  # a computer that stumbles misses several readings in no time
_MODEL_NUMBER = 0, 2  # address and length
_PROBE_EVERY = 8  # readings between two questions to a lost servo


@dataclass(slots=True)
class ServoStates:
    """One reading of S servos. `values` (S,) raw fields, of a servo that did not answer its last ones.

    `age_ns` (S,) 0 where fresh. `alert` (S,) the hardware alert bit. `clean`: all are fresh, as
    they were before, and none has an alert: there is nothing more to look at.
    """

    stamp_ns: int
    values: NDArray[Any]
    age_ns: NDArray[np.int64]
    alert: NDArray[np.bool_]
    clean: bool

    @property
    def fresh(self) -> NDArray[np.bool_]:
        fresh: NDArray[np.bool_] = self.age_ns == 0
        return fresh


class JointReader:
    """One group read of all servos per call.

    A servo that missed `MISSES_ALLOWED` readings in a row and 0.1 s is lost: asking it would cost every reading two
    time-outs, so it is left out and asked alone now and then. When it answers it is asked again like the others;
    `take_returned` names it then. `leave_out` names servos that are not asked at all.
    """

    def __init__(self, servos: Sequence[ArmServo], bus: DynamixelBus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._ids = [servo.servo_id for servo in servos]
        count = len(self._ids)
        self._everyone = SyncRead(self._ids, STATE_ADDRESS, STATE_FIELDS)
        self._asked = self._everyone
        self._rows: NDArray[np.intp] = np.arange(count)
        self._blocks = {tuple(self._ids): self._everyone}
        self.misses: NDArray[np.int64] = np.zeros(count, np.int64)
        self.lost: set[int] = set()
        self._away: frozenset[int] = frozenset()
        self._returned: list[int] = []
        self._alerted: list[int] = []
        self._whole = False  # everybody is asked, and answered last time
        self._values: NDArray[Any] = np.zeros(count, STATE_FIELDS)
        self._seen_ns = np.zeros(count, np.int64)
        self._last_alert = self._no_alert = _constant(np.zeros(count, np.bool_))
        self._no_age = _constant(np.zeros(count, np.int64))  # every complete reading shares these two
        self._until_probe = _PROBE_EVERY
        self._probe_turn = 0

    def forget(self) -> None:
        """Begin anew: everybody is asked, nobody has been seen."""
        self.misses[:] = 0
        self._seen_ns[:] = 0
        self._returned.clear()
        self._away = frozenset()
        self.ask_everybody()

    def ask_everybody(self) -> None:
        """Ask lost servos again with the next reading."""
        self.lost.clear()
        self._choose()

    def leave_out(self, rows: Iterable[int]) -> None:
        """From now on do not ask these servos (and no others that were left out before)."""
        back = self._away.difference(away := frozenset(rows))
        self._away = away
        self.lost -= away
        self.misses[list(back | away)] = 0
        self._choose()

    def take_returned(self) -> list[int]:
        """Rows of servos that missed a reading and answered again, since the last call."""
        returned, self._returned = self._returned, []
        return returned

    def take_alerted(self) -> list[int]:
        """Rows of servos whose alert came up, since the last call."""
        alerted, self._alerted = self._alerted, []
        return alerted

    @property
    def present(self) -> NDArray[np.bool_]:
        """(S,) False for lost servos."""
        present = np.ones(len(self._ids), np.bool_)
        present[list(self.lost)] = False
        return present

    @property
    def unseen(self) -> NDArray[np.bool_]:
        """(S,) True for servos that have not answered since `forget`."""
        unseen: NDArray[np.bool_] = self._seen_ns == 0
        return unseen

    def read(self, write: bytes = b"") -> ServoStates:
        """Send `write`, read all. Raises `PortLost` only."""
        if self.lost:
            self._probe()
        before_ns = self._clock.now_ns()
        if self._asked.ids:
            reply = self._bus.exchange(self._asked, write)
        else:
            reply = self._asked.nothing()
            if write:
                self._bus.send(write)
        stamp_ns = (before_ns + self._clock.now_ns()) // 2
        if reply.clean and self._whole:
            self._values = reply.values
            self._seen_ns.fill(stamp_ns)
            self._last_alert = self._no_alert
            return ServoStates(stamp_ns, reply.values, self._no_age, self._no_alert, True)
        return self._sort_out(reply, stamp_ns)

    def _sort_out(self, reply: SyncReply, stamp_ns: int) -> ServoStates:
        fresh = np.zeros(len(self._ids), np.bool_)
        fresh[self._rows] = reply.fresh
        values, alert = self._values.copy(), self._last_alert.copy()
        answered = reply.fresh
        values[self._rows[answered]] = reply.values[answered]
        alert[self._rows[answered]] = (reply.error[answered] & ALERT_BIT) != 0
        self._count_alerts(alert)
        self._values, self._last_alert = values, alert
        self._seen_ns[fresh] = stamp_ns
        self._count_misses(fresh, stamp_ns)
        self._whole = bool(fresh.all())
        return ServoStates(stamp_ns, values, stamp_ns - self._seen_ns, alert, False)

    def _count_alerts(self, alert: NDArray[np.bool_]) -> None:
        for row in np.flatnonzero(alert & ~self._last_alert):
            self._bus.servos[self._ids[row]].alerts += 1
            self._alerted.append(int(row))

    def _count_misses(self, fresh: NDArray[np.bool_], now_ns: int) -> None:
        self._returned += map(int, np.flatnonzero(fresh & (self.misses > 0)))
        self.misses = np.where(fresh, 0, self.misses + 1)
        self.misses[list(self._away)] = 0
        long_ago = now_ns - self._seen_ns > _LOST_NS
        lost = set(map(int, np.flatnonzero(long_ago & (self.misses >= MISSES_ALLOWED))))
        if lost != self.lost:
            self.lost = lost
            self._choose()

    def _probe(self) -> None:
        self._until_probe -= 1
        if self._asked.ids and self._until_probe > 0:
            return
        self._until_probe = _PROBE_EVERY
        lost = sorted(self.lost)
        self._probe_turn += 1
        row = lost[self._probe_turn % len(lost)]
        # A short answer, which none of a group read can be taken for.
        if self._bus.ask(self._ids[row], *_MODEL_NUMBER) is not None:
            # Where one came back the others may have too, and each costs one missed reading when it did not.
            self.ask_everybody()

    def _choose(self) -> None:
        rows = [row for row in range(len(self._ids)) if row not in self.lost and row not in self._away]
        ids = tuple(self._ids[row] for row in rows)
        if ids not in self._blocks:
            self._blocks[ids] = SyncRead(ids, STATE_ADDRESS, STATE_FIELDS)
        self._asked, self._rows = self._blocks[ids], np.array(rows, np.intp)
        self._whole = False


def _constant(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
