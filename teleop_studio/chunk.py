"""What a policy sees and what it answers, in numpy: the words shared by control, policies and the window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Observation:
    """What a real rig has, nothing else: pictures and joint state.

    `stamp_ns` monotonic ns of the newest picture. `state` (n_obs, D) measured follower joints, rad, gripper 0..1.
    `images` {camera: (n_obs, h, w, 3) uint8}, as recorded (the policy resizes). `task` text.
    """

    stamp_ns: int
    state: NDArray[np.float64]
    images: dict[str, NDArray[np.uint8]]
    task: str = ""


@dataclass(frozen=True)
class ActionChunk:
    """H >= 1 joint goals, `dt_s` > 0 apart, the first due at `start_ns`. `actions` (H, D) rad, gripper 0..1.

    Raises `ValueError` for anything else.
    """

    start_ns: int
    dt_s: float
    actions: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.actions.ndim != 2 or self.actions.size == 0:
            raise ValueError(f"a chunk is (H, D) goals, at least one; got {self.actions.shape}")
        if not 0 < self.dt_s < np.inf:
            raise ValueError(f"dt_s = {self.dt_s}: the goals of a chunk lie some time apart")

    def at(self, now_ns: int) -> NDArray[np.float64]:
        """Goal (D,) at `now_ns`, linear between neighbours, held before the first and after the last."""
        horizon = len(self.actions)
        k = float(np.clip((now_ns - self.start_ns) * 1e-9 / self.dt_s, 0.0, horizon - 1))
        low = min(int(k), max(horizon - 2, 0))
        high = min(low + 1, horizon - 1)
        goal: NDArray[np.float64] = self.actions[low] + (k - low) * (self.actions[high] - self.actions[low])
        return goal


@dataclass(frozen=True)
class DenoisingTrace:
    """How N chunks came out of the noise in S solver steps.

    `actions` (S + 1, N, H, D): the predicted clean chunk at each step, physical units; the last is what was sampled.
    `velocity_norm` (S, N): mean norm of the flow's velocity at each step, normalised units.
    """

    actions: NDArray[np.float64]
    velocity_norm: NDArray[np.float64]
