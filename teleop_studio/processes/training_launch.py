"""Training as a process of its own session: it survives the window, and only its run folder tells about it."""

import os
import subprocess
import sys
from pathlib import Path

LOG = "trainer.log"
_ARGUMENTS = ("-m", "teleop_studio.processes.trainer_process")


def launch_training(run: Path, cache: Path) -> subprocess.Popen[bytes]:
    """Start the trainer of the folder `run`, whose config.json says what it does; returns at once. Its log lies there.

    `cache` the folder of reduced pictures that all runs share.
    """
    command = [sys.executable, *_ARGUMENTS, "--run", str(run), "--cache", str(cache)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with (run / LOG).open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment
        )
