"""The words of an episode: what one tick, one camera and one take are."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCES = ("human", "policy", "mixed", "scripted")
OUTCOMES = ("success", "failure", "unrated", "interrupted", "stopped")
CODECS = ("jpeg", "png")  # png is lossless
SUBSAMPLINGS = ("444", "422", "420")
UNKNOWN_QUALITY = -1

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
    """A camera of the take. `name` letters, digits, '-' and '_'; `width`, `height` px; `fps` nominal.

    `codec` one of `CODECS`. `quality` and `subsampling` of JPEG: 1 to 100 and one of `SUBSAMPLINGS`; a lossless camera
    has 0 and "". JPEGs that somebody else made have `UNKNOWN_QUALITY` and ""; `passthrough` says the camera did.
    `serial` tells the camera from its twin (serial number, or the path of its port); `calibration` goes to JSON
    (intrinsics, extrinsics, empty when not known). Raises `ValueError` for values that could not be stored.
    """

    name: str
    width: int
    height: int
    fps: float
    codec: str = "jpeg"
    # 4:4:4 keeps the edges of small coloured things; 4:2:0 at any quality does not (decision 14).
    quality: int = 90
    subsampling: str = "444"
    passthrough: bool = False
    serial: str = ""
    calibration: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not _CAMERA_NAME.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} is no camera name: use letters, digits, '-' and '_', at most 32 characters"
            )
        if self.codec not in CODECS:
            raise ValueError(f"camera {self.name!r}: codec {self.codec!r} is none of {CODECS}")
        if self.codec == "png" and self.passthrough:
            raise ValueError(f"camera {self.name!r}: only JPEGs of the camera itself can be passed through")
        if self.codec == "png" or self.passthrough:
            object.__setattr__(self, "quality", UNKNOWN_QUALITY if self.passthrough else 0)
            object.__setattr__(self, "subsampling", "")
        elif not _is_stated(self.quality, self.subsampling):
            raise ValueError(
                f"camera {self.name!r}: JPEG needs a quality of 1 to 100 and one of {SUBSAMPLINGS}, "
                f"not {self.quality} and {self.subsampling!r}"
            )
        _check_json(f"the calibration of camera {self.name!r}", self.calibration)


@dataclass(frozen=True)
class Gap:
    """`count` items of `stream` from sequence number `first_missing` on were never written.

    `t0_ns` is the stamp of the last item before the gap, `t1_ns` of the first one after it; -1 when not known.
    """

    stream: str
    first_missing: int
    count: int
    t0_ns: int = -1
    t1_ns: int = -1


@dataclass(frozen=True)
class LoopStatistics:
    """The control loop while a take was recorded. Period errors in ms: how late or early ticks came."""

    ticks: int
    missed_deadlines: int
    period_error_p50_ms: float
    period_error_p99_ms: float
    period_error_max_ms: float
    bus_retries: int


@dataclass(frozen=True)
class EpisodeDescription:
    """What is known before the first tick. `source` one of `SOURCES`; `effort_units` (D,).

    `calibration` of both arms and `extra` go to JSON. `position_unit` is "rad" but for imported data that is in another
    one. `derived_from` is the uuid of the episode that this one was made from, `derivation` says how it was made.
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
    calibration: dict[str, Any] = field(default_factory=dict)
    position_unit: str = "rad"
    derived_from: str = ""
    derivation: str = ""

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
        _check_json("extra", self.extra)
        _check_json("the calibration", self.calibration)


def camera_fingerprint(camera: CameraDescription) -> str:
    """SHA-256 of all that is said about the camera: another one, or the same calibrated anew, has another."""
    return hashlib.sha256(plain_json(asdict(camera)).encode()).hexdigest()


def plain_json(content: dict[str, Any]) -> str:
    """The same text for the same content."""
    return json.dumps(content, sort_keys=True)


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


def _is_stated(quality: int, subsampling: str) -> bool:
    if quality == UNKNOWN_QUALITY:
        return subsampling == ""
    return 1 <= quality <= 100 and subsampling in SUBSAMPLINGS


def _check_json(name: str, content: dict[str, Any]) -> None:
    try:
        json.dumps(content)
    except TypeError as error:
        raise ValueError(f"{name} can not be stored as JSON: {error}") from error
