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
from teleop_studio.training.run_folder import CONFIG, read_config, read_state, request_stop
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
        self._silent = False
        self._cancelled = False
        self._adopt_running()

    def start(self, policy: str, steps: int, name: str | None, data: tuple[Path, ...], out: Path | None) -> Path:
        """Raises `StudioError` for an unknown policy, a taken name, or while another training runs."""
        if policy not in POLICIES:
            raise StudioError(f"The policy {policy!r} is unknown. Known policies: {', '.join(POLICIES)}.")
        if steps < 1:
            raise StudioError(f"steps = {steps}. Train for at least one step.")
        self._refuse_second()
        if out is not None and (out / CONFIG).exists():
            raise StudioError(f"The folder {out} holds a run already. Resume it, or choose another folder.")
        try:
            run = out.resolve() if out else self._workspace.new_run(name, policy)
        except WorkspaceError as error:
            raise StudioError(str(error)) from error
        self._process = launch_training(run, data, policy, steps, self._workspace.pictures)
        self._follow(run)
        return run

    def resume(self, run: Path) -> None:
        """Go on from the last checkpoint, bit for bit."""
        self._refuse_second()
        try:
            read_config(run)  # a folder without one would be taken for a run that has not begun
            status = read_status(run)
        except TrainingError as error:
            raise StudioError(str(error)) from error
        if status.finished:
            raise StudioError(f"The run {run.name} has finished. Train a new one, or deploy it.")
        self._process = launch_training(run, (), status.policy, status.steps, self._workspace.pictures, resume=True)
        self._follow(run)

    def stop(self) -> None:
        """Stop and keep; a trainer that has not said anything yet has nothing to keep and is ended."""
        self._read_s = 0.0
        status = self.status()
        if status is not None and self.starting and self._process is not None:
            self._cancelled = True
            self._process.terminate()
        elif status is not None and status.running:
            request_stop(status.run)
        else:
            raise StudioError("No training is running. There is nothing to stop.")
        self._read_s = 0.0

    @property
    def starting(self) -> bool:
        """At the last `status`: the trainer was launched and has not said anything about itself yet."""
        return self._silent and self._process is not None and self._process.poll() is None

    def status(self) -> TrainingStatus | None:
        """The followed run, read from its folder at most twice a second."""
        if self._run is None:
            return None
        now_s = time.monotonic()
        if now_s - self._read_s >= _REFRESH_S:
            self._read_s = now_s
            ended = self._process is not None and self._process.poll() is not None
            self._silent = self._silent and not self._has_spoken(self._run)
            status = self._readable(self._run)
            self._status = self._unspoken(status, ended) if self._silent else status
        return self._status

    def runs(self) -> list[RunInfo]:
        return list_runs(self._workspace.runs)

    def policies(self) -> tuple[str, ...]:
        return tuple(POLICIES)

    def _follow(self, run: Path) -> None:
        self._run, self._status, self._read_s = run, None, 0.0
        self._silent, self._cancelled = self._process is not None, False

    def _refuse_second(self) -> None:
        status = self.status()
        # A trainer that has just been started has not told anything about itself yet.
        starting = self._process is not None and self._process.poll() is None
        if status is not None and (status.running or starting):
            raise StudioError(f"The run {status.run.name} is training. Stop it first, or wait.")

    def _readable(self, run: Path) -> TrainingStatus:
        """The run's status, with the reason as its error when its folder can not be read any more."""
        try:
            return read_status(run)
        except TrainingError as error:
            last = self._status or TrainingStatus(run)
            return replace(last, running=False, stopping=False, error=str(error))

    def _has_spoken(self, run: Path) -> bool:
        """The folder of a resumed run tells of its last trainer until the new one has begun."""
        state = read_state(run)
        return self._process is not None and state is not None and state.pid == self._process.pid

    def _unspoken(self, status: TrainingStatus, ended: bool) -> TrainingStatus:
        """A trainer that could not even begin has written nothing into the run's folder but its log."""
        error = ""
        if ended and not self._cancelled:
            lines = _log(status.run).strip().splitlines()
            error = f"The training process ended. {lines[-1] if lines else 'It left no word in its log.'}"
        return replace(status, running=False, finished=False, stopping=self._cancelled and not ended, error=error)

    def _adopt_running(self) -> None:
        """A training that an earlier window started goes on: show it."""
        for info in list_runs(self._workspace.runs):
            if read_status(info.path).running:
                self._follow(info.path)
                return


def _log(run: Path) -> str:
    try:
        return (run / LOG).read_text(errors="replace")
    except OSError:
        return ""
