"""Long tasks on the live rig, written as an operator would do them: generators that wait for what they see."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from teleop_studio.evaluation.measures import TrialMeasures
from teleop_studio.evaluation.trials import TrialResult
from teleop_studio.policies.checkpoint_folder import run_of
from teleop_studio.processes.messages import TrialScore
from teleop_studio.status import JobStatus, State, StudioStatus

SIDES = ("left", "right")
TRIAL_LIMIT_S = 10.0
_SETTLE_S = 0.4
_PATIENCE_S = 30.0
_LOADING_PATIENCE_S = 180.0  # loading torch takes its time on a busy machine


class JobFailed(Exception):
    """The task can not go on; the sentence says why."""


class Watched(Protocol):
    """The part of `TrialWatch` a task uses."""

    def follow(self) -> None: ...
    def measured(self, executed_steps: int, solver_steps: int) -> TrialMeasures: ...


class Operated(Protocol):
    """The part of `Studio` a task uses."""

    status: StudioStatus

    @property
    def executed_steps(self) -> int: ...
    @property
    def solver_steps(self) -> int: ...
    @property
    def scene_ready(self) -> bool: ...
    @property
    def operator_busy(self) -> bool: ...
    @property
    def trial_score(self) -> TrialScore | None: ...
    @property
    def newest_saved(self) -> Path | None: ...
    def new_scene(self, seed: int | None = None) -> None: ...
    def teleop(self) -> None: ...
    def record(self, task: str = "", source: str = "human", extra: dict[str, object] | None = None) -> None: ...
    def accept(self, outcome: str = "success") -> None: ...
    def discard(self) -> None: ...
    def scripted_operator(self, side: str, seed: int | None = None) -> None: ...
    def autonomous(self, run: Path, extra: dict[str, object] | None = None) -> None: ...
    def move_to_bin(self, path: Path) -> None: ...
    def overlay_shares(self) -> tuple[float, float]: ...
    def watch_trial(self) -> Watched: ...
    @property
    def trial_shift(self) -> str: ...


@dataclass
class Progress:
    """What the window shows of a task."""

    status: JobStatus

    def tell(self, **changes: object) -> None:
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]


def record_scripted(studio: Operated, progress: Progress, episodes: int, seed: int, task: str) -> Iterator[None]:
    """`episodes` successful demonstrations through the leader arm, sides in turn; failed ones are discarded."""
    kept = tried = 0
    while kept < episodes:
        if tried >= 2 * episodes + 10:
            raise JobFailed(f"The scripted operator failed in {tried - kept} of {tried} attempts.")
        side, layout = SIDES[kept % 2], seed + tried
        tried += 1
        progress.tell(detail=f"Demonstration {kept + 1}, from the {side}.")
        if (yield from _attempt(studio, side, layout, task, {})):
            studio.accept("success")
            kept += 1
            left, right = progress.status.left + (side == "left"), progress.status.right + (side == "right")
            progress.tell(done=kept, successes=kept, left=left, right=right)
        else:
            studio.discard()
    yield from _until(lambda: studio.status.recorder.building == 0, "episode files")


def record_pairs(studio: Operated, progress: Progress, layouts: int, seed: int, task: str) -> Iterator[None]:
    """`layouts` layouts, each from the left and from the right; one at which either side failed is not used."""
    kept = tried = 0
    while kept < layouts:
        if tried >= 2 * layouts + 10:
            raise JobFailed(f"The scripted operator failed on one side of {tried - kept} of {tried} layouts.")
        layout = seed + tried
        tried += 1
        takes: list[Path] = []
        for side in SIDES:
            progress.tell(detail=f"Layout {kept + 1} of {layouts}, from the {side}.")
            if not (yield from _attempt(studio, side, layout, task, {"pair": f"layout-{layout}"})):
                studio.discard()
                break
            saved = studio.newest_saved
            studio.accept("success")
            yield from _until(lambda saved=saved: studio.newest_saved != saved, "episode file")  # type: ignore[misc]
            assert studio.newest_saved is not None
            takes.append(studio.newest_saved)
        if len(takes) == len(SIDES):
            kept += 1
            progress.tell(done=2 * kept, successes=2 * kept, left=kept, right=kept)
        else:
            for take in takes:  # its other side failed
                studio.move_to_bin(take)


def _attempt(
    studio: Operated, side: str, layout: int, task: str, extra: dict[str, object]
) -> Generator[None, None, bool]:
    """One scripted grasp in a scene of its own, up to where the take is kept or not; returns whether it succeeded."""
    yield from _fresh_scene(studio, layout)
    studio.teleop()
    yield from _until(lambda: studio.status.state is State.TELEOP and not _aligning(studio), "soft start")
    studio.record(task, "scripted", {"seed": layout, "operator_side": side, **extra})
    studio.scripted_operator(side, layout)
    yield from _until(lambda: not studio.operator_busy, "scripted operator")
    yield from _pause(_SETTLE_S)
    return _succeeded(studio)


def evaluate(
    studio: Operated,
    progress: Progress,
    runs: list[Path],
    trials: int,
    seed: int,
    keep: Callable[[TrialResult], None],
) -> Iterator[None]:
    """`trials` starts for each run on the live rig, the same layouts for all; each trial is recorded."""
    done = successes = left = right = 0
    for run in runs:
        for layout in range(seed, seed + trials):
            progress.tell(detail=f"{run_of(run).name}, start {layout - seed + 1}.")
            yield from _fresh_scene(studio, layout)
            result = yield from one_trial(studio, run, layout)
            keep(result)
            done += 1
            successes += result.success
            left += result.side == "left"
            right += result.side == "right"
            progress.tell(done=done, successes=successes, left=left, right=right)


def one_trial(studio: Operated, run: Path, layout: int) -> Generator[None, None, TrialResult]:
    """Let `run` drive until it succeeds, fails or the time is over; returns the `TrialResult`."""
    chunks, said = studio.status.inference.chunks, studio.status.notices[-1:]
    watch = studio.watch_trial()
    studio.autonomous(run, {"seed": layout})
    yield from _until_driving(studio, run, said)
    yield from _until(lambda: not _aligning(studio), "soft start")
    start_s, saved = time.monotonic(), studio.newest_saved
    shares: tuple[float, float] | None = None
    while studio.status.state is State.POLICY and time.monotonic() - start_s < TRIAL_LIMIT_S:
        # Until its first chunk is counted, the samples to be seen are those of the trial before.
        if shares is None and studio.status.inference.chunks > chunks:
            shares = studio.overlay_shares()
        watch.follow()
        score = studio.trial_score
        if score is not None and (score.success or score.failed):
            break
        yield
    score = studio.trial_score
    ended = studio.status.state is not State.POLICY
    # The studio ends a failed attempt by itself, before this is asked: the follower holds already.
    if ended and not (score is not None and score.failed and studio.status.state is State.IDLE):
        raise JobFailed(f"The trial was ended by hand or by a fault: the rig is {studio.status.state}.")
    duration_s = time.monotonic() - start_s
    watch.follow()
    measured = watch.measured(studio.executed_steps, studio.solver_steps)
    success = score is not None and score.success
    failed = "" if success else (score.failed or score.out_of_time if score else "time is over")
    if not ended:
        # Nobody scores a real rig: the operator labels the trial afterwards.
        studio.accept("success" if success else "unrated" if score is None else "failure")
    yield from _until(lambda: studio.newest_saved != saved, "episode file")
    left_samples, right_samples = shares or (float("nan"), float("nan"))
    return TrialResult(
        seed=layout,
        success=success,
        failed=failed,
        side=score.side if score else "",
        duration_s=duration_s,
        run=run_of(run).name,
        episode=studio.newest_saved,
        left_samples=left_samples,
        right_samples=right_samples,
        measured=measured,
        scene=studio.status.scene,
        shift=studio.trial_shift,
        live=True,
    )


def _fresh_scene(studio: Operated, layout: int) -> Iterator[None]:
    studio.new_scene(layout)
    yield from _until(lambda: studio.scene_ready, "new scene")
    yield from _pause(_SETTLE_S)


def _until_driving(studio: Operated, run: Path, said: tuple[str, ...]) -> Iterator[None]:
    """Wait for the run to be loaded; one that is refused ends the task with what was said of it after `said`."""
    end_s = time.monotonic() + _LOADING_PATIENCE_S
    yield
    while studio.status.state is not State.POLICY:
        if not studio.status.inference.loading:
            news = studio.status.notices[-1:]
            raise JobFailed(news[0] if news and news != said else f"The run {run_of(run).name} was not started.")
        if time.monotonic() > end_s:
            raise JobFailed(f"Waited {_LOADING_PATIENCE_S:.0f} s for the run {run_of(run).name} to be loaded in vain.")
        yield


def _aligning(studio: Operated) -> bool:
    return studio.status.alignment_gap > 0


def _succeeded(studio: Operated) -> bool:
    return studio.trial_score is not None and studio.trial_score.success


def _until(done: Callable[[], bool], what: str) -> Iterator[None]:
    end_s = time.monotonic() + _PATIENCE_S
    yield
    while not done():
        if time.monotonic() > end_s:
            raise JobFailed(f"Waited {_PATIENCE_S:.0f} s for the {what} in vain.")
        yield


def _pause(seconds: float) -> Iterator[None]:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        yield
