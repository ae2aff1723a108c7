"""One tick: read, ask, limit, command, tell. Everything that moves the follower passes here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.clock import Clock
from drivers.errors import DriverError
from drivers.samples import JointState
from teleop_studio.control.safety import SafetyGate
from teleop_studio.control.sources import HOLD, LEADER, ActionSource, HoldSource


class LeaderArm(Protocol):
    """What the loop needs of a leader."""

    def read(self) -> JointState: ...


class FollowerArm(Protocol):
    """What the loop needs of a follower."""

    def read(self) -> JointState: ...
    def command_and_read(self, position: NDArray[np.float64]) -> JointState: ...
    def torque_on(self) -> None: ...
    def torque_off(self) -> list[str]: ...


@dataclass(frozen=True)
class Tick:
    """What one tick saw and did. `requested`, `action` (D,); nan in `requested` when the source said nothing."""

    index: int
    stamp_ns: int
    leader: JointState
    follower: JointState
    requested: NDArray[np.float64]
    action: NDArray[np.float64]
    source: str
    aligning: bool
    gap: float
    reason: str
    late_ns: int
    missed_deadlines: int


class ControlLoop:
    """Fixed-rate loop over both arms.

    `tick` never raises for a bus fault: the tick becomes a hold, `fault` says why, and listeners are told. Torque
    goes on only through `engage`, off only through `release`.
    """

    def __init__(self, leader: LeaderArm, follower: FollowerArm, gate: SafetyGate, clock: Clock, rate_hz: float = 100.0):
        self._leader, self._follower, self._gate, self._clock = leader, follower, gate, clock
        self.period_ns = round(1e9 / rate_hz)
        self.source: ActionSource = HoldSource()
        self.driving = False  # False: only reads, commands nothing (limp or not engaged yet)
        self.fault = ""
        self._listeners: list[Callable[[Tick], None]] = []
        self._index = 0
        self._missed = 0
        self._deadline_ns: int | None = None
        self._leader_state: JointState | None = None
        self._follower_state: JointState | None = None

    def listen(self, listener: Callable[[Tick], None]) -> None:
        """Call `listener(tick)` at the end of each tick; it must be quick and must not raise."""
        self._listeners.append(listener)

    def engage(self, source: ActionSource) -> None:
        """Drive the follower with `source` from where it is now, softly. Torque goes on with goal := present."""
        if not self.driving:
            self._follower.torque_on()
            self._follower_state = self._follower.read()
            self._gate.engage(self._follower_state.position)
            self.driving = True
        else:
            # Keep the last goal: re-reading the sagged pose would let the arm drop by its gravity error.
            assert self._gate.command is not None
            self._gate.engage(self._gate.command)
        self.fault = ""
        self.source = source

    def hold(self) -> None:
        """Keep the follower where its last command put it. Does nothing to a limp arm."""
        self.source = HoldSource()

    def pause(self) -> None:
        """Stop commanding without touching torque: the servos keep their last goal. `engage` starts from the pose."""
        self.source = HoldSource()
        self.driving = False

    def release(self) -> list[str]:
        """Torque off at every servo that can be reached; returns what could not."""
        self.driving = False
        self.source = HoldSource()
        return self._follower.torque_off()

    def wait(self) -> int:
        """Sleep to the next deadline; returns how late the wake-up was, ns. Whole periods overrun are skipped and counted."""
        now_ns = self._clock.now_ns()
        if self._deadline_ns is None:
            self._deadline_ns = now_ns
            return 0
        # Absolute deadlines: sleeping for a period would add each overrun to the next tick.
        self._deadline_ns += self.period_ns
        if now_ns > self._deadline_ns:
            skipped = (now_ns - self._deadline_ns) // self.period_ns
            self._missed += 1 + skipped
            self._deadline_ns += skipped * self.period_ns
        self._clock.sleep_until_ns(self._deadline_ns)
        return max(0, self._clock.now_ns() - self._deadline_ns)

    def tick(self, late_ns: int = 0) -> Tick | None:
        """One cycle; None while no arm has answered yet."""
        now_ns = self._clock.now_ns()
        problems: list[str] = []
        self._read_leader(problems)
        requested: NDArray[np.float64] | None = None
        if self._leader_state is not None and self._follower_state is not None and self.driving:
            requested = self.source.action(now_ns, self._leader_state, self._follower_state)
        verdict = None
        if self.driving:
            reading = self._leader_state if self.source.name == LEADER else None
            verdict = self._gate.limit(requested, reading, now_ns, self.period_ns * 1e-9)
            if verdict.reason:
                problems.append(verdict.reason)
        self._exchange(verdict.action if verdict else None, problems)
        self.fault = problems[0] if problems else ""
        if self._leader_state is None or self._follower_state is None:
            return None
        nothing = np.full_like(self._follower_state.position, np.nan)
        tick = Tick(
            index=self._index,
            stamp_ns=now_ns,
            leader=self._leader_state,
            follower=self._follower_state,
            requested=nothing if requested is None else requested,
            action=verdict.action if verdict else nothing,
            source=self.source.name if self.driving else HOLD,
            aligning=verdict.aligning if verdict else False,
            gap=verdict.gap if verdict else 0.0,
            reason=self.fault,
            late_ns=late_ns,
            missed_deadlines=self._missed,
        )
        self._index += 1
        for listener in self._listeners:
            listener(tick)
        return tick

    def _read_leader(self, problems: list[str]) -> None:
        try:
            self._leader_state = self._leader.read()
        except DriverError as error:
            problems.append(str(error))

    def _exchange(self, action: NDArray[np.float64] | None, problems: list[str]) -> None:
        try:
            if action is None:
                self._follower_state = self._follower.read()
            else:
                self._follower_state = self._follower.command_and_read(action)
        except DriverError as error:
            problems.append(str(error))
