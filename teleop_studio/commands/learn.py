"""The command "train"."""

import argparse
import contextlib
import json
import math
import time
from typing import Any

from teleop_studio.commands.driving import CommandFailed, say
from teleop_studio.session import StudioError
from teleop_studio.status import TrainingStatus
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
        "device": status.device,
        "best_step": status.best_step,
        "best_by": status.best_by,
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
    told = None
    asked = False
    while True:
        try:
            status = trainings.status()
            assert status is not None
            if not status.running and not trainings.starting:
                return status
            news = _news(status)
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


def _news(status: TrainingStatus) -> tuple[object, ...]:
    """What is worth a line when it changes: each 100 steps, each 30 s, a pause, another device."""
    begun = status.step > 0
    return begun, status.step // 100, status.elapsed_s // 30, status.prepared // 10, status.paused, status.device


def training_line(status: TrainingStatus) -> str:
    """One line of progress."""
    if status.step == 0 and status.note:
        return status.note
    if status.step == 0 and status.prepared < status.episodes:
        return f"{status.device}: pictures of {status.prepared}/{status.episodes} episodes are ready"
    held_out = "" if math.isnan(status.held_out_error) else f", held out {status.held_out_error:.4f} rad"
    if status.paused:
        how = "paused; the run goes on when it is resumed"
    elif math.isnan(status.eta_s):
        how = "begins"
    else:
        how = f"{status.steps_per_s:.1f} steps/s on {status.device}, {_minutes(status.eta_s)} to go"
    note = f" {status.note}" if status.note else ""
    return f"step {status.step}/{status.steps}, loss {status.loss:.4f}{held_out}, {how}{note}"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
