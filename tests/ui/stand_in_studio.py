"""A Studio without processes for the window's tests: moving fake data, and the real session table for its states."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teleop_studio.learning_status import LessonStatus, PairPrompt
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
    State,
    StudioStatus,
    TrainingStatus,
)
from teleop_studio.workspace import Workspace
from tests.ui.fake_arm import (
    JOINTS,
    K,
    S,
    StandInEpisode,
    healthy_servos,
    joints_at,
    picture,
    project_front,
    two_sided_overlay,
)
from tests.ui.stand_in_library import StandInLibrary
from tests.ui.stand_in_setup import StandInSetup
from tests.ui.stand_in_trainings import StandInTrainings

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
        self.lesson_status: LessonStatus | None = None
        self.pair: PairPrompt | None = None
        self.temporal_ensembling = False
        self.inference_words: dict[str, object] = {}  # what the loaded policy says of itself
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
        self.trainings = StandInTrainings(self)
        self.policy_kinds, self.runs = self.trainings.policy_kinds, self.trainings.runs
        self.checkpoint, self.policy_table = self.trainings.checkpoint, self.trainings.policy_table
        self.train, self.resume_training = self.trainings.train, self.trainings.resume_training
        self.pause_training, self.stop_training = self.trainings.pause_training, self.trainings.stop_training
        self.training_hosts, self.add_training_host = self.trainings.training_hosts, self.trainings.add_training_host
        self.check_training_host = self.trainings.check_training_host
        self.remove_training_host = self.trainings.remove_training_host
        self.lesson, self.cancel_lesson = self.trainings.lesson, self.trainings.cancel_lesson
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
            inference=self._inference(state is State.POLICY),
            training=self.training,
            job=self.job,
            pair=self.pair,
            lesson=self.lesson_status,
            notices=self.notices,
        )
        return self.status

    def _inference(self, ready: bool) -> InferenceHealth:
        told = InferenceHealth(
            ready=ready,
            run="flow-matching-001",
            chunks=self.polls // 16,
            chunk_latency_p50_ms=21,
            chunk_latency_p99_ms=34,
            overlay_latency_p50_ms=48,
            step=6000,
            policy="flow-matching",
            device="CPU, 1 thread",
        )
        return replace(told, **self.inference_words)  # type: ignore[arg-type]

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

    def set_temporal_ensembling(self, on: bool) -> None:
        self.calls.append(("set_temporal_ensembling", on))
        self.temporal_ensembling = on

    def set_policy_task(self, text: str) -> None:
        self.calls.append(("set_policy_task", text))
        self.inference_words["task"] = text

    def start_pairs(self, layouts: int) -> None:
        self.calls.append(("start_pairs", layouts))
        self.pair = PairPrompt(1, layouts, "left", "Put the objects on the marks, then press Space.")

    def end_pairs(self) -> None:
        self.calls.append(("end_pairs",))
        self.pair = None

    def new_scene(self, seed: int | None = None) -> None:
        self.calls.append(("new_scene",))

    def scripted_operator(self, side: str, seed: int | None = None) -> None:
        self.calls.append(("scripted_operator", side))

    def record_scripted(self, episodes: int, fast: bool = False, paired: bool = False) -> None:
        self.calls.append(("record_scripted", episodes, fast, paired))
        self.job = JobStatus(f"Recording {episodes} demonstrations", 0, episodes, "Reaching from the left")

    def evaluate(
        self,
        runs: list[Path],
        trials: int,
        fast: bool = True,
        executed_steps: int | None = None,
        solver_steps: int | None = None,
    ) -> None:
        self.calls.append(("evaluate", tuple(runs), trials, fast, executed_steps, solver_steps))
        self.job = JobStatus(f"Running {trials} trials", 0, trials, "Trial 1 from an unseen start")

    def cancel_job(self) -> None:
        self.calls.append(("cancel_job",))
        self.job = None

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
