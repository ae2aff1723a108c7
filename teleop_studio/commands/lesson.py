"""The lesson from the command line: the same as one click on the Train page, with any numbers."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from teleop_studio.commands.driving import CommandFailed, run_script
from teleop_studio.lesson_plan import LessonPlan
from teleop_studio.rig import RigConfig
from teleop_studio.script import Say, Step, Wait
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace


def lesson(options: argparse.Namespace) -> dict[str, Any]:
    """Record, train, try and draw into `--out`; Ctrl-C keeps what is done, the same command goes on from there."""
    asked = {name: getattr(options, name) for name in ("pairs", "steps", "trials")}
    plan = LessonPlan(options.scene, seeds=options.seeds, **{k: v for k, v in asked.items() if v is not None})
    return run_lesson(plan, options.out.resolve())


def run_lesson(
    plan: LessonPlan, out: Path, data: Path | None = None, runs: dict[tuple[str, int], Path] | None = None
) -> dict[str, Any]:
    """What `lesson.json` says in the end. `data` and `runs` what is recorded and trained already."""
    studio = Studio(RigConfig(), Workspace.create(out / "workspace"))
    try:
        studio.lessons.start(plan, out, data, runs)
        run_script(studio, _until_it_ends(studio))
    except KeyboardInterrupt:
        if studio.lessons.running:
            studio.cancel_lesson()
        raise
    finally:
        studio.close()
    status = studio.lessons.status
    assert status is not None
    if status.error or status.report is None:
        raise CommandFailed(f"The lesson ended early. {status.error}")
    numbers: dict[str, Any] = json.loads((out / "lesson.json").read_text())
    return {"report": str(status.report), "figure": str(status.figure), **numbers}


def _until_it_ends(studio: Studio) -> Iterator[Step]:
    told = (-1, -1)
    yield Wait()
    while (status := studio.lessons.status) is not None and not status.finished:
        # Twenty lines a phase, however many takes, steps or trials it has.
        news = (status.phase, 20 * status.done // max(status.total, 1))
        if news != told:
            told = news
            part = f"Part {status.phase + 1} of {len(status.phases)}, {status.phases[status.phase]}"
            left = f"about {status.eta_s / 60:.0f} min to go"
            yield Say(f"{part}: {status.done} of {status.total}, {left}. {status.detail}")
        yield Wait()
    if status is not None and not status.error:
        for score in status.scores:
            low, high = 100 * score.low, 100 * score.high
            yield Say(f"{score.title}: {score.successes} of {score.trials} ({low:.0f} to {high:.0f} %)")
        yield Say(status.verdict)
        yield Say(f"The figure is {status.figure}, the report {status.report}.")
