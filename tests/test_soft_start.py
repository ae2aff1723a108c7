"""What the state bar says of the first motion, taken from one control tick."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.arms import STUDIO_FOLLOWER as ARM
from teleop_studio.control.first_motion import Waiting
from teleop_studio.processes.tick_row import SOURCES, tick_dtype
from teleop_studio.sentences import sentence
from teleop_studio.soft_start import SoftStart, soft_start
from teleop_studio.status import State
from tests.control.arms import HOME, D


def row(
    source: str = "leader", aligning: bool = True, waiting: Waiting = Waiting.NOTHING, away: float = 0.0
) -> NDArray[Any]:
    """A tick in which the leader's waist and elbow are `away` from the follower, the elbow the other way."""
    row: NDArray[Any] = np.zeros((), tick_dtype(D))
    row["follower_position"] = row["action"] = HOME
    by = np.zeros(D)
    by[0], by[2], by[-1] = away, -away, -0.9
    row["leader_position"] = row["requested"] = HOME + by
    row["source"], row["aligning"], row["waiting"], row["gap"] = SOURCES.index(source), aligning, waiting, abs(away)
    return row


def test_before_the_first_tick_nothing_is_known() -> None:
    assert soft_start(None, ARM.names) == SoftStart()


def test_gaps_are_leader_minus_follower_joint_by_joint() -> None:
    start = soft_start(row(away=0.5), ARM.names)
    assert start.joint_gaps == pytest.approx((0.5, 0, -0.5, 0, 0, 0, -0.9))
    assert (start.aligning, start.gap, start.too_far) == (True, 0.5, "")


def test_an_arm_that_is_only_held_is_not_aligning() -> None:
    assert not soft_start(row("hold"), ARM.names).aligning


def test_the_joints_of_a_refused_leader_are_named_but_never_its_gripper() -> None:
    start = soft_start(row(waiting=Waiting.TOO_FAR, away=1.25), ARM.names)
    assert start.too_far == "waist by 1.25 rad, elbow by 1.25 rad"
    title, detail = sentence(State.TELEOP, start, None, "", False)
    assert title == "Teleoperation: too far away"
    assert detail == "Bring the leader closer to the follower: waist by 1.25 rad, elbow by 1.25 rad."


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (Waiting.SETTLING, "stands still for a moment"),
        (Waiting.BOX, "edge of its box"),
        (Waiting.MIRRORING, "push it and it goes limp"),
    ],
)
def test_what_is_waited_for_is_said_while_something_drives_and_not_else(waiting: Waiting, words: str) -> None:
    start = soft_start(row(waiting=waiting, away=0.5), ARM.names)
    assert words in sentence(State.RECORDING, start, None, "", False)[1]
    assert words not in sentence(State.STOPPED, start, None, "", False)[1]


def test_an_approach_is_said_with_its_gap() -> None:
    assert sentence(State.TELEOP, soft_start(row(away=0.5), ARM.names), None, "", False) == (
        "Teleoperation: approaching",
        "Soft start: the largest joint gap is 0.50 rad.",
    )
