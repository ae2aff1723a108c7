"""Letting another machine train, as a process of its own session that stands in the trainer's place."""

import subprocess
import sys
from pathlib import Path

from teleop_studio.processes.training_launch import LOG

_ARGUMENTS = ("-m", "teleop_studio.processes.remote_process")


def launch_remote(run: Path) -> subprocess.Popen[bytes]:
    """Start what lets the host that `run` was assigned to train it; returns at once. Its log lies in `run`."""
    command = [sys.executable, *_ARGUMENTS, "--run", str(run)]
    with (run / LOG).open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
