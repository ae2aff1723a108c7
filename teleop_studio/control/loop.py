"""One tick: read, ask, limit, command, tell. Everything that moves the follower passes here."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.clock import Clock
from drivers.errors import DriverError, PortLost
from drivers.samples import JointState
from teleop_studio.control.first_motion import Waiting
from teleop_studio.control.follow_watch import FollowWatch
from teleop_studio.control.leader_mirror import LeaderMirror
from teleop_studio.control.safety import SafetyGate, Verdict
from teleop_studio.control.sources import HOLD, LEADER, ActionSource, HoldSource, PlannedSource

_log = logging.getLogger(__name__)

LOST_S = 0.3  # shorter silence is noise on the line and only brakes; after it the servos may have lost their torque


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
    """What one tick saw and did. `requested`, `action` (D,); nan in `requested` when the source said nothing.

    `gap` the largest distance of a joint from what is asked for; `waiting` why it is not followed yet.
    """

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
    waiting: Waiting = Waiting.NOTHING


class ControlLoop:
    """Fixed-rate loop over both arms.

    `tick` never raises for a bus fault or a failing source: the tick becomes a hold, `fault` says why, and listeners
    are told. A follower silent for `LOST_S`, or whose port is gone, is only read from then on, until `engage` has
    put torque on again. A joint that protects itself, or does not follow, ends the source: the arm holds until the
    next `engage`. Torque goes on only through `engage`, off only through `release`. With a `mirror` a leader that is
    not where the follower is gets led there before it drives. `news` is for the operator; whoever reads it empties it.
    """

    def __init__(
        self,
        leader: LeaderArm,
        follower: FollowerArm,
        gate: SafetyGate,
        clock: Clock,
        rate_hz: float = 100.0,
        follow: FollowWatch | None = None,
        mirror: LeaderMirror | None = None,
    ):
        self._leader, self._follower, self._gate, self._clock = leader, follower, gate, clock
        self._follow, self.mirror = follow, mirror
        self.period_ns = round(1e9 / rate_hz)
        self.source: ActionSource = HoldSource()
        self.driving = False  # False: only reads, commands nothing (limp, paused, lost or not engaged yet)
        self.limp = True  # False from `engage` to `release`: the servos hold, even while nothing drives them
        self.fault = ""
        self.news: list[str] = []
        self.leader_lost = self.follower_lost = False  # its port is gone; whoever opens it again sets this back
        self._stuck = ""
        self._listeners: list[Callable[[Tick], None]] = []
        self._index = 0
        self._missed = 0
        self._silent_since_ns: int | None = None
        self._deadline_ns: int | None = None
        self._leader_state: JointState | None = None
        self._follower_state: JointState | None = None

    @property
    def mirroring(self) -> bool:
        """The leader is being led to the follower."""
        return self.mirror is not None and self.mirror.active

    def listen(self, listener: Callable[[Tick], None]) -> None:
        """Call `listener(tick)` at the end of each tick; it must be quick and must not raise."""
        self._listeners.append(listener)

    def engage(self, source: ActionSource) -> None:
        """Drive the follower with `source` from where it is now, softly. Torque goes on with goal := present.

        Raises a `DriverError` when the follower can not be reached; nothing drives it then.
        """
        self._end_mirror()
        if self.driving:
            # Keep the last goal: re-reading the sagged pose would let the arm drop by its gravity error.
            self._gate.hand_over()
        else:
            self.limp = False
            self._follower.torque_on()
            self._follower_state = self._follower.read()
            self._gate.engage(self._follower_state.position)
            self.driving = True
        self._silent_since_ns = None
        self.fault = self._stuck = ""
        if self._follow is not None:
            self._follow.restart()
        self.source = source
        if source.name == LEADER:
            self._begin_mirror()

    def hold(self) -> None:
        """Keep the follower where its last command put it. Does nothing to a limp arm."""
        self._end_mirror()
        self.source = HoldSource()

    def pause(self) -> None:
        """Stop commanding without touching torque: the servos keep their last goal. `engage` starts from the pose."""
        self.hold()
        self.driving = False

    def release(self) -> list[str]:
        """Torque off at every servo that can be reached; returns what could not."""
        self.source = HoldSource()
        self.driving = False
        self.limp = True
        self._stuck = ""
        missed = self._follower.torque_off()
        self._end_mirror()
        return missed

    def start_from_here(self) -> None:
        """Goal := where the follower is, as at a new start: a joint that was away may have moved."""
        if self.driving and self._follower_state is not None:
            self._gate.engage(self._follower_state.position)

    def spare_ns(self) -> int:
        """What is left of this period, ns."""
        if self._deadline_ns is None:
            return self.period_ns
        return self._deadline_ns + self.period_ns - self._clock.now_ns()

    def wait(self) -> int:
        """Sleep to the next deadline; returns how late the wake-up was, ns.

        Deadlines that have passed count as missed; only the newest of them is still served, at once.
        """
        now_ns = self._clock.now_ns()
        if self._deadline_ns is None:
            self._deadline_ns = now_ns
            return 0
        # Absolute deadlines: sleeping for a period would add each overrun to the next tick.
        self._deadline_ns += self.period_ns
        behind_ns = now_ns - self._deadline_ns
        if behind_ns > 0:
            self._missed += -(-behind_ns // self.period_ns)
            self._deadline_ns += behind_ns // self.period_ns * self.period_ns
        self._clock.sleep_until_ns(self._deadline_ns)
        return max(0, self._clock.now_ns() - self._deadline_ns)

    def tick(self, late_ns: int = 0) -> Tick | None:
        """One cycle; None until both arms have answered once."""
        now_ns = self._clock.now_ns()
        problems: list[str] = []
        self._read_leader(now_ns, problems)
        requested, verdict = None, None
        if self.driving:
            requested = self._ask_source(now_ns, problems)
            reading = self._leader_state if self.source.name == LEADER else None
            # The nominal period, also after a missed deadline: a late tick must not take a longer step.
            verdict = self._gate.limit(requested, reading, now_ns, self.period_ns * 1e-9, self._follower_state)
            if verdict.news:
                self.news.append(verdict.news)
            if verdict.aligning and isinstance(self.source, PlannedSource):
                self.source.postpone(self.period_ns)
        self._exchange(now_ns, verdict, problems)
        if verdict is not None and verdict.reason:
            problems.append(verdict.reason)  # after what the bus says: an old reading is what comes of it
        if self._stuck:
            problems.append(self._stuck)
        self.fault = problems[0] if problems else ""
        tick = self._describe(now_ns, late_ns, requested, verdict)
        if tick is not None:
            self._index += 1
            for listener in self._listeners:
                listener(tick)
        return tick

    def _describe(
        self, now_ns: int, late_ns: int, requested: NDArray[np.float64] | None, verdict: Verdict | None
    ) -> Tick | None:
        if self._leader_state is None or self._follower_state is None:
            return None
        nothing = np.full_like(self._follower_state.position, np.nan)
        gap, waiting = (verdict.gap, verdict.waiting) if verdict else (0.0, Waiting.NOTHING)
        if verdict and self.mirroring:
            gap, waiting = float(np.abs(self._leader_state.position - verdict.action).max()), Waiting.MIRRORING
        return Tick(
            index=self._index,
            stamp_ns=now_ns,
            leader=self._leader_state,
            follower=self._follower_state,
            requested=nothing if requested is None or requested.shape != nothing.shape else requested,
            action=verdict.action if verdict else nothing,
            source=self.source.name if self.driving else HOLD,
            aligning=verdict.aligning if verdict else False,
            gap=gap,
            reason=self.fault,
            late_ns=late_ns,
            missed_deadlines=self._missed,
            waiting=waiting,
        )

    def _ask_source(self, now_ns: int, problems: list[str]) -> NDArray[np.float64] | None:
        """The source's request; None, which is a hold, when there is none or an arm it rests on is not to be had."""
        if self.mirroring or self._silent_since_ns is not None or (self.leader_lost and self.source.name == LEADER):
            return None
        if self._leader_state is None or self._follower_state is None:
            return None
        try:
            requested = self.source.action(now_ns, self._leader_state, self._follower_state)
            return None if requested is None else np.asarray(requested, np.float64)
        except Exception as error:  # a fault in somebody's source must not end the loop that holds the arm
            problem = f"the source {self.source.name!r} failed: {type(error).__name__}: {error}: holding"
            if problem != self.fault:  # once, not a hundred times a second
                _log.exception(problem)
            problems.append(problem)
            self._gate.hand_over()
            return None

    def _read_leader(self, now_ns: int, problems: list[str]) -> None:
        mirror, led = self.mirror, self.mirroring
        try:
            if mirror is None or not led:
                self._leader_state = self._leader.read()
                return
            self._leader_state = mirror.read(now_ns, self.period_ns * 1e-9)
            if not mirror.active:
                self._after_mirror(mirror)
        except DriverError as error:
            self.leader_lost |= isinstance(error, PortLost)
            problems.append(str(error))
            self._end_mirror()

    def _exchange(self, now_ns: int, verdict: Verdict | None, problems: list[str]) -> None:
        try:
            if verdict is None:
                self._follower_state = self._follower.read()
            else:
                self._follower_state = self._follower.command_and_read(verdict.action)
        except DriverError as error:
            self.follower_lost |= isinstance(error, PortLost)
            problems.append(str(error))
            self._gate.hand_over()
            if self._silent_since_ns is None:
                self._silent_since_ns = now_ns
            silent_s = (now_ns - self._silent_since_ns) * 1e-9
            if self.driving and (silent_s >= LOST_S or self.follower_lost):
                self.pause()
        else:
            self._silent_since_ns = None
            if verdict is not None:
                self._watch_alerts(self._follower_state, problems)
                self._watch_following(self._follower_state, verdict.action)

    def _watch_alerts(self, follower: JointState, problems: list[str]) -> None:
        """A servo that protects itself goes limp alone, while its neighbours keep on driving the arm."""
        if not follower.alert.any():
            return
        joints = [name for name, alert in zip(self._gate.joint_names, follower.alert, strict=True) if alert]
        problems.append(
            f"The servo of {', '.join(joints)} protects itself (overload, heat or voltage): holding. Free the "
            "joint, let it cool and support it, then restart the servo (or switch the arm off and on) and resume."
        )
        self.hold()

    def _watch_following(self, follower: JointState, command: NDArray[np.float64]) -> None:
        if self._follow is None:
            return
        stuck = self._follow.step(command, follower.position, self.period_ns * 1e-9)
        if stuck and np.isfinite(follower.position).all():
            # Goal := where it is, so that nothing goes on pushing into whatever is in the way.
            self._gate.engage(follower.position)
            self._follow.restart()
            self.hold()
            self._stuck = stuck

    def _begin_mirror(self) -> None:
        command = self._gate.command
        if self.mirror is None or self._leader_state is None or command is None:
            return
        try:
            self.mirror.begin(self._leader_state.position, command)
        except DriverError as error:
            self.news.append(f"The leader can not be led to the follower. {error}")

    def _end_mirror(self) -> None:
        if self.mirror is not None and self.mirror.active:
            self.mirror.end()
            self._after_mirror(self.mirror)

    def _after_mirror(self, mirror: LeaderMirror) -> None:
        self._gate.hand_over()
        if mirror.pushed:
            self.news.append(
                "The leader was pushed and is limp again. The follower comes to it slowly once it is near."
            )
        if mirror.problem:
            self.news.append(mirror.problem)
