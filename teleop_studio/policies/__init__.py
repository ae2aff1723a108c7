"""Policies by name. To add one: a file with its class and a line here.

Nothing here imports torch: the window lists the names, only the trainer and the policy process build one.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from teleop_studio.policies.config import PolicyConfig

if TYPE_CHECKING:
    from teleop_studio.policies.policy import Policy

PolicyFactory = Callable[[PolicyConfig, Mapping[str, Any]], "Policy"]


def _flow_matching(config: PolicyConfig, settings: Mapping[str, Any]) -> "Policy":
    from teleop_studio.policies.flow_matching import FlowMatching, FlowMatchingSettings

    return FlowMatching(config, FlowMatchingSettings(**settings))


POLICIES: dict[str, PolicyFactory] = {
    "flow-matching": _flow_matching,
}


def build_policy(name: str, config: PolicyConfig, settings: Mapping[str, Any] | None = None) -> "Policy":
    """An untrained policy. `settings` are the policy's own; left-out ones keep its defaults.

    Raises `ValueError` for an unknown name or setting.
    """
    if name not in POLICIES:
        raise ValueError(f"There is no policy {name!r}. Known policies: {', '.join(sorted(POLICIES))}.")
    try:
        return POLICIES[name](config, settings or {})
    except TypeError as error:
        raise ValueError(f"The policy {name!r} does not take these settings: {error}.") from error
