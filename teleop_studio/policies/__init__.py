"""Policies by name. To add one: a file with its class and an entry here.

Nothing here imports torch: the window lists the policies, only the trainer and the policy process build one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from teleop_studio.policies.config import PolicyConfig

if TYPE_CHECKING:
    from teleop_studio.policies.policy import Policy

PolicyFactory = Callable[[PolicyConfig, Mapping[str, Any]], "Policy"]


@dataclass(frozen=True)
class PolicyKind:
    """A policy as the window offers it and the trainer builds it.

    `title` and `summary` (one sentence: what it does and when to take it) are the operator's words. `training` fields
    of `TrainSettings`, `config` fields of `PolicyConfig` where this policy's default is another one. `choices` the
    policy's own settings that are worth offering, each with its values, the default first. `solver_steps` offered live,
    the default among them; empty when it has no solver. `weights`: it starts from a folder of pretrained weights.
    `packages` that must be there (import name), which the extra `extra` installs.
    """

    title: str
    summary: str
    build: PolicyFactory
    training: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    solver_steps: tuple[int, ...] = (1, 2, 4, 10, 25)
    weights: bool = False
    packages: tuple[str, ...] = ()
    extra: str = ""

    @property
    def missing(self) -> str:
        """A sentence about what has to be installed first; empty when the policy can be built here."""
        absent = [name for name in self.packages if find_spec(name) is None]
        if not absent:
            return ""
        return (
            f"{self.title} needs {', '.join(absent)}, which is not installed. "
            f"Install it with: pip install 'teleop-studio[{self.extra}]'."
        )


def _flow_matching(config: PolicyConfig, settings: Mapping[str, Any]) -> "Policy":
    from teleop_studio.policies.flow_matching import FlowMatching, FlowMatchingSettings

    return FlowMatching(config, FlowMatchingSettings(**settings))


def _mean_regression(config: PolicyConfig, settings: Mapping[str, Any]) -> "Policy":
    from teleop_studio.policies.mean_regression import MeanRegression, MeanRegressionSettings

    return MeanRegression(config, MeanRegressionSettings(**settings))


def _gaussian(config: PolicyConfig, settings: Mapping[str, Any]) -> "Policy":
    from teleop_studio.policies.gaussian import Gaussian, GaussianSettings

    return Gaussian(config, GaussianSettings(**settings))


def _diffusion(config: PolicyConfig, settings: Mapping[str, Any]) -> "Policy":
    from teleop_studio.policies.diffusion import Diffusion, DiffusionSettings

    return Diffusion(config, DiffusionSettings(**settings))


def _one_step_flow(config: PolicyConfig, settings: Mapping[str, Any]) -> "Policy":
    from teleop_studio.policies.one_step_flow import OneStepFlow, OneStepFlowSettings

    return OneStepFlow(config, OneStepFlowSettings(**settings))


def _act(config: PolicyConfig, settings: Mapping[str, Any]) -> "Policy":
    from teleop_studio.policies.lerobot_policies.act import Act, ActSettings

    return Act(config, ActSettings(**settings))


def _diffusion_policy(config: PolicyConfig, settings: Mapping[str, Any]) -> "Policy":
    from teleop_studio.policies.lerobot_policies.diffusion_policy import DiffusionPolicy, DiffusionPolicySettings

    return DiffusionPolicy(config, DiffusionPolicySettings(**settings))


def _vision_language_action(name: str) -> PolicyFactory:
    def build(config: PolicyConfig, settings: Mapping[str, Any]) -> "Policy":
        from teleop_studio.policies.lerobot_policies.vla import VisionLanguageAction, VlaSettings

        return VisionLanguageAction(name, config, VlaSettings(**settings))

    return build


# What our own policies share: how they think, and how they see.
_SHARED: dict[str, tuple[Any, ...]] = {
    "network": ("mlp", "unet", "dit"),
    "encoder": ("cnn", "resnet18", "frozen"),
    "augment": (0.5, 0.0, 1.0),
}

_FINE_TUNED: dict[str, Any] = {"picture_px": 224, "crop_px": 224, "horizon": 30, "executed_steps": 15}
_FINE_TUNING: dict[str, Any] = {
    "betas": (0.9, 0.95),
    "weight_decay": 0.01,
    "warmup_steps": 500,
    "clip_norm": 10.0,
    "ema_max": 0.0,
    "held_out_every": 1000,
    "held_out_moments": 16,
}

POLICIES: dict[str, PolicyKind] = {
    "flow-matching": PolicyKind(
        "Flow matching",
        "Draws whole chunks from noise and keeps both ways round an obstacle; the one to begin with.",
        _flow_matching,
        choices={**_SHARED, "settle": (0.3, 0.5, 0.0)},
    ),
    "one-step-flow": PolicyKind(
        "One-step flow",
        "Flow matching that keeps both ways round an obstacle in a single step, for a slow computer; more steps make "
        "its chunks smoother.",
        _one_step_flow,
        config={"solver_steps": 1},
        choices=_SHARED,
        solver_steps=(1, 2, 4),
    ),
    "diffusion": PolicyKind(
        "Diffusion",
        "Takes noise out of whole chunks in many small steps and keeps both ways round an obstacle; take it to compare "
        "with flow matching, which needs fewer steps.",
        _diffusion,
        choices={**_SHARED, "target": ("sample", "epsilon"), "sampler": ("ddim", "ancestral")},
        solver_steps=(10, 50, 100),
    ),
    "mean-regression": PolicyKind(
        "Mean regression",
        "Answers with the average of what was demonstrated, which leads through an obstacle where people went round "
        "it on both sides; the baseline to compare with.",
        _mean_regression,
        config={"solver_steps": 1},
        choices=_SHARED,
        solver_steps=(),
    ),
    "gaussian": PolicyKind(
        "Gaussian",
        "Answers with an average and how far the demonstrations spread around it; the baseline whose samples show why "
        "an average fails.",
        _gaussian,
        config={"solver_steps": 1},
        choices={**_SHARED, "execute": ("mean", "sample")},
        solver_steps=(),
    ),
    # LeRobot's 1e-5 for ACT is for 100,000 steps of 8: a tenth of the steps gets ten times the rate. Its chunk of 100
    # at 50 Hz is 2 s long, which is 30 goals here. The pictures are as large as in the paper of Diffusion Policy.
    "act": PolicyKind(
        "ACT (LeRobot)",
        "LeRobot's transformer that says one chunk for each moment; take it to compare with, with time to train.",
        _act,
        training={
            "steps": 10_000,
            "batch": 16,
            "learning_rate": 1e-4,
            "betas": (0.9, 0.999),
            "warmup_steps": 500,
            "clip_norm": 10.0,
        },
        config={"picture_px": 96, "crop_px": 96, "horizon": 30, "executed_steps": 15, "solver_steps": 1},
        choices={"preset": ("small", "default")},
        solver_steps=(),
        packages=("lerobot", "torchvision"),
        extra="lerobot-policies",
    ),
    "diffusion-policy": PolicyKind(
        "Diffusion Policy (LeRobot)",
        "LeRobot's U-Net that takes noise out of whole chunks; take it to compare with, best on a GPU.",
        _diffusion_policy,
        training={
            "steps": 10_000,
            "batch": 32,
            "learning_rate": 1e-4,
            "betas": (0.95, 0.999),
            "weight_decay": 1e-6,
            "warmup_steps": 500,
            "clip_norm": 10.0,
        },
        config={"picture_px": 96, "crop_px": 84, "observations": 2},
        choices={"preset": ("small", "paper")},
        solver_steps=(10, 50, 100),
        packages=("lerobot", "diffusers", "torchvision"),
        extra="lerobot-policies",
    ),
    # Fine-tuned with the rates that LeRobot gives each, and like there without averaged weights, which would be a
    # second copy of a large network. A measurement of 128 moments would fill a GPU's memory.
    "smolvla": PolicyKind(
        "SmolVLA (LeRobot)",
        "A small model that was pretrained on many robots and is told the task in words; needs its weights and a GPU.",
        _vision_language_action("smolvla"),
        training=_FINE_TUNING | {"steps": 20_000, "batch": 32, "learning_rate": 1e-4, "weight_decay": 1e-10},
        config=_FINE_TUNED,
        choices={"train": ("expert", "all")},
        solver_steps=(1, 2, 4, 10),
        weights=True,
        packages=("lerobot", "transformers", "torchvision"),
        extra="lerobot-policies",
    ),
    "pi0": PolicyKind(
        "pi0 (LeRobot)",
        "A large model that was pretrained on many robots and is told the task in words; needs its weights and a GPU.",
        _vision_language_action("pi0"),
        training=_FINE_TUNING | {"steps": 5_000, "batch": 16, "learning_rate": 2.5e-5, "clip_norm": 1.0},
        config=_FINE_TUNED,
        choices={"train": ("expert", "all")},
        solver_steps=(1, 2, 4, 10),
        weights=True,
        packages=("lerobot", "transformers", "torchvision"),
        extra="lerobot-policies",
    ),
    "pi05": PolicyKind(
        "pi0.5 (LeRobot)",
        "The successor of pi0, which also reads the arm's pose as words; needs its weights and a GPU.",
        _vision_language_action("pi05"),
        training=_FINE_TUNING | {"steps": 5_000, "batch": 16, "learning_rate": 2.5e-5, "clip_norm": 1.0},
        config=_FINE_TUNED,
        choices={"train": ("expert", "all")},
        solver_steps=(1, 2, 4, 10),
        weights=True,
        packages=("lerobot", "transformers", "torchvision"),
        extra="lerobot-policies",
    ),
}


def policy_kind(name: str) -> PolicyKind:
    """Raises `ValueError` that lists the known policies for an unknown name."""
    if name not in POLICIES:
        raise ValueError(f"There is no policy {name!r}. Known policies: {', '.join(sorted(POLICIES))}.")
    return POLICIES[name]


def build_policy(name: str, config: PolicyConfig, settings: Mapping[str, Any] | None = None) -> "Policy":
    """An untrained policy. `settings` are the policy's own; left-out ones keep its defaults.

    Raises `ValueError` for an unknown name or setting, or a package that is not installed.
    """
    kind = policy_kind(name)
    if kind.missing:
        raise ValueError(kind.missing)
    try:
        return kind.build(config, settings or {})
    except TypeError as error:
        raise ValueError(f"The policy {name!r} does not take these settings: {error}.") from error
