"""Commands that open the window: gui, demo."""

import argparse
from typing import Any

from teleop_studio.commands.driving import CommandFailed, named_rig
from teleop_studio.commands.lesson import lesson
from teleop_studio.demo import DemoPlan, demo_script
from teleop_studio.pictures_ahead import PicturesAhead
from teleop_studio.rig import RigConfig
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace


def gui(options: argparse.Namespace) -> dict[str, Any]:
    """The window, until it is closed."""
    from ui.app import run

    workspace = Workspace.create(options.workspace)
    studio = Studio(named_rig(options.rig, workspace), workspace, options.seed)
    studio.pictures_ahead = PicturesAhead(workspace)
    try:
        code = run(studio)
    finally:
        studio.close()
    return {"workspace": str(workspace.root), "failed": code != 0}


def demo(options: argparse.Namespace) -> dict[str, Any]:
    """The main job, unattended, in the window; ends with a report. With `--lesson` the lesson, without a window."""
    if options.lesson:
        return lesson(options)
    from ui.app import run

    trials = options.trials or 30
    plan = DemoPlan.of(options.out.resolve(), options.fast, options.demonstrations, options.steps, trials)
    studio = Studio(RigConfig(), Workspace.create(plan.workspace), options.seed)
    result: dict[str, Any] = {}
    try:
        code = run(studio, demo_script(studio, plan, options.seed, result))
    finally:
        studio.close()
    if code != 0 or "report" not in result:
        raise CommandFailed("The demo did not reach its end. Its last lines say why.")
    return result
