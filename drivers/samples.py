"""What a driver hands over: one reading of an arm, one picture of a camera."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class JointState:
    """One reading of all D joints of an arm.

    `stamp_ns` is the middle of the bus exchange, monotonic ns.
    `position` (D,) rad, gripper 0 closed .. 1 open. `velocity` (D,) rad/s, gripper 1/s.
    `effort` (D,) in `effort_unit` of each joint: "mA" (current) or "0.1%" (load), as the servo model gives it.
    `age_ns` (D,) how old each joint's value is: 0 for a fresh reply, more when its servo did not answer this time.
    `alert` (D,) True where the servo's status carried the hardware alert bit.
    """

    stamp_ns: int
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    effort: NDArray[np.float64]
    effort_unit: tuple[str, ...]
    age_ns: NDArray[np.int64]
    alert: NDArray[np.bool_]


@dataclass(frozen=True)
class ServoReading:
    """What the slow registers of one servo said last.

    `servo` its model; a joint with two servos has two of these. `load` 0..1 of what it is allowed: of its current
    limit, or of full load. nan where it has not answered yet or does not measure it. `errors` its hardware errors in
    plain words. `age_ns` of these values, None before the first. `missed`, `crc_errors`, `alerts` are counts since the
    arm was opened. `stopped`: its bus watchdog has stopped it.
    """

    joint: str
    servo_id: int
    servo: str
    temperature_c: float = nan
    voltage_v: float = nan
    load: float = nan
    current_ma: float = nan
    torque: bool = False
    errors: tuple[str, ...] = ()
    age_ns: int | None = None
    missed: int = 0
    crc_errors: int = 0
    alerts: int = 0
    stopped: bool = False


@dataclass(frozen=True)
class CameraImage:
    """One picture. `stamp_ns` monotonic ns at capture; `rgb` (h, w, 3) uint8; `sequence` counts pictures taken.

    `encoded` the JPEG file of it that the camera made itself, None when it made none. `driver_stamp`: the stamp is the
    driver's own of when the picture came from the sensor or the cable; else it says when the program got it.
    """

    stamp_ns: int
    rgb: NDArray[np.uint8]
    sequence: int
    encoded: bytes | None = None
    driver_stamp: bool = False
