"""What a driver hands over: one reading of an arm, one picture of a camera."""

from dataclasses import dataclass

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
