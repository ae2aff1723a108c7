"""A Studio without processes for the window's tests: moving fake data, and the real session table for its states."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teleop_studio.rig import RigConfig
from teleop_studio.sentences import while_closed
from teleop_studio.session import Session, StudioError
from teleop_studio.status import (
    CameraHealth,
    EpisodeRow,
    FormatInfo,
    History,
    InferenceHealth,
    JobStatus,
    LoopHealth,
    Overlay,
    RecorderHealth,
    RunInfo,
    ServoHealth,
    State,
    StudioStatus,
    TrainingStatus,
)
from teleop_studio.workspace import Workspace
from tests.ui.stand_in_library import StandInLibrary
from tests.ui.stand_in_setup import StandInSetup

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "forearm_roll", "wrist_pitch", "wrist_roll", "gripper")
H, K, S, N = 16, 8, 10, 32
POLL_S = 1 / 30
_TITLES = {
    State.CLOSED: ("", ""),  # depends on who has the ports
    State.IDLE: ("Ready", "Space records, L teleoperates, P lets a policy drive."),
    State.TELEOP: ("The follower copies the leader", "Space records."),
    State.RECORDING: ("Recording episode 13", "Space accepts, Backspace discards."),
    State.RESET: ("Put the scene back", "Space records the next take."),
    State.POLICY: ("flow-matching-001 drives", "T takes over, Esc stops."),
    State.REPLAY: ("Replaying episode 3", "Esc stops."),
    State.STOPPED: ("Stopped: the arm holds its pose", "R resumes."),
    State.REST: ("Going to rest", "The follower moves slowly to its rest pose. Esc stops it."),
    State.LIMP: ("Torque is off", "Support the arm; R resumes."),
    State.FAULT: ("Servo 3 (elbow) overload", "Free the joint, then R resumes."),
}


def joints_at(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) to (T, D): smooth joint angles of a fake arm."""
    phase = np.arange(7) * 0.9
    angles: NDArray[np.float64] = (
        0.7 * np.sin(0.8 * time_s[:, None] + phase) * np.array([1, 0.6, 0.8, 0.3, 0.7, 1.2, 0])
    )
    angles[:, 6] = 0.5 + 0.5 * np.tanh(4 * np.sin(0.5 * time_s))
    return angles


def tip_at(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) to (T, 3): where the fake gripper is, m in the base frame."""
    return np.stack([0.24 + 0.05 * np.sin(time_s), 0.13 * np.sin(0.8 * time_s), 0.16 + 0.05 * np.cos(0.6 * time_s)], -1)


def project_front(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """A camera that looks at the arm from the front: +y is at its right hand side."""
    points = np.asarray(points, np.float64)
    depth = 0.85 - points[..., 0]
    return np.stack([160 + 260 * points[..., 1] / depth, 165 - 270 * (points[..., 2] - 0.05) / depth], -1)


def picture(camera: str, time_s: float) -> NDArray[np.uint8]:
    """A table, a bottle and a gripper, rgb (240, 320, 3)."""
    image = np.empty((240, 320, 3), np.uint8)
    image[:90] = np.linspace((132, 146, 160), (160, 170, 182), 90)[:, None]
    image[90:] = np.linspace((176, 134, 92), (206, 160, 114), 150)[:, None]
    image[130:215, 60:260] = (58, 70, 84)
    image[105:175, 142:160] = (22, 96, 82)
    image[95:105, 147:155] = (230, 230, 230)
    image[170:226, 110:142] = (196, 158, 40)
    column, row = project_front(tip_at(np.array([time_s])))[0].astype(int)
    if camera == "wrist":
        column, row = 160, 200
        image = np.roll(image, int(40 * np.sin(time_s)), axis=1)
    image[max(row - 60, 0) : row, column - 5 : column + 5] = (28, 30, 34)
    image[row - 8 : row + 8, column - 14 : column + 14] = (232, 234, 236)
    image[row - 4 : row + 10, column - 5 : column + 5] = (230, 120, 40)
    return image


def two_sided_overlay(time_s: float, left: int = 20) -> Overlay:
    """`left` of the N samples pass the bottle at the arm's left, the rest at its right."""
    random = np.random.default_rng(7)
    start = tip_at(np.array([time_s]))[0]
    goal = np.array([0.42, 0.0, 0.08])
    along = np.linspace(0, 1, H)[:, None]
    straight = start + along * (goal - start)
    side = np.where(np.arange(N) < left, 1.0, -1.0)
    random.shuffle(side)
    swerve = np.sin(np.pi * along[:, 0]) * 0.11
    final = straight + side[:, None, None] * swerve[:, None] * np.array([0, 1, 0])
    final = final + np.cumsum(random.normal(0, 0.0025, (N, H, 3)), 1)
    noise = straight + np.cumsum(random.normal(0, 0.02, (N, H, 3)), 1)
    tau = (np.arange(S + 1) / S)[:, None, None, None]
    return Overlay(
        stamp_ns=int(time_s * 1e9),
        tip_paths=((1 - tau) * noise + tau * final).astype(np.float32),
        velocity_norm=np.linspace(2, 0.4, S)[:, None].repeat(N, 1).astype(np.float32),
        executed_steps=K,
        left_share=left / N,
        right_share=1 - left / N,
        spread_mm=6.4,
    )


