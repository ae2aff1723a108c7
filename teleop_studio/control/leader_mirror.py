"""Leads the leader arm to the follower's pose before a human takes over: weak, slow, and a firm push always wins.

A state machine that is stepped once per tick in place of the leader's reading, so it never blocks the loop.
"""

from enum import Enum, auto
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.errors import DriverError
from drivers.samples import JointState
from teleop_studio.control.safety import SafetyGate, SafetyLimits

EFFORT_SHARE = 0.2  # of what the leader's servos can: enough to carry a leader, little enough for a hand to win
_PUSH_GAP = 0.2  # joint units between the leader and its goal
_PUSH_TICKS = 3
_NEAR = 0.05  # joint units; closer than the follower's gate needs
_PATIENCE_S = 1.0  # at the goal, for a leader too weak to come near
_LETTING_GO_S = 0.3
_LETTING_GO_STEPS = 6
_SLACK_S = 3.0  # beyond the time the way takes


class MirrorArm(Protocol):
    """What it takes of a leader to be moved by its own servos."""

    def read(self) -> JointState: ...
    def command_and_read(self, position: NDArray[np.float64]) -> JointState: ...
    def begin_power(self, share: float) -> None: ...
    def power_step(self) -> str | None: ...
    def set_effort_limit(self, share: float) -> None: ...
    def torque_off(self) -> list[str]: ...
    def power_springs(self) -> None: ...


class _Phase(Enum):
    OFF = auto()
    POWERING = auto()
    LEADING = auto()
    LETTING_GO = auto()


class LeaderMirror:
    """`begin`, then `read` in place of the leader's own until `active` is False.

    Afterwards `pushed` says whether a hand ended it, `problem` why it could not be led, in the operator's words. The
    leader is limp then, but for its springs.
    """

    def __init__(self, leader: MirrorArm, model: ArmModel, speed: float = 0.6) -> None:
        self._leader, self._model = leader, model
        # Never aligned, so never faster than the soft start.
        self._gate = SafetyGate(model, SafetyLimits(soft_start_speed=speed, aligned_gap=0.0))
        self._speed = speed
        self._phase = _Phase.OFF
        self._target: NDArray[np.float64] = np.zeros(len(model.joints))
        self._goal: NDArray[np.float64] | None = None
        self._left_s = self._near_s = 0.0
        self._push_ticks = self._step = 0
        self.pushed = False
        self.problem = ""

    @property
    def active(self) -> bool:
        return self._phase is not _Phase.OFF

    def begin(self, leader: NDArray[np.float64], follower: NDArray[np.float64]) -> None:
        """Lead the leader from `leader` (D,) to `follower` (D,), as far as its joint limits allow.

        Does nothing for a leader that is as good as there. Raises a `DriverError` when it can not be reached.
        """
        self._target = np.clip(follower, self._model.lower, self._model.upper)
        far = float(np.abs(self._target - leader).max())
        self.pushed, self.problem = False, ""
        if far < _NEAR:
            return
        self._left_s, self._near_s = far / self._speed + _SLACK_S, _PATIENCE_S
        self._push_ticks = self._step = 0
        self._goal = leader
        self._leader.begin_power(EFFORT_SHARE)
        self._phase = _Phase.POWERING

    def read(self, now_ns: int, dt_s: float) -> JointState:
        """The leader's state of this tick, moving it on. Raises a `DriverError` as the leader's own reading does."""
        self._left_s -= dt_s
        match self._phase:
            case _Phase.POWERING:
                state = self._power()
            case _Phase.LEADING:
                state = self._lead(now_ns, dt_s)
            case _Phase.LETTING_GO:
                state = self._let_go(dt_s)
            case _Phase.OFF:
                return self._leader.read()
        if self.active and self._is_pushed(state):
            self.pushed = True
            self.end()
        return state

    def end(self) -> None:
        """Limp at once. Does nothing when it is not active."""
        if not self.active:
            return
        self._phase = _Phase.OFF
        missed = self._leader.torque_off()
        if missed:
            self.problem = (
                f"The leader's {', '.join(missed)} did not confirm that the torque is off. Move it carefully."
            )
        try:
            self._leader.power_springs()
        except DriverError as error:
            self.problem = self.problem or f"The leader's springs did not come back. {error}"

    def _power(self) -> JointState:
        problem = self._leader.power_step()
        state = self._leader.read()
        if problem is None:
            return state
        if problem:
            self._give_up(problem)
            return state
        self._gate.engage(state.position)
        self._goal = self._gate.command
        self._phase = _Phase.LEADING
        return state

    def _lead(self, now_ns: int, dt_s: float) -> JointState:
        self._goal = self._gate.limit(self._target, None, now_ns, dt_s).action
        state = self._leader.command_and_read(self._goal)
        if np.abs(self._goal - self._target).max() < 1e-3:
            self._near_s -= dt_s
        if np.abs(state.position - self._target).max() < _NEAR or self._near_s < 0:
            self._phase, self._left_s = _Phase.LETTING_GO, _LETTING_GO_S
        elif self._left_s < 0:
            self._give_up("it did not get to the follower's pose in time")
        return state

    def _let_go(self, dt_s: float) -> JointState:
        assert self._goal is not None
        state = self._leader.command_and_read(self._goal)
        step = int((1 - max(0.0, self._left_s) / _LETTING_GO_S) * _LETTING_GO_STEPS)
        if self._left_s <= 0:
            self.end()
        elif step > self._step:
            self._step = step
            self._leader.set_effort_limit(EFFORT_SHARE * (1 - step / _LETTING_GO_STEPS))
        return state

    def _is_pushed(self, state: JointState) -> bool:
        assert self._goal is not None
        # A finger in the trigger, or its spring, is no push. Nor is a leader that sinks while it is let go.
        far = np.abs(state.position - self._goal)[:-1].max() > _PUSH_GAP
        away = bool(far) and self._phase is not _Phase.LETTING_GO
        self._push_ticks = self._push_ticks + 1 if away else 0
        return self._push_ticks >= _PUSH_TICKS

    def _give_up(self, why: str) -> None:
        self.end()
        self.problem = self.problem or f"The leader can not be led to the follower: {why}"
