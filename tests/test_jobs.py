"""The long tasks on the live rig, played through by hand: what they ask the studio for, and when they give up."""

import math
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from teleop_studio import jobs
from teleop_studio.evaluation.measures import TrialMeasures
from teleop_studio.evaluation.trials import TrialResult
from teleop_studio.processes.messages import TrialScore
from teleop_studio.status import InferenceHealth, JobStatus, RecorderHealth, State, StudioStatus

SUCCESS, NOTHING, TIPPED = TrialScore(True, "", "left"), TrialScore(False, "", ""), TrialScore(False, "tipped over", "")
RUN = Path("runs/flow-matching-001")


class Rig:
    """The part of a studio that a task uses, with an operator's luck decided in advance. Time is by hand.

    `scores` how each next scene ends. `calls` what was asked for, in order.
    """

    def __init__(self, scores: list[TrialScore]) -> None:
        self.status = StudioStatus(state=State.IDLE)
        self.executed_steps, self.solver_steps = 8, 10
        self.trial_shift = "dim"
        self.scene_ready, self.operator_busy = True, False
        self.trial_score: TrialScore | None = None
        self.newest_saved: Path | None = None
        self.calls: list[tuple[object, ...]] = []
        self.now_s = 100.0
        self.refusal = ""
        self.shares = (math.nan, math.nan)
        self.on_policy: list[StudioStatus] = []
        self._scores = iter(scores)
        self._saved = 0

    def new_scene(self, seed: int | None = None) -> None:
        self.calls.append(("new scene", seed))
        self._state(State.IDLE)
        self.trial_score = None

    def teleop(self) -> None:
        self.calls.append(("teleop",))
        self._state(State.TELEOP)

    def record(self, task: str = "", source: str = "human", extra: dict[str, object] | None = None) -> None:
        self.calls.append(("record", task, source, extra))
        self._state(State.RECORDING)

    def accept(self, outcome: str = "success") -> None:
        self.calls.append(("accept", outcome))
        self._saved += 1
        self.newest_saved = Path(f"{self._saved:06d}.h5")
        self._state(State.RESET)

    def discard(self) -> None:
        self.calls.append(("discard",))
        self._state(State.RESET)

    def scripted_operator(self, side: str, seed: int | None = None) -> None:
        self.calls.append(("operator", side, seed))
        self.trial_score = next(self._scores)

    def autonomous(self, run: Path, extra: dict[str, object] | None = None) -> None:
        self.calls.append(("autonomous", run, extra))
        if self.refusal:
            self.status = replace(self.status, notices=(*self.status.notices, self.refusal))
            return
        self._state(State.POLICY)
        self.trial_score = next(self._scores)

    def move_to_bin(self, path: Path) -> None:
        self.calls.append(("bin", path))

    def overlay_shares(self) -> tuple[float, float]:
        return self.shares

    def watch_trial(self) -> "Watch":
        return Watch()

    def named(self, name: str) -> list[tuple[object, ...]]:
        return [call for call in self.calls if call[0] == name]

    def _state(self, state: State) -> None:
        self.status = replace(self.status, state=state)


class Watch:
    """Sees a chunk each time it looks."""

    def __init__(self) -> None:
        self.looks = 0

    def follow(self) -> None:
        self.looks += 1

    def measured(self, executed_steps: int, solver_steps: int) -> TrialMeasures:
        return TrialMeasures(chunks=self.looks, executed_steps=executed_steps, solver_steps=solver_steps)


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    rig = Rig([])
    monkeypatch.setattr(jobs.time, "monotonic", lambda: rig.now_s)
    return rig


def luck(rig: Rig, *scores: TrialScore) -> Rig:
    rig._scores = iter(scores)
    return rig


def play(rig: Rig, job: Iterator[None], limit: int = 20_000) -> int:
    """Poll at 30 Hz until the task ends; returns how often."""
    for count in range(limit):
        try:
            next(job)
        except StopIteration:
            return count
        rig.now_s += 1 / 30
    raise AssertionError(f"the task did not end within {limit} polls")


def progress(total: int) -> jobs.Progress:
    return jobs.Progress(JobStatus("A task", 0, total))


def test_demonstrations_come_from_both_sides_in_turn_each_in_a_scene_of_its_own(rig: Rig) -> None:
    told = progress(3)
    play(luck(rig, SUCCESS, SUCCESS, SUCCESS), jobs.record_scripted(rig, told, 3, seed=40, task="grasp"))
    assert rig.named("operator") == [("operator", "left", 40), ("operator", "right", 41), ("operator", "left", 42)]
    assert rig.named("new scene") == [("new scene", seed) for seed in (40, 41, 42)]
    assert rig.named("record")[1] == ("record", "grasp", "scripted", {"seed": 41, "operator_side": "right"})
    assert rig.named("accept") == [("accept", "success")] * 3
    status = told.status
    assert (status.done, status.successes, status.left, status.right) == (3, 3, 2, 1)


