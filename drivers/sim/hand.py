"""What a person does to one joint of an emulated arm: put it somewhere, hold it, pull at it, block it."""

from math import tau

from drivers.arms.model import POSITION_MODE, JointModel
from drivers.dynamixel.control_table import CENTRE_TICKS, TICKS_PER_TURN
from drivers.sim.joint_shaft import JointShaft

_TICKS_PER_RAD = TICKS_PER_TURN / tau
_OFFSET_IN_POSITION_MODE = 1024  # a larger homing offset is ignored there (e-manual, Homing Offset)


class Hand:
    """Values in joint units of the arm's model: rad, gripper 0 closed .. 1 open."""

    def __init__(self, joint: JointModel, shaft: JointShaft) -> None:
        self.joint = joint
        self.shaft = shaft

    @property
    def value(self) -> float:
        """Where the joint truly is."""
        return joint_value(self.joint, self.shaft.position_rad())

    def put(self, value: float, speed: float = 0.0) -> None:
        """Bring the joint there and leave it to weight and motors. `speed` in units/s is what the servo measures."""
        scale = shaft_rad(self.joint, 1.0) - shaft_rad(self.joint, 0.0)
        self.shaft.put(shaft_rad(self.joint, value), scale * speed)

    def hold(self, value: float) -> None:
        """Bring the joint there and keep it there, whatever its motors do, until `let_go`."""
        self.shaft.put(shaft_rad(self.joint, value), hold=True)

    def let_go(self) -> None:
        """Leave the joint to its weight and its motors."""
        self.shaft.let_go()

    def pull(self, share: float) -> None:
        """Pull with `share` of the servo's stall torque, positive towards smaller joint values; 0 ends it."""
        rising = shaft_rad(self.joint, 1.0) > shaft_rad(self.joint, 0.0)
        self.shaft.load = share if rising else -share

    def block(self, blocked: bool = True) -> None:
        """Something is in the way: the joint stays where it is, whatever its motors do."""
        self.shaft.stuck = blocked


def shaft_rad(joint: JointModel, value: float) -> float:
    """Angle of the servo's bare shaft, zero at 2048 ticks, at a joint value, as the model's registers make it read."""
    ticks = joint.home_ticks + joint.sign * joint.servo_rad_per_unit * value * _TICKS_PER_RAD
    return _direction(joint) * (ticks - _offset(joint) - CENTRE_TICKS) / _TICKS_PER_RAD


def joint_value(joint: JointModel, angle_rad: float) -> float:
    """Inverse of `shaft_rad`."""
    ticks = _direction(joint) * angle_rad * _TICKS_PER_RAD + CENTRE_TICKS + _offset(joint)
    return joint.sign * (ticks - joint.home_ticks) / _TICKS_PER_RAD / joint.servo_rad_per_unit


def _direction(joint: JointModel) -> int:
    return -1 if joint.drive_mode & 1 else 1


def _offset(joint: JointModel) -> int:
    offset = joint.homing_offset or 0
    ignored = joint.operating_mode == POSITION_MODE and abs(offset) > _OFFSET_IN_POSITION_MODE
    return 0 if ignored else offset
