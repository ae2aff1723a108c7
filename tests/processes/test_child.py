"""What the supervisor hears of a child: its last words, and that it is gone even when it had some."""

from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.processes.lockstep_plan import EvaluateJob
from teleop_studio.processes.messages import Ready
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.supervisor import limit_threads, lockstep_rig
from teleop_studio.rig import CameraConfig, RigConfig

pytestmark = pytest.mark.alone
PATIENCE_S = 60.0
SMALL_RIG = RigConfig(cameras=(CameraConfig("front", width=16, height=16), CameraConfig("wrist", width=16, height=16)))


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[Child]:
    """A real child that has said its first word, which nobody has heard yet."""
    child = Child("builder", "builder_process", ((tmp_path,),), tmp_path / "builder.log")
    assert wait([child._connection], PATIENCE_S)
    yield child
    child.stop()


def heard(child: Child) -> list[Any]:
    """All that it says until its process is gone."""
    messages: list[Any] = []
    while child.alive:
        wait([child._connection, child._process.sentinel], PATIENCE_S)
        messages += child.receive()
    return messages + child.receive()


def test_a_child_that_dies_after_a_word_is_told_together_with_the_word(builder: Child) -> None:
    """Whoever hears the word and sees no process would take it for one that had finished."""
    builder.kill()
    messages = builder.receive()
    assert messages[0] == Ready()
    assert messages[1] == ChildFailed("The builder process ended unexpectedly (exit code -9).", "")
    assert builder.receive() == []
    assert not builder.send("anything")


def test_a_child_whose_pipe_is_closed_ends_by_itself_and_is_no_failure(builder: Child) -> None:
    assert builder.receive() == [Ready()]
    builder.stop(timeout_s=PATIENCE_S)
    assert builder._process.exitcode == 0


def test_a_child_that_fails_says_why_once_in_the_operators_words(tmp_path: Path) -> None:
    limit_threads()
    rig = lockstep_rig(SMALL_RIG)
    rings = RigRings.create("child", rig)
    job = EvaluateJob((tmp_path / "no-run",), (1,), None, 8, 10)
    child = Child("lockstep", "lockstep_process", (rig, rings.specs, job), tmp_path / "lockstep.log")
    try:
        failures = [message for message in heard(child) if isinstance(message, ChildFailed)]
    finally:
        child.stop()
        rings.close()
    (failure,) = failures
    assert failure.operator.startswith("There is no checkpoint in")
    assert "Traceback" in failure.trace
    assert failure.trace in (tmp_path / "lockstep.log").read_text()


def test_a_fault_of_the_program_is_told_with_its_type(tmp_path: Path) -> None:
    child = Child("builder", "builder_process", ((3,),), tmp_path / "builder.log")  # 3 is no folder
    try:
        (failure,) = [message for message in heard(child) if isinstance(message, ChildFailed)]
    finally:
        child.stop()
    assert failure.operator.startswith(("AttributeError", "TypeError"))
