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


POLICIES: dict[str, PolicyKind] = {
    "flow-matching": PolicyKind(
        "Flow matching",
        "Draws whole chunks from noise and keeps both ways round an obstacle; the one to begin with.",
        _flow_matching,
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