def training_status(run: Path, step: int, steps: int, running: bool) -> TrainingStatus:
    at = np.arange(20, step + 1, 20, dtype=float)
    loss = (
        0.9 * np.exp(-at / 900) + 0.04 + 0.03 * np.random.default_rng(3).standard_normal(len(at)) * np.exp(-at / 2500)
    )
    held = np.arange(250, step + 1, 250, dtype=float)
    error = 0.22 * np.exp(-held / 1300) + 0.052
    return TrainingStatus(
        run=run,
        policy="flow-matching",
        running=running,
        finished=step >= steps,
        stopping=False,
        error="",
        step=step,
        steps=steps,
        loss=float(loss[-1]) if len(loss) else float("nan"),
        held_out_error=float(error[-1]) if len(error) else float("nan"),
        elapsed_s=step / 14.2,
        eta_s=(steps - step) / 14.2,
        steps_per_s=14.2,
        episodes=40,
        loss_curve=np.stack([at, loss], -1),
        held_out_curve=np.stack([held, error], -1),
    )


def healthy_servos(first_id: int, voltage_v: float) -> tuple[ServoHealth, ...]:
    """One servo per joint, of an arm that has been working for a while."""
    return tuple(
        ServoHealth(name, first_id + i, "xl430-w250", 33 + 2 * i, voltage_v, 0.1 + 0.07 * i, 90 + 30 * i, True, (), 0.3)
        for i, name in enumerate(JOINTS)
    )


@dataclass
class StandInEpisode:
    """An episode whose pictures and joints come from the same formulas."""

    row: EpisodeRow
    shift_s: float
    duration_s: float = 8.0
    cameras: tuple[str, ...] = ("front", "wrist")
    joint_names: tuple[str, ...] = JOINTS
    closed: bool = False

    def __post_init__(self) -> None:
        self.time_s = np.arange(0, self.duration_s, 0.01)
        self.leader = joints_at(self.time_s + self.shift_s)
        self.follower = joints_at(self.time_s + self.shift_s - 0.05)
        self.action = self.leader
        self.tip_path = tip_at(self.time_s + self.shift_s)

    def image_at(self, camera: str, time_s: float) -> NDArray[np.uint8] | None:
        return picture(camera, time_s + self.shift_s)

    def project(self, camera: str, points: NDArray[np.float64], time_s: float) -> NDArray[np.float64]:
        return project_front(points)

    def close(self) -> None:
        self.closed = True


