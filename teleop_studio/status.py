"""What the app knows about itself at one moment: plain values that the window draws and scripts print."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teleop_studio.learning_status import LessonStatus, PairPrompt


class State(StrEnum):
    """The operator-visible state. One colour each in the window."""

    CLOSED = "closed"  # no rig open
    IDLE = "idle"  # arms connected, follower holds
    TELEOP = "teleop"  # follower copies the leader, nothing is written
    RECORDING = "recording"  # as teleop, and a take is being written
    RESET = "reset"  # take finished; the operator puts the scene back, follower still copies the leader
    POLICY = "policy"  # a policy drives the follower
    REPLAY = "replay"  # a recorded episode drives the follower
    STOPPED = "stopped"  # STOP was pressed: follower holds its pose
    REST = "rest"  # the follower moves slowly to its rest pose, to go limp there
    LIMP = "limp"  # torque is off
    FAULT = "fault"  # something failed; the follower holds or is limp, `detail` says which


@dataclass(frozen=True)
class LoopHealth:
    """The control loop's timing since it started. Period errors in ms over the last 10 s."""

    rate_hz: float = 0.0
    scheduling: str = ""  # "realtime", "nice -10" or "normal"
    ticks: int = 0
    missed_deadlines: int = 0
    period_error_p50_ms: float = 0.0
    period_error_p99_ms: float = 0.0
    period_error_p999_ms: float = 0.0
    bus_retries: int = 0


@dataclass(frozen=True)
class CameraHealth:
    """One camera as it really delivers."""

    fps: float = 0.0
    frames: int = 0
    age_ms: float = 0.0
    state: str = "ok"  # ok, starting, lost, frozen, black, slow, late
    text: str = ""  # what is wrong and what to do, one or two sentences; empty when ok


@dataclass(frozen=True)
class ServoHealth:
    """One servo as its slow registers tell. nan where it has not answered yet or does not measure it."""

    joint: str
    servo_id: int
    servo: str  # model, e.g. "xl330-m288"
    temperature_c: float = float("nan")
    voltage_v: float = float("nan")
    load: float = float("nan")  # 0..1 of what it is allowed (current limit, or full load)
    current_ma: float = float("nan")
    torque: bool = False
    errors: tuple[str, ...] = ()  # decoded hardware errors, in plain words
    age_s: float = float("nan")  # of these values
    missed: int = 0  # replies missed since the arm was opened
    level: str = "ok"  # ok, warn, bad


@dataclass(frozen=True)
class RecorderHealth:
    """The running or last take. Due counts come from sequence numbers and the clock, so a gap can not hide."""

    recording: bool = False
    frames_written: int = 0
    frames_due: int = 0
    gaps: int = 0
    building: int = 0  # finished takes that are still on their way to the disk or to their HDF5 file
    missing: int = 0  # ticks and pictures, those that are overdue at this moment included
    pictures: dict[str, tuple[int, int]] = field(default_factory=dict)  # camera: written, missing
    waiting: int = 0  # of `building`, those that find no room on the disk
    disk_left_s: float = float("inf")  # for how long a take could go on; unknown without an open rig


@dataclass(frozen=True)
class InferenceHealth:
    """The policy process. Latencies over the last 100 chunks."""

    loading: bool = False
    ready: bool = False
    run: str = ""
    chunks: int = 0
    chunk_latency_p50_ms: float = 0.0
    chunk_latency_p99_ms: float = 0.0
    overlay_latency_p50_ms: float = 0.0
    step: int = 0  # of the checkpoint that is loaded
    policy: str = ""  # its name in the registry
    device: str = ""  # what it runs on, in words
    tasks: tuple[str, ...] = ()  # the task texts it knows; with more than one it is told which to do
    task: str = ""  # the one it was told


@dataclass(frozen=True)
class TrainingStatus:
    """A run as its folder tells it; survives the window. Curves are (step, value) rows, all so far.

    `held_out_error` mean error of *sampled* chunks on held-out episodes, rad; nan before the first measurement.
    """

    run: Path
    policy: str = ""
    running: bool = False
    finished: bool = False
    stopping: bool = False
    error: str = ""
    step: int = 0
    steps: int = 0
    loss: float = float("nan")
    held_out_error: float = float("nan")
    elapsed_s: float = 0.0
    eta_s: float = 0.0
    steps_per_s: float = 0.0
    episodes: int = 0
    loss_curve: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))  # (n, 2)
    held_out_curve: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))  # (m, 2)
    prepared: int = 0  # of `episodes`: their pictures are reduced and ready
    paused: bool = False  # the process lives, keeps what it has learnt and does nothing
    device: str = ""  # what it runs on, in words: "CPU, 2 processes", "NVIDIA RTX 4090 on gpubox"
    checkpoint_step: int = 0  # of the newest checkpoint, 0 before the first
    best_step: int = 0  # of the best checkpoint, 0 while none is known
    best_by: str = ""  # what it was chosen by: "held-out error" or "trials"
    note: str = ""  # what happens beside the steps, one sentence: "Sending 12 of 40 episodes to gpubox."


@dataclass(frozen=True)
class JobStatus:
    """A long task of several takes, trials or episodes: scripted recording, evaluation, export, import."""

    title: str  # e.g. "Recording 40 demonstrations"
    done: int
    total: int
    detail: str = ""  # one sentence about what happens now
    successes: int = 0
    left: int = 0
    right: int = 0
    finished: bool = False
    error: str = ""
    takes: bool = True  # False for an export or import: nothing succeeds from the left or right


