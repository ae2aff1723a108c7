"""Drives a `Studio` without a window: polls it at 30 Hz and carries out the steps of a script."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from teleop_studio.commands.failed import CommandFailed as CommandFailed
from teleop_studio.rig import RigConfig, RigError
from teleop_studio.rig_file import load_rig
from teleop_studio.script import Say, Step, Wait
from teleop_studio.status import JobStatus, State
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace

_OPEN_PATIENCE_S = 60.0
_FORKS = ("simulated-fork", "simulated-fork-close")


def named_rig(name: str, workspace: Workspace) -> RigConfig:
    """A rig file, a name in the workspace's rigs, or one of the simulated rigs. Raises `RigError`."""
    if name == "simulated":
        return RigConfig()
    if name in _FORKS:
        return RigConfig(name=name, scene=name.removeprefix("simulated-"))
    for path in (Path(name), workspace.rigs / f"{name}.toml"):
        if path.is_file():
            return load_rig(path)
    known = sorted(path.stem for path in workspace.rigs.glob("*.toml"))
    raise RigError(
        f"There is no rig {name!r}. Known: {', '.join(('simulated', *_FORKS, *known))}; or give the path of a rig file."
    )


def run_script(studio: Studio, script: Iterator[Step]) -> None:
    """Poll and step until the script ends; its exceptions pass through."""
    while True:
        studio.poll()
        step = next(script, None)
        if step is None:
            return
        if isinstance(step, Say):
            say(step.text)
        if isinstance(step, Wait):
            time.sleep(1 / 30)


def say(text: str) -> None:
    """A line of progress, apart from the results on stdout."""
    print(text, file=sys.stderr, flush=True)


def opened(studio: Studio) -> Iterator[Step]:
    """Open the rig and wait until it holds. Raises `CommandFailed`."""
    studio.open()
    end_s = time.monotonic() + _OPEN_PATIENCE_S
    while studio.status.state is State.CLOSED:
        if studio.status.notices:
            raise CommandFailed(f"The rig {studio.rig.name} can not be opened. {studio.status.notices[-1]}")
        if time.monotonic() > end_s:
            raise CommandFailed(f"The rig {studio.rig.name} did not come up within {_OPEN_PATIENCE_S:.0f} s.")
        yield Wait()
    yield Say(f"The rig {studio.rig.name} is open.")


def until_job_ends(studio: Studio, stop: Callable[[], bool] = lambda: False) -> Iterator[Step]:
    """Wait for the running task, telling its progress. Raises `CommandFailed` with what it said."""
    told = -1
    yield Wait()  # until the next poll the status still shows the task before
    while (job := studio.status.job) is None or not job.finished:
        if job is not None and job.done != told:
            told = job.done
            yield Say(_progress(job))
        if stop():
            return
        yield Wait()
    if job.error:
        raise CommandFailed(f"{job.title} ended early. {job.error}")


def _progress(job: JobStatus) -> str:
    sides = f" (left {job.left}, right {job.right})" if job.left + job.right else ""
    return f"{job.title}: {job.done}/{job.total}, {job.successes} succeeded{sides}. {job.detail}"
