"""What a rig is: which arms on which ports, which cameras, how fast. Validated before anything is opened."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from drivers.arms import ARMS
from drivers.arms.calibration_file import calibrated, read_calibration
from drivers.arms.model import ArmModel, JointModel
from drivers.errors import DriverError
from recorders.episode import CODECS
from teleop_studio.bus_time import cycle_s

SIMULATED = "simulated"
LEROBOT = "lerobot"
LINKS = ("socketpair", "pty")
CAMERA_KINDS = (SIMULATED, "usb", "network", "video", LEROBOT)
SIMULATED_ARMS = ("studio-leader", "studio-follower")
SIMULATED_SCENES = ("bottle", "fork", "fork-close")
SCENE_SHIFTS = ("none", "dim", "bright", "camera-1-degree", "clutter", "bottle-20-mm")
ON_CLOSE = ("soften", "rest", "hold")
_JOINT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_LEROBOT_REACH_S = 0.1  # a LeRobot arm reaches its greatest speed in this time


class RigError(Exception):
    """The rig file can not be used; says which line of it and what would be right."""


@dataclass(frozen=True)
class LerobotJoint:
    """One value of a LeRobot robot, and how it becomes a joint value: `joint = (value - offset) * scale`.

    `name` without LeRobot's ".pos". `lower`, `upper` in joint units (rad; gripper 0 closed .. 1 open).
    """

    name: str
    lower: float
    upper: float
    scale: float = 1.0
    offset: float = 0.0
    max_speed: float = 3.0


@dataclass(frozen=True)
class LerobotDevice:
    """An arm that LeRobot drives, in a process of its own. `type` and `options` as on LeRobot's command line."""

    type: str
    options: dict[str, Any] = field(default_factory=dict)
    joints: tuple[LerobotJoint, ...] = ()
    rate_hz: float = 60.0


@dataclass(frozen=True)
class ArmConfig:
    """`arm` a name of `ARMS`, or "lerobot"; `port` a serial device, "socket://host:port", or "simulated".

    `baud` 0 for the model's own. `calibration` path of a calibration file, "" for the model's own numbers.
    `fingerprint` what the arm said about itself when it was set up; "" is not checked. `names` renames the joints, in
    order: a leader of another make then fits its follower. `lerobot` only with arm "lerobot", whose `port` means
    nothing: LeRobot's own options name it.
    """

    arm: str
    port: str = SIMULATED
    baud: int = 0
    calibration: str = ""
    fingerprint: str = ""
    names: tuple[str, ...] = ()
    lerobot: LerobotDevice | None = None

    @property
    def simulated(self) -> bool:
        return self.port == SIMULATED and self.arm != LEROBOT

    @cached_property
    def uncalibrated(self) -> ArmModel:
        """The arm with its own numbers: baud rate and names are applied, the calibration file is not read."""
        model = _lerobot_model(self.lerobot) if self.lerobot is not None else ARMS[self.arm]
        return _renamed(replace(model, baud=self.baud or model.baud), self.names)

    @cached_property
    def model(self) -> ArmModel:
        """The arm as it is driven. Read once. Raises a `DriverError` for a calibration file that can not be used."""
        if not self.calibration:
            return self.uncalibrated
        own = replace(self, names=())  # the file knows the arm's own joint names
        return _renamed(calibrated(own.uncalibrated, read_calibration(Path(self.calibration))), self.names)


@dataclass(frozen=True)
class CameraConfig:
    """One camera. `name` also names its stream in episodes and exports.

    `kind` "simulated", "usb", "network" (MJPEG over HTTP, RTSP), "video" (a file) or "lerobot". `device`: of a USB
    camera its identity ("serial:..." or "port:..."), else its address, file or LeRobot type. `codec` "jpeg", or "png",
    which is lossless; `quality` of JPEG is 1 to 100. `passthrough`: JPEG pictures that the camera makes itself are
    recorded as they are. `exposure`, `white_balance`, `focus` are locked at that value of the camera's own scale;
    None leaves them automatic.
    """

    name: str
    kind: str = SIMULATED
    width: int = 320
    height: int = 240
    fps: float = 30.0
    codec: str = "jpeg"
    quality: int = 90  # docs/decisions/0014-picture-compression.md
    device: str = ""
    passthrough: bool = True
    exposure: int | None = None
    white_balance: int | None = None
    focus: int | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkspaceBox:
    """Where the follower's gripper tip may be, m in its base frame; None means no limit on that side."""

    x: tuple[float | None, float | None] = (None, None)
    y: tuple[float | None, float | None] = (None, None)
    z: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True)
