"""The main job from end to end, unattended: record, train, deploy, try, report."""

import math
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teleop_studio.commands.driving import CommandFailed, opened, until_job_ends
from teleop_studio.commands.evaluate import summary_line, summary_object
from teleop_studio.commands.learn import training_line
from teleop_studio.script import Picture, Say, Show, Step, Wait
from teleop_studio.status import State, TrainingStatus
from teleop_studio.studio import Studio
from teleop_studio.train_choices import TrainChoices

TRIAL_SEED = 1000  # unseen: demonstrations start at layout 0
PAGES = ("record", "train", "deploy", "compare")


@dataclass(frozen=True)
class DemoPlan:
    """How much of everything. `folder` gets report.html, the pictures and the workspace."""

    folder: Path
    fast: bool
    demonstrations: int
    steps: int
    trials: int

    @classmethod
    def of(cls, folder: Path, fast: bool, demonstrations: int | None, steps: int | None, trials: int) -> "DemoPlan":
        """Defaults that fit the time: 15 minutes in real time, 10 in lock-step, on two cores."""
        return cls(folder, fast, demonstrations or (60 if fast else 44), steps or 3500, trials)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"


def demo_script(studio: Studio, plan: DemoPlan, seed: int, result: dict[str, Any]) -> Iterator[Step]:
    """All steps; what came of them lies in `result` at the end. Raises `CommandFailed`."""
    start_s = time.monotonic()
    took: dict[str, float] = {}

    def lap(name: str) -> None:
        took[name] = time.monotonic() - start_s - sum(took.values())

    yield Say(f"Everything of this demo goes into {plan.folder}.")
    yield Show("record")
    yield from opened(studio)
    lap("start")
    yield from _record(studio, plan, seed)
    lap("record")
    run = studio.train(TrainChoices(steps=plan.steps))
    yield Show("train")
    yield from _train(studio, plan)
    lap("train")
    yield Show("deploy")
    yield from _try(studio, plan, run)
    lap("trials")
    yield from _compare(studio, plan)
    yield from _report(studio, plan, run, took, result)


def _record(studio: Studio, plan: DemoPlan, seed: int) -> Iterator[Step]:
    studio.record_scripted(plan.demonstrations, fast=plan.fast, seed=seed)
    half = plan.demonstrations // 2
    pictured = False
    for step in until_job_ends(studio):
        yield step
        job = studio.status.job
        busy = plan.fast or studio.status.episode_clock_s > 2.5
        if not pictured and job is not None and job.done >= half and busy:
            pictured = True
            yield Picture("record", plan.folder / "record.png")


def _train(studio: Studio, plan: DemoPlan) -> Iterator[Step]:
    told, pictured = -1, False
    while True:
        status = studio.status.training
        if status is not None:
            if status.error:
                raise CommandFailed(f"The training failed. {status.error}")
            if status.finished:
                yield Say(training_line(status))
                return
            if status.step and status.step // 250 != told:
                told = status.step // 250
                yield Say(training_line(status))
            if not pictured and status.step > 0.6 * status.steps:
                pictured = True
                yield Picture("train", plan.folder / "train.png")
        yield Wait()


def _try(studio: Studio, plan: DemoPlan, run: Path) -> Iterator[Step]:
    # One trial in real time on the live rig, whatever the rest does: this is what the operator would see.
    live = 1 if plan.fast else plan.trials
    picture = Picture("deploy", plan.folder / "deploy.png")
    pictured = False
    studio.evaluate([run], live, TRIAL_SEED, fast=False)
    for step in until_job_ends(studio):
        yield step
        if not pictured and _torn(studio):
            pictured = True
            yield picture
    if plan.fast:
        studio.evaluate([run], plan.trials - live, TRIAL_SEED + live, fast=True)
        yield from until_job_ends(studio)


def _torn(studio: Studio) -> bool:
    """Whether the policy drives and sees both ways: the moment that the picture of the Deploy page shall show."""
    overlay = studio.overlay
    if studio.status.state is not State.POLICY or overlay is None:
        return False
    fresh = time.monotonic_ns() - overlay.stamp_ns < 250_000_000
    return fresh and min(overlay.left_share, overlay.right_share) > 0.2


def _compare(studio: Studio, plan: DemoPlan) -> Iterator[Step]:
    yield Show("compare")
    end_s = time.monotonic() + 2.0
    while time.monotonic() < end_s:
        yield Wait()
    for page in PAGES:
        if not (plan.folder / f"{page}.png").exists():
            yield Picture(page, plan.folder / f"{page}.png")
    for page in PAGES:
        yield Picture(page, plan.folder / f"{page}-large.png", 1920, 1080)


def _report(
    studio: Studio, plan: DemoPlan, run: Path, took: dict[str, float], result: dict[str, Any]
) -> Iterator[Step]:
    from teleop_studio.demo_report import write_demo_report

    # The sides of the demonstrations are measured one at a time by `poll`.
    studio.episodes()
    while studio.library.measuring:
        yield Wait()
    summary = studio.tasks.sheet.summary(run.name)
    training = studio.status.training
    assert training is not None
    path = write_demo_report(studio, plan, run, training, took)
    result.update(
        report=str(path),
        demonstrations=len(studio.episodes()),
        training=training_object(training),
        took_s={name: round(seconds, 1) for name, seconds in took.items()},
        total_s=round(sum(took.values()), 1),
        **summary_object(summary),
    )
    yield Say(summary_line(summary))
    yield Say(f"The report is {path}.")


def training_object(status: TrainingStatus) -> dict[str, Any]:
    """What is worth keeping of a training."""
    return {
        "steps": status.step,
        "elapsed_s": round(status.elapsed_s, 1),
        "loss": status.loss,
        "held_out_error": None if math.isnan(status.held_out_error) else status.held_out_error,
        "python": platform.python_version(),
    }
