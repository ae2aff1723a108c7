"""The command `stop`: STOP for every rig that this user has open, past its window."""

import argparse
from typing import Any

from teleop_studio.commands.failed import CommandFailed
from teleop_studio.processes.stop_channel import NoStopChannel, stop_all


def stop(options: argparse.Namespace) -> dict[str, Any]:
    """Let the arm of every open rig hold, or go limp, and tell how many have confirmed it."""
    try:
        report = stop_all(options.torque_off)
    except NoStopChannel as error:
        raise CommandFailed(str(error)) from error
    if not options.json:
        done = "made limp" if options.torque_off else "stopped"
        print(f"{report.stopped} rig{'' if report.stopped == 1 else 's'} {done}." if report.stopped else _NOBODY)
        for place in report.silent:
            print(f"The rig at {place} did not confirm. Cut the power of its arm.")
    return {"stopped": report.stopped, "silent": list(report.silent), "failed": bool(report.silent)}


_NOBODY = "No open rig of yours was found."
