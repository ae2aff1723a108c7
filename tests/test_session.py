"""Which verb is allowed when, where it leads, and what the operator is told otherwise."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_studio.session import Effect, Session, StudioError
from teleop_studio.status import State

VERBS = (
    *("opened", "closed", "teleop", "record", "accept", "discard", "autonomous", "take_over"),
    *("replay", "replay_finished", "resume", "hold", "stop", "torque_off", "fault"),
    *("bookmark", "take_ended", "take_refused", "rest", "rested", "reboot_servo"),
)

# One row a state: the verbs allowed and where they lead. What is not here must raise.
ALLOWED = {
    "closed": "opened>idle",
    "idle": "teleop>teleop record>recording autonomous>policy replay>replay hold>idle "
    "stop>stopped torque_off>limp fault>fault closed>closed rest>rest reboot_servo>idle",
    "teleop": "record>recording autonomous>policy replay>replay hold>idle "
    "stop>stopped torque_off>limp fault>fault closed>closed rest>rest",
    "recording": "accept>reset discard>reset stop>stopped torque_off>limp fault>fault closed>closed "
    "bookmark>recording take_ended>reset take_refused>teleop",
    "reset": "teleop>teleop record>recording autonomous>policy replay>replay hold>idle "
    "stop>stopped torque_off>limp fault>fault closed>closed rest>rest",
    "policy": "accept>idle discard>idle take_over>recording stop>stopped torque_off>limp fault>fault closed>closed "
    "bookmark>policy take_ended>idle take_refused>idle",
    "replay": "teleop>teleop replay_finished>idle hold>idle stop>stopped torque_off>limp fault>fault closed>closed "
    "rest>rest",
    "stopped": "resume>idle stop>stopped torque_off>limp fault>fault closed>closed rest>rest reboot_servo>stopped",
    "rest": "rested>limp stop>stopped torque_off>limp fault>fault closed>closed",
    "limp": "resume>idle stop>limp torque_off>limp fault>fault closed>closed reboot_servo>limp",
    "fault": "resume>idle stop>fault torque_off>limp fault>fault closed>closed rest>rest reboot_servo>fault",
}
TARGET = {
    (State(state), verb): State(target)
    for state, row in ALLOWED.items()
    for verb, target in (pair.split(">") for pair in row.split())
}
ADVICE = {
    State.CLOSED: "Open one first",
    State.IDLE: "Start teleoperation, or record, or run a policy",
    State.TELEOP: "Space to record, or Esc",
    State.RECORDING: "Space accepts it, Backspace discards it",
    State.RESET: "Space records the next take",
    State.POLICY: "T takes over, Esc stops it",
    State.REPLAY: "Esc stops it",
    State.STOPPED: "Resume first",
    State.REST: "wait for it, or Esc stops it",
    State.LIMP: "Torque is off. Resume first",
    State.FAULT: "Mend the fault, then resume",
}


def session_in(state: State) -> Session:
    session = Session()
    session.state = state
    return session


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", State)
def test_each_verb_in_each_state(state: State, verb: str) -> None:
    session = session_in(state)
    assert session.allows(verb) == ((state, verb) in TARGET)
    if (state, verb) in TARGET:
        session.apply(verb)
        assert session.state is TARGET[state, verb]
    else:
        with pytest.raises(StudioError, match=re.escape(ADVICE[state])) as raised:
            session.apply(verb)
        assert str(raised.value).startswith(f"Can not {verb.replace('_', ' ')} while {state}. ")
        assert session.state is state


def test_a_verb_nobody_knows_is_refused() -> None:
    with pytest.raises(StudioError, match="Can not dance while closed"):
        Session().apply("dance")


@pytest.mark.parametrize(
    ("state", "verb", "effects"),
    [
        ("closed", "opened", "engage hold"),
        ("idle", "record", "engage leader, start take"),
        ("teleop", "record", "start take"),
        ("recording", "accept", "finish take"),
        ("recording", "discard", "discard take"),
        ("idle", "autonomous", "engage policy, start trial"),
        ("policy", "take_over", "engage leader"),
        ("policy", "accept", "hold, finish take"),
        ("policy", "discard", "hold, discard take"),
        ("idle", "replay", "engage replay"),
        ("replay", "replay_finished", "hold"),
        ("stopped", "resume", "engage hold"),
        ("limp", "stop", ""),
        ("limp", "torque_off", "release"),
        ("recording", "take_ended", ""),
        ("policy", "take_ended", "hold"),
        ("policy", "take_refused", "hold"),
        ("recording", "bookmark", ""),
        ("idle", "rest", "go to rest"),
        ("rest", "stop", "hold"),
        ("rest", "rested", ""),
        ("fault", "reboot_servo", ""),
    ],
)
def test_what_a_verb_sets_in_motion(state: str, verb: str, effects: str) -> None:
    assert ", ".join(session_in(State(state)).apply(verb)) == effects


@pytest.mark.parametrize(("before", "effects"), [("idle", "hold"), ("teleop", ""), ("reset", "")])
def test_a_take_that_could_not_begin_leads_back_to_where_record_was_pressed(before: str, effects: str) -> None:
    session = session_in(State(before))
    session.apply("record")
    session.apply("bookmark")
    assert ", ".join(session.apply("take_refused")) == effects
    assert session.state is State(before)


def test_a_trial_that_could_not_be_recorded_stays_with_the_leader_once_it_took_over() -> None:
    session = session_in(State.IDLE)
    for verb in ("record", "accept", "autonomous", "take_over"):
        session.apply(verb)
    assert session.apply("take_refused") == ()
    assert session.state is State.TELEOP


@pytest.mark.parametrize("state", [state for state in State if state is not State.CLOSED])
@pytest.mark.parametrize(
    ("verb", "first"), [("stop", Effect.HOLD), ("torque_off", Effect.RELEASE), ("fault", Effect.HOLD)]
)
def test_the_arm_comes_first_when_something_must_end(state: State, verb: str, first: Effect) -> None:
    effects = session_in(state).apply(verb)
    if (state, verb) == (State.LIMP, "stop"):
        assert effects == ()  # a limp arm must not get its torque back from STOP
    else:
        assert effects[0] is first


class Walk:
    """A session and what its effects have set in motion so far."""

    def __init__(self) -> None:
        self.session = Session()
        self.take_open = self.torque = False

    def apply(self, verb: str) -> None:
        was, effects = self.session.state, self.session.apply(verb)
        if verb == "rested":
            self.torque = False
        if verb in ("take_ended", "take_refused"):
            self.take_open = False
        for effect in effects:
            match effect:
                case Effect.START_TAKE | Effect.START_TRIAL:
                    assert not self.take_open, "a take began inside another"
                    self.take_open = True
                case Effect.FINISH_TAKE | Effect.DISCARD_TAKE:
                    assert self.take_open, "a take ended that never began"
                    self.take_open = False
                case Effect.RELEASE:
                    self.torque = False
                case Effect.ENGAGE_HOLD:
                    self.torque = True
                case Effect.GO_TO_REST:
                    assert was is not State.LIMP, "a limp arm was moved"
                case Effect.ENGAGE_LEADER | Effect.ENGAGE_POLICY | Effect.ENGAGE_REPLAY:
                    assert self.torque, f"{effect} on a limp arm"


@given(verbs=st.lists(st.sampled_from(VERBS), max_size=60))
def test_on_every_way_takes_are_paired_stop_works_and_a_limp_arm_wakes_only_by_resume(verbs: list[str]) -> None:
    walk = Walk()
    for verb in verbs:
        if not walk.session.allows(verb):
            continue
        was_limp = walk.session.state is State.LIMP
        walk.apply(verb)
        state = walk.session.state
        if was_limp and walk.torque:
            assert verb == "resume"
        assert walk.take_open == (state in (State.RECORDING, State.POLICY))
        assert state is State.CLOSED or all(walk.session.allows(v) for v in ("stop", "torque_off", "fault", "closed"))
    if walk.session.state is not State.CLOSED:
        walk.apply("stop")
        assert walk.session.state in (State.STOPPED, State.LIMP, State.FAULT)
        assert not walk.take_open
