"""An open rig as the session sees it: turns effects into messages, and messages into what the operator must know."""

import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.sim.scene import scene_named
from teleop_studio.live_arms import LiveArms
from teleop_studio.notices import Notices as Notices
from teleop_studio.policies.checkpoint_folder import run_of
from teleop_studio.processes import messages as m
from teleop_studio.processes.arm_messages import Alive
from teleop_studio.processes.child import ChildFailed
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.supervisor import (
    BUILDER,
    CAMERAS,
    CONTROL,
    INFERENCE,
    LEROBOT_CAMERAS,
    LEROBOT_PARTS,
    RECORDER,
    SIM,
    RigProcesses,
)
from teleop_studio.session import StudioError
from teleop_studio.status import InferenceHealth
from teleop_studio.take_watch import TakeWatch

_ALIVE_EVERY_S = 0.1


@dataclass
class Inference:
    """What is known of the policy process."""

    loading: Path | None = None
    loaded: m.RunLoaded | None = None
    chunks: int = 0
    chunk_ms: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    overlay_ms: deque[float] = field(default_factory=lambda: deque(maxlen=100))

    def choose_task(self, text: str) -> None:
        """Raises `StudioError`, which lists the tasks, for one that the loaded policy was not trained on."""
        if self.loaded is None or self.loading is not None:
            raise StudioError("No policy is loaded. Let one drive first (P), then say its task.")
        if text not in self.loaded.tasks:
            known = ", ".join(repr(task) for task in self.loaded.tasks) or "no task by name"
            raise StudioError(f"This policy does not know the task {text!r}. It knows {known}.")
        self.loaded = replace(self.loaded, task=text)

    def health(self) -> InferenceHealth:
        loaded = self.loaded or m.RunLoaded(Path(), 0, 0)
        run = self.loading or (self.loaded.run if self.loaded else None)
        times = np.array(self.chunk_ms) if self.chunk_ms else np.zeros(1)
        return InferenceHealth(
            loading=self.loading is not None,
            ready=self.loaded is not None and self.loading is None,
            run=run_of(run).name if run else "",
            chunks=self.chunks,
            chunk_latency_p50_ms=float(np.percentile(times, 50)),
            chunk_latency_p99_ms=float(np.percentile(times, 99)),
            overlay_latency_p50_ms=float(np.median(self.overlay_ms)) if self.overlay_ms else 0.0,
            step=loaded.step,
            policy=loaded.policy,
            device=loaded.device,
            tasks=loaded.tasks,
            task=loaded.task,
        )


