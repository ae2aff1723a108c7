"""What travels over the pipes: small frozen dataclasses, one group per process. Bulk data goes through the rings."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.evaluation.measures import TrialMeasures


@dataclass(frozen=True)
class Ready:
    """A process has opened what it owns. `note` e.g. its scheduling class."""

    note: str = ""


@dataclass(frozen=True)
class Warned:
    """Something the operator should read."""

    text: str


# --- control -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EngageHold:
    """Torque on with goal := present, then hold. `at_leader`: hold where the leader stands, when that is near."""

    at_leader: bool = False


@dataclass(frozen=True)
class EngageLeader:
    """Drive the follower with the leader."""


@dataclass(frozen=True)
class EngagePolicy:
    """Drive the follower with chunks from the inference process."""

    executed_steps: int
    ensembling: bool = False


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
class SetEnsembling:
    """Whether the policy's chunks are averaged over time."""

    on: bool


@dataclass(frozen=True)
class ReplayFinished:
    """The recorded actions are over; the follower holds."""


@dataclass(frozen=True)
class ControlFault:
    """Why the loop is holding, in the operator's words; empty when it is well again."""

    text: str


# --- inference -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoadRun:
    run: Path


@dataclass(frozen=True)
class RunLoaded:
    """`policy` its name in the registry, `step` of its checkpoint, `device` what it runs on, in words.

    `tasks` the texts it knows; with more than one of them `task` is the one it does.
    """

    run: Path
    executed_steps: int
    solver_steps: int
    policy: str = ""
    step: int = 0
    device: str = ""
    tasks: tuple[str, ...] = ()
    task: str = ""


@dataclass(frozen=True)
class SetTask:
    """What the loaded policy shall do: one of its tasks."""

    text: str


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
    """Latencies of one chunk. `chunk_ms` from the wish to the answer, `overlay_ms` to all samples drawn."""

    chunk_ms: float
    overlay_ms: float


@dataclass(frozen=True)
class ChunkFailed:
    """The policy could not answer; the follower goes on with the last chunk and then holds."""

    why: str


# --- recorder and builder ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StartTake:
    """Begin a take in `folder`. Rows from ring index `first_tick` on belong to it, once the soft start is over.

    `take` numbers the takes of a session: what the recorder says about one must not be taken for the next.
    """

    folder: Path
    task: str
    source: str
    first_tick: int
    extra: dict[str, Any] = field(default_factory=dict)
    operator: str = ""
    take: int = 0


@dataclass(frozen=True)
class FinishTake:
    """End the take and keep it. One with a `TAKEOVER` in it becomes a "mixed" episode."""

    outcome: str


@dataclass(frozen=True)
class DiscardTake:
    pass


TAKEOVER = "takeover"


@dataclass(frozen=True)
class MarkEvent:
    """Something happened to the running take: bookmark, takeover, stop, torque off, fault, closed."""

    stamp_ns: int
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class TakeProgress:
    """The running take. Ticks and pictures together; `pictures` per camera (written, missing)."""

    frames_written: int
    missing: int
    gaps: int
    started_ns: int
    pictures: dict[str, tuple[int, int]] = field(default_factory=dict)
    missing_ticks: int = 0
    take: int = 0


@dataclass(frozen=True)
class TakeRefused:
    """A take could not begin."""

    why: str
    take: int = 0


@dataclass(frozen=True)
class TakeEnded:
    """A take is over and the next may begin; `TakeClosed` or `TakeLost` follows once the disk has answered.

    `why` when the recorder ended it by itself. `cut_off`: the disk refused a write, so neither follows; what the
    journal holds has to be recovered.
    """

    progress: TakeProgress
    why: str = ""
    cut_off: bool = False


@dataclass(frozen=True)
class TakeClosed:
    """A finished take's journal is safe on disk; the builder makes the episode file of it."""

    journal: Path


@dataclass(frozen=True)
class TakeDropped:
    """A take ended without a file, because the operator discarded it or because nothing had been recorded."""

    why: str = ""
    take: int = 0


@dataclass(frozen=True)
class DiskRoom:
    """For how long a take can go on before the disk is full, s."""

    left_s: float


@dataclass(frozen=True)
class BuildEpisode:
    journal: Path


@dataclass(frozen=True)
class RecoverTakes:
    """Build what a recorder that died, or that the disk refused, has left in `folder`; None: in all folders."""

    folder: Path | None = None


@dataclass(frozen=True)
class TakeSaved:
    journal: Path
    path: Path


@dataclass(frozen=True)
class TakeWaiting:
    """There is no room to build the episode file: the journal waits for it. Said once for each take."""

    journal: Path
    why: str


@dataclass(frozen=True)
class TakeRecovered:
    """What became of a journal that nobody had asked to build. `path` None when there is no episode."""

    text: str
    path: Path | None


@dataclass(frozen=True)
class TakeLost:
    """A take could not be saved; what there is of it stays at `journal`."""

    why: str
    journal: Path | None


# --- cameras -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RestCameras:
    """`rest` True: only a few pictures a second, because the arm only holds and other work needs the machine."""

    rest: bool


@dataclass(frozen=True)
class CameraState:
    """How a camera is from now on: a state of `status.CameraHealth`, and what is wrong in the operator's words.

    `notice` what the operator is told once, because it is new; "" when it was told before or is nothing to tell.
    """

    camera: str
    state: str
    text: str = ""
    notice: str = ""


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
    """The scripted hand moves the leader: a grasp from `side`."""

    side: str
    seed: int


@dataclass(frozen=True)
class OperatorFinished:
    side: str


@dataclass(frozen=True)
class TrialScore:
    """How the scene stands: only ever used to score, never an observation. The last two as in `drivers.sim.score`."""

    success: bool
    failed: str
    side: str
    out_of_time: str = "time is over"
    straight_ahead_rad: float = 0.0


# --- lock-step jobs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobProgress:
    """One take or trial of a lock-step job is over."""

    done: int
    successes: int
    left: int
    right: int
    detail: str


@dataclass(frozen=True)
class TrialDone:
    """One evaluated start. `path` its episode file, None when it was not recorded."""

    run: Path
    seed: int
    success: bool
    failed: str
    side: str
    duration_s: float
    path: Path | None
    left_samples: float
    right_samples: float
    measured: TrialMeasures


@dataclass(frozen=True)
class JobFinished:
    pass


@dataclass(frozen=True)
class CancelJob:
    """End after the take that runs now."""
