"""What travels over the pipes: small frozen dataclasses, one group per process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.chunk import ActionChunk


@dataclass(frozen=True)
class Ready:
    """A process has opened what it owns. `note` e.g. its scheduling class or its ports."""

    note: str = ""


@dataclass(frozen=True)
class Warned:
    """Something the operator should read."""

    text: str


# --- control -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EngageLeader:
    """Drive the follower with the leader."""


@dataclass(frozen=True)
class EngagePolicy:
    """Drive the follower with chunks from the inference process."""

    executed_steps: int


@dataclass(frozen=True)
class EngageReplay:
    """Drive the follower with recorded actions. `stamp_ns` (T,), `actions` (T, D)."""

    stamp_ns: NDArray[np.int64]
    actions: NDArray[np.float64]


@dataclass(frozen=True)
class Hold:
    """Keep the last goal."""


@dataclass(frozen=True)
class Pause:
    """Stop commanding, leave torque as it is. Answered by `Paused`."""

    token: int


@dataclass(frozen=True)
class Paused:
    token: int


@dataclass(frozen=True)
class Release:
    """Torque off."""


@dataclass(frozen=True)
class SetExecutedSteps:
    steps: int


@dataclass(frozen=True)
class ReplayFinished:
    """The recorded actions are over; the follower holds."""


@dataclass(frozen=True)
class ControlFault:
    """Why the loop is holding, in the operator's words; empty when it is well again."""

    text: str


# --- control <-> inference -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChunkWanted:
    """Control asks for the next chunk."""

    request: int
    asked_ns: int


@dataclass(frozen=True)
class ChunkReady:
    request: int
    chunk: ActionChunk | None
    problem: str = ""


# --- inference -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoadRun:
    run: Path


@dataclass(frozen=True)
class RunLoaded:
    run: Path
    executed_steps: int
    solver_steps: int


@dataclass(frozen=True)
class RunRefused:
    run: Path
    why: str


@dataclass(frozen=True)
class SetSolverSteps:
    steps: int


@dataclass(frozen=True)
class SeedNoise:
    """Start the noise sequence anew, so that a trial can be repeated."""

    seed: int


@dataclass(frozen=True)
class ChunkTimes:
    """Latencies of one chunk. `chunk_ms` request to answer, `overlay_ms` request to all samples drawn."""

    chunk_ms: float
    overlay_ms: float


# --- recorder ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StartTake:
    """Begin a take in `folder`. `first_tick` the control tick from which on rows belong to it."""

    folder: Path
    task: str
    source: str
    first_tick: int
    extra: dict[str, Any]


@dataclass(frozen=True)
class TakeStarted:
    uuid: str


@dataclass(frozen=True)
class FinishTake:
    outcome: str
    extra: dict[str, Any]


@dataclass(frozen=True)
class DiscardTake:
    pass


@dataclass(frozen=True)
class MarkEvent:
    stamp_ns: int
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class KeepChunk:
    """A chunk that control entered, for the episode file."""

    chunk: ActionChunk


@dataclass(frozen=True)
class TakeProgress:
    recording: bool
    frames_written: int
    frames_due: int
    gaps: int
    building: int
    started_ns: int


@dataclass(frozen=True)
class TakeSaved:
    path: Path
    frames: int
    gaps: int


@dataclass(frozen=True)
class TakeLost:
    """A take could not be saved; the journal, if any, is kept at `journal`."""

    why: str
    journal: Path | None


# --- simulated rig -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ResetScene:
    seed: int
    token: int


@dataclass(frozen=True)
class SceneReset:
    token: int


@dataclass(frozen=True)
class StartOperator:
    side: str
    seed: int


@dataclass(frozen=True)
class StopOperator:
    pass


@dataclass(frozen=True)
class OperatorFinished:
    side: str


@dataclass(frozen=True)
class ScoreNow:
    """How the trial stands: only ever used to score, never recorded as an observation."""

    lifted: bool
    bottle_upright: bool
    obstacle_upright: bool
    failed: str
    side: str | None
