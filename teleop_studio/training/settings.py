"""How a run is trained: the defaults, and what a policy's own kind says otherwise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from teleop_studio.policies import policy_kind


@dataclass(frozen=True)
class TrainSettings:
    """`policy` a name of `POLICIES`, `policy_settings` its own settings; the defaults where left out.

    `config` fields of `PolicyConfig` that the run wants otherwise (pictures, horizon, observations ...). `device`
    "auto", "cpu", "cuda", "cuda:1", "mps". `processes` that share each batch, 0 for as many as this machine has to spare.

    Constant learning rate after the warm-up, and averaged weights (EMA) with decay min(`ema_max`, 1 - (1 + step)^-.75):
    every checkpoint is usable, and a run can be lengthened. Counts are steps of `batch` moments.
    """

    policy: str = "flow-matching"
    policy_settings: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    steps: int = 6500
    batch: int = 64
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 1e-4
    warmup_steps: int = 100
    clip_norm: float = 5.0
    ema_max: float = 0.999
    checkpoint_every: int = 1000
    held_out_every: int = 500
    log_every: int = 10
    held_out_moments: int = 128
    seed: int = 0
    device: str = "auto"
    processes: int = 0

    def ema_decay(self, step: int) -> float:
        """Decay after `step` steps: .994 at 1,000, `ema_max` from about 10,000 on."""
        return min(self.ema_max, 1.0 - math.pow(1.0 + step, -0.75))

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then constant."""
        return self.learning_rate * min(1.0, (step + 1) / self.warmup_steps)


def settings_for(policy: str, policy_settings: Mapping[str, Any] | None = None, **given: Any) -> TrainSettings:
    """The settings that suit a policy: the defaults, then what its kind says, then what is `given` (None: not given).

    Raises `ValueError` for an unknown policy or field.
    """
    kind = policy_kind(policy)
    chosen = {name: value for name, value in given.items() if value is not None}
    config = {**kind.config, **chosen.pop("config", {})}
    start = TrainSettings(policy=policy, policy_settings=dict(policy_settings or {}), config=config)
    try:
        return replace(start, **{**kind.training, **chosen})
    except TypeError as error:
        raise ValueError(f"A training has no such setting: {error}.") from error
