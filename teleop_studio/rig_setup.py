"""Setting up a rig without a manual: what is there, what it is, how it is calibrated; ends with a rig file that opens.

The ports belong to the set-up process while it runs. Every call returns at once; what comes of it is in `status`.
"""

import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from drivers.arms import ARMS
from teleop_studio.processes import setup_messages as m
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.rig import RigConfig, RigError
from teleop_studio.rig_file import load_rig, save_rig
from teleop_studio.session import StudioError
from teleop_studio.setup_choices import Choices, known_calibrations
from teleop_studio.setup_status import ArmChoice, SetupStatus
from teleop_studio.workspace import Workspace

ROLES = ("leader", "follower")
_END_S = 3.0
_NAME = re.compile(r"\w[\w.-]{0,63}")


class RigSetup:
    """`rig` tells the studio's rig, `closed` whether its ports are free. Verbs raise `StudioError`."""

    def __init__(self, workspace: Workspace, rig: Callable[[], RigConfig], closed: Callable[[], bool]) -> None:
        self.status = SetupStatus()
        self._workspace, self._rig, self._closed = workspace, rig, closed
        self._child: Child | None = None
        self._leaving: tuple[Child, float] | None = None
        self._found = m.SetupFound()
        self._choices = Choices()
        self._chosen_from: RigConfig | None = None
        self._failed = ""
        self._sent = 0

    # --- having the ports ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Take the ports. What the present rig says is chosen already, or what was chosen here before."""
        if not self._closed():
            raise StudioError("The rig is open and has the ports. Close it, then set up.")
        if self._child is not None:
            return
        if self._leaving is not None:
            raise StudioError("The set-up is just giving the ports back. Try again in a moment.")
        self._found, self._failed, self._sent = m.SetupFound(busy="Starting"), "", 0
        if self._rig() is not self._chosen_from:
            self._chosen_from = self._rig()
            self._choices = Choices.of(self._chosen_from)
        self._choices.calibrations = known_calibrations(self._workspace)
        self._child = Child("setup", "setup_process", (), self._workspace.logs / "setup.log")
        self._take_status()

    def end(self) -> None:
        """Give the ports back; `status.running` tells when they are free. Choices are kept."""
        if self._child is not None:
            self._child.close_pipe()
            self._leaving = (self._child, time.monotonic() + _END_S)
            self._child = None
            self._found = m.SetupFound(said=self._found.said)
            self._take_status()

    def close(self) -> None:
        """End, and wait for it."""
        self.end()
        if self._leaving is not None:
            self._leaving[0].stop(_END_S)
            self._leaving = None
        self._take_status()

    def poll(self) -> SetupStatus:
        """Hear the set-up process. The studio calls this in its own `poll`."""
        if self._child is None and self._leaving is None:
            return self.status
        if self._leaving is not None:
            child, deadline_s = self._leaving
            if not child.alive or time.monotonic() > deadline_s:
                child.stop(0.1)
                self._leaving = None
        if self._child is not None:
            for message in self._child.receive():
                self._hear(message)
        self._take_status()
        return self.status

    # --- looking ---------------------------------------------------------------------------------------------------

    def scan(self, ports: tuple[str, ...] = (), all_bauds: bool = False) -> None:
        """Which servos answer on which port. `ports` may name others than were found: a pty, "socket://host:port"."""
        self._send(m.Scan(ports, all_bauds))
        for role in ROLES:
            self._adopt(role)

    def scan_cameras(self) -> None:
        """List the cameras, with a picture of each."""
        self._send(m.ScanCameras())

    def identify(self, on: bool) -> None:
        """Watch which arm a hand moves. Torque goes off on all of them: support them."""
        self._send(m.Identify(on))

    # --- choosing --------------------------------------------------------------------------------------------------

    def choose_arm(self, role: str, arm: str) -> None:
        """`arm` a name of `known_arms`, "" for none. The calibration of another arm is forgotten."""
        if arm and arm not in ARMS:
            raise StudioError(f"{arm!r} is no arm. Known arms: {', '.join(sorted(ARMS))}.")
        self._choices.choose_arm(_role(role), arm)
        self._adopt(role)

    def choose_port(self, role: str, path: str) -> None:
        """A port of `status.ports`, by any of its names, "" for none. The other role loses it."""
        device = os.path.realpath(path)
        found = next((port for port in self._found.ports if path and device == os.path.realpath(port.path)), None)
        self._choices.choose_port(_role(role), path if found is None else found.path, found)
        self._adopt(role)

    def choose_calibration(self, role: str, path: str) -> None:
        """A calibration file of this app or of LeRobot; its homing is written to the servos where it differs."""
        self._choices.choose_calibration(_role(role), path)
        self._adopt(role)

    def choose_camera(self, name: str, device: str, width: int, height: int, fps: float) -> None:
        """Use this camera under `name`; a device has one name, a name one device."""
        self._choices.choose_camera(name, device, width, height, fps)
        self._show_camera()
        self._take_status()

    def drop_camera(self, name: str) -> None:
        self._choices.drop_camera(name)
        self._show_camera()
        self._take_status()

    # --- changing servos -------------------------------------------------------------------------------------------

    def set_id(self, port: str, servo_id: int, new_id: int) -> None:
        """Give one servo another id, then scan its port again."""
        self._send(m.SetId(port, servo_id, new_id))
        self._changed(port)

    def set_baud(self, port: str, servo_ids: tuple[int, ...], baud: int) -> None:
        """Bring servos, or all of a port for (), to another baud rate, then scan the port again."""
        self._send(m.SetBaud(port, servo_ids, baud))
        self._changed(port)

    def start_servos(self, role: str) -> None:
        """Factory servos become the chosen arm, connected one at a time; goes on with `next_step`."""
        choice = self._chosen(role)
        self._send(m.StartServos(role, choice.arm, choice.port))

    def start_calibration(self, role: str) -> None:
        """Calibrate the chosen arm; goes on with `next_step`. The arm goes limp: support it."""
        choice = self._chosen(role)
        name = re.sub(r"[^\w.-]+", "-", Path(choice.port).name).strip("-") or role
        path = self._workspace.calibrations / choice.arm / f"{name}.json"
        self._send(m.StartCalibration(role, choice.arm, choice.port, str(path)))

    def next_step(self) -> None:
        """End the present step of what was started."""
        self._send(m.NextStep())

    def cancel_calibration(self) -> None:
        """Leave what was started. What is in the servos already stays."""
        self._send(m.CancelStep())

    # --- saving ----------------------------------------------------------------------------------------------------

    def save(self, name: str) -> Path:
        """Write the rig into the workspace; returns its file. Settings that the set-up does not know are kept."""
        if not _NAME.fullmatch(name) or name.startswith("simulated"):
            raise StudioError(
                f"{name!r} can not be a rig's name. Use letters, digits, '-', '_' and '.', and not 'simulated'."
            )
        if self.status.missing:
            raise StudioError(f"The rig can not be saved yet. {' '.join(self.status.missing)}")
        path = self._workspace.rigs / f"{name}.toml"
        try:
            rig = self._choices.rig(name, load_rig(path) if path.exists() else None)
            save_rig(rig, path)
        except RigError as error:
            raise StudioError(f"The rig {name} can not be saved. {error}") from error
        cameras = (
            "" if rig.cameras else " It has no camera: episodes will hold joints only, which no policy learns from."
        )
        self._choices.said.append(f"The rig {name} is saved as {path}.{cameras}")
        self._take_status()
        return path

    # --- inside ----------------------------------------------------------------------------------------------------

    def _send(self, message: object) -> None:
        if self._child is None or not self._child.send(message):
            raise StudioError("The set-up does not run. Begin it first.")
        self._sent += 1
        self._take_status()

    def _hear(self, message: object) -> None:
        match message:
            case m.SetupFound():
                self._found = message
            case m.CamerasFound(cameras):
                self._choices.cameras = cameras
            case m.Adopted():
                if self._choices.adopted(message):
                    self._choices.calibrations = known_calibrations(self._workspace)
            case ChildFailed(operator):
                self._failed = operator
                self._child, self._sent = None, 0
                self._found = m.SetupFound(said=self._found.said)

    def _adopt(self, role: str) -> None:
        """Once arm and port are known the set-up looks whether they belong together."""
        choice = self._choices.arms[role]
        if choice.arm and choice.port and self._child is not None:
            self._send(m.Adopt(role, choice.arm, choice.port, choice.calibration))
        self._take_status()

    def _changed(self, port: str) -> None:
        for role in ROLES:
            if self._choices.arms[role].port == port:
                self._choices.arms[role] = replace(self._choices.arms[role], fingerprint="")
                self._adopt(role)

    def _chosen(self, role: str) -> ArmChoice:
        choice = self._choices.arms[_role(role)]
        if not (choice.arm and choice.port):
            raise StudioError(f"Choose the {role}'s arm and port first.")
        return choice

    def _show_camera(self) -> None:
        if self._child is not None:
            chosen = self._choices.chosen_cameras
            self._send(m.ShowCamera(chosen[0] if chosen else None))

    def _take_status(self) -> None:
        found, chosen = self._found, self._choices
        self.status = SetupStatus(
            running=self._child is not None or self._leaving is not None,
            busy=self._busy(),
            progress=found.progress,
            problem=self._failed or found.problem,
            ports=found.ports,
            cameras=chosen.cameras,
            calibrations=chosen.calibrations,
            identifying=found.identifying,
            leader=chosen.arms["leader"],
            follower=chosen.arms["follower"],
            chosen_cameras=chosen.chosen_cameras,
            calibration=found.calibration,
            missing=chosen.missing(),
            said=(*found.said, *chosen.said),
        )

    def _busy(self) -> str:
        if self._leaving is not None:
            return "Giving the ports back"
        waiting = self._child is not None and self._found.done < self._sent
        return self._found.busy or ("One moment" if waiting else "")


def _role(role: str) -> str:
    if role not in ROLES:
        raise StudioError(f"{role!r} is no role. An arm is the leader or the follower.")
    return role
