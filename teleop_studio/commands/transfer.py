"""Commands that take episodes to other programs and back: export, import."""

import argparse
import time
from typing import Any

from recorders.exporters.export import Exported
from recorders.importers.foreign import ImportWish
from recorders.importers.importing import Imported
from teleop_studio.commands.driving import CommandFailed, say
from teleop_studio.status import JobStatus
from teleop_studio.transfer import TransferJob, choose, export_plan, import_plan
from teleop_studio.workspace import Workspace

_POLL_S = 0.05
_TELL_S = 2.0


def export(options: argparse.Namespace) -> dict[str, Any]:
    """Export what a training would learn from, or the wished outcomes; what is left out is told with the reason."""
    data = options.data or [options.workspace.expanduser() / "episodes"]
    for path in data:
        if not path.exists():
            raise CommandFailed(f"There is no {path}. Give episode files or folders of episodes.")
    chosen, left_out = choose(data, tuple(options.outcome or ()))
    for path, why in left_out:
        say(f"Left out: {path.name}, {why}.")
    if not chosen:
        raise CommandFailed(f"There is nothing to export: {len(left_out)} episodes were found, all left out.")
    done = _finished(TransferJob(export_plan(options.format, chosen, options.out, options.fps)))
    assert isinstance(done, Exported)
    return {
        "format": options.format,
        "out": str(done.folder),
        "episodes": done.episodes,
        "rows": done.rows,
        "fps": done.fps,
        "left_out": [{"episode": str(path), "why": why} for path, why in left_out],
    }


def import_data(options: argparse.Namespace) -> dict[str, Any]:
    """Import everything that can be; exit code 1 when an episode had to be left out."""
    folder = options.out or Workspace.create(options.workspace).episodes
    wish = ImportWish(options.unit, options.task, options.fps, options.source, tuple(options.state))
    done = _finished(TransferJob(import_plan(options.format, options.data, folder, wish)))
    assert isinstance(done, Imported)
    for remark in done.remarks:
        say(remark)
    for name, why in done.refused:
        say(f"Not imported: {name}. {why}")
    return {
        "format": options.format,
        "out": str(folder),
        "episodes": [str(path) for path in done.episodes],
        "refused": [{"episode": name, "why": why} for name, why in done.refused],
        "remarks": list(done.remarks),
        "failed": bool(done.refused),
    }


def _finished(job: TransferJob) -> Exported | Imported:
    """What came of it, its progress told on the way. Raises `CommandFailed` with what it said."""
    try:
        status = _follow(job)
    finally:
        job.close()
    if job.result is None:
        raise CommandFailed(f"{status.title} ended early. {status.error or 'It was cancelled.'}")
    say(status.detail)
    return job.result


def _follow(job: TransferJob) -> JobStatus:
    told_s = 0.0
    said = ""
    while not (status := job.poll()).finished:
        if status.detail != said and time.monotonic() - told_s >= _TELL_S:
            told_s, said = time.monotonic(), status.detail
            say(f"{status.title}: {status.done}/{status.total}. {status.detail}")
        time.sleep(_POLL_S)
    return status