class RigConfig:
    """Everything needed to open a rig. Simulated and real parts can not be mixed; a real rig may have no camera.

    `realtime` False: neither control nor the recorder even tries for the real-time scheduling class. `box` limits of
    the gripper's tip. `mirror`: a leader whose servos can is led to the follower's pose before a human takes over.
    `on_close` what the follower does when the rig is closed: "soften" (torque goes softly), "rest" or "hold".
    `stop_device` an input device whose keys all mean STOP (a pedal: /dev/input/by-id/...), read past the window.
    `shift` what is otherwise than in the demonstrations, only in a simulated scene: a name of `SCENE_SHIFTS`.
    """

    name: str = "simulated"
    leader: ArmConfig = ArmConfig("studio-leader")
    follower: ArmConfig = ArmConfig("studio-follower")
    cameras: tuple[CameraConfig, ...] = field(
        default_factory=lambda: (CameraConfig("front"), CameraConfig("wrist")),
    )
    control_hz: float = 100.0
    scene: str = "bottle"
    link: str = "socketpair"
    realtime: bool = True
    box: WorkspaceBox | None = None
    mirror: bool = True
    on_close: str = "soften"
    stop_device: str = ""
    shift: str = "none"

    def __post_init__(self) -> None:
        _check_arm("leader", self.leader)
        _check_arm("follower", self.follower)
        self._check_pair()
        if not 50 <= self.control_hz <= 200:
            raise RigError(f"control_hz = {self.control_hz:g}: the control loop runs at 50 to 200 Hz.")
        if self.link not in LINKS:
            raise RigError(f"link = {self.link!r}: a simulated rig is linked by one of {', '.join(LINKS)}.")
        if self.simulated and self.scene not in SIMULATED_SCENES:
            raise RigError(f"scene = {self.scene!r}: the simulated scenes are {', '.join(SIMULATED_SCENES)}.")
        if self.shift not in SCENE_SHIFTS:
            raise RigError(f"shift = {self.shift!r}: the simulated scenes can be shifted by {', '.join(SCENE_SHIFTS)}.")
        if not self.simulated and self.shift != "none":
            raise RigError(f"shift = {self.shift!r}: only a simulated scene can be shifted; leave the line out.")
        if self.on_close not in ON_CLOSE:
            raise RigError(f"on_close = {self.on_close!r}; known: {', '.join(ON_CLOSE)}.")
        self._check_cycle()
        self._check_box()
        self._check_cameras()

    @property
    def simulated(self) -> bool:
        """True when the servos are emulated: an explicit choice in the file, never a fall-back."""
        return self.follower.simulated

    def check_openable(self) -> None:
        """What a rig may lack in its file but not when it is opened. Raises `RigError`."""
        for role, arm in (("leader", self.leader), ("follower", self.follower)):
            if arm.uncalibrated.needs_calibration and not arm.calibration:
                raise RigError(
                    f"The {role} ({arm.arm} on {arm.port}) is not calibrated. Two arms of this kind differ in how "
                    "their servos were put on, so nobody can know where its joints are. Calibrate it on the Set-up "
                    f"page or with `teleop-studio setup calibrate --role {role} --arm {arm.arm} --port {arm.port}`, or "
                    "name LeRobot's calibration file of this arm in the rig file: calibration = ..."
                )
            try:
                _ = arm.model
            except DriverError as error:
                raise RigError(f"{role}: {error}") from error

    def _check_pair(self) -> None:
        leader, follower = self.leader, self.follower
        if leader.simulated != follower.simulated:
            raise RigError(
                f"leader.port = {leader.port!r} and follower.port = {follower.port!r}: "
                "either both arms are simulated or none is."
            )
        if self.simulated and (leader.arm, follower.arm) != SIMULATED_ARMS:
            raise RigError(
                f"leader.arm = {leader.arm!r}, follower.arm = {follower.arm!r}: "
                f"the simulated arms are {SIMULATED_ARMS[0]} and {SIMULATED_ARMS[1]}."
            )
        if not self.simulated and leader.port == follower.port and LEROBOT not in (leader.arm, follower.arm):
            raise RigError(f"leader and follower are both on {leader.port}: each arm needs a port of its own.")
        if leader.uncalibrated.names != follower.uncalibrated.names:
            raise RigError(
                f"the leader's joints {leader.uncalibrated.names} are not the follower's "
                f"{follower.uncalibrated.names}. If they move alike, give one of the arms the other's names: "
                "names = ..."
            )

    def _check_cycle(self) -> None:
        """Both arms are asked one after the other, once in each tick."""
        if self.simulated:
            return
        leader, follower = (arm.uncalibrated for arm in (self.leader, self.follower))
        needed_s = cycle_s(leader, writes=False) + cycle_s(follower, writes=True)
        if needed_s * self.control_hz > 1:
            slow = leader if leader.baud < follower.baud else follower
            lower = f"Set control_hz = {int(1 / needed_s)}, or raise" if needed_s * 50 <= 1 else "Raise"
            raise RigError(
                f"control_hz = {self.control_hz:g} is more than the lines can carry: reading the leader "
                f"({leader.baud} baud) and driving the follower ({follower.baud} baud) takes {needed_s * 1e3:.1f} ms, "
                f"so {int(1 / needed_s)} Hz at most. {lower} the servos of {slow.name} to "
                f"{1_000_000 if slow.baud < 1_000_000 else 2_000_000} baud, on the Set-up page or with "
                "`teleop-studio setup set-baud`, and its `baud` in the rig file."
            )

    def _check_box(self) -> None:
        if self.box is None:
            return
        if not self.follower.uncalibrated.links:
            raise RigError(f"box: the lengths of {self.follower.arm} are not known, so its tip can not be kept in one.")
        for axis, (lowest, highest) in (("x", self.box.x), ("y", self.box.y), ("z", self.box.z)):
            if lowest is not None and highest is not None and not lowest < highest:
                raise RigError(f"box.{axis} = {lowest:g} .. {highest:g} m: the first must be the smaller.")

    def _check_cameras(self) -> None:
        names = [camera.name for camera in self.cameras]
        if len(set(names)) != len(names) or (self.simulated and not names):
            raise RigError(f"cameras {names}: give at least one, each with a name of its own.")
        for camera in self.cameras:
            if camera.kind in CAMERA_KINDS and (camera.kind == SIMULATED) != self.simulated:
                its, arms = ("simulated", "on real ports") if camera.kind == SIMULATED else ("real", "simulated")
                raise RigError(f"camera {camera.name!r} is {its}, but the arms are {arms}.")
            _check_camera(camera)


