"""What the operator chose while setting up, and the rig that comes of it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from drivers.arms import ARMS
from drivers.arms.calibration_file import calibrated, lerobot_calibration_folder, read_calibration
from drivers.errors import DriverError
from teleop_studio.processes.setup_messages import Adopted
from teleop_studio.rig import LEROBOT, ArmConfig, CameraConfig, RigConfig, RigError
from teleop_studio.session import StudioError
from teleop_studio.setup_status import ArmChoice, CameraChoice, FoundCalibration, FoundCamera, FoundPort
from teleop_studio.workspace import Workspace

_MOST_FILES = 200


def kind_of(device: str) -> str:
    """The `CameraConfig.kind` of a camera that was chosen or typed in."""
    if device.startswith(("serial:", "port:", "/dev/")):
        return "usb"
    return "network" if "://" in device else "video"


def known_calibrations(workspace: Workspace) -> tuple[FoundCalibration, ...]:
    """The calibration files of this workspace and of LeRobot that fit an arm we know."""
    found = []
    for home in (workspace.calibrations, lerobot_calibration_folder()):
        for path in sorted(home.rglob("*.json"))[:_MOST_FILES] if home.is_dir() else ():
            arms = _arms_of(path)
            if arms:
                found.append(FoundCalibration(str(path), str(path.relative_to(home).with_suffix("")), arms))
    return tuple(found)


@dataclass
class Choices:
    """`arms` by role; `rates` the baud rate their servos answer at, `problems` why they can not be used."""

    arms: dict[str, ArmChoice] = field(default_factory=lambda: {"leader": ArmChoice(), "follower": ArmChoice()})
    rates: dict[str, int] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    chosen_cameras: tuple[CameraChoice, ...] = ()
    cameras: tuple[FoundCamera, ...] = ()
    calibrations: tuple[FoundCalibration, ...] = ()
    said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rig: RigConfig) -> "Choices":
        """What a real rig says already; nothing of a simulated one."""
        choices = cls()
        if rig.simulated:
            return choices
        for role, arm in (("leader", rig.leader), ("follower", rig.follower)):
            if arm.arm != LEROBOT:
                choices.arms[role] = ArmChoice(arm.arm, arm.port, arm.calibration, arm.fingerprint)
                choices.rates[role] = arm.model.baud
        choices.chosen_cameras = tuple(
            CameraChoice(camera.name, camera.kind, camera.device, camera.width, camera.height, camera.fps)
            for camera in rig.cameras
        )
        return choices

    def choose_arm(self, role: str, arm: str) -> None:
        if arm != self.arms[role].arm:
            self._set(role, ArmChoice(arm, self.arms[role].port))

    def choose_port(self, role: str, path: str, found: FoundPort | None) -> None:
        if path == self.arms[role].port:
            return
        for other, choice in self.arms.items():
            if path and other != role and choice.port == path:
                self._set(other, ArmChoice(choice.arm))
        known = self.arms[role].arm
        keeps = found is None or not found.servos or known in found.fits
        self._set(role, ArmChoice(known if keeps else "", path))

    def choose_calibration(self, role: str, path: str) -> None:
        """Raises `StudioError` when the file does not fit the chosen arm."""
        choice = self.arms[role]
        if path and not choice.arm:
            raise StudioError(f"Choose the {role}'s arm first, then its calibration.")
        try:
            if path:
                calibrated(ARMS[choice.arm], read_calibration(Path(path)))
        except DriverError as error:
            raise StudioError(str(error)) from error
        self._set(role, replace(choice, calibration=path, fingerprint=""))

    def choose_camera(self, name: str, device: str, width: int, height: int, fps: float) -> None:
        """Raises `StudioError` for what a rig would refuse."""
        choice = CameraChoice(name, kind_of(device), device, width, height, fps)
        try:
            real = ArmConfig("studio-leader", "a"), ArmConfig("studio-follower", "b")
            RigConfig(leader=real[0], follower=real[1], cameras=(_camera(choice, None),))
        except RigError as error:
            raise StudioError(str(error)) from error
        others = [camera for camera in self.chosen_cameras if name != camera.name and device != camera.device]
        self.chosen_cameras = (*others, choice)

    def drop_camera(self, name: str) -> None:
        self.chosen_cameras = tuple(camera for camera in self.chosen_cameras if camera.name != name)

    def adopted(self, message: Adopted) -> bool:
        """Enter what the set-up process found out about an arm; False when something else was chosen meanwhile."""
        choice = self.arms[message.role]
        new_calibration = message.calibration != choice.calibration
        if (choice.arm, choice.port) != (message.arm, message.port):
            return False
        self.arms[message.role] = ArmChoice(message.arm, message.port, message.calibration, message.fingerprint)
        self.rates[message.role] = message.baud
        self.problems[message.role] = message.problem
        return new_calibration

    def missing(self) -> tuple[str, ...]:
        """What still has to be done, one sentence each."""
        said = []
        for role, choice in self.arms.items():
            if not choice.port:
                said.append(f"Choose the port of the {role}.")
            elif not choice.arm:
                said.append(f"Choose which arm the {role} is.")
            elif self.problems.get(role):
                said.append(f"The {role} can not be used: {self.problems[role]}")
            elif ARMS[choice.arm].needs_calibration and not choice.calibration:
                said.append(f"Calibrate the {role}, or choose its calibration file.")
            elif not choice.fingerprint:
                said.append(f"The {role} has not been looked at yet: scan {choice.port}.")
        if said:
            return tuple(said)
        try:
            self.rig("new", None)
        except RigError as error:
            return (str(error),)
        return ()

    def rig(self, name: str, before: RigConfig | None) -> RigConfig:
        """The rig of these choices; `before` gives the settings that a set-up does not know. Raises `RigError`."""
        leader, follower = self._arm("leader"), self._arm("follower")
        names = follower.uncalibrated.names
        if leader.uncalibrated.names != names and len(leader.uncalibrated.names) == len(names):
            leader = replace(leader, names=names)
        old = {} if before is None else {camera.name: camera for camera in before.cameras}
        cameras = tuple(_camera(camera, old.get(camera.name)) for camera in self.chosen_cameras)
        kept = before if before is not None and not before.simulated else RigConfig()
        return replace(
            kept,
            name=name,
            box=kept.box if kept.follower.arm == follower.arm else None,  # it was made for that arm's base and lengths
            leader=leader,
            follower=follower,
            cameras=cameras,
        )

    def _arm(self, role: str) -> ArmConfig:
        choice = self.arms[role]
        rate = self.rates.get(role, 0)
        baud = 0 if rate == ARMS[choice.arm].baud else rate
        return ArmConfig(choice.arm, choice.port, baud, choice.calibration, choice.fingerprint)

    def _set(self, role: str, choice: ArmChoice) -> None:
        self.arms[role] = choice
        self.problems[role] = ""


def _camera(choice: CameraChoice, before: CameraConfig | None) -> CameraConfig:
    return replace(
        before or CameraConfig(choice.name),
        kind=choice.kind,
        device=choice.device,
        width=choice.width,
        height=choice.height,
        fps=choice.fps,
    )


def _arms_of(path: Path) -> tuple[str, ...]:
    try:
        calibration = read_calibration(path)
    except DriverError:
        return ()
    fitting = []
    for name, model in ARMS.items():
        try:
            calibrated(model, calibration)
        except DriverError:
            continue
        fitting.append(name)
    return tuple(fitting)
