"""What the set-up of a rig has found and is doing: plain values that the Set-up page draws and scripts print."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FoundServo:
    """One servo that answered. `model` its name, or "model 1234" when it is unknown. `note` what is odd about it."""

    servo_id: int
    model: str
    model_number: int
    firmware: int
    baud: int
    note: str = ""


@dataclass(frozen=True)
class FoundPort:
    """A serial port of this computer, or an address that was asked for.

    `path` what goes into the rig file (a name that survives replugging where there is one). `title` what the system
    says about the adapter. `problem` why it can not be used and what to do, `warning` what will make it slow or
    unreliable. `fits` names of `ARMS` whose servos these are; `notes` what the scan found odd, one sentence each: a
    servo at another baud rate, two with one id, one that an arm lacks. `moved` how far its joints were moved by hand
    since `identify` began, in turns (0..1 is typical).
    """

    path: str
    title: str = ""
    problem: str = ""
    scanned: bool = False
    servos: tuple[FoundServo, ...] = ()
    fits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warning: str = ""
    fingerprint: str = ""
    moved: float = 0.0
    latency_ms: int | None = None  # of an FTDI adapter; more than 1 makes every exchange wait


@dataclass(frozen=True)
class FoundCamera:
    """A camera of this computer. `device` what goes into the rig file: a serial number or a socket, not /dev/videoN."""

    device: str
    path: str
    title: str
    modes: tuple[tuple[int, int, float, str], ...] = ()  # width, height, fps, format
    problem: str = ""
    picture: NDArray[np.uint8] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class JointSweep:
    """One joint while it is being calibrated, in servo ticks. `ok` when its range is plausible.

    While the result is verified, `value` is where the joint is in joint units (rad; gripper 0 closed .. 1 open) and
    `lower`, `upper` its limits; nan before.
    """

    joint: str
    servo_id: int
    present: int
    lowest: int
    highest: int
    ok: bool
    note: str = ""
    value: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")


@dataclass(frozen=True)
class CalibrationView:
    """The running step of a guided set-up. `ready` when `next_step` may be pressed; `why_not` says what is missing.

    `kind` "calibration", or "servos": factory servos get their ids, one connected at a time. `points` (N, 3): base,
    joints and gripper tip of the arm as it stands, m in its base frame, +x forward, +y left, +z up; while the result is
    verified, and only of an arm whose lengths are known.
    """

    role: str  # leader, follower
    arm: str
    number: int
    of: int
    title: str
    instruction: str
    joints: tuple[JointSweep, ...] = ()
    ready: bool = False
    why_not: str = ""
    finished: bool = False
    path: str = ""  # where the calibration was written
    kind: str = "calibration"
    points: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class FoundCalibration:
    """A calibration file of this workspace or of LeRobot. `title` e.g. "robots/koch_follower/black"; `arms` it fits."""

    path: str
    title: str
    arms: tuple[str, ...]


@dataclass(frozen=True)
class ArmChoice:
    """What was chosen for one role."""

    arm: str = ""
    port: str = ""
    calibration: str = ""
    fingerprint: str = ""


@dataclass(frozen=True)
class CameraChoice:
    name: str
    kind: str
    device: str
    width: int
    height: int
    fps: float


@dataclass(frozen=True)
class SetupStatus:
    """Everything the Set-up page needs. `busy` what is being done right now, empty when nothing."""

    running: bool = False  # the set-up process has the ports
    busy: str = ""
    progress: float = 0.0  # 0..1 of what is being done
    problem: str = ""  # why the last thing failed, in the operator's words
    ports: tuple[FoundPort, ...] = ()
    cameras: tuple[FoundCamera, ...] = ()
    calibrations: tuple[FoundCalibration, ...] = ()
    identifying: bool = False
    leader: ArmChoice = ArmChoice()
    follower: ArmChoice = ArmChoice()
    chosen_cameras: tuple[CameraChoice, ...] = ()
    calibration: CalibrationView | None = None
    missing: tuple[str, ...] = ()  # what still has to be done before the rig can be saved, one sentence each
    said: tuple[str, ...] = ()  # what was done, newest last
