"""A policy whose attempt on the simulated scene has failed holds at once, and its take is kept as a failure."""

from pathlib import Path
from typing import Any, cast

import pytest

from teleop_studio.live import LiveRig
from teleop_studio.operation import Operation
from teleop_studio.processes import messages as m
from teleop_studio.rig import RigConfig
from teleop_studio.status import State
from teleop_studio.workspace import Workspace

FELL = m.TrialScore(False, "box fell", "left")
STANDING = m.TrialScore(False, "", "")


class Line:
    """What an operation says to the processes of a rig, in order, and the score it hears."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.score: m.TrialScore | None = None
        self.start_held = self.scene_busy = False

    def command(self, message: Any) -> None:
        self.said.append(message)

    record = command


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def operation(line: Line, tmp_path: Path) -> Operation:
    operation = Operation(RigConfig(scene="fork"), Workspace.create(tmp_path))
    operation.live = cast("LiveRig", line)
    operation._session.state = State.POLICY
    return operation


def test_the_arm_holds_before_anything_else_and_the_take_says_why(line: Line, operation: Operation) -> None:
    line.score = STANDING
    assert operation.end_failed_trial() == ""
    assert line.said == []
    line.score = FELL
    assert operation.end_failed_trial() == "box fell"
    hold, mark, finish = line.said
    assert isinstance(hold, m.Hold)
    assert (mark.kind, mark.detail) == ("failed", {"text": "box fell"})
    assert finish == m.FinishTake("failure")
    assert operation.state is State.IDLE


def test_it_ends_once(line: Line, operation: Operation) -> None:
    line.score = FELL
    operation.end_failed_trial()
    said = len(line.said)
    assert operation.end_failed_trial() == ""
    assert len(line.said) == said


def test_what_lay_there_before_the_policy_began_is_not_its_failure(line: Line, operation: Operation) -> None:
    operation._session.state = State.IDLE
    line.score = FELL
    assert operation.end_failed_trial() == ""
    operation._session.state = State.POLICY
    assert operation.end_failed_trial() == ""
    line.score = m.TrialScore(False, "bottle fell", "left")
    assert operation.end_failed_trial() == "bottle fell"


def test_on_a_real_rig_nobody_scores_and_the_operator_ends_it(line: Line, operation: Operation) -> None:
    line.score = None
    assert operation.end_failed_trial() == ""
    operation.accept("failure")
    assert [type(message) for message in line.said] == [m.Hold, m.FinishTake]


def test_a_human_who_knocks_something_over_goes_on(line: Line, operation: Operation) -> None:
    operation._session.state = State.RECORDING
    line.score = FELL
    assert operation.end_failed_trial() == ""
    assert line.said == []
