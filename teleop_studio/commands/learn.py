"""Commands about policies: train, evaluate."""

import argparse
import contextlib
import json
import math
import time
from collections.abc import Iterator
from typing import Any

from teleop_studio.commands.driving import CommandFailed, named_rig, opened, run_script, say, until_job_ends
from teleop_studio.evaluation.trials import RunSummary
from teleop_studio.script import Say, Step, Wait
from teleop_studio.session import StudioError
from teleop_studio.status import TrainingStatus
from teleop_studio.studio import Studio
from teleop_studio.train_choices import TrainChoices
from teleop_studio.trainings import Trainings
from teleop_studio.workspace import Workspace


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train in the background process, follow it, and stop-and-keep on Ctrl-C."""
    workspace = Workspace.create(options.workspace)
    trainings = Trainings(workspace)
    if options.resume:
        if options.out is None:
            raise CommandFailed("--resume needs the run to go on with: --out RUN.")
        run = options.out.resolve()
        trainings.resume(run, options.steps)
    else:
        run = trainings.start(train_choices(options))
    status = _follow(trainings)
    if status.error:
        raise CommandFailed(f"The training {run.name} failed. {status.error}")
    return {
        "run": str(run),
        "step": status.step,
        "steps": status.steps,
        "loss": status.loss,
        "held_out_error": None if math.isnan(status.held_out_error) else status.held_out_error,
        "elapsed_s": round(status.elapsed_s, 1),
        "finished": status.finished,
    }


def train_choices(options: argparse.Namespace) -> TrainChoices:
    """What the command line asks for. Raises `CommandFailed` for a setting without a value."""
    training = _settings(options.train_set)
    if options.processes is not None:
        training["processes"] = options.processes
    return TrainChoices(
        policy=options.policy,
        steps=options.steps,
        data=tuple(options.data or ()),
        out=options.out,
        policy_settings=_settings(options.set),
        training=training,
        weights=options.weights,
        device=options.device,
        host=options.host,
        seed=options.seed,
    )


def _settings(given: list[str] | None) -> dict[str, Any]:
    """NAME=VALUE each; a value that is JSON (a number, true, a list) counts as that, else as text."""
    found: dict[str, Any] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CommandFailed(f"{text!r} sets nothing. Write it as NAME=VALUE, for example width=128.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _follow(trainings: Trainings) -> TrainingStatus:
    told = (-1, -1)
    asked = False
    while True:
        try:
            status = trainings.status()
            assert status is not None
            if not status.running and not trainings.starting:
                return status
            news = (status.step // 100, status.prepared // 10)
            if status.running and news != told:
                told = news
                say(training_line(status))
            time.sleep(0.5)
        except KeyboardInterrupt:
            if asked:
                raise
            asked = True
            say("Stopping after this step; the run is kept and can be resumed.")
            with contextlib.suppress(StudioError):  # it has just ended by itself
                trainings.stop()


def training_line(status: TrainingStatus) -> str:
    """One line of progress."""
    if status.step == 0 and status.prepared < status.episodes:
        return f"pictures of {status.prepared}/{status.episodes} episodes are ready"
    held_out = "" if math.isnan(status.held_out_error) else f", held out {status.held_out_error:.4f} rad"
    return (
        f"step {status.step}/{status.steps}, loss {status.loss:.4f}{held_out}, "
        f"{status.steps_per_s:.1f} steps/s, {status.eta_s:.0f} s to go"
    )


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Success of each run with its interval, and the sides."""
    workspace = Workspace.create(options.workspace)
    rig = named_rig(options.rig, workspace)
    if not rig.simulated:
        raise CommandFailed(f"{rig.name} is a real rig: only the simulated one can score trials by itself.")
    options.run = [run.resolve() for run in options.run]
    names = [run.name for run in options.run]
    if len(set(names)) < len(names):
        raise CommandFailed(f"Two of the runs are called {names[0]}. Rename one: trials are told apart by that name.")
    studio = Studio(rig, workspace)
    try:
        run_script(studio, _evaluation(studio, options))
        runs = [studio.tasks.sheet.summary(name) for name in names]
    finally:
        studio.close()
    for summary in runs:
        say(summary_line(summary))
    result: dict[str, Any] = {"seed": options.seed, "runs": [summary_object(summary) for summary in runs]}
    if len(runs) == 2:
        comparison = studio.tasks.sheet.compare(runs[0].run, runs[1].run)
        result["paired"] = {"p": comparison.p_value}
        say(f"Paired comparison on the same starts: p = {comparison.p_value:.3f} (exact McNemar).")
    return result


def _evaluation(studio: Studio, options: argparse.Namespace) -> Iterator[Step]:
    if options.live:
        yield from opened(studio)
    studio.evaluate(options.run, options.trials, options.seed, fast=not options.live)
    yield from until_job_ends(studio)
    yield Say("All starts are done.")
    yield Wait()


def summary_line(summary: RunSummary) -> str:
    """Successes with their interval, in words."""
    low, high = summary.interval.low, summary.interval.high
    return (
        f"{summary.run}: {summary.successes} of {summary.trials} succeeded "
        f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %), left {summary.left}, right {summary.right}."
    )


def summary_object(summary: RunSummary) -> dict[str, Any]:
    """The same for scripts."""
    return {
        "run": summary.run,
        "trials": summary.trials,
        "successes": summary.successes,
        "interval": [summary.interval.low, summary.interval.high],
        "left": summary.left,
        "right": summary.right,
        "left_samples": None if math.isnan(summary.left_samples) else summary.left_samples,
        "right_samples": None if math.isnan(summary.right_samples) else summary.right_samples,
        "failures": summary.failures,
    }
