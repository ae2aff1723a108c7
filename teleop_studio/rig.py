"""A rig as a TOML file: which arms on which ports, which cameras, how fast. Validated before anything is opened."""

import json
import os
import re
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from drivers.arms import ARMS
from drivers.arms.model import ArmModel
from recorders.episode import CODECS

SIMULATED = "simulated"
LINKS = ("socketpair", "pty")
CAMERA_KINDS = (SIMULATED,)
SIMULATED_ARMS = ("studio-leader", "studio-follower")
SIMULATED_SCENES = ("bottle", "fork")


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
    order: a leader of another make then fits its follower.
    """

    arm: str
    port: str = SIMULATED
    baud: int = 0
    calibration: str = ""
    fingerprint: str = ""
    names: tuple[str, ...] = ()
    lerobot: LerobotDevice | None = None

    @property
    def model(self) -> ArmModel:
        return ARMS[self.arm]


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
    """Everything needed to open a rig. Simulated and serial parts can not be mixed.

    `realtime` False: neither control nor the recorder even tries for the real-time scheduling class. `box` limits of
    the gripper's tip. `mirror`: a leader whose servos can is led to the follower's pose before a human takes over.
    `on_close` what the follower does when the rig is closed: "soften" (torque goes softly), "rest" or "hold".
    `stop_device` an input device whose keys all mean STOP (a pedal: /dev/input/by-id/...), read past the window.
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

    def __post_init__(self) -> None:
        self._check_arms()
        if not 50 <= self.control_hz <= 200:
            raise RigError(f"control_hz = {self.control_hz:g}: the control loop runs at 50 to 200 Hz.")
        if self.link not in LINKS:
            raise RigError(f"link = {self.link!r}: a simulated rig is linked by one of {', '.join(LINKS)}.")
        if self.simulated and self.scene not in SIMULATED_SCENES:
            raise RigError(f"scene = {self.scene!r}: the simulated scenes are {', '.join(SIMULATED_SCENES)}.")
        self._check_cameras()

    def _check_arms(self) -> None:
        for role, arm in (("leader", self.leader), ("follower", self.follower)):
            if arm.arm not in ARMS:
                raise RigError(f"{role}.arm = {arm.arm!r} is unknown. Known arms: {', '.join(sorted(ARMS))}.")
            if not arm.port.strip():
                raise RigError(f"{role}.port is empty: name a serial port, or {SIMULATED!r}.")
        if (self.leader.port == SIMULATED) != (self.follower.port == SIMULATED):
            raise RigError(
                f"leader.port = {self.leader.port!r} and follower.port = {self.follower.port!r}: "
                "either both arms are simulated or none is."
            )
        if self.simulated and (self.leader.arm, self.follower.arm) != SIMULATED_ARMS:
            raise RigError(
                f"leader.arm = {self.leader.arm!r}, follower.arm = {self.follower.arm!r}: "
                f"the simulated arms are {SIMULATED_ARMS[0]} and {SIMULATED_ARMS[1]}."
            )
        if not self.simulated and self.leader.port == self.follower.port:
            raise RigError(f"leader and follower are both on {self.leader.port}: each arm needs a port of its own.")
        if self.leader.model.names != self.follower.model.names:
            raise RigError(
                f"the leader's joints {self.leader.model.names} are not the follower's {self.follower.model.names}."
            )

    def _check_cameras(self) -> None:
        names = [camera.name for camera in self.cameras]
        if not names or len(set(names)) != len(names):
            raise RigError(f"cameras {names}: give at least one, each with a name of its own.")
        for camera in self.cameras:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", camera.name):
                raise RigError(
                    f"camera {camera.name!r}: a name is a letter, then letters, digits and '_', at most 32 in all."
                )
            if camera.kind not in CAMERA_KINDS:
                raise RigError(f"camera {camera.name!r}: kind = {camera.kind!r}; known: {', '.join(CAMERA_KINDS)}.")
            if camera.kind == SIMULATED and not self.simulated:
                raise RigError(f"camera {camera.name!r} is simulated, but the arms are on real ports.")
            if not (16 <= camera.width <= 4096 and 16 <= camera.height <= 4096 and 1 <= camera.fps <= 120):
                raise RigError(
                    f"camera {camera.name!r}: {camera.width}x{camera.height} at {camera.fps:g} fps is out of range "
                    "(16 to 4096 pixels a side, 1 to 120 fps)."
                )
            if camera.codec not in CODECS:
                raise RigError(f"camera {camera.name!r}: codec = {camera.codec!r}; known: {', '.join(CODECS)}.")
            if not 1 <= camera.quality <= 100:
                raise RigError(f"camera {camera.name!r}: quality = {camera.quality}: JPEG knows 1 to 100.")

    @property
    def simulated(self) -> bool:
        """True when the servos are emulated: an explicit choice in the file, never a fall-back."""
        return self.follower.port == SIMULATED


