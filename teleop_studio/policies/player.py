"""A trained policy at work: observation in, chunk and its denoising out; numpy on both sides."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from teleop_studio.chunk import ActionChunk, DenoisingTrace, Observation
from teleop_studio.policies.checkpoint import CheckpointError, CheckpointInfo, load_policy
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


class PolicyPlayer:
    """Plays one checkpoint, with the averaged (EMA) weights, on one thread."""

    def __init__(self, policy: Policy, info: CheckpointInfo, seed: int = 0) -> None:
        # Two threads on a loaded machine made one call 55 times slower.
        torch.set_num_threads(1)
        self._policy, self._info = policy, info
        self._generator = torch.Generator()
        self.seed(seed)

    @classmethod
    def load(cls, run_or_checkpoint: Path) -> "PolicyPlayer":
        """The given checkpoint, or the best one of a run. Raises `CheckpointError`."""
        folder: Path | None = run_or_checkpoint
        if not (run_or_checkpoint / DESCRIPTION).is_file():
            folder = best_checkpoint(run_or_checkpoint)
        if folder is None:
            raise CheckpointError(
                f"There is no checkpoint in {run_or_checkpoint / CHECKPOINTS}. "
                "Train the run until its first checkpoint, or choose another run."
            )
        return cls(*load_policy(folder))

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
        device = next((value.device for value in self._policy.parameters()), torch.device("cpu"))
        return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type.upper()}, 1 thread"

    @property
    def step(self) -> int:
        """Training steps behind these weights."""
        return self._info.step

    def require(self, cameras: tuple[str, ...], joint_names: tuple[str, ...]) -> None:
        """Raises `CheckpointError` unless the policy was trained on exactly these cameras and joints."""
        self._info.require(cameras, joint_names)

    def seed(self, seed: int) -> None:
        """From here on the same observations give the same chunks."""
        self._generator.manual_seed(seed)

    @torch.no_grad()
    def encode(self, observation: Observation) -> Encoded:
        """The expensive half, once per observation. Raises `CheckpointError` for other cameras or joints."""
        self._check(observation)
        seen = self.config.observations
        pictures = np.stack(
            [
                [reduce_picture(observation.images[name][k], self.config.picture_px) for name in self.config.cameras]
                for k in range(-seen, 0)
            ]
        )
        state = torch.from_numpy(observation.state[-seen:].astype(np.float32))
        return Encoded(
            observation.stamp_ns,
            self._policy.encode(Seen(torch.from_numpy(pictures)[None], state[None], (observation.task,))),
        )

    @torch.no_grad()
    def sample(self, encoded: Encoded, n: int = 1, solver_steps: int = 10) -> tuple[ActionChunk, DenoisingTrace]:
        """The chunk to execute and how it and n - 1 others came about.

        Asked again for more samples of the same observation, only the missing ones are drawn: sample 0 stays, to the
        last bit, the chunk that is being executed.
        """
        if n < 1 or solver_steps < 1:
            raise ValueError(f"n = {n}, solver_steps = {solver_steps}: both must be at least 1")
        drawn = encoded._drawn
        if drawn is not None and len(drawn.velocity_norm) != solver_steps:
            drawn = None
        missing = n - (0 if drawn is None else drawn.actions.shape[1])
        if missing > 0:
            drawn = _joined(drawn, self._draw(encoded._condition, missing, solver_steps))
        assert drawn is not None
        encoded._drawn = drawn
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
        if state.ndim != 2 or state.shape[1] != self.config.joints or not np.all(np.isfinite(state[-1])):
            raise CheckpointError(
                f"The policy needs {self.config.joints} joint values ({', '.join(self.config.joint_names)}), "
                f"it got {np.array2string(state, precision=3)}. Check the follower arm."
            )


def _joined(first: DenoisingTrace | None, more: DenoisingTrace) -> DenoisingTrace:
    if first is None:
        return more
    return DenoisingTrace(
        np.concatenate([first.actions, more.actions], 1),
        np.concatenate([first.velocity_norm, more.velocity_norm], 1),
    )


def _float64(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.numpy().astype(np.float64)