@dataclass
class StandInStudio:
    """`calls` lists every verb with its arguments; `pictures`, `chunks` count what was handed out."""

    root: Path
    simulated: bool = True
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workspace = Workspace.create(self.root)
        self.session = Session()
        self.status = StudioStatus(simulated=self.simulated)
        self.camera_names: tuple[str, ...] = ("front", "wrist")
        self.overlay: Overlay | None = None
        self.executed_steps, self.solver_steps = K, S
        self.time_s = 0.0
        self.take_s = 0.0
        self.polls = self.images_taken = 0
        self.job: JobStatus | None = None
        self.training: TrainingStatus | None = None
        self.notices: tuple[str, ...] = ()
        self.operator = ""
        self.missing: dict[str, int] = {}  # camera: pictures missing in the running take
        self.disk_left_s = 5 * 3600.0
        self.opened: list[StandInEpisode] = []
        self.rows = [self._episode(number, "scripted") for number in range(1, 13)]
        self.trial_rows = [self._episode(number, "policy") for number in range(1, 7)]
        self.library = StandInLibrary(self)
        self.rig = RigConfig()
        self.setup = StandInSetup(self)
        self.closing = False
        self.gaps: tuple[float, ...] = (0.01,) * 7
        self.aligning = self.mirroring = False
        self.follower_servos = healthy_servos(1, 12.1)
        self.leader_servos = healthy_servos(11, 5.0)
        self.camera_troubles: dict[str, CameraHealth] = {}

    def _episode(self, number: int, source: str) -> EpisodeRow:
        folder = self.workspace.trials if source == "policy" else self.workspace.episodes
        return EpisodeRow(
            path=folder / f"{number:04d}.h5",
            number=number,
            task="lift the bottle",
            source=source,
            outcome="failure" if number % 5 == 0 else "success",
            recorded_at=f"2026-11-25T10:{number:02d}:00",
            duration_s=7.1 + number % 3,
            frames=790,
            gaps=2 if number == 8 else 0,
            run="flow-matching-001" if source == "policy" else "",
            side=("left", "right")[number % 2],
        )

    def _apply(self, verb: str, *arguments: object) -> None:
        self.calls.append((verb, *arguments))
        self.session.apply(verb)
        self.take_s = 0.0

    def goto(self, state: State) -> None:
        """Put the session into any state, for tests and pictures."""
        self.session.state = state

    def open(self) -> None:
        self._apply("opened")

    def close(self) -> None:
        self._apply("closed")

    def close_rig(self) -> None:
        self._apply("closed")

    def use_rig(self, rig: RigConfig) -> None:
        self.calls.append(("use_rig", rig.name))
        self.rig = rig

    def rigs(self) -> list[Path]:
        return sorted(self.workspace.rigs.glob("*.toml"))

    def known_arms(self) -> tuple[tuple[str, str, str], ...]:
        return (
            ("koch-leader", "Koch v1.1 leader", "leader"),
            ("koch-follower", "Koch v1.1 follower", "follower"),
            ("omx-leader", "ROBOTIS OMX-L", "leader"),
            ("omx-follower", "ROBOTIS OMX-F", "follower"),
            ("gello-koch", "GELLO", "leader"),
            ("widowx", "ALOHA WidowX 250", "either"),
        )

    def rest(self) -> None:
        self.calls.append(("rest",))
        self.session.state = State.REST

    def reboot_servo(self, arm: str, joint: str) -> None:
        self.calls.append(("reboot_servo", arm, joint))

    def poll(self) -> StudioStatus:
        self.polls += 1
        self.time_s += POLL_S
        state = self.session.state
        if state in (State.RECORDING, State.POLICY):
            self.take_s += POLL_S
        if state is State.POLICY and (self.overlay is None or self.polls % 16 == 1):
            self.overlay = two_sided_overlay(self.time_s)
        title, detail = _TITLES[state]
        if state is State.CLOSED:
            title, detail = while_closed(False, self.closing, self.setup.status.running)
        is_open = state is not State.CLOSED
        frames = int(self.take_s * 100)
        self.status = StudioStatus(
            state=state,
            title=title,
            detail=detail,
            simulated=self.simulated,
            rig=self.rig.name if self.simulated else "bench",
            scene="bottle and clutter",
            joint_names=JOINTS,
            cameras={name: self._camera(name) for name in self.camera_names} if is_open else {},
            joint_gaps=self.gaps if is_open else (),
            aligned_gap=0.06,
            refuse_gap=0.8,
            aligning=self.aligning,
            mirroring=self.mirroring,
            leader_servos=self.leader_servos if is_open else (),
            follower_servos=self.follower_servos if is_open else (),
            episode_clock_s=self.take_s,
            episodes=len(self.rows),
            active_run="flow-matching-001" if state is State.POLICY else "",
            loop=LoopHealth(100, "nice -10", self.polls * 3, 0, 0.05, 0.31, 0.9) if is_open else LoopHealth(),
            recorder=self._recorder(state is State.RECORDING, frames),
            inference=InferenceHealth(False, state is State.POLICY, "flow-matching-001", self.polls // 16, 21, 34, 48),
            training=self.training,
            job=self.job,
            notices=self.notices,
        )
        return self.status

    def _camera(self, name: str) -> CameraHealth:
        return self.camera_troubles.get(name) or CameraHealth(29.9, self.polls, 18)

    def _recorder(self, recording: bool, frames: int) -> RecorderHealth:
        missing = sum(self.missing.values())
        pictures = {name: (frames // 4, self.missing.get(name, 0)) for name in self.camera_names}
        return RecorderHealth(
            recording, frames, frames + missing, missing=missing, pictures=pictures, disk_left_s=self.disk_left_s
        )

    def image(self, camera: str) -> tuple[int, NDArray[np.uint8]] | None:
        if self.session.state is State.CLOSED:
            return None
        self.images_taken += 1
        return self.polls, picture(camera, self.time_s)

    def history(self, seconds: float) -> History:
        time_s = np.arange(-seconds, 0, 0.01)
        now = time_s + self.time_s
        leader = joints_at(now)
        return History(time_s, leader, joints_at(now - 0.08), joints_at(now - 0.02))

    def project(self, camera: str, points: NDArray[np.floating]) -> NDArray[np.float64]:
        return project_front(points)

    def teleop(self) -> None:
        self._apply("teleop")

    def record(self, task: str = "") -> None:
        self._apply("record", task)

    def accept(self, outcome: str = "success") -> None:
        policy = self.session.state is State.POLICY
        self._apply("accept", outcome)
        rows = self.trial_rows if policy else self.rows
        rows.append(replace(self._episode(len(rows) + 1, "policy" if policy else "human"), outcome=outcome))

    def discard(self) -> None:
        self._apply("discard")

    def bookmark(self, text: str = "") -> float:
        self.calls.append(("bookmark",))
        self.session.apply("bookmark")
        return self.take_s

    def stop(self) -> None:
        self.calls.append(("stop",))
        if self.session.allows("stop"):
            self.session.apply("stop")

    def torque_off(self) -> None:
        self._apply("torque_off")

    def resume(self) -> None:
        self._apply("resume")

    def autonomous(self, run: Path) -> None:
        self._apply("autonomous", run)

    def take_over(self) -> None:
        self._apply("take_over")

    def replay(self, episode: Path) -> None:
        self._apply("replay", episode)

    def set_solver_steps(self, steps: int) -> None:
        self.calls.append(("set_solver_steps", steps))
        self.solver_steps = steps

    def set_executed_steps(self, steps: int) -> None:
        self.calls.append(("set_executed_steps", steps))
        self.executed_steps = steps

    def new_scene(self, seed: int | None = None) -> None:
        self.calls.append(("new_scene",))

    def scripted_operator(self, side: str, seed: int | None = None) -> None:
        self.calls.append(("scripted_operator", side))

    def record_scripted(self, episodes: int, fast: bool = False, seed: int = 0) -> None:
        self.calls.append(("record_scripted", episodes, fast))
        self.job = JobStatus(f"Recording {episodes} demonstrations", 0, episodes, "Reaching from the left")

    def evaluate(self, runs: list[Path], trials: int, seed: int = 1000, fast: bool = True) -> None:
        self.calls.append(("evaluate", tuple(runs), trials, fast))
        self.job = JobStatus(f"Running {trials} trials", 0, trials, "Trial 1 from an unseen start")

    def cancel_job(self) -> None:
        self.calls.append(("cancel_job",))
        self.job = None

    def train(self, policy: str = "flow-matching", steps: int = 6500, name: str | None = None) -> Path:
        self.calls.append(("train", policy, steps, name))
        run = self.workspace.new_run(name, policy)
        self.training = training_status(run, 0, steps, running=True)
        return run

    def stop_training(self) -> None:
        self.calls.append(("stop_training",))
        assert self.training is not None
        self.training = replace(self.training, running=False)

    def resume_training(self, run: Path) -> None:
        self.calls.append(("resume_training", run))
        self.training = training_status(run, 2600, 6500, running=True)

    def policies(self) -> tuple[str, ...]:
        return ("flow-matching", "mean-regression")

    def runs(self) -> list[RunInfo]:
        """Newest first, as the training package lists them."""
        return [
            self._run("flow-matching-001", "flow-matching", 6500, 0.054),
            self._run("flow-matching-002", "flow-matching", 2600, 0.082),
            self._run("mean-regression-001", "mean-regression", 6500, 0.091),
        ]

    def _run(self, name: str, policy: str, step: int, error: float) -> RunInfo:
        return RunInfo(self.workspace.runs / name, name, policy, step, 6500, error, 40, step == 6500)

    def episodes(self) -> list[EpisodeRow]:
        return list(self.rows)

    def trials(self) -> list[EpisodeRow]:
        return list(self.trial_rows)

    def export_formats(self) -> tuple[FormatInfo, ...]:
        return (
            FormatInfo("lerobot", "LeRobotDataset v3", "For training with lerobot; stamps become a fixed rate."),
            FormatInfo("robomimic", "robomimic HDF5", "One file of all episodes, read by robomimic's SequenceDataset."),
            FormatInfo("plain", "MP4 and CSV", "A video per camera and a table of joints, for everybody else."),
            FormatInfo("zarr", "Zarr", "A chunked store.", "Install it with `pip install zarr` first."),
        )

    def import_formats(self) -> tuple[FormatInfo, ...]:
        return self.export_formats()[:2]

    def export(self, format: str, episodes: list[Path], out: Path, fps: int = 0) -> None:
        self.calls.append(("export", format, tuple(episodes), out, fps))
        title = f"Exporting {len(episodes)} episodes as {format}"
        self.job = JobStatus(title, 0, len(episodes), "0001.h5", takes=False)

    def import_episodes(self, format: str, source: Path) -> None:
        self.calls.append(("import_episodes", format, source))
        self.job = JobStatus(f"Importing {source.name}", 0, 10, "Episode 1", takes=False)

    def open_episode(self, path: Path) -> StandInEpisode:
        for row in self.rows + self.trial_rows + self.library.bin_rows:
            if row.path == path:
                view = StandInEpisode(row, 0.9 if row.source == "policy" else 0.0, row.duration_s)
                self.opened.append(view)
                return view
        raise StudioError(f"The episode {path.name} can not be opened. It is not in the workspace any more.")

    def label(self, path: Path, outcome: str) -> None:
        self.calls.append(("label", path, outcome))
        self.rows = [replace(row, outcome=outcome) if row.path == path else row for row in self.rows]
        self.trial_rows = [replace(row, outcome=outcome) if row.path == path else row for row in self.trial_rows]

    def move_to_bin(self, path: Path) -> None:
        self.calls.append(("move_to_bin", path))
        self.rows = [row for row in self.rows if row.path != path]
