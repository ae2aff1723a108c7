"""What the studio and the set-up process tell each other."""

from dataclasses import dataclass

from teleop_studio.setup_status import CalibrationView, CameraChoice, FoundCamera, FoundPort


@dataclass(frozen=True)
class Scan:
    """Look at these ports, or at all there are. `all_bauds`: every rate and every id, also once an arm was found."""

    ports: tuple[str, ...] = ()
    all_bauds: bool = False


@dataclass(frozen=True)
class ScanCameras:
    """List the cameras and take a picture with each."""


@dataclass(frozen=True)
class Identify:
    """Watch all arms for the hand that moves one; their torque goes off. False ends it."""

    on: bool


@dataclass(frozen=True)
class SetId:
    port: str
    servo_id: int
    new_id: int


@dataclass(frozen=True)
class SetBaud:
    port: str
    servo_ids: tuple[int, ...]
    baud: int


@dataclass(frozen=True)
class StartCalibration:
    """Calibrate the `arm` on `port`; what comes of it is written to `path`."""

    role: str
    arm: str
    port: str
    path: str


@dataclass(frozen=True)
class StartServos:
    """Give factory servos, connected one at a time, the ids of `arm`."""

    role: str
    arm: str
    port: str


@dataclass(frozen=True)
class NextStep:
    """End the present step of the calibration or of the servos."""


@dataclass(frozen=True)
class CancelStep:
    """Leave the calibration or the servos; what was written to servos stays."""


@dataclass(frozen=True)
class Adopt:
    """Set the servos up as opening the rig will, with this calibration, and tell the arm's fingerprint then.

    Answered by `Adopted`.
    """

    role: str
    arm: str
    port: str
    calibration: str


@dataclass(frozen=True)
class ShowCamera:
    """Take pictures of this camera while a calibration is verified."""

    camera: CameraChoice | None


@dataclass(frozen=True)
class Adopted:
    """`baud` at which all its servos answer. `problem` is empty when the arm may be saved."""

    role: str
    arm: str
    port: str
    calibration: str
    fingerprint: str = ""
    baud: int = 0
    problem: str = ""


@dataclass(frozen=True)
class SetupFound:
    """How the set-up process stands; sent when something has changed. Fields as in `SetupStatus`.

    `done` counts the messages that have been worked on.
    """

    busy: str = ""
    progress: float = 0.0
    problem: str = ""
    ports: tuple[FoundPort, ...] = ()
    identifying: bool = False
    calibration: CalibrationView | None = None
    said: tuple[str, ...] = ()
    done: int = 0


@dataclass(frozen=True)
class CamerasFound:
    """All cameras and their newest pictures; apart from `SetupFound` because pictures are large."""

    cameras: tuple[FoundCamera, ...]