def _check_arm(role: str, arm: ArmConfig) -> None:
    if arm.arm not in (*ARMS, LEROBOT):
        known = ", ".join(sorted((*ARMS, LEROBOT)))
        raise RigError(f"{role}.arm = {arm.arm!r} is unknown. Known arms: {known}.")
    if not arm.port.strip():
        raise RigError(f"{role}.port is empty: name a serial port, or {SIMULATED!r}.")
    if (arm.arm == LEROBOT) != (arm.lerobot is not None):
        raise RigError(f"{role}: arm = {LEROBOT!r} and a table [{role}.{LEROBOT}] need each other.")
    if arm.baud < 0 or (arm.baud and not 9_600 <= arm.baud <= 4_500_000):
        raise RigError(f"{role}.baud = {arm.baud}: 9600 to 4500000, or 0 for the arm's own.")
    if arm.lerobot is not None:
        _check_lerobot(role, arm.lerobot)
        if arm.calibration:
            raise RigError(f"{role}.calibration: LeRobot calibrates its own arms; name no file here.")
    joints = len(arm.lerobot.joints if arm.lerobot is not None else ARMS[arm.arm].joints)
    if arm.names and len(arm.names) != joints:
        raise RigError(f"{role}.names has {len(arm.names)} names, {arm.arm} has {joints} joints.")
    names = arm.uncalibrated.names
    if len(set(names)) != joints or not all(_JOINT_NAME.fullmatch(name) for name in names):
        raise RigError(
            f"{role}: joints {names}: each needs a name of its own, a letter, then letters, digits and '_', at most 32."
        )


