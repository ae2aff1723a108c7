"""How a run is trained: the defaults, and what a policy's own kind says otherwise."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from teleop_studio.policies import policy_kind

COSINE, CONSTANT = "cosine", "constant"
_DEVICES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_AT_LEAST_ONE = (
    "steps",
    "batch",
    "warmup_steps",
    "checkpoint_every",
    "held_out_every",
    "log_every",
    "held_out_moments",
)
_NOT_NEGATIVE = ("processes", "shards", "first_checkpoint_steps", "stretch_from")
_POSITIVE = ("learning_rate", "clip_norm", "first_checkpoint_s", "checkpoint_every_s")


@dataclass(frozen=True)
class TrainSettings:
    """`policy` a name of `POLICIES`, `policy_settings` its own settings; the defaults where left out.

    `config` fields of `PolicyConfig` that the run wants otherwise (pictures, horizon, observations ...). `device`
    "auto", "cpu", "cuda", "cuda:1", "mps". `processes` that share each batch, 0 for what the machine has to spare.
    `shards` parts of a batch, each with its own noise, whose gradients are summed: what is learnt depends on them and
    not on how many processes share them; 0 for what suits the device.

    `schedule` of the learning rate after the warm-up: "cosine" to `final_share` of it at the last step, or "constant".
    It begins at step `stretch_from`: a lengthened run warms up again and decays over what was added. Averaged weights
    (EMA) with decay min(`ema_max`, 1 - (1 + step)^-.75); `ema_max` 0 keeps no second set of weights.
    The first checkpoint comes after `first_checkpoint_steps` or `first_checkpoint_s` of training, whichever is earlier,
    the next ones every `checkpoint_every` steps and no later than `checkpoint_every_s` after the one before.
    `bfloat16`: the loss is computed in it where that is safe (torch's autocast). Counts are steps of `batch` moments.
    """

    policy: str = "flow-matching"
    policy_settings: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    steps: int = 6000
    batch: int = 64
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 1e-4
    warmup_steps: int = 100
    schedule: str = COSINE
    final_share: float = 0.05
    stretch_from: int = 0
    clip_norm: float = 5.0
    ema_max: float = 0.999
    checkpoint_every: int = 1000
    first_checkpoint_steps: int = 200
    first_checkpoint_s: float = 30.0
    checkpoint_every_s: float = 300.0
    held_out_every: int = 500
    log_every: int = 10
    held_out_moments: int = 128
    seed: int = 0
    device: str = "auto"
    processes: int = 0
    shards: int = 0
    bfloat16: bool = False

    def __post_init__(self) -> None:
        """Raises `ValueError` for values that no training can have."""
        for names, is_good, wish in (
            (_AT_LEAST_ONE, lambda value: _whole(value) and value >= 1, "a whole number from 1 on"),
            (_NOT_NEGATIVE, lambda value: _whole(value) and value >= 0, "a whole number from 0 on"),
            (_POSITIVE, lambda value: _number(value) and value > 0, "a number above 0"),
            (("final_share", "ema_max"), lambda value: _number(value) and 0 <= value <= 1, "a number from 0 to 1"),
            (("schedule",), lambda value: value in (COSINE, CONSTANT), f"{COSINE!r} or {CONSTANT!r}"),
            (("device",), lambda value: _DEVICES.fullmatch(str(value)), "'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'"),
            (("betas",), _decays, "two numbers from 0 on, below 1"),
            (("weight_decay",), lambda value: _number(value) and value >= 0, "a number from 0 on"),
            (("bfloat16",), lambda value: isinstance(value, bool), "true or false"),
        ):
            for name in names:
                if not is_good(getattr(self, name)):
                    raise ValueError(f"{name} = {getattr(self, name)!r}: it must be {wish}.")

    def ema_decay(self, step: int) -> float:
        """Decay after `step` steps: .994 at 1,000, .999 from about 10,000 on; `ema_max` at most."""
        return min(self.ema_max, 1.0 - math.pow(1.0 + step, -0.75))

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then a half cosine from 1 to `final_share` (Loshchilov and Hutter 2017), or constant."""
        done = step - self.stretch_from if self.schedule == COSINE else step
        warm = min(1.0, (done + 1) / self.warmup_steps)
        if self.schedule == CONSTANT:
            return self.learning_rate * warm
        decaying = max(1, self.steps - self.stretch_from - self.warmup_steps)
        share = min(1.0, max(0.0, (done + 1 - self.warmup_steps) / decaying))
        left = self.final_share + (1.0 - self.final_share) * 0.5 * (1.0 + math.cos(math.pi * share))
        return self.learning_rate * warm * left

    def lengthened(self, steps: int, saved_step: int) -> "TrainSettings":
        """The same with more steps: the schedule starts again where the run stands, at `saved_step`."""
        return self if steps <= self.steps else replace(self, steps=steps, stretch_from=saved_step)


def settings_for(policy: str, policy_settings: Mapping[str, Any] | None = None, **given: Any) -> TrainSettings:
    """The settings that suit a policy: the defaults, then what its kind says, then what is `given` (None: not given).

    Raises `ValueError` for an unknown policy or field, or an impossible value.
    """
    kind = policy_kind(policy)
    chosen = {**kind.training, **{name: value for name, value in given.items() if value is not None}}
    known = [one.name for one in fields(TrainSettings) if one.name not in ("policy", "policy_settings")]
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise ValueError(f"A training has no setting {', '.join(unknown)}. It has: {', '.join(known)}.")
    chosen["config"] = {**kind.config, **chosen.get("config", {})}
    return TrainSettings(policy=policy, policy_settings=dict(policy_settings or {}), **chosen)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decays(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(_number(one) and 0 <= one < 1 for one in value)
