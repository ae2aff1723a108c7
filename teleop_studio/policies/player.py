"""A trained policy at work: observation in, chunk and its denoising out; numpy on both sides."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from teleop_studio.chunk import ActionChunk, DenoisingTrace, Observation
from teleop_studio.policies.checkpoint import CheckpointError, CheckpointInfo, RigShape, load_policy
from teleop_studio.policies.checkpoint_folder import CHECKPOINTS, DESCRIPTION, best_checkpoint
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.picture_reduction import reduce_picture
from teleop_studio.policies.policy import Condition, Policy, Seen


@dataclass
class Encoded:
    """An observation as the policy keeps it, and the samples drawn from it so far; only `PolicyPlayer` looks inside."""

    start_ns: int
    _condition: Condition
    _drawn: DenoisingTrace | None = field(default=None)
    _solver_steps: int = 0  # that `_drawn` was asked for; a policy without a solver takes fewer


class PolicyPlayer:
    """Plays one checkpoint, with the averaged (EMA) weights, on one thread or a GPU.

    `device` "auto" is a CUDA GPU where there is one, else the CPU. Raises `CheckpointError` for one that is not there.
    """

    def __init__(self, policy: Policy, info: CheckpointInfo, seed: int = 0, device: str = "auto") -> None:
        # Two threads on a loaded machine made one call 55 times slower.
        torch.set_num_threads(1)
        self._device = _chosen(device)
        policy.to(self._device)
        self._policy, self._info = policy, info
        self._generator = torch.Generator()
        self.seed(seed)

    @classmethod
    def load(cls, run_or_checkpoint: Path, device: str = "auto") -> "PolicyPlayer":
        """The given checkpoint, or the best one of a run. Raises `CheckpointError`."""
        folder: Path | None = run_or_checkpoint
        if not (run_or_checkpoint / DESCRIPTION).is_file():
            folder = best_checkpoint(run_or_checkpoint)
        if folder is None:
            raise CheckpointError(
                f"There is no checkpoint in {run_or_checkpoint / CHECKPOINTS}. "
                "Train the run until its first checkpoint, or choose another run."
            )
        return cls(*load_policy(folder), device=device)

    @property
    def config(self) -> PolicyConfig:
        return self._info.config

    @property
    def policy_name(self) -> str:
        """Its name in `POLICIES`."""
        return self._info.name

    @property
    def device(self) -> str:
        """What it runs on, in words."""
        device = self._device
        return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type.upper()}, 1 thread"

    @property
    def step(self) -> int:
        """Training steps behind these weights."""
        return self._info.step

    def require(self, rig: RigShape) -> None:
        """Raises `CheckpointError`, which names every difference, unless the policy fits the rig."""
        self._info.require(rig)

    def seed(self, seed: int) -> None:
        """From here on the same observations give the same chunks."""
        self._generator.manual_seed(seed)

    @torch.no_grad()
    def encode(self, observation: Observation) -> Encoded:
        """The expensive half, once per observation; of too few frames the first one is repeated.

        Raises `CheckpointError` for other cameras or joints, `ValueError` for a task that the policy was not taught.
        """
        self._check(observation)
        pictures = np.stack([self._frames(name, observation) for name in self.config.cameras], axis=1)
        state = _newest(observation.state, self.config.observations).astype(np.float32)
        seen = Seen(torch.from_numpy(pictures)[None], torch.from_numpy(state)[None], (observation.task,))
        return Encoded(observation.stamp_ns, self._policy.encode(seen.to(self._device)))

    def _frames(self, camera: str, observation: Observation) -> NDArray[np.uint8]:
        """(O, px, px, 3)"""
        side_px, images = self.config.picture_px, observation.images[camera][-self.config.observations :]
        return _newest(np.stack([reduce_picture(rgb, side_px) for rgb in images]), self.config.observations)

    @torch.no_grad()
    def sample(self, encoded: Encoded, n: int = 1, solver_steps: int = 10) -> tuple[ActionChunk, DenoisingTrace]:
        """The chunk to execute and how it and n - 1 others came about.

        Asked again for more samples of the same observation, only the missing ones are drawn: sample 0 stays, to the
        last bit, the chunk that is being executed.
        """
        if n < 1 or solver_steps < 1:
            raise ValueError(f"n = {n}, solver_steps = {solver_steps}: both must be at least 1")
        drawn = encoded._drawn
        if encoded._solver_steps != solver_steps:
            drawn = None
        missing = n - (0 if drawn is None else drawn.actions.shape[1])
        if missing > 0:
            drawn = _joined(drawn, self._draw(encoded._condition, missing, solver_steps))
        assert drawn is not None
        encoded._drawn, encoded._solver_steps = drawn, solver_steps
        trace = DenoisingTrace(drawn.actions[:, :n], drawn.velocity_norm[:, :n])
        return ActionChunk(encoded.start_ns, self.config.chunk_dt_s, trace.actions[-1, 0]), trace

    def _draw(self, condition: Condition, n: int, solver_steps: int) -> DenoisingTrace:
        sampled = self._policy.sample_chunks(condition, n, solver_steps, self._generator)
        return DenoisingTrace(_float64(sampled.trace), _float64(sampled.velocity_norm))

    def _check(self, observation: Observation) -> None:
        missing = [name for name in self.config.cameras if name not in observation.images]
        if missing:
            raise CheckpointError(
                f"The policy looks through the camera {', '.join(missing)}, but there are only "
                f"{', '.join(observation.images) or 'none'}. Add the camera to the rig, or train without it."
            )
        state = observation.state
        if state.ndim != 2 or not len(state) or state.shape[1] != self.config.joints or not np.all(np.isfinite(state)):
            raise CheckpointError(
                f"The policy needs {self.config.joints} joint values ({', '.join(self.config.joint_names)}), "
                f"it got {np.array2string(state, precision=3)}. Check the follower arm."
            )


def _chosen(device: str) -> torch.device:
    there = torch.cuda.is_available()
    if device == "auto":
        return torch.device("cuda" if there else "cpu")
    wanted = torch.device(device)
    if wanted.type == "cuda" and (wanted.index or 0) >= (torch.cuda.device_count() if there else 0):
        raise CheckpointError(
            f"There is no device {device} to play the policy on: torch {torch.__version__} sees "
            f"{torch.cuda.device_count() if there else 0} CUDA devices. Check the driver with nvidia-smi, or play it "
            "on the CPU."
        )
    return wanted


def _newest[Number: np.generic](frames: NDArray[Number], count: int) -> NDArray[Number]:
    """The last `count` of frames (n, ...), the first repeated where there are fewer."""
    kept = frames[-count:]
    return np.concatenate([np.repeat(kept[:1], count - len(kept), axis=0), kept])


def _joined(first: DenoisingTrace | None, more: DenoisingTrace) -> DenoisingTrace:
    if first is None:
        return more
    return DenoisingTrace(
        np.concatenate([first.actions, more.actions], 1),
        np.concatenate([first.velocity_norm, more.velocity_norm], 1),
    )


def _float64(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.cpu().numpy().astype(np.float64)
