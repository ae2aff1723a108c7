"""Training is the least important thing on the machine: an arm may be live beside it."""

import contextlib
import os
import sys
from pathlib import Path

import psutil

LOWEST_PRIORITY = 19
_AUTOGROUP = Path("/proc/self/autogroup")


def step_back(niceness: int = LOWEST_PRIORITY) -> None:
    """Let everybody else go first: processor, disk, and no core taken from somebody in the middle of his work.

    For the calling process and those that it starts. Never the idle class: a busy neighbour would starve the training,
    and a process without rights can not leave it again.
    """
    os.nice(max(0, niceness - os.nice(0)))
    if niceness > 0 and sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        psutil.Process().ionice(psutil.IOPRIO_CLASS_BE, 7)
        _step_back_as_session(niceness)


def _step_back_as_session(niceness: int) -> None:
    """Linux shares the processor among sessions and weighs niceness only within each of them (sched(7), autogroup).

    A trainer in a session of its own would take half a core from the window whatever its niceness. Only the leader
    of a session speaks for it: another one's session is somebody's terminal or window.
    """
    if os.getsid(0) == os.getpid() and _AUTOGROUP.exists():
        with contextlib.suppress(OSError):  # a container without the right, or too soon after another one
            _AUTOGROUP.write_text(str(niceness))