def test_a_failed_demonstration_is_discarded_and_its_side_tried_again_elsewhere(rig: Rig) -> None:
    told = progress(2)
    play(luck(rig, SUCCESS, NOTHING, SUCCESS), jobs.record_scripted(rig, told, 2, seed=0, task=""))
    assert rig.named("operator") == [("operator", "left", 0), ("operator", "right", 1), ("operator", "right", 2)]
    assert [call[0] for call in rig.calls if call[0] in ("accept", "discard")] == ["accept", "discard", "accept"]
    assert told.status.done == 2


def test_an_operator_that_never_succeeds_ends_the_task_in_words(rig: Rig) -> None:
    luck(rig, *[NOTHING] * 100)
    with pytest.raises(jobs.JobFailed, match="failed in 12 of 12 attempts"):
        play(rig, jobs.record_scripted(rig, progress(1), 1, seed=0, task=""))
    assert len(rig.named("discard")) == 12


def test_a_take_begins_only_after_the_soft_start(rig: Rig) -> None:
    job = jobs.record_scripted(luck(rig, SUCCESS), progress(1), 1, seed=0, task="")
    while not rig.named("teleop"):
        next(job)
        rig.now_s += 1 / 30
    rig.status = replace(rig.status, alignment_gap=0.4)
    for _ in range(50):
        next(job)
    assert rig.named("record") == []
    rig.status = replace(rig.status, alignment_gap=0.0)
    next(job)
    assert len(rig.named("record")) == 1


def test_the_task_ends_only_when_the_last_file_is_built(rig: Rig) -> None:
    rig.status = replace(rig.status, recorder=RecorderHealth(building=1))
    job = jobs.record_scripted(luck(rig, SUCCESS), progress(1), 1, seed=0, task="")
    for _ in range(300):
        next(job)
        rig.now_s += 1 / 30
    assert rig.named("accept")
    rig.status = replace(rig.status, recorder=RecorderHealth(building=0))
    with pytest.raises(StopIteration):
        next(job)


@pytest.mark.parametrize(("broken", "what"), [("scene_ready", "new scene"), ("operator_busy", "scripted operator")])
def test_what_never_happens_is_named(rig: Rig, broken: str, what: str) -> None:
    setattr(rig, broken, broken == "operator_busy")
    with pytest.raises(jobs.JobFailed, match=f"Waited 30 s for the {what} in vain"):
        play(luck(rig, SUCCESS), jobs.record_scripted(rig, progress(1), 1, seed=0, task=""))


def test_a_trial_that_succeeds_is_kept_as_a_success(rig: Rig) -> None:
    results: list[TrialResult] = []
    told = progress(2)
    play(luck(rig, SUCCESS, TIPPED), jobs.evaluate(rig, told, [RUN], 2, seed=1000, keep=results.append))
    first, second = results
    assert (first.seed, first.success, first.failed, first.side, first.run) == (1000, True, "", "left", RUN.name)
    assert (second.seed, second.success, second.failed) == (1001, False, "tipped over")
    assert (first.live, first.shift) == (True, "dim")
    assert first.measured.chunks > 0
    assert (first.measured.executed_steps, first.measured.solver_steps) == (8, 10)
    assert [str(result.episode) for result in results] == ["000001.h5", "000002.h5"]
    assert rig.named("accept") == [("accept", "success"), ("accept", "failure")]
    assert rig.named("autonomous")[1] == ("autonomous", RUN, {"seed": 1001})
    assert (told.status.done, told.status.successes, told.status.left) == (2, 1, 1)


def test_every_run_is_tried_from_the_same_starts(rig: Rig) -> None:
    results: list[TrialResult] = []
    luck(rig, *[SUCCESS] * 4)
    play(rig, jobs.evaluate(rig, progress(4), [RUN, Path("runs/b")], 2, seed=7, keep=results.append))
    assert [(result.run, result.seed) for result in results] == [(RUN.name, 7), (RUN.name, 8), ("b", 7), ("b", 8)]


def ended(rig: Rig, trial: Generator[None, None, TrialResult]) -> TrialResult:
    """The result of a trial that is played to its end."""
    for _ in range(20_000):
        try:
            next(trial)
        except StopIteration as end:
            result: TrialResult = end.value
            return result
        rig.now_s += 1 / 30
    raise AssertionError("the trial did not end")


def one(rig: Rig) -> TrialResult:
    return ended(rig, jobs.one_trial(rig, RUN, 1000))


def test_a_trial_without_success_ends_when_its_time_is_over(rig: Rig) -> None:
    result = one(luck(rig, NOTHING))
    assert (result.success, result.failed, result.side) == (False, "time is over", "")
    assert result.duration_s == pytest.approx(jobs.TRIAL_LIMIT_S, abs=0.1)


