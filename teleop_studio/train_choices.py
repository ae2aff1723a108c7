"""What can be trained and what the operator chooses of it; free of torch and of the training package."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainChoices:
    """`policy` a name of `POLICIES`; `steps` None for what suits it; `name` of the run, None for one that is chosen.

    `data` folders and episode files, empty for all kept demonstrations; `out` the run's folder, None for one in the
    workspace. `policy_settings` the policy's own, `training` fields of `TrainSettings`; the defaults where left out.
    `weights` a folder of pretrained weights for the policies that start from some. `device` "auto" picks one and says
    which. `host` a training host of the workspace, "" for this computer.
    """

    policy: str = "flow-matching"
    steps: int | None = None
    name: str | None = None
    data: tuple[Path, ...] = ()
    out: Path | None = None
    policy_settings: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    weights: Path | None = None
    device: str = "auto"
    host: str = ""
    seed: int = 0


@dataclass(frozen=True)
class PolicyInfo:
    """A policy as it is offered. `title` and `summary` in the operator's words; `missing` says what to install first.

    `choices` the policy's own settings that are worth offering, each with its values, the default first. `weights`: it
    starts from a folder of pretrained weights. `steps` what suits it. `solver_steps` offered live, if it has a solver.
    """

    name: str
    title: str
    summary: str
    missing: str
    choices: Mapping[str, tuple[Any, ...]]
    weights: bool
    steps: int
    solver_steps: tuple[int, ...] = ()