def _check_lerobot(role: str, device: LerobotDevice) -> None:
    if not device.type.strip() or not device.joints:
        raise RigError(f"{role}.lerobot needs a type and joints, in the order of the other arm's.")
    if not 20 <= device.rate_hz <= 1000:  # control takes no reading older than 100 ms
        raise RigError(f"{role}.lerobot.rate_hz = {device.rate_hz:g}: 20 to 1000.")
    for joint in device.joints:
        finite = all(abs(value) < 1e6 for value in (joint.lower, joint.upper, joint.scale, joint.offset))
        if not (finite and joint.lower < joint.upper and joint.scale != 0 and 0 < joint.max_speed < 1e3):
            raise RigError(
                f"{role}.lerobot: joint {joint.name!r} needs lower < upper, a scale other than 0 and a "
                "max_speed above 0."
            )


def _check_camera(camera: CameraConfig) -> None:
    if not _JOINT_NAME.fullmatch(camera.name):
        raise RigError(f"camera {camera.name!r}: a name is a letter, then letters, digits and '_', at most 32 in all.")
    if camera.kind not in CAMERA_KINDS:
        raise RigError(f"camera {camera.name!r}: kind = {camera.kind!r}; known: {', '.join(CAMERA_KINDS)}.")
    if camera.kind != SIMULATED and not camera.device.strip():
        raise RigError(
            f"camera {camera.name!r}: device is empty. Give a USB camera's identity ('serial:...' or 'port:...', as "
            "`teleop-studio setup cameras` lists them), an address, a file, or LeRobot's camera type."
        )
    if not (16 <= camera.width <= 4096 and 16 <= camera.height <= 4096 and 1 <= camera.fps <= 120):
        raise RigError(
            f"camera {camera.name!r}: {camera.width}x{camera.height} at {camera.fps:g} fps is out of range "
            "(16 to 4096 pixels a side, 1 to 120 fps)."
        )
    if camera.codec not in CODECS:
        raise RigError(f"camera {camera.name!r}: codec = {camera.codec!r}; known: {', '.join(CODECS)}.")
    if not 1 <= camera.quality <= 100:
        raise RigError(f"camera {camera.name!r}: quality = {camera.quality}: JPEG knows 1 to 100.")


def _lerobot_model(device: LerobotDevice) -> ArmModel:
    """An arm without servos: `servo` is empty, ids only number the joints."""
    joints = tuple(
        JointModel(
            joint.name,
            number,
            "",
            joint.lower,
            joint.upper,
            joint.max_speed,
            joint.max_speed / _LEROBOT_REACH_S,
        )
        for number, joint in enumerate(device.joints, start=1)
    )
    nearest_zero = tuple(min(max(0.0, joint.lower), joint.upper) for joint in device.joints)
    return ArmModel(
        name=f"{LEROBOT}:{device.type}",
        joints=joints,
        links=(),
        tcp=(0.0, 0.0, 0.0),
        home=nearest_zero,
        rest=nearest_zero,
        title=f"LeRobot {device.type}",
        can_mirror=False,
        rest_known=False,
    )


def _renamed(model: ArmModel, names: tuple[str, ...]) -> ArmModel:
    if not names:
        return model
    new = dict(zip(model.names, names, strict=True))
    return replace(
        model,
        joints=tuple(replace(joint, name=new[joint.name]) for joint in model.joints),
        links=tuple(replace(link, joint=new[link.joint]) for link in model.links),
    )
