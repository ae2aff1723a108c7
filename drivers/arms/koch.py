"""Koch v1.1: the low-cost pair that LeRobot supports as koch_follower and koch_leader, with LeRobot's joint names.

Every builder mounts the horns as they come, so each arm needs a calibration file (ours and LeRobot's are the same):
joint value 0 is the middle pose of the half-turn homing, Present Position 2047. There is no published model of
version 1.1 with lengths and zero pose, so nothing is drawn on pictures, and no published pose in which it may go limp.

The leader's elbow counts the other way round (Drive Mode 1), as in LeRobot. LeRobot issue 1489 and pull request 3913
report reversed shoulder_pan, wrist_flex and wrist_roll when a Koch leader drives an SO-100; between two Koch arms
LeRobot's own directions stand. Gripper values follow LeRobot's RANGE_0_100: 0 is the lower end of the swept range.
"""

from drivers.arms.model import CURRENT_BASED_POSITION_MODE, ArmModel, JointModel

MIDDLE_TICKS = 2047  # what half-turn homing makes of the middle pose
GRIPPER_RAD = 1.4  # until the calibration file tells
GRIPPER_MA = 600  # as ROBOTIS limits the same servo in the gripper of the OMX
TRIGGER_MA = 100  # as LeRobot holds the OMX leader's trigger, the same servo

_SOURCE = (
    "https://github.com/jess-moss/koch-v1-1 (servos); lerobot 0.6.1 robots/koch_follower and teleoperators/koch_leader "
    "(ids, names, modes, gains, directions)"
)
_JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll")
_TURN = 3.1  # rad either way: as much as the servo has, until the calibration file tells
_MIDDLE = (0.0, 0.0, 0.0, 0.0, 0.0, 0.5)


def _hinge(name: str, servo_id: int, servo: str, p_gain: int, d_gain: int, drive_mode: int = 0) -> JointModel:
    speed = 4.0 if servo == "xl430-w250" else 6.0
    return JointModel(
        name,
        servo_id,
        servo,
        -_TURN,
        _TURN,
        speed,
        10 * speed,
        home_ticks=MIDDLE_TICKS,
        p_gain=p_gain,
        d_gain=d_gain,
        drive_mode=drive_mode,
    )


def _gripper(servo: str, current_ma: int, spring_ma: int | None = None) -> JointModel:
    return JointModel(
        "gripper",
        6,
        servo,
        0.0,
        1.0,
        4.0,
        40.0,
        servo_rad_per_unit=GRIPPER_RAD,
        operating_mode=CURRENT_BASED_POSITION_MODE,
        p_gain=400,
        current_limit_ma=current_ma,
        spring_ma=spring_ma,
    )


KOCH_FOLLOWER = ArmModel(
    name="koch-follower",
    title="Koch v1.1 follower",
    role="follower",
    source=_SOURCE,
    joints=(
        # Gains as the factory sets them, but for the elbow, which LeRobot stiffens.
        _hinge("shoulder_pan", 1, "xl430-w250", 640, 4000),
        _hinge("shoulder_lift", 2, "xl430-w250", 640, 4000),
        _hinge("elbow_flex", 3, "xl330-m288", 1500, 600),
        _hinge("wrist_flex", 4, "xl330-m288", 400, 0),
        _hinge("wrist_roll", 5, "xl330-m288", 400, 0),
        _gripper("xl330-m288", GRIPPER_MA),
    ),
    links=(),
    tcp=(0.0, 0.0, 0.0),
    home=_MIDDLE,
    rest=_MIDDLE,
    rest_known=False,
    needs_calibration=True,
)

KOCH_LEADER = ArmModel(
    name="koch-leader",
    title="Koch v1.1 leader",
    role="leader",
    source=_SOURCE,
    joints=(
        *(
            _hinge(name, servo_id, "xl330-m077", 400, 0, drive_mode=1 if name == "elbow_flex" else 0)
            for servo_id, name in enumerate(_JOINTS, 1)
        ),
        _gripper("xl330-m077", TRIGGER_MA, spring_ma=TRIGGER_MA),
    ),
    links=(),
    tcp=(0.0, 0.0, 0.0),
    home=_MIDDLE,
    rest=_MIDDLE,
    rest_known=False,
    needs_calibration=True,
    can_mirror=False,  # its XL330-M077 are geared for being moved by hand; they can not carry the arm
)
