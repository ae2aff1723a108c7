"""Training as a process of its own session: it survives the window, and only its run folder tells about it."""

import os
import subprocess
import sys
from pathlib import Path

LOG = "trainer.log"
_ARGUMENTS = ("-m", "teleop_studio.processes.trainer_process")


def launch_training(
    run: Path, data: tuple[Path, ...], policy: str, steps: int, cache: Path, resume: bool = False
) -> subprocess.Popen[bytes]:
    """Start training into `run` on the episodes in the folders `data`; returns at once. Its log lies in `run`.

    `cache` the folder of reduced pictures that all runs share.
    """
    run.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, *_ARGUMENTS, "--run", str(run), "--policy", policy, "--steps", str(steps)]
    command += ["--cache", str(cache)]
    for folder in data:
        command += ["--data", str(folder)]
    if resume:
        command.append("--resume")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with (run / LOG).open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment
        )
