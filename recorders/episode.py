"""The words of an episode: what one tick, one camera and one take are."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCES = ("human", "policy", "mixed", "scripted")
OUTCOMES = ("success", "failure", "unrated", "interrupted", "stopped")

_CAMERA_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


@dataclass(frozen=True)
class ArmSample:
    """One reading of an arm. `stamp_ns` monotonic; `position`, `velocity`, `effort` (D,) rad, rad/s, the arm's unit."""

    stamp_ns: int
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    effort: NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """One control tick. `requested` (D,) by the source, `action` (D,) what was really sent after all limits.

    `source` names who asked: "hold", "leader", "policy", "replay" or whatever the control loop calls it.
    """

    stamp_ns: int
    leader: ArmSample
    follower: ArmSample
    requested: NDArray[np.float64]
    action: NDArray[np.float64]
    source: str


@dataclass(frozen=True)
class CameraDescription:
    """A camera of the take. `name` letters, digits, '-' and '_'; `width`, `height` px; `fps` nominal."""

    name: str
    width: int
    height: int
    fps: float


@dataclass(frozen=True)
class EpisodeDescription:
    """What is known before the first tick. `source` one of `SOURCES`; `effort_units` (D,); `extra` goes to JSON.

    Raises `ValueError` for values that could not be stored.
    """

    task: str
    source: str
    rig: str
    simulated: bool
    scene: str
    joint_names: tuple[str, ...]
    effort_units: tuple[str, ...]
    control_hz: float
    cameras: tuple[CameraDescription, ...]
    operator: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "joint_names", tuple(self.joint_names))
        object.__setattr__(self, "effort_units", tuple(self.effort_units))
        object.__setattr__(self, "cameras", tuple(self.cameras))
        check_source(self.source)
        if not self.joint_names or len(self.joint_names) != len(self.effort_units):
            raise ValueError(f"{len(self.joint_names)} joints need as many effort units, not {self.effort_units}")
        names = [camera.name for camera in self.cameras]
        if len(set(names)) != len(names):
            raise ValueError(f"each camera needs a name of its own: {names}")
        for name in names:
            if not _CAMERA_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no camera name: use letters, digits, '-' and '_', at most 32 characters")
        try:
            json.dumps(self.extra)
        except TypeError as error:
            raise ValueError(f"extra can not be stored as JSON: {error}") from error


def check_source(source: str) -> str:
    """Raises `ValueError` for a source that is none of `SOURCES`."""
    if source not in SOURCES:
        raise ValueError(f"source {source!r} is none of {SOURCES}")
    return source


def check_outcome(outcome: str) -> str:
    """Raises `ValueError` for an outcome that is none of `OUTCOMES`."""
    if outcome not in OUTCOMES:
        raise ValueError(f"outcome {outcome!r} is none of {OUTCOMES}")
    return outcome