class LiveRig:
    """The processes of one rig and all that was last heard of them. `news` are events the session must act on."""

    def __init__(self, processes: RigProcesses, notices: Notices) -> None:
        self.processes = processes
        self.rings = processes.rings
        self._notices = notices
        self.inference = Inference()
        self.takes = TakeWatch(notices, lambda message: processes.send(BUILDER, message))
        self.cameras: dict[str, m.CameraState] = {}  # what was said last about each
        self.arms = LiveArms()
        self.fault = ""  # what the last one was, in the operator's words
        self.score: m.TrialScore | None = None
        self.operator_side = ""
        self.scene_busy = False
        self._cameras_rest = False
        self._token = 0
        self._alive_s = 0.0
        self._seed = 0

    @property
    def start_held(self) -> bool:
        """The arm stays where the simulated scene starts only if its goals carry its weight, as the leader's do."""
        rig = self.processes.rig
        return rig.simulated and scene_named(rig.scene).start_held

    def command(self, message: Any) -> None:
        """To the control process."""
        self.processes.send(CONTROL, message)

    def alive(self) -> None:
        """Tell the control process that somebody still listens: when these words stop, a moving arm holds."""
        now_s = time.monotonic()
        if now_s - self._alive_s > _ALIVE_EVERY_S:
            self._alive_s = now_s
            self.command(Alive())

    def record(self, message: Any) -> None:
        """To the recorder process."""
        if isinstance(message, m.StartTake):
            message = replace(message, take=self.takes.begin(message.folder))
        self.processes.send(RECORDER, message)

    def set_policy_task(self, text: str) -> None:
        """To the loaded policy. Raises `StudioError` for a task that it was not trained on."""
        self.inference.choose_task(text)
        self.processes.send(INFERENCE, m.SetTask(text))

    def load(self, run: Path) -> None:
        """Load a run into the policy process; `RunLoaded` or `RunRefused` follows."""
        self.inference.loading = run
        self.processes.send(INFERENCE, m.LoadRun(run))

    def rest_cameras(self, rest: bool) -> None:
        """While the arm only holds, a lock-step job or a training gets the core that cameras would take."""
        if rest != self._cameras_rest:
            self._cameras_rest = rest
            self.processes.send(CAMERAS, m.RestCameras(rest))

    def reset_scene(self, seed: int) -> None:
        """A new layout: control pauses, the simulator puts everything back, control takes the new pose and holds."""
        self.scene_busy = True
        self._token += 1
        self._seed = seed
        self.score = None
        self.operator_side = ""
        self.command(m.Pause(self._token))

    def start_operator(self, side: str, seed: int) -> None:
        self.operator_side = side
        self.processes.send(SIM, m.StartOperator(side, seed))

    def receive(self) -> list[str]:
        """Hear everybody; returns session verbs: "opened", "fault", "replay_finished", "run_loaded", "take_ended"..."""
        verbs: list[str] = []
        was_ready = self.processes.ready
        for name, message in self.processes.receive():
            verb = self._hear(name, message)
            if verb:
                verbs.append(verb)
        if self.processes.ready and not was_ready:
            verbs.insert(0, "opened")
        return verbs

    def _hear(self, name: str, message: Any) -> str:
        if isinstance(message, ChildFailed):
            return self._hear_death(name, message)
        if isinstance(message, m.CameraState):
            self.cameras[message.camera] = message
            self._notices.add(message.notice)
            return ""
        if name in LEROBOT_PARTS:
            if isinstance(message, m.Warned):
                self._notices.add(message.text)
            return ""
        if name == CONTROL:
            return self._hear_control(message)
        if name == INFERENCE:
            return self._hear_inference(message)
        if name == SIM:
            self._hear_sim(message)
            return ""
        return self.takes.hear(message)

    def _hear_death(self, name: str, message: ChildFailed) -> str:
        self._notices.add(message.operator)
        if name == INFERENCE:
            self.inference = Inference()
        if name == RECORDER:
            self.takes.recorder_died()
        if name == BUILDER:
            self.takes.builder_died()
        if name in (CONTROL, SIM):
            self.scene_busy = False
        if name in (CAMERAS, LEROBOT_CAMERAS):
            self.cameras.clear()
            self._cameras_rest = False  # the new process does not know of it
            self._notices.add("The cameras start again; pictures missing until then are listed in the episode.")
            self.processes.restart_dead()
            return ""
        self.fault = message.operator
        return "fault"

    def _hear_control(self, message: Any) -> str:
        match message:
            case m.ControlFault(text):
                self._notices.add(text)
                self.fault = text or self.fault
                return "fault" if text else ""
            case m.ReplayFinished():
                return "replay_finished"
            case m.Warned(text):
                self._notices.add(text)
            case m.Paused(token) if token == self._token:
                self.processes.send(SIM, m.ResetScene(self._seed, token))
            case _:
                return self.arms.hear(message, self._notices)
        return ""

    def _hear_inference(self, message: Any) -> str:
        match message:
            case m.RunLoaded():
                self.inference.loading, self.inference.loaded = None, message
                return "run_loaded"
            case m.RunRefused(run, why):
                self.inference.loading = None
                self._notices.add(f"The run {run_of(run).name} can not be used. {why}")
                return "run_refused"
            case m.ChunkTimes(chunk_ms, overlay_ms):
                self.inference.chunks += 1
                self.inference.chunk_ms.append(chunk_ms)
                self.inference.overlay_ms.append(overlay_ms)
            case m.ChunkFailed(why):
                self._notices.add(f"The policy gave no chunk. {why}")
        return ""

    def _hear_sim(self, message: Any) -> None:
        match message:
            case m.SceneReset(token) if token == self._token:
                self.score = None
                self.scene_busy = False
                self.command(m.EngageHold(at_leader=self.start_held))
            case m.OperatorFinished():
                self.operator_side = ""
            case m.TrialScore():
                self.score = message


def picture(rings: RigRings, camera: str) -> tuple[int, NDArray[np.uint8]] | None:
    """(index, rgb) of the newest picture."""
    newest = rings.frames[camera].latest()
    return None if newest is None else (newest[0], newest[2]["rgb"])
