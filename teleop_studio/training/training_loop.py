"""Trains a policy: a generator of progress, so that whoever drives it can show it, stop it or test it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from teleop_studio.policies.checkpoint_folder import HELD_OUT_ERROR, choose_best, newest_checkpoint
from teleop_studio.training.chunk_dataset import ChunkDataset
from teleop_studio.training.curves import Curves
from teleop_studio.training.run_folder import pause_requested, stop_requested
from teleop_studio.training.settings import TrainSettings
from teleop_studio.training.sharing import Sharing
from teleop_studio.training.team import CATCH_UP, END, Team, TeamLost
from teleop_studio.training.trainer import Trainer

_TELL_EVERY_S = 1.0
_LOOK_EVERY_S = 0.2  # during a pause


@dataclass(frozen=True)
class TrainProgress:
    """Where a run stands. `loss` mean since the last line of the curve, `held_out_error` newest, rad; None if unknown.

    `eta_s` None while unknown: in the first two steps. `processes` that computed the newest step.
    """

    step: int
    steps: int
    loss: float | None
    held_out_error: float | None
    elapsed_s: float
    steps_per_s: float
    eta_s: float | None
    stopped: bool = False
    paused: bool = False
    processes: int = 1


def train(
    settings: TrainSettings,
    run: Path,
    dataset: ChunkDataset,
    device: torch.device | None = None,
    sharing: Sharing | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[TrainProgress]:
    """Train until `settings.steps`, or until a stop is requested; goes on from the run's newest checkpoint.

    Writes checkpoints and metrics into `run`. Yields every `log_every` steps and at least every second, when a pause
    begins, and at the end after the last checkpoint. Resuming gives, on a CPU, the same weights to the last bit as
    never having stopped, whichever of the processes in `sharing` computed which step.
    Raises `TrainingError`, `CheckpointError`.
    """
    torch.set_num_threads(1)
    sharing = sharing or Sharing()
    trainer = Trainer(settings, dataset, device, clock)
    checkpoint = newest_checkpoint(run)
    if checkpoint is not None:
        trainer.resume(checkpoint)
    keeper = _Keeper(run, trainer, settings)
    told_s = clock()
    try:
        while trainer.step < settings.steps and not stop_requested(run):
            if pause_requested(run):
                keeper.save()
                trainer.pace.pause()
                yield keeper.progress(paused=True)
                _wait_while_paused(run)
                trainer.pace.go_on()
            elif _took_step(trainer, sharing, settings.steps):
                told = keeper.after_step()
                if told is None and clock() - told_s >= _TELL_EVERY_S and trainer.pace.steps_per_s > 0:
                    told = keeper.progress()
                if told is not None:
                    told_s = clock()
                    yield told
        keeper.save()
        yield keeper.progress(stopped=trainer.step < settings.steps)
    finally:
        sharing.close()
        keeper.close()


def follow(trainer: Trainer, team: Team) -> None:
    """What the other processes of a team do: each step that the main process announces. Raises `TeamLost`."""
    torch.set_num_threads(1)
    while (command := team.told()) != END:
        if command == CATCH_UP:
            trainer.catch_up(team.take())
        else:
            trainer.advance(team)


class _Keeper:
    """Measures and keeps what a run has learnt, when it is time to."""

    def __init__(self, run: Path, trainer: Trainer, settings: TrainSettings) -> None:
        self._run, self._trainer, self._settings = run, trainer, settings
        self._curves = Curves(run, trainer.step)
        self._saved = trainer.step
        self._saved_s = trainer.pace.elapsed_s
        self._measured = -1
        self._began_cpu_s = time.process_time()

    def after_step(self) -> TrainProgress | None:
        """Whatever is due now; the progress when a line was added to the curve."""
        step, settings = self._trainer.step, self._settings
        due = self._checkpoint_due()
        if due or step % settings.held_out_every == 0 or step == settings.steps:
            self._measure()
        progress = None
        if step % settings.log_every == 0:
            progress = self.progress()
            assert progress.loss is not None
            rate = settings.learning_rate_at(step - 1)
            elapsed_s = round(progress.elapsed_s, 2)
            # What this process has computed since it began: beside other work only this compares with another run.
            cpu_s = round(time.process_time() - self._began_cpu_s, 2)
            self._curves.add(step, loss=progress.loss, learning_rate=rate, elapsed_s=elapsed_s, cpu_s=cpu_s)
            self._trainer.forget_losses()
        if due:
            self.save()
        return progress

    def save(self) -> None:
        """A checkpoint of the present step, measured: one of them is the best so far."""
        step = self._trainer.step
        if step == self._saved:
            return
        self._trainer.loss()  # weights that are no numbers are not worth keeping
        self._measure()
        self._trainer.save(self._run)
        assert self._trainer.held_out_error is not None
        choose_best(self._run, step, HELD_OUT_ERROR, self._trainer.held_out_error)
        self._curves.flush()
        self._saved, self._saved_s = step, self._trainer.pace.elapsed_s

    def progress(self, stopped: bool = False, paused: bool = False) -> TrainProgress:
        trainer, steps = self._trainer, self._settings.steps
        return TrainProgress(
            trainer.step,
            steps,
            trainer.loss(),
            trainer.held_out_error,
            trainer.pace.elapsed_s,
            trainer.pace.steps_per_s,
            trainer.pace.eta_s(steps - trainer.step),
            stopped,
            paused,
            trainer.processes,
        )

    def close(self) -> None:
        self._curves.close()

    def _measure(self) -> None:
        if self._measured != self._trainer.step:
            self._measured = self._trainer.step
            self._curves.add(self._trainer.step, held_out_error=self._trainer.measure())

    def _checkpoint_due(self) -> bool:
        step, settings = self._trainer.step, self._settings
        since_s = self._trainer.pace.elapsed_s - self._saved_s
        if self._saved == 0 and (step == settings.first_checkpoint_steps or since_s >= settings.first_checkpoint_s):
            return True  # early, so that the policy can be tried while it learns
        return step % settings.checkpoint_every == 0 or since_s >= settings.checkpoint_every_s


def _took_step(trainer: Trainer, sharing: Sharing, steps: int) -> bool:
    """False when a process of the team died over it: it is to be done again."""
    try:
        trainer.advance(sharing.team(trainer, trainer.pace.eta_s(steps - trainer.step)))
    except TeamLost as lost:
        sharing.lost(lost)
        return False
    return True


def _wait_while_paused(run: Path) -> None:
    while pause_requested(run) and not stop_requested(run):
        time.sleep(_LOOK_EVERY_S)
