"""Starts the processes of a rig in the right order, restarts what died, and hands over what they say."""

import dataclasses
import os
import socket
from pathlib import Path
from typing import Any

from teleop_studio.live_lock import LiveLock
from teleop_studio.processes.arm_rings import ArmRings
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.processes.lines import Lines
from teleop_studio.processes.messages import Ready
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.shared_ring import sweep
from teleop_studio.rig import LEROBOT, RigConfig

CONTROL, CAMERAS, RECORDER, BUILDER, INFERENCE, SIM = "control", "cameras", "recorder", "builder", "inference", "sim"
# One for each arm that LeRobot drives and one for its cameras: what blocks or dies in one leaves the others alone.
LEROBOT_CAMERAS = "lerobot-cameras"
LEROBOT_PARTS = {"lerobot-leader": "leader", "lerobot-follower": "follower", LEROBOT_CAMERAS: "cameras"}
# What control's lines end in has to outlive it: it brings the follower down.
_LINE_ENDS = (SIM, "lerobot-leader", "lerobot-follower")
_STOP_ORDER = (INFERENCE, RECORDER, BUILDER, CAMERAS, LEROBOT_CAMERAS, CONTROL, *_LINE_ENDS)


class RigProcesses:
    """All children of one open rig and the shared memory between them. The owner calls `receive` often."""

    def __init__(self, rig: RigConfig, episode_folders: tuple[Path, ...], logs: Path, seed: int = 0) -> None:
        sweep()
        self._live = LiveLock()  # trainings on this computer leave it two cores
        self.rig = rig
        self._folders, self._logs, self._seed = episode_folders, logs, seed
        self.rings = RigRings.create("rig", rig)
        self._arms = {
            role: ArmRings.create(role, len(arm.uncalibrated.joints))
            for role, arm in (("leader", rig.leader), ("follower", rig.follower))
            if arm.arm == LEROBOT
        }
        self._children: dict[str, Child] = {}
        self._ready: set[str] = set()
        self.scheduling = ""

    def start(self) -> None:
        """Begin to start; `receive` goes on with it as the processes report ready."""
        self._start_recorder()
        self._start_builder()
        if self.rig.simulated:
            self._start_sim()
            return
        self._start_cameras()
        for name in self._lerobot:
            self._start_lerobot(name)
        if not self._arms:
            self._start_control(self._real_lines())

    @property
    def ready(self) -> bool:
        """True when the rig can be driven and recorded; inference may still be loading."""
        return {CONTROL, CAMERAS, RECORDER, *self._lerobot} <= self._ready

    def is_ready(self, name: str) -> bool:
        return name in self._ready

    def pid(self, name: str) -> int | None:
        child = self._children.get(name)
        return None if child is None else child.pid

    def kill(self, name: str) -> None:
        """kill -9 one process; for tests of what happens then."""
        self._children[name].kill()

    def send(self, name: str, message: Any) -> bool:
        """False when that process is not there. What the cameras are told, LeRobot's cameras are told too."""
        lerobot_cameras = self._children.get(LEROBOT_CAMERAS)
        if name == CAMERAS and lerobot_cameras is not None:
            lerobot_cameras.send(message)
        child = self._children.get(name)
        return child is not None and child.send(message)

    def receive(self) -> list[tuple[str, Any]]:
        """(process, message) of all that was said; a dead process says `ChildFailed` once."""
        found: list[tuple[str, Any]] = []
        for name, child in list(self._children.items()):
            for message in child.receive():
                if isinstance(message, Ready):
                    self._on_ready(name, message)
                elif isinstance(message, ChildFailed):
                    self._ready.discard(name)
                found.append((name, message))
        return found

    def restart_dead(self) -> bool:
        """Start again whatever is not alive; True when the rig is not `ready` until the new processes are."""
        dead = [name for name, child in self._children.items() if not child.alive]
        if CONTROL in dead or SIM in dead:
            # Their byte lines end in both: one can not come back without the other.
            for name in (CONTROL, SIM):
                self._end(name)
            if self.rig.simulated:
                self._start_sim()
            elif not self._line_ends & set(dead):  # else once they are ready: its lines end in them
                self._start_control(self._real_lines())
        starters = {
            RECORDER: self._start_recorder,
            BUILDER: self._start_builder,
            CAMERAS: self._start_cameras,
            INFERENCE: self._start_inference,
        }
        for name in dead:
            if name in starters:
                starters[name]()
            elif name in LEROBOT_PARTS:
                self._start_lerobot(name)
        return not self.ready

    def stop(self) -> None:
        """End all: control first holds and lets the torque go softly, the simulator outlives it."""
        for name in _STOP_ORDER:
            child = self._children.get(name)
            if child is not None and name not in (CONTROL, *_LINE_ENDS):
                child.close_pipe()
        control = self._children.get(CONTROL)
        if control is not None:
            control.close_pipe()
        for name in _STOP_ORDER:
            self._end(name)
        self.rings.close()
        for arm in self._arms.values():
            arm.close()
        self._live.release()

    def _on_ready(self, name: str, message: Ready) -> None:
        self._ready.add(name)
        if name == SIM and self.rig.link == "pty":
            leader, follower = message.note.split("\n")
            self._start_control(Lines(leader, follower))
        if name == SIM:
            if CAMERAS not in self._children:
                self._start_cameras()
            if self.rig.link != "pty":
                self._start_control(self._lines)
        if name in self._lerobot and CONTROL not in self._children and self._line_ends <= self._ready:
            self._start_control(self._real_lines())
        if name == CONTROL:
            self.scheduling = message.note
            if INFERENCE not in self._children:
                # Last: loading torch takes seconds of a core that the others need to start.
                self._start_inference()

    def _start_sim(self) -> None:
        snapshots = self.rings.snapshots
        assert snapshots is not None
        ends = None
        if self.rig.link != "pty":
            pairs = [socket.socketpair() for _ in range(2)]
            ends = (pairs[0][0], pairs[1][0])
            self._lines = Lines(pairs[0][1], pairs[1][1])
        rig = self.rig
        self._start(SIM, "sim_process", rig.scene, snapshots.spec, ends, self._seed, rig.realtime, rig.shift)
        for end in ends or ():
            end.close()

    @property
    def _lerobot(self) -> list[str]:
        """The processes that this rig needs for LeRobot's devices."""
        cameras = any(camera.kind == LEROBOT for camera in self.rig.cameras)
        return [n for n, part in LEROBOT_PARTS.items() if part in self._arms or (part == "cameras" and cameras)]

    @property
    def _line_ends(self) -> set[str]:
        return {name for name in self._lerobot if name in _LINE_ENDS}

    def _real_lines(self) -> Lines:
        return Lines.of(self.rig, {role: rings.specs for role, rings in self._arms.items()})

    def _start_lerobot(self, name: str) -> None:
        part = LEROBOT_PARTS[name]
        arm = self._arms[part].specs if part in self._arms else None
        self._start(name, "lerobot_process", self.rig, part, arm, self.rings.specs)

    def _start_control(self, lines: Lines) -> None:
        self._start(CONTROL, "control_process", self.rig, lines, self.rings.specs)
        for end in (lines.leader, lines.follower):
            if isinstance(end, socket.socket):
                end.close()

    def _start_recorder(self) -> None:
        self._start(RECORDER, "recorder_process", self.rig, self.rings.specs, self._folders[0])

    def _start_builder(self) -> None:
        self._start(BUILDER, "builder_process", self._folders)

    def _start_cameras(self) -> None:
        self._start(CAMERAS, "camera_process", self.rig, self.rings.specs)

    def _start_inference(self) -> None:
        self._start(INFERENCE, "inference_process", self.rig, self.rings.specs)

    def _start(self, name: str, module: str, *args: Any) -> None:
        self._ready.discard(name)
        self._children[name] = Child(name, module, args, self._logs / f"{name}.log")

    def _end(self, name: str) -> None:
        child = self._children.pop(name, None)
        if child is not None:
            # The way to the rest pose takes as long as it is.
            child.stop(timeout_s=25.0 if name == CONTROL and self.rig.on_close == "rest" else 6.0)
        self._ready.discard(name)


def lockstep_rig(rig: RigConfig, fps: float = 15.0) -> RigConfig:
    """The same rig for lock-step jobs: pictures at the policy's own 15 Hz, which halves the rendering."""
    return dataclasses.replace(
        rig, cameras=tuple(dataclasses.replace(camera, fps=min(camera.fps, fps)) for camera in rig.cameras)
    )


def usable_cores() -> int:
    """Cores this process may use: a container or a batch queue often allows fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads() -> None:
    """One thread per library in every child: on small machines their pools only fight each other."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("MUJOCO_GL", "egl")