def test_the_shares_of_a_trial_are_those_of_its_own_first_samples(rig: Rig) -> None:
    """The newest samples to be seen when a trial begins are those of the trial before it."""
    rig.shares = (0.9, 0.1)
    rig.status = replace(rig.status, inference=InferenceHealth(chunks=20))
    job = jobs.one_trial(luck(rig, NOTHING), RUN, 1000)
    for _ in range(30):
        next(job)
        rig.now_s += 1 / 30
    rig.shares = (0.25, 0.75)
    rig.status = replace(rig.status, inference=InferenceHealth(chunks=21))
    next(job)
    rig.shares = (0.0, 1.0)
    rig.status = replace(rig.status, inference=InferenceHealth(chunks=22))
    result = ended(rig, job)
    assert (result.left_samples, result.right_samples) == (0.25, 0.75)


def test_a_trial_whose_policy_never_answered_has_no_shares(rig: Rig) -> None:
    rig.shares = (0.9, 0.1)
    result = one(luck(rig, NOTHING))
    assert math.isnan(result.left_samples)
    assert math.isnan(result.right_samples)


def test_a_trial_that_somebody_stopped_is_no_result(rig: Rig) -> None:
    job = jobs.one_trial(luck(rig, NOTHING), RUN, 1000)
    for _ in range(30):
        next(job)
    rig.status = replace(rig.status, state=State.STOPPED)
    with pytest.raises(jobs.JobFailed, match="ended by hand or by a fault: the rig is stopped"):
        next(job)
    assert rig.named("accept") == []


def test_a_run_that_is_refused_ends_the_trial_at_once_with_the_reason(rig: Rig) -> None:
    rig.refusal = "The run flow-matching-001 can not be used. It has no checkpoint."
    start_s = rig.now_s
    with pytest.raises(jobs.JobFailed, match=r"can not be used\. It has no checkpoint"):
        one(rig)
    assert rig.now_s - start_s < 1.0


def test_a_run_may_take_its_time_to_load(rig: Rig) -> None:
    """Loading torch on a busy machine takes longer than the arm would be waited for."""
    luck(rig, SUCCESS)
    job = jobs.one_trial(rig, RUN, 1000)
    next(job)
    rig.status = replace(rig.status, state=State.IDLE, inference=InferenceHealth(loading=True))
    for _ in range(60 * 30):
        next(job)
        rig.now_s += 1 / 30
    rig.status = replace(rig.status, state=State.POLICY, inference=InferenceHealth(ready=True))
    result = ended(rig, job)
    assert result.success
    assert result.duration_s < 1.0  # loading is not counted


def test_every_layout_is_recorded_from_both_sides_under_one_name(rig: Rig) -> None:
    told = progress(4)
    play(luck(rig, *[SUCCESS] * 4), jobs.record_pairs(rig, told, 2, seed=70, task="grasp"))
    assert rig.named("operator") == [("operator", side, seed) for seed in (70, 71) for side in ("left", "right")]
    assert rig.named("record")[1] == (
        "record",
        "grasp",
        "scripted",
        {"seed": 70, "operator_side": "right", "pair": "layout-70"},
    )
    assert (told.status.done, told.status.left, told.status.right) == (4, 2, 2)
    assert rig.named("bin") == []


def test_a_layout_whose_second_side_failed_is_dropped_with_both_takes(rig: Rig) -> None:
    told = progress(2)
    play(luck(rig, SUCCESS, NOTHING, SUCCESS, SUCCESS), jobs.record_pairs(rig, told, 1, seed=0, task=""))
    assert rig.named("operator") == [("operator", side, seed) for seed in (0, 1) for side in ("left", "right")]
    assert rig.named("bin") == [("bin", Path("000001.h5"))]
    assert told.status.done == 2


def test_a_layout_whose_first_side_failed_is_not_tried_from_the_other(rig: Rig) -> None:
    play(luck(rig, NOTHING, SUCCESS, SUCCESS), jobs.record_pairs(rig, progress(2), 1, seed=0, task=""))
    assert rig.named("operator") == [("operator", "left", 0), ("operator", "left", 1), ("operator", "right", 1)]
    assert rig.named("bin") == []


def test_a_failed_attempt_that_the_studio_has_ended_is_a_result(rig: Rig) -> None:
    job = jobs.one_trial(luck(rig, NOTHING), RUN, 1000)
    for _ in range(30):
        next(job)
    rig.trial_score = TrialScore(False, "box fell", "left")
    rig.newest_saved = Path("000007.h5")
    rig.status = replace(rig.status, state=State.IDLE)
    result = ended(rig, job)
    assert (result.success, result.failed, result.side, result.episode) == (
        False,
        "box fell",
        "left",
        Path("000007.h5"),
    )
    assert rig.named("accept") == []