def load_rig(path: Path) -> RigConfig:
    """Read a rig file. Raises `RigError` for a missing or wrong one."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RigError(f"The rig file {path} can not be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RigError(f"The rig file {path} is not TOML: {error}.") from error
    try:
        return _from_table(table)
    except RigError as error:
        raise RigError(f"{path}: {error}") from error


def save_rig(rig: RigConfig, path: Path) -> None:
    """Write `rig` as TOML; `load_rig` reads it back equal. Raises `RigError` when the file can not be written."""
    lines = [f"{key} = {_toml(value)}" for key, value in asdict(rig).items() if not isinstance(value, (dict, tuple))]
    for role in ("leader", "follower"):
        lines += ["", f"[{role}]", *(f"{key} = {_toml(value)}" for key, value in asdict(getattr(rig, role)).items())]
    for camera in rig.cameras:
        lines += ["", "[[cameras]]", *(f"{key} = {_toml(value)}" for key, value in asdict(camera).items())]
    unfinished = path.with_name(f".{path.name}.new")
    try:
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(unfinished, path)  # a kill leaves the old file or the new one, never half of it
    except OSError as error:
        raise RigError(f"The rig file {path} can not be written: {error.strerror}.") from error


def _toml(value: object) -> str:
    if isinstance(value, str):
        # TOML's basic strings know JSON's escapes; JSON leaves DEL as it is, TOML does not.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value).lower() if isinstance(value, bool) else repr(value)


def _from_table(table: dict[str, Any]) -> RigConfig:
    known = {"name": str, "control_hz": (int, float), "scene": str, "link": str, "realtime": bool}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in ("leader", "follower"):
            values[key] = ArmConfig(**_checked(key, value, {"arm": str, "port": str}))
        elif key == "cameras":
            if not isinstance(value, list):
                raise RigError("cameras must be a list of tables: [[cameras]].")
            kinds: dict[str, Any] = {name: str for name in ("name", "kind", "codec")}
            kinds |= {"width": int, "height": int, "fps": (int, float), "quality": int}
            values[key] = tuple(CameraConfig(**_checked("cameras", camera, kinds)) for camera in value)
        elif key not in known:
            settings = ", ".join((*known, "leader", "follower", "cameras"))
            raise RigError(f"the rig has no setting {key!r}. Known: {settings}.")
        else:
            values.update(_checked("the rig", {key: value}, known))
    return RigConfig(**values)


def _checked(where: str, table: Any, known: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise RigError(f"{where} must be a table.")
    for key, value in table.items():
        if key not in known:
            raise RigError(f"{where} has no setting {key!r}. Known: {', '.join(known)}.")
        if not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is not bool):
            raise RigError(f"{where}: {key} = {value!r} has the wrong type.")
    if where in ("leader", "follower") and "arm" not in table:
        raise RigError(f"{where} needs an arm. Known arms: {', '.join(sorted(ARMS))}.")
    if where == "cameras" and "name" not in table:
        raise RigError("each camera needs a name.")
    return dict(table)
