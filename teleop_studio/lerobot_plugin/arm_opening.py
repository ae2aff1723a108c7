"""Opens one of our arms as LeRobot's command line names it."""

from pathlib import Path

from drivers.arms import ARMS
from drivers.arms.calibration_file import calibrated, read_calibration
from drivers.arms.model import ArmModel
from drivers.clock import Clock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import open_transport
from drivers.errors import DriverError, NotCalibrated


def arm_model(name: str, calibration: Path) -> ArmModel:
    """The arm `name` of `ARMS`, with LeRobot's calibration file of it when there is one. Raises `DriverError`."""
    if name not in ARMS:
        raise DriverError(f"There is no arm {name!r}. Known arms: {', '.join(sorted(ARMS))}.")
    model = ARMS[name]
    return calibrated(model, read_calibration(calibration)) if calibration.is_file() else model


def connect_arm(model: ArmModel, port: str, clock: Clock, calibration: Path) -> DynamixelArm:
    """Connected, torque as it was found. Raises a `DriverError` that says what is missing."""
    if model.needs_calibration:
        raise NotCalibrated(f"{model.title or model.name} is not calibrated: there is no {calibration}. {how(model)}")
    arm = DynamixelArm(model, DynamixelBus(open_transport(port, model.baud, clock), clock), clock)
    try:
        arm.connect()
    except Exception:
        arm.close()
        raise
    return arm


def how(model: ArmModel) -> str:
    """How this arm gets its calibration file."""
    return (
        f"Calibrate it on the Set-up page, with `teleop-studio setup calibrate --arm {model.name}`, or with "
        "lerobot-calibrate as LeRobot's own type of this arm: the file is the same. Then name its id and "
        "calibration_dir."
    )
