"""A set-up without a process for the window's tests: two Koch arms and two cameras, every call in `studio.calls`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from teleop_studio.rig import RigConfig
from teleop_studio.rig_file import save_rig
from teleop_studio.session import StudioError
from teleop_studio.setup_status import (
    ArmChoice,
    CalibrationView,
    CameraChoice,
    FoundCalibration,
    FoundCamera,
    FoundPort,
    FoundServo,
    JointSweep,
    SetupStatus,
)
from teleop_studio.status import State

if TYPE_CHECKING:
    from tests.ui.stand_in_studio import StandInStudio

LEADER_PORT = "/dev/serial/by-id/usb-ROBOTIS_OpenRB-150_A1B2C3D4-if00"
FOLLOWER_PORT = "/dev/serial/by-id/usb-FTDI_USB__-__Serial_Converter_FT9BTCRN-if00-port0"
FORBIDDEN_PORT = "/dev/ttyACM2"
JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
_FOLLOWER_MODELS = (*["xl430-w250"] * 2, *["xl330-m288"] * 4)


def servos(models: tuple[str, ...], baud: int = 1_000_000) -> tuple[FoundServo, ...]:
    numbers = {"xl330-m077": 1190, "xl330-m288": 1200, "xl430-w250": 1060}
    return tuple(FoundServo(number, model, numbers[model], 52, baud) for number, model in enumerate(models, 1))


def koch_ports() -> tuple[FoundPort, ...]:
    """A leader, a follower behind a slow adapter, and a port that this user may not open."""
    return (
        FoundPort(LEADER_PORT, "OpenRB-150", "", True, servos(("xl330-m077",) * 6), ("koch-leader",), (), "", "a1b2c3"),
        FoundPort(
            FOLLOWER_PORT,
            "FT232H USB serial adapter",
            scanned=True,
            servos=servos(_FOLLOWER_MODELS),
            fits=("koch-follower",),
            fingerprint="d4e5f6",
            warning="This adapter keeps each answer back for up to 16 ms. Set its latency timer to 1 ms.",
            latency_ms=16,
        ),
        FoundPort(
            FORBIDDEN_PORT,
            problem=f"This user may not open {FORBIDDEN_PORT}. Add yourself to the group dialout, then log in anew.",
        ),
    )


def desk_picture(shade: int, size: tuple[int, int] = (480, 640)) -> NDArray[np.uint8]:
    """A table with a thing on it, rgb (h, w, 3)."""
    height, width = size
    picture = np.full((height, width, 3), (150, 160, 172), np.uint8)
    picture[height // 3 :] = np.linspace((176, 134, 92), (206, 160, 114), height - height // 3)[:, None]
    picture[height // 2 : height // 2 + 120, 200:330] = (shade, 90, 110)
    picture[height // 2 - 60 : height // 2, 250:280] = (30, 34, 38)
    return picture


def found_cameras() -> tuple[FoundCamera, ...]:
    modes = ((1280, 720, 30.0, "MJPG"), (640, 480, 60.0, "MJPG"), (640, 480, 30.0, "YUYV"))
    return (
        FoundCamera("serial:046d:0825:8A6F1B20", "/dev/video0", "Logitech C270", modes, "", desk_picture(60)),
        FoundCamera("port:1-2.4", "/dev/video2", "USB 2.0 Camera", modes[1:], "", desk_picture(180)),
    )


class StandInSetup:
    """`status` is all the window sees. Every call is allowed once it runs and is done at once."""

    def __init__(self, studio: "StandInStudio") -> None:
        self._studio = studio
        self.status = SetupStatus()
        self.calls = studio.calls

    def begin(self) -> None:
        self.calls.append(("setup.begin",))
        if self._studio.session.state is not State.CLOSED:
            raise StudioError("The rig is open. Close it first.")
        self._set(running=True, problem="")

    def end(self) -> None:
        self.calls.append(("setup.end",))
        self._set(running=False, busy="", identifying=False, calibration=None)

    def scan(self, ports: tuple[str, ...] = (), all_bauds: bool = False) -> None:
        self._call("scan", ports, all_bauds)
        self._set(
            ports=koch_ports(),
            said=(*self.status.said, "12 servos answered on 2 ports."),
            calibrations=(
                FoundCalibration("calibrations/black.json", "robots/koch_follower/black", ("koch-follower",)),
            ),
        )

    def scan_cameras(self) -> None:
        self._call("scan_cameras")
        self._set(cameras=found_cameras())

    def identify(self, on: bool) -> None:
        self._call("identify", on)
        self._set(identifying=on, ports=tuple(replace(port, moved=0.0) for port in self.status.ports))

    def move(self, path: str, turns: float) -> None:
        """A hand moves the arm on this port."""
        self._set(ports=tuple(replace(p, moved=turns) if p.path == path else p for p in self.status.ports))

    def choose_arm(self, role: str, arm: str) -> None:
        self._choose(role, "arm", arm)

    def choose_port(self, role: str, path: str) -> None:
        self._choose(role, "port", path)

    def choose_calibration(self, role: str, path: str) -> None:
        self._choose(role, "calibration", path)

    def set_id(self, port: str, servo_id: int, new_id: int) -> None:
        self._call("set_id", port, servo_id, new_id)

    def set_baud(self, port: str, servo_ids: tuple[int, ...], baud: int) -> None:
        self._call("set_baud", port, servo_ids, baud)

    def start_servos(self, role: str) -> None:
        self._call("start_servos", role)
        step = CalibrationView(
            role=role,
            arm=f"koch-{role}",
            number=1,
            of=6,
            title="Connect only shoulder_pan",
            instruction="Unplug all servos, then connect the one of shoulder_pan to the board.",
            why_not="No servo answers yet.",
            kind="servos",
        )
        self._set(calibration=step)

    def start_calibration(self, role: str) -> None:
        self._call("start_calibration", role)
        if not getattr(self.status, role).arm:
            raise StudioError(f"The {role} is not chosen yet. Say which port it is on and which arm it is.")
        self._set(calibration=calibration_step(role, 1))

    def next_step(self) -> None:
        self._call("next_step")
        running = self.status.calibration
        assert running is not None
        if running.number < running.of:
            self._set(calibration=calibration_step(running.role, running.number + 1))
        else:
            path = f"calibration/{running.arm}.json"
            self._set(calibration=replace(running, finished=True, path=path))
            self._choose(running.role, "calibration", path)

    def sweep(self, share: float) -> None:
        """All joints have been moved over this share of their range."""
        running = self.status.calibration
        assert running is not None
        self._set(calibration=calibration_step(running.role, running.number, share))

    def cancel_calibration(self) -> None:
        self._call("cancel_calibration")
        self._set(calibration=None)

    def choose_camera(self, name: str, device: str, width: int, height: int, fps: float) -> None:
        self._call("choose_camera", name, device, width, height, fps)
        kind = "network" if "://" in device else "usb"
        kept = tuple(camera for camera in self.status.chosen_cameras if camera.device != device)
        self._set(chosen_cameras=(*kept, CameraChoice(name, kind, device, width, height, fps)))

    def drop_camera(self, name: str) -> None:
        self._call("drop_camera", name)
        self._set(chosen_cameras=tuple(camera for camera in self.status.chosen_cameras if camera.name != name))

    def save(self, name: str) -> Path:
        self._call("save", name)
        path = self._studio.workspace.rigs / f"{name}.toml"
        save_rig(RigConfig(name=name), path)
        return path

    def _choose(self, role: str, what: str, value: str) -> None:
        self._call(f"choose_{what}", role, value)
        self._set(**{role: replace(getattr(self.status, role), **{what: value})})

    def _call(self, name: str, *arguments: object) -> None:
        self.calls.append((f"setup.{name}", *arguments))
        if not self.status.running:
            raise StudioError("The set-up has not begun. Begin it first.")

    def _set(self, **changes: object) -> None:
        status = replace(self.status, **changes)  # type: ignore[arg-type]
        self.status = replace(status, missing=_missing(status))


def _missing(status: SetupStatus) -> tuple[str, ...]:
    sentences = []
    for role, arm in (("leader", status.leader), ("follower", status.follower)):
        if not (arm.arm and arm.port):
            sentences.append(f"The {role} is not chosen: say which port it is on and which arm it is.")
        elif not arm.calibration:
            sentences.append(f"The {role} is not calibrated.")
    if not status.chosen_cameras:
        sentences.append("No camera is used yet: the policy sees only pictures and joints.")
    return tuple(sentences)


def calibration_step(role: str, number: int, share: float = 0.0) -> CalibrationView:
    """Step `number` of 3; in the second, every joint has been swept over `share` of its range."""
    titles = ("Middle pose", "Move every joint to both ends", "Look whether it is right")
    instructions = (
        "Support the arm and bring every joint to the middle of its range, the gripper half open.",
        "Move each joint slowly from one end to the other, the gripper too. Its line turns green.",
        "Move the arm: the bars must follow your hand, in the right direction.",
    )
    ready = number != 2 or share > 0.9
    return CalibrationView(
        role=role,
        arm=f"koch-{role}",
        number=number,
        of=3,
        title=titles[number - 1],
        instruction=instructions[number - 1],
        joints=tuple(_sweep(joint, name, number, share) for joint, name in enumerate(JOINTS)),
        points=((0, 0, 0), (0, 0, 0.06), (0.02, 0.03, 0.16), (0.12, 0.06, 0.17), (0.2, 0.07, 0.1))
        if number == 3
        else (),
        ready=ready,
        why_not="" if ready else "Not moved far enough yet: shoulder_lift, wrist_roll.",
    )


def _sweep(joint: int, name: str, number: int, share: float) -> JointSweep:
    reach = round((900 + 130 * joint) * share * (0.6 if joint in (1, 4) and share < 1 else 1))
    ok = number != 2 or reach > 500
    note = "" if ok else "move it further"
    present = 2048 + round(0.7 * reach)
    if number == 3:
        return JointSweep(name, joint + 1, present, 1024, 3072, True, "", 0.35 * joint - 0.6, -1.57, 1.57)
    return JointSweep(name, joint + 1, present, 2048 - reach, 2048 + reach, ok, note)


def full_setup(setup: StandInSetup) -> None:
    """Everything chosen: ready to be saved."""
    setup._set(running=True, ports=koch_ports(), cameras=found_cameras())
    for role, port in (("leader", LEADER_PORT), ("follower", FOLLOWER_PORT)):
        setup._set(**{role: ArmChoice(f"koch-{role}", port, f"calibration/koch-{role}.json", "a1b2c3")})
    setup.choose_camera("front", "serial:046d:0825:8A6F1B20", 640, 480, 30.0)
    setup.choose_camera("wrist", "port:1-2.4", 640, 480, 30.0)
