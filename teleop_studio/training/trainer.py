"""Trains a policy: a generator of progress, so that whoever drives it can show it, stop it or test it."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from teleop_studio.policies import build_policy
from teleop_studio.policies.checkpoint import CheckpointInfo, read_info, save_checkpoint
from teleop_studio.policies.checkpoint_folder import WEIGHTS, checkpoint_path, newest_checkpoint
from teleop_studio.policies.policy import Policy
from teleop_studio.training.chunk_dataset import ChunkDataset
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.run_folder import add_metrics, forget_metrics_after, stop_requested
from teleop_studio.training.settings import TrainSettings
from teleop_studio.training.trainer_state import TrainerNumbers, keep_only_newest, load_trainer, save_trainer

_RECENT_STEPS = 100  # the remaining time is judged by these
_HELD_OUT_SEED = 20_000_003


@dataclass(frozen=True)
class TrainProgress:
    """Where a run stands. `loss` mean since the last progress; `held_out_error` newest, rad, None before the first."""

    step: int
    steps: int
    loss: float | None
    held_out_error: float | None
    elapsed_s: float
    steps_per_s: float
    eta_s: float | None
    stopped: bool = False


def train(settings: TrainSettings, run: Path, dataset: ChunkDataset) -> Iterator[TrainProgress]:
    """Train until `settings.steps`, or until a stop is requested; goes on from the run's newest checkpoint.

    Writes checkpoints and metrics into `run`. Yields every `log_every` steps, and at the end after the last
    checkpoint. Resuming gives the same weights, to the last bit, as never having stopped.
    Raises `TrainingError`, `CheckpointError`.
    """
    torch.set_num_threads(1)
    trainer = Trainer(settings, dataset)
    checkpoint = newest_checkpoint(run)
    if checkpoint is not None:
        trainer.resume(checkpoint)
    forget_metrics_after(run, trainer.step)
    saved = trainer.step
    while trainer.step < settings.steps and not stop_requested(run):
        trainer.advance()
        if trainer.step % settings.held_out_every == 0 or trainer.step == settings.steps:
            add_metrics(run, trainer.step, held_out_error=trainer.measure())
        if trainer.step % settings.checkpoint_every == 0:
            trainer.save(run)
            saved = trainer.step
        if trainer.step % settings.log_every == 0:
            progress = trainer.progress()
            assert progress.loss is not None
            add_metrics(run, trainer.step, loss=progress.loss, elapsed_s=round(progress.elapsed_s, 2))
            yield progress
    if trainer.step > saved:
        trainer.save(run)
    yield trainer.progress(stopped=trainer.step < settings.steps)


class Trainer:
    """Policy, averaged policy and optimiser, one step at a time.

    Batch and noise of step k are functions of the seed and k alone: nothing random has to be saved.
    """

    def __init__(self, settings: TrainSettings, dataset: ChunkDataset) -> None:
        self._settings, self._dataset = settings, dataset
        torch.manual_seed(settings.seed)  # the initial weights
        self.policy = self._build()
        self.policy.fit_normalizer(dataset.statistics())
        self.averaged = self._build()
        self.averaged.load_state_dict(self.policy.state_dict())
        self.averaged.train(False)
        self._optimizer = torch.optim.AdamW(
            self.policy.parameters(),
            lr=settings.learning_rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
            foreach=True,
        )
        self._generator = torch.Generator()
        self.step = 0
        self._losses: list[float] = []
        self._held_out_error: float | None = None
        self._earlier_s, self._started_s = 0.0, time.monotonic()
        self._finished_at: deque[float] = deque([self._started_s], maxlen=_RECENT_STEPS + 1)

    def advance(self) -> float:
        """One optimiser step; returns its loss."""
        settings = self._settings
        self._generator.manual_seed(_seed(settings.seed, self.step))
        batch = self._dataset.batch(self._moments(self.step))
        for group in self._optimizer.param_groups:
            group["lr"] = settings.learning_rate_at(self.step)
        loss, _ = self.policy.loss(batch, self._generator)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), settings.clip_norm)
        self._optimizer.step()
        self.step += 1
        self._average(settings.ema_decay(self.step))
        value = float(loss.detach())
        if not np.isfinite(value):
            raise TrainingError(
                f"The loss became {value} at step {self.step}. Resume from the last checkpoint with a lower learning "
                "rate, or look for recordings with impossible joint values."
            )
        self._losses.append(value)
        self._finished_at.append(time.monotonic())
        return value

    @torch.no_grad()
    def measure(self) -> float:
        """Mean absolute error, rad, of one *sampled* chunk per held-out moment, over the arm's joints and real goals.

        The training loss says little about what a policy will do; neither does this rank policies: trials do.
        """
        held_out, count = self._dataset.held_out, self._settings.held_out_moments
        chosen = held_out[np.unique(np.linspace(0, len(held_out) - 1, count).astype(np.int64))]
        batch = self._dataset.batch(chosen)
        generator = torch.Generator().manual_seed(_HELD_OUT_SEED)  # the same noise each time: a smoother curve
        condition = self.averaged.encode(batch.seen)
        sampled = self.averaged.sample_chunks(condition, len(chosen), self.averaged.config.solver_steps, generator)
        config = self.averaged.config
        arm = [k for k, name in enumerate(config.joint_names) if name not in config.absolute_joints]
        error = (sampled.chunks - batch.actions)[..., arm or slice(None)].abs().mean(-1)
        self._held_out_error = float((error * batch.valid).sum() / batch.valid.sum())
        return self._held_out_error

    def progress(self, stopped: bool = False) -> TrainProgress:
        """Where the run stands; the loss is the mean since the last call."""
        loss = float(np.mean(self._losses)) if self._losses else None
        self._losses = []
        recent_s = self._finished_at[-1] - self._finished_at[0]
        rate = (len(self._finished_at) - 1) / recent_s if recent_s > 0 else 0.0
        left = self._settings.steps - self.step
        eta_s = left / rate if rate > 0 else None
        return TrainProgress(
            self.step, self._settings.steps, loss, self._held_out_error, self._elapsed_s(), rate, eta_s, stopped
        )

    def save(self, run: Path) -> Path:
        """A checkpoint: the averaged weights to play, and what is needed to go on."""
        folder = checkpoint_path(run, self.step)
        settings = self.policy.settings()
        info = CheckpointInfo(self._settings.policy, self.step, self.policy.config, settings)
        numbers = TrainerNumbers(self.step, len(self._dataset), self._elapsed_s())
        save_checkpoint(
            folder,
            info,
            self.averaged.state_dict(),
            lambda path: save_trainer(path, self.policy, self._optimizer, numbers),
        )
        keep_only_newest(run)
        return folder

    def resume(self, checkpoint: Path) -> None:
        """Go on from `checkpoint`. Raises `TrainingError` when the recordings changed since, `CheckpointError`."""
        config = self._dataset.config
        read_info(checkpoint).require(config.cameras, config.joint_names)
        numbers = load_trainer(checkpoint, self.policy, self._optimizer)
        if numbers.moments != len(self._dataset):
            raise TrainingError(
                f"The recordings have changed: the run was trained on {numbers.moments} moments, now there are "
                f"{len(self._dataset)}. Bring the episodes back, or start a new run."
            )
        self.averaged.load_state_dict(load_file(checkpoint / WEIGHTS))
        self.step, self._earlier_s = numbers.step, numbers.elapsed_s

    def _build(self) -> Policy:
        return build_policy(self._settings.policy, self._dataset.config, self._settings.policy_settings)

    def _moments(self, step: int) -> NDArray[np.int64]:
        """The batch of a step: `batch` consecutive places in an endless row of permutations of all moments."""
        train, batch = self._dataset.train, self._settings.batch
        places = np.arange(step * batch, (step + 1) * batch)
        epochs = places // len(train)
        chosen = np.empty(batch, np.int64)
        for epoch in np.unique(epochs):
            order = np.random.default_rng([self._settings.seed, int(epoch)]).permutation(train)
            chosen[epochs == epoch] = order[places[epochs == epoch] % len(train)]
        return chosen

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        for averaged, raw in zip(self.averaged.parameters(), self.policy.parameters(), strict=True):
            averaged.lerp_(raw, 1.0 - decay)

    def _elapsed_s(self) -> float:
        return self._earlier_s + time.monotonic() - self._started_s


def _seed(seed: int, step: int) -> int:
    """Well-mixed: neighbouring steps must not have neighbouring seeds."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1)[0])