@dataclass(frozen=True)
class Overlay:
    """What the policy thought at its last chunk, as gripper-tip paths in the robot's base frame (m).

    `tip_paths` (S + 1, N, H, 3): predicted clean chunks per solver step; row [-1, 0] is the chunk that is executed.
    `executed_steps` K of the H steps run before the next chunk. `left_share`, `right_share` of the N samples.
    """

    stamp_ns: int
    tip_paths: NDArray[np.float32]
    velocity_norm: NDArray[np.float32]  # (S, N)
    executed_steps: int
    left_share: float
    right_share: float
    spread_mm: float  # mean distance to the own mode's centre at step K


@dataclass(frozen=True)
class History:
    """The newest control ticks for the strip chart. T rows, oldest first; `time_s` relative to the newest (<= 0)."""

    time_s: NDArray[np.float64]  # (T,)
    leader: NDArray[np.float64]  # (T, D)
    follower: NDArray[np.float64]  # (T, D)
    action: NDArray[np.float64]  # (T, D)


@dataclass(frozen=True)
class RunInfo:
    """A training run on disk that can be deployed or resumed."""

    path: Path
    name: str
    policy: str
    step: int
    steps: int
    held_out_error: float
    episodes: int
    finished: bool
    checkpoints: tuple[int, ...] = ()  # their steps, oldest first
    best_step: int = 0  # of the best checkpoint, 0 while none is known
    best_by: str = ""  # what it was chosen by: "held-out error" or "trials"
    interrupted: bool = False  # its trainer ended without a word: a crash, or the machine was switched off
    paused: bool = False


@dataclass(frozen=True)
class StudioStatus:
    """Everything the state bar and the pages need, taken in one go by `Studio.poll()`."""

    state: State = State.CLOSED
    title: str = "No rig open"  # one short sentence for the state bar
    detail: str = ""  # what to do about it
    simulated: bool = False
    rig: str = ""
    scene: str = ""
    joint_names: tuple[str, ...] = ()
    cameras: dict[str, CameraHealth] = field(default_factory=dict)
    episode_clock_s: float = 0.0
    episodes: int = 0
    operator_side: str = ""  # scripted operator: "", "left", "right"
    active_run: str = ""
    alignment_gap: float = 0.0  # largest joint gap leader-follower while a soft start runs, rad
    joint_gaps: tuple[float, ...] = ()  # leader minus follower of each joint, joint units; empty while unknown
    aligned_gap: float = 0.0  # limits of the first-motion guard, joint units: closer than this is aligned,
    refuse_gap: float = 0.0  # further away is not approached (the gripper always is); both 0 while unknown
    aligning: bool = False  # a soft start runs
    mirroring: bool = False  # the leader is being led to the follower's pose
    leader_servos: tuple[ServoHealth, ...] = ()
    follower_servos: tuple[ServoHealth, ...] = ()
    loop: LoopHealth = LoopHealth()
    recorder: RecorderHealth = RecorderHealth()
    inference: InferenceHealth = InferenceHealth()
    training: TrainingStatus | None = None
    preparing: tuple[int, int] = (0, 0)  # new demonstrations whose pictures are ready for a training, of how many
    job: JobStatus | None = None
    pair: PairPrompt | None = None  # while both sides of every layout are recorded by hand
    lesson: LessonStatus | None = None  # running, or how the last one ended
    notices: tuple[str, ...] = ()  # newest last; faults and warnings in the operator's words


@dataclass(frozen=True)
class EpisodeRow:
    """One recorded episode as the lists show it. `source` who drove it: human, scripted, policy, mixed."""

    path: Path
    number: int
    task: str
    source: str
    outcome: str  # success, failure, unrated, interrupted, stopped
    recorded_at: str  # ISO 8601
    duration_s: float
    frames: int
    gaps: int
    run: str = ""  # the policy's run, for trials
    side: str = ""  # "left", "right" as measured from the gripper's path; "" when it can not be told
    problem: str = ""  # why the file can not be used, in the operator's words
    operator: str = ""
    cameras: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    split: str = ""  # "train" or "held_out" when the operator has said so; "" leaves it to the training
    hints: tuple[str, ...] = ()  # what looks odd about it, one sentence each; empty until it was looked through
    idle_start_s: float = 0.0  # how long nothing moved at its start; 0 when it moved at once
    size_mb: float = 0.0
    binned: bool = False


@dataclass(frozen=True)
class CollectionStatistics:
    """All usable episodes of a folder together. Joint values in rad (the gripper 0 closed .. 1 open), (D,) each.

    `looked_through` of the `episodes` went into the joint values so far.
    """

    episodes: int = 0
    looked_through: int = 0
    duration_s: float = 0.0
    frames: int = 0
    size_mb: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    operators: dict[str, int] = field(default_factory=dict)
    pictures: dict[str, tuple[int, int]] = field(default_factory=dict)  # camera: written, missing
    joint_names: tuple[str, ...] = ()
    state_mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    state_std: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    state_min: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    state_max: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    action_mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    action_std: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    action_min: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    action_max: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class FormatInfo:
    """A format that episodes can be written to or read from. `missing` says what to install, "" when it is ready."""

    name: str  # as on the command line, e.g. "lerobot"
    title: str
    description: str  # one sentence: who reads it, what is lost
    missing: str = ""
