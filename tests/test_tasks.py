"""The one long task: only one at a time, and what goes wrong in it is told once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from teleop_studio.live import Notices
from teleop_studio.processes.lockstep_plan import RecordJob
from teleop_studio.rig import RigConfig
from teleop_studio.session import StudioError
from teleop_studio.status import State, StudioStatus
from teleop_studio.tasks import Tasks
from teleop_studio.workspace import Workspace


class Refusing:
    """A studio whose rig does not give a new scene; `waiting` True: it only never comes."""

    def __init__(self, waiting: bool = False) -> None:
        self.status = StudioStatus(state=State.IDLE)
        self.executed_steps = 8
        self.scene_ready, self.operator_busy = False, False
        self.trial_score = self.newest_saved = None
        self.waiting = waiting

    def new_scene(self, seed: int | None = None) -> None:
        if not self.waiting:
            raise StudioError("The table is on fire. Put it out first.")

    def teleop(self) -> None: ...
    def record(self, task: str = "", source: str = "human", extra: dict[str, object] | None = None) -> None: ...
    def accept(self, outcome: str = "success") -> None: ...
    def discard(self) -> None: ...
    def scripted_operator(self, side: str, seed: int | None = None) -> None: ...
    def autonomous(self, run: Path, extra: dict[str, object] | None = None) -> None: ...
    def move_to_bin(self, path: Path) -> None: ...
    def overlay_shares(self) -> tuple[float, float]:
        return 0.0, 0.0


@pytest.fixture
def tasks(tmp_path: Path) -> Iterator[Tasks]:
    tasks = Tasks(Workspace.create(tmp_path / "workspace"))
    yield tasks
    tasks.close()


def test_what_the_rig_refuses_ends_the_task_with_its_words(tasks: Tasks) -> None:
    notices = Notices()
    tasks.record_live(Refusing(), 3, 0, "grasp")
    tasks.step(notices)
    status = tasks.status
    assert status is not None
    assert status.finished
    assert status.error == "The table is on fire. Put it out first."
    assert notices.said == (status.error,)


def test_the_words_of_a_task_that_failed_do_not_come_again_after_later_notices(tasks: Tasks) -> None:
    notices = Notices()
    tasks.record_live(Refusing(), 3, 0, "grasp")
    tasks.step(notices)
    notices.add("The camera was moved.")
    for _ in range(3):
        tasks.step(notices)
    assert notices.said[1:] == ("The camera was moved.",)


def test_the_same_failure_of_the_next_task_is_told_again(tasks: Tasks) -> None:
    notices = Notices()
    for _ in range(2):
        tasks.record_live(Refusing(), 3, 0, "grasp")
        tasks.step(notices)
        notices.add("Something else.")
    assert len(notices.said) == 4


def test_only_one_task_runs_at_a_time(tasks: Tasks, tmp_path: Path) -> None:
    tasks.record_live(Refusing(waiting=True), 3, 0, "grasp")
    tasks.step(Notices())
    with pytest.raises(StudioError, match="A task is running already"):
        tasks.evaluate_live(Refusing(), [tmp_path], 1, 0)
    with pytest.raises(StudioError, match="A task is running already"):
        tasks.record_fast(RigConfig(), RecordJob(1, 0, tmp_path, ""))
    assert tasks.status is not None
    assert tasks.status.title == "Recording 3 demonstrations"


def test_a_cancelled_task_on_the_live_rig_says_that_a_take_may_be_running(tasks: Tasks) -> None:
    assert not tasks.cancel()
    tasks.record_live(Refusing(waiting=True), 3, 0, "grasp")
    tasks.step(Notices())
    assert tasks.cancel()
    assert tasks.status is not None
    assert (tasks.status.finished, tasks.status.error, tasks.status.detail) == (True, "", "Cancelled.")
    assert not tasks.cancel()
    tasks.record_live(Refusing(waiting=True), 1, 0, "grasp")  # the next one may begin


def test_a_fault_of_the_program_in_a_task_is_not_swallowed(tasks: Tasks) -> None:
    studio = Refusing()
    del studio.scene_ready
    studio.waiting = True
    tasks.record_live(studio, 1, 0, "")
    tasks.step(Notices())
    with pytest.raises(AttributeError, match="scene_ready"):
        tasks.step(Notices())
