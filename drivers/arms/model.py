"""An arm as data: its joints, its servos and its link lengths. A new DYNAMIXEL arm is one `ArmModel` constant."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POSITION_MODE = 3
EXTENDED_POSITION_MODE = 4
CURRENT_BASED_POSITION_MODE = 5


@dataclass(frozen=True)
class JointModel:
    """One joint and the servo that moves it.

    Joint unit: rad for a hinge, 0 closed .. 1 open for a gripper. `lower`, `upper` in joint units.
    `servo_rad_per_unit` servo radians for one joint unit (1 for a direct hinge). `sign` +1 or -1.
    `home_ticks` Present_Position at joint value 0. `max_speed` joint units/s, the safety gate's limit.
    `p_gain`, `i_gain`, `d_gain` are register values (addresses 84, 82, 80).
    `current_limit_ma` only for servos that have a Current Limit register, else None.
    `drive_mode` register 10 (bit 0: the servo counts the other way round). `homing_offset` register 20, None: left as
    it is found. `second_id` a second servo of the same kind on the same joint (ALOHA's shoulder and elbow); with
    `second_drive_mode` it counts as the first one does. `follow_error` joint units that the joint may lag behind its
    goal for long. `spring_ma`: on a leader, this current holds the joint open while a hand uses it.
    """

    name: str
    servo_id: int
    servo: str
    lower: float
    upper: float
    max_speed: float
    max_acceleration: float
    servo_rad_per_unit: float = 1.0
    sign: int = 1
    home_ticks: int = 2048
    operating_mode: int = POSITION_MODE
    p_gain: int = 800
    i_gain: int = 0
    d_gain: int = 0
    current_limit_ma: int | None = None
    drive_mode: int = 0
    homing_offset: int | None = None
    second_id: int | None = None
    second_drive_mode: int = 1
    follow_error: float = 0.35
    spring_ma: int | None = None


@dataclass(frozen=True)
class Link:
    """One hinge of the kinematic chain: `offset` (x, y, z) m in the parent frame, then rotation about `axis`."""

    joint: str
    offset: tuple[float, float, float]
    axis: tuple[float, float, float]


@dataclass(frozen=True)
class ArmModel:
    """A whole arm. `joints` in vector order (D of them, gripper last). `links` base to hand. `tcp` m in the hand frame.

    `home` and `rest` are joint vectors (D,): the pose to start from, the pose in which it may go limp. `links` is
    empty when the arm's lengths are not known: nothing can be drawn on pictures then. `role` "leader", "follower" or
    "either". `source` where its numbers were published. `needs_calibration`: two arms of this kind differ in their
    homes, so each one needs a calibration file. `can_mirror`: as a leader it may be moved by its own servos.
    `rest_known` False: nobody has published a pose in which it may go limp, `rest` is only inside its limits.
    """

    name: str
    joints: tuple[JointModel, ...]
    links: tuple[Link, ...]
    tcp: tuple[float, float, float]
    home: tuple[float, ...]
    rest: tuple[float, ...]
    baud: int = 1_000_000
    title: str = ""
    role: str = "either"
    source: str = ""
    needs_calibration: bool = False
    can_mirror: bool = True
    rest_known: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(joint.name for joint in self.joints)

    @property
    def lower(self) -> NDArray[np.float64]:
        """(D,) joint units."""
        return np.array([joint.lower for joint in self.joints])

    @property
    def upper(self) -> NDArray[np.float64]:
        """(D,) joint units."""
        return np.array([joint.upper for joint in self.joints])

    @property
    def max_speed(self) -> NDArray[np.float64]:
        """(D,) joint units/s."""
        return np.array([joint.max_speed for joint in self.joints])

    @property
    def max_acceleration(self) -> NDArray[np.float64]:
        """(D,) joint units/s^2."""
        return np.array([joint.max_acceleration for joint in self.joints])
