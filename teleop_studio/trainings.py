"""Training runs as the window sees them: started as processes of their own, followed through their folders."""

import subprocess
import time
from dataclasses import replace
from pathlib import Path

from teleop_studio.policies import POLICIES
from teleop_studio.processes.remote_launch import launch_remote
from teleop_studio.processes.training_launch import LOG, launch_training
from teleop_studio.remote.assignment import assign, is_remote
from teleop_studio.remote.errors import RemoteError
from teleop_studio.remote.hosts import find_host
from teleop_studio.session import StudioError
from teleop_studio.status import RunInfo, TrainingStatus
from teleop_studio.train_choices import PolicyInfo, TrainChoices
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.run_folder import (
    CONFIG,
    begin_run,
    clear_pause,
    lengthen_run,
    read_config,
    read_state,
    request_pause,
    request_stop,
)
from teleop_studio.training.run_status import list_runs, read_status, was_interrupted
from teleop_studio.training.settings import TrainSettings, settings_for
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

    def start(self, choices: TrainChoices) -> Path:
        """Raises `StudioError` for what can not be trained so, a taken name, or while another training runs."""
        settings = chosen_settings(choices)
        self._refuse_second()
        if choices.out is not None and (choices.out / CONFIG).exists():
            raise StudioError(f"The folder {choices.out} holds a run already. Resume it, or choose another folder.")
        try:
            run = choices.out.resolve() if choices.out else self._workspace.new_run(choices.name, choices.policy)
            if choices.host:
                find_host(self._workspace.training_hosts, choices.host)
            begin_run(run, settings, choices.data or (self._workspace.episodes,))
            if choices.host:
                assign(run, choices.host, self._workspace.training_hosts)
        except (WorkspaceError, TrainingError, RemoteError) as error:
            raise StudioError(str(error)) from error
        except OSError as error:
            raise StudioError(f"The run's folder can not be made: {error}. Choose another one with room.") from error
        self._process = self._launch(run)
        self._follow(run)
        return run

    def resume(self, run: Path, steps: int | None = None) -> None:
        """Go on from the last checkpoint, bit for bit; a paused trainer goes on where it waits.

        More `steps` than the run has lengthen it, also a finished one.
        """
        try:
            read_config(run)  # a folder without one would be taken for a run that has not begun
            status = read_status(run)
            if status.paused:
                clear_pause(run)
                if run != self._run:
                    self._process = None
                    self._follow(run)
                self._read_s = 0.0
                return
            self._refuse_second()
            if status.finished and (steps or 0) <= status.steps:
                raise StudioError(
                    f"The run {run.name} has finished. Give more than {status.steps} steps to train it further, "
                    "train a new one, or deploy it."
                )
            if steps is not None or not is_remote(run):  # elsewhere it may have come further than what is known here
                lengthen_run(run, steps)
            clear_pause(run)
        except TrainingError as error:
            raise StudioError(str(error)) from error
        self._process = self._launch(run)
        self._follow(run)

    def pause(self) -> None:
        """The trainer saves a checkpoint, keeps its place and leaves the processor alone until `resume`."""
        self._read_s = 0.0
        status = self.status()
        if status is None or not (status.running or self.starting):
            raise StudioError("No training is running. There is nothing to pause.")
        request_pause(status.run)
        self._read_s = 0.0

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

    @property
    def busy(self) -> bool:
        """Another one has to wait: a training runs, or its process has not said anything, or has not ended, yet."""
        status = self.status()
        alive = self._process is not None and self._process.poll() is None
        return alive or (status is not None and status.running)

    @property
    def computes_here(self) -> bool:
        """A training takes this computer's processor now: it neither pauses nor runs on another machine."""
        status = self.status()
        return status is not None and status.running and not status.paused and not is_remote(status.run)

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

    def interrupted(self) -> tuple[RunInfo, ...]:
        """Runs whose trainer was ended in the middle of its work, newest first: each can be resumed."""
        return tuple(info for info in self.runs() if was_interrupted(info.path))

    def policies(self) -> tuple[str, ...]:
        return tuple(POLICIES)

    def policy_kinds(self) -> dict[str, PolicyInfo]:
        """What can be trained, by name, the default first."""
        return {
            name: PolicyInfo(
                name,
                kind.title,
                kind.summary,
                kind.missing,
                kind.choices,
                kind.weights,
                settings_for(name).steps,
                kind.solver_steps,
            )
            for name, kind in POLICIES.items()
        }

    def _launch(self, run: Path) -> "subprocess.Popen[bytes]":
        """The trainer of the run, or what lets another machine train it."""
        return launch_remote(run) if is_remote(run) else launch_training(run, self._workspace.pictures)

    def _follow(self, run: Path) -> None:
        self._run, self._status, self._read_s = run, None, 0.0
        self._silent, self._cancelled = self._process is not None, False

    def _refuse_second(self) -> None:
        status = self.status()
        if status is not None and self.busy:
            doing = "paused" if status.paused else "training"
            raise StudioError(f"The run {status.run.name} is {doing}. Stop it first, or wait.")

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
        stopping = self._cancelled and not ended
        return replace(status, running=False, finished=False, paused=False, stopping=stopping, error=error)

    def _adopt_running(self) -> None:
        """A training that an earlier window started goes on: show it."""
        for info in list_runs(self._workspace.runs):
            if read_status(info.path).running:
                self._follow(info.path)
                return


def chosen_settings(choices: TrainChoices) -> TrainSettings:
    """What a trainer is told of the operator's choices. Raises `StudioError` for what can not be trained so."""
    kind = POLICIES.get(choices.policy)
    if kind is None:
        raise StudioError(f"The policy {choices.policy!r} is unknown. Known policies: {', '.join(POLICIES)}.")
    if choices.steps is not None and choices.steps < 1:
        raise StudioError(f"steps = {choices.steps}. Train for at least one step.")
    if kind.missing:
        raise StudioError(kind.missing)
    for name, values in kind.choices.items():
        given = choices.policy_settings.get(name, values[0])
        if isinstance(values[0], str) and given not in values:  # of numbers, some are offered and all are allowed
            offered = ", ".join(str(value) for value in values)
            raise StudioError(f"{name} = {given!r} is nothing that {kind.title} has. Choose one of: {offered}.")
    policy_settings = dict(choices.policy_settings)
    if choices.weights is not None:
        policy_settings["weights"] = _weights(choices.weights, kind.title, kind.weights)
    given = {"steps": choices.steps, "device": choices.device, "seed": choices.seed, **choices.training}
    try:
        return settings_for(choices.policy, policy_settings, **given)
    except ValueError as error:
        raise StudioError(str(error)) from error


def _weights(folder: Path, title: str, starts_from_weights: bool) -> str:
    if not starts_from_weights:
        raise StudioError(f"{title} starts from no pretrained weights. Leave {folder} out, or choose another policy.")
    if not folder.is_dir():
        raise StudioError(f"There is no folder {folder} with pretrained weights. Choose the folder they lie in.")
    return str(folder.resolve())


def _log(run: Path) -> str:
    try:
        return (run / LOG).read_text(errors="replace")
    except OSError:
        return ""
