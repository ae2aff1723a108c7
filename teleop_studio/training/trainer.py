"""Policy, averaged policy and optimiser, one step at a time; alone, or as one of a team that shares each batch."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from teleop_studio.policies import build_policy
from teleop_studio.policies.checkpoint import CheckpointInfo, RigShape, read_info, save_checkpoint
from teleop_studio.policies.checkpoint_folder import WEIGHTS, checkpoint_path
from teleop_studio.policies.policy import Policy
from teleop_studio.training.batches import Batches
from teleop_studio.training.chunk_dataset import ChunkDataset
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.pace import Pace
from teleop_studio.training.settings import TrainSettings
from teleop_studio.training.team import ALONE, Team
from teleop_studio.training.trainer_state import TrainerNumbers, keep_only_newest, load_trainer, save_trainer

_HELD_OUT_SEED = 20_000_003
_BUCKET = 1 << 24  # gradients that travel together; a copy of all of a large network would not fit beside it


class Trainer:
    """Batch and noise of step k are functions of the seed and k alone: nothing random has to be saved."""

    def __init__(
        self,
        settings: TrainSettings,
        dataset: ChunkDataset,
        device: torch.device | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._dataset = settings, dataset
        self._device, self._clock = device or torch.device("cpu"), clock
        torch.manual_seed(settings.seed)  # the initial weights
        self.policy = self._build()
        self.policy.fit_normalizer(dataset.statistics())
        self.policy.to(self._device)
        self.averaged = self._copy()
        self.batches = Batches(dataset, settings, self._device)
        self._learning = [parameter for parameter in self.policy.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._learning,
            lr=settings.learning_rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
            fused=self._device.type in ("cpu", "cuda"),  # measured on a CPU: 5 % of a step less than one by one
        )
        self.step = 0
        self.pace = Pace(clock)
        self.processes = 1  # that computed the newest step
        self.held_out_error: float | None = None
        self._losses: list[Tensor] = []

    def advance(self, team: Team = ALONE) -> Tensor:
        """One optimiser step, shared with the `team`; returns its loss. After `TeamLost` it can be done again."""
        settings, count = self._settings, self._settings.shards or 1
        self._optimizer.zero_grad(set_to_none=True)
        loss = torch.zeros((), device=self._device)
        for shard in self.batches.shards(self.step, range(team.rank, count, team.size)):
            with torch.autocast(self._device.type, torch.bfloat16, enabled=settings.bfloat16):
                # The shares make the sum over all shards the mean over all real goals of the batch.
                part = self.policy.loss(shard.batch, shard.generator)[0] * shard.share
            part.backward()  # type: ignore[no-untyped-call]
            loss += part.detach()
        loss = self._total(team, loss)
        for group in self._optimizer.param_groups:
            group["lr"] = settings.learning_rate_at(self.step)
        torch.nn.utils.clip_grad_norm_(self._learning, settings.clip_norm)
        self._optimizer.step()
        self.step += 1
        if team.is_main:
            self._average(settings.ema_decay(self.step))
            self._losses.append(loss)
            self.pace.step()
            self.processes = team.size
        return loss

    @torch.no_grad()
    def measure(self) -> float:
        """Mean absolute error, rad, of one *sampled* chunk per held-out moment, over the arm's joints and real goals.

        The training loss says little about what a policy will do; neither does this rank policies: trials do.
        """
        held_out, count = self._dataset.held_out, self._settings.held_out_moments
        chosen = held_out[np.unique(np.linspace(0, len(held_out) - 1, count).astype(np.int64))]
        batch = self._dataset.batch(chosen).to(self._device)
        generator = torch.Generator().manual_seed(_HELD_OUT_SEED)  # the same noise each time: a smoother curve
        self.averaged.train(False)
        condition = self.averaged.encode(batch.seen)
        sampled = self.averaged.sample_chunks(condition, len(chosen), self.averaged.config.solver_steps, generator)
        self.policy.train(True)  # it may be the same network
        config = self.averaged.config
        arm = [k for k, name in enumerate(config.joint_names) if name not in config.absolute_joints]
        error = (sampled.chunks - batch.actions)[..., arm or slice(None)].abs().mean(-1)
        self.held_out_error = float((error * batch.valid).sum() / batch.valid.sum())
        return self.held_out_error

    def loss(self) -> float | None:
        """Mean since `forget_losses`; None without a step since. Raises `TrainingError` when one is no number."""
        if not self._losses:
            return None
        losses = torch.stack(self._losses).double()
        if not torch.isfinite(losses).all():
            raise TrainingError(
                f"The loss became {float(losses[-1])} at about step {self.step}. Resume from the last checkpoint with "
                "a lower learning rate, or look for recordings with impossible joint values."
            )
        return float(losses.mean())

    def forget_losses(self) -> None:
        self._losses = []

    def save(self, run: Path) -> Path:
        """A checkpoint: the averaged weights to play, and what is needed to go on."""
        folder = checkpoint_path(run, self.step)
        settings = self.policy.settings()
        info = CheckpointInfo(self._settings.policy, self.step, self.policy.config, settings)
        numbers = TrainerNumbers(self.step, len(self._dataset), self.pace.elapsed_s)
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
        read_info(checkpoint).require(RigShape(config.cameras, config.joint_names))
        numbers = load_trainer(checkpoint, self.policy, self._optimizer)
        if numbers.moments != len(self._dataset):
            raise TrainingError(
                f"The recordings have changed: the run was trained on {numbers.moments} moments, now there are "
                f"{len(self._dataset)}. Bring the episodes back, or start a new run."
            )
        self.averaged.load_state_dict(load_file(checkpoint / WEIGHTS))
        self.step, self.pace = numbers.step, Pace(self._clock, numbers.elapsed_s)

    def state(self) -> dict[str, Any]:
        """What another process of a team needs to `catch_up`; only the main process has the averaged weights."""
        return {"step": self.step, "policy": self.policy.state_dict(), "optimizer": self._optimizer.state_dict()}

    def catch_up(self, state: dict[str, Any]) -> None:
        self.policy.load_state_dict(state["policy"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def _build(self) -> Policy:
        """Raises `TrainingError` for settings that the policy does not take, or weights that are not there."""
        try:
            return build_policy(self._settings.policy, self._dataset.config, self._settings.policy_settings)
        except ValueError as error:
            raise TrainingError(str(error)) from error

    def _copy(self) -> Policy:
        """Where the averaged weights go; the policy itself when none are kept."""
        if self._settings.ema_max == 0.0:
            return self.policy
        copy = self._build()
        copy.load_state_dict(self.policy.state_dict())
        copy.to(self._device)
        copy.train(False)
        return copy

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        if self.averaged is self.policy:
            return
        pairs = zip(self.averaged.parameters(), self.policy.parameters(), strict=True)
        averaged, learning = zip(*((mean, raw) for mean, raw in pairs if raw.requires_grad), strict=True)
        torch._foreach_lerp_(averaged, learning, 1.0 - decay)

    def _total(self, team: Team, loss: Tensor) -> Tensor:
        """Sum gradients and loss over the team; the sum of two is the same, to the bit, in any order."""
        if team.size == 1:
            return loss
        bucket: list[Tensor] = [loss.reshape(1)]
        for parameter in self._learning:
            if parameter.grad is not None:
                bucket.append(parameter.grad)
            if sum(tensor.numel() for tensor in bucket) >= _BUCKET:
                _sum_in_place(team, bucket)
                bucket = []
        if bucket:
            _sum_in_place(team, bucket)
        return loss


def _sum_in_place(team: Team, tensors: list[Tensor]) -> None:
    total, place = team.total(torch.cat([tensor.reshape(-1) for tensor in tensors])), 0
    for tensor in tensors:
        tensor.copy_(total[place : place + tensor.numel()].view_as(tensor))
        place += tensor.numel()
