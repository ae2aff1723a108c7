"""Training runs as the window sees them: started as processes of their own, followed through their folders."""

import subprocess
import time
from dataclasses import replace
from pathlib import Path

from teleop_studio.policies import POLICIES
from teleop_studio.processes.training_launch import LOG, launch_training
from teleop_studio.session import StudioError
from teleop_studio.status import RunInfo, TrainingStatus
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.run_folder import request_stop
from teleop_studio.training.run_status import list_runs, read_status
from teleop_studio.workspace import Workspace, WorkspaceError

_REFRESH_S = 0.5


class Trainings:
    """Follows the newest run; one training at a time."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._run: Path | None = None
        self._status: TrainingStatus | None = None
        self._read_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._adopt_running()

    def start(self, policy: str, steps: int, name: str | None, data: tuple[Path, ...], out: Path | None) -> Path:
        """Raises `StudioError` for an unknown policy, a taken name, or while another training runs."""
        if policy not in POLICIES:
            raise StudioError(f"The policy {policy!r} is unknown. Known policies: {', '.join(POLICIES)}.")
        if steps < 1:
            raise StudioError(f"steps = {steps}. Train for at least one step.")
        self._refuse_second()
        try:
            run = out.resolve() if out else self._workspace.new_run(name, policy)
        except WorkspaceError as error:
            raise StudioError(str(error)) from error
        self._process = launch_training(run, data, policy, steps)
        self._follow(run)
        return run

    def resume(self, run: Path) -> None:
        """Go on from the last checkpoint, bit for bit."""
        self._refuse_second()
        try:
            status = read_status(run)
        except TrainingError as error:
            raise StudioError(str(error)) from error
        if status.finished:
            raise StudioError(f"The run {run.name} has finished. Train a new one, or deploy it.")
        self._process = launch_training(run, (), status.policy, status.steps, resume=True)
        self._follow(run)

    def stop(self) -> None:
        """Stop and keep."""
        if self._run is None or self._status is None or not self._status.running:
            raise StudioError("No training is running. There is nothing to stop.")
        request_stop(self._run)
        self._read_s = 0.0

    def status(self) -> TrainingStatus | None:
        """The followed run, read from its folder at most twice a second."""
        if self._run is None:
            return None
        now_s = time.monotonic()
        if now_s - self._read_s >= _REFRESH_S:
            self._read_s = now_s
            self._status = self._with_early_end(read_status(self._run))
        return self._status

    def runs(self) -> list[RunInfo]:
        return list_runs(self._workspace.runs)

    def policies(self) -> tuple[str, ...]:
        return tuple(POLICIES)

    def _follow(self, run: Path) -> None:
        self._run, self._status, self._read_s = run, None, 0.0

    def _refuse_second(self) -> None:
        status = self.status()
        # A trainer that has just been started has not told anything about itself yet.
        starting = self._process is not None and self._process.poll() is None
        if status is not None and (status.running or starting):
            raise StudioError(f"The run {status.run.name} is training. Stop it first, or wait.")

    def _with_early_end(self, status: TrainingStatus) -> TrainingStatus:
        """A trainer that could not even begin has written nothing into the run's folder but its log."""
        code = None if self._process is None else self._process.poll()
        if not code or status.error or status.running:
            return status
        lines = (status.run / LOG).read_text(errors="replace").strip().splitlines()
        why = lines[-1] if lines else f"It ended with code {code}."
        return replace(status, error=f"The training process ended. {why}")

    def _adopt_running(self) -> None:
        """A training that an earlier window started goes on: show it."""
        for info in list_runs(self._workspace.runs):
            if read_status(info.path).running:
                self._follow(info.path)
                return
