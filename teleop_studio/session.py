"""The operator-visible state machine: which verb is allowed when, and what it sets in motion. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from teleop_studio.status import State


class StudioError(Exception):
    """What the operator asked for can not be done now; the first sentence is the title, the rest says what to do."""


class Effect(StrEnum):
    """What a transition asks the processes to do, in order."""

    ENGAGE_HOLD = "engage hold"
    ENGAGE_LEADER = "engage leader"
    ENGAGE_POLICY = "engage policy"
    ENGAGE_REPLAY = "engage replay"
    HOLD = "hold"
    GO_TO_REST = "go to rest"
    RELEASE = "release"
    START_TAKE = "start take"
    START_TRIAL = "start trial"
    FINISH_TAKE = "finish take"
    DISCARD_TAKE = "discard take"


@dataclass(frozen=True)
class Transition:
    state: State
    effects: tuple[Effect, ...] = ()


_S, _E = State, Effect
_DRIVING = (_S.TELEOP, _S.RECORDING, _S.RESET, _S.POLICY, _S.REPLAY)
_OPEN = (_S.IDLE, *_DRIVING, _S.STOPPED, _S.REST, _S.LIMP, _S.FAULT)
_TAKING = (_S.RECORDING, _S.POLICY)  # states in which a take is being written

_TABLE: dict[tuple[State, str], Transition] = {}


def _add(verb: str, states: tuple[State, ...], target: State, *effects: Effect) -> None:
    for state in states:
        _TABLE[state, verb] = Transition(target, effects)


_add("opened", (_S.CLOSED,), _S.IDLE, _E.ENGAGE_HOLD)
_add("teleop", (_S.IDLE, _S.RESET, _S.REPLAY), _S.TELEOP, _E.ENGAGE_LEADER)
_add("record", (_S.TELEOP, _S.RESET), _S.RECORDING, _E.START_TAKE)
_add("record", (_S.IDLE,), _S.RECORDING, _E.ENGAGE_LEADER, _E.START_TAKE)
_add("accept", (_S.RECORDING,), _S.RESET, _E.FINISH_TAKE)
_add("accept", (_S.POLICY,), _S.IDLE, _E.HOLD, _E.FINISH_TAKE)
_add("discard", (_S.RECORDING,), _S.RESET, _E.DISCARD_TAKE)
_add("discard", (_S.POLICY,), _S.IDLE, _E.HOLD, _E.DISCARD_TAKE)
_add("autonomous", (_S.IDLE, _S.TELEOP, _S.RESET), _S.POLICY, _E.ENGAGE_POLICY, _E.START_TRIAL)
# The attempt and its correction stay one episode; its source becomes "mixed".
_add("take_over", (_S.POLICY,), _S.RECORDING, _E.ENGAGE_LEADER)
_add("replay", (_S.IDLE, _S.TELEOP, _S.RESET), _S.REPLAY, _E.ENGAGE_REPLAY)
_add("replay_finished", (_S.REPLAY,), _S.IDLE, _E.HOLD)
_add("resume", (_S.STOPPED, _S.LIMP, _S.FAULT), _S.IDLE, _E.ENGAGE_HOLD)
# The gentle exit. Not out of a take: the way to rest is no demonstration.
_add("rest", (_S.IDLE, _S.TELEOP, _S.RESET, _S.REPLAY, _S.STOPPED, _S.FAULT), _S.REST, _E.GO_TO_REST)
_add("rested", (_S.REST,), _S.LIMP)
# Holding with the old source gone: the scene may be reset, and a job may begin.
_add("hold", (_S.IDLE, _S.TELEOP, _S.RESET, _S.REPLAY), _S.IDLE, _E.HOLD)
_add("stop", tuple(s for s in _OPEN if s not in (*_TAKING, _S.LIMP, _S.FAULT)), _S.STOPPED, _E.HOLD)
_add("stop", _TAKING, _S.STOPPED, _E.HOLD, _E.FINISH_TAKE)
_add("stop", (_S.LIMP,), _S.LIMP)
# A fault is still there after STOP, and its arm may be limp: "stopped" would promise that it holds.
_add("stop", (_S.FAULT,), _S.FAULT, _E.HOLD)
_add("torque_off", tuple(s for s in _OPEN if s not in _TAKING), _S.LIMP, _E.RELEASE)
_add("torque_off", _TAKING, _S.LIMP, _E.RELEASE, _E.FINISH_TAKE)
_add("fault", tuple(s for s in _OPEN if s not in _TAKING), _S.FAULT, _E.HOLD)
_add("fault", _TAKING, _S.FAULT, _E.HOLD, _E.FINISH_TAKE)
# The recorder ended the take by itself (the disk is nearly full, or refused a write) or could not begin it.
_add("take_ended", (_S.RECORDING,), _S.RESET)
_add("take_ended", (_S.POLICY,), _S.IDLE, _E.HOLD)
_add("take_refused", (_S.RECORDING,), _S.TELEOP)
_add("take_refused", (_S.POLICY,), _S.IDLE, _E.HOLD)
for _state in _TAKING:
    _add("bookmark", (_state,), _state)
# A servo is restarted while nothing drives the arm; a fault is over only when the operator resumes.
for _state in (_S.IDLE, _S.STOPPED, _S.LIMP, _S.FAULT):
    _add("reboot_servo", (_state,), _state)
_add("closed", _OPEN, _S.CLOSED)
_add("closed", _TAKING, _S.CLOSED, _E.HOLD, _E.FINISH_TAKE)

# Back to where "record" was pressed: the leader goes on driving only if it did before.
_BACK = {
    _S.IDLE: Transition(_S.IDLE, (_E.HOLD,)),
    _S.TELEOP: Transition(_S.TELEOP),
    _S.RESET: Transition(_S.RESET),
}

_WHAT_NOW = {
    State.CLOSED: "No rig is open. Open one first.",
    State.IDLE: "Start teleoperation, or record, or run a policy.",
    State.TELEOP: "Press Space to record, or Esc to stop.",
    State.RECORDING: "Finish the take first: Space accepts it, Backspace discards it.",
    State.RESET: "Put the scene back, then Space records the next take.",
    State.POLICY: "The policy is driving: T takes over, Esc stops it.",
    State.REPLAY: "A replay is running: Esc stops it.",
    State.STOPPED: "The arm holds after STOP. Resume first.",
    State.REST: "The follower goes to its rest pose: wait for it, or Esc stops it.",
    State.LIMP: "Torque is off. Resume first.",
    State.FAULT: "Mend the fault, then resume.",
}


class Session:
    """Holds the state; `apply` changes it and returns the effects."""

    def __init__(self) -> None:
        self.state = State.CLOSED
        self._recorded_from = State.TELEOP

    def allows(self, verb: str) -> bool:
        return (self.state, verb) in _TABLE

    def check(self, verb: str) -> None:
        """Raises `StudioError` when `verb` is not allowed in this state."""
        if not self.allows(verb):
            raise StudioError(f"Can not {verb.replace('_', ' ')} while {self.state}. {_WHAT_NOW[self.state]}")

    def apply(self, verb: str) -> tuple[Effect, ...]:
        """Raises `StudioError` when `verb` is not allowed in this state."""
        self.check(verb)
        transition = _TABLE[self.state, verb]
        if transition.state is State.RECORDING and verb != "bookmark":
            # After a take-over the leader drives: there is no way back to the policy.
            self._recorded_from = self.state if self.state in _BACK else State.TELEOP
        elif verb == "take_refused" and self.state is State.RECORDING:
            transition = _BACK[self._recorded_from]
        self.state = transition.state
        return transition.effects
