"""ROBOTIS OMX-F and OMX-L, assembled in the factory: their homes are known, so a calibration file is not needed.

Joint names are LeRobot's; ROBOTIS calls them joint1 .. joint5 and gripper_joint_1. Lengths, limits, gains, currents and
the gripper's range (0 closed, 1 rad open) are ROBOTIS' own; the leader's trigger counts the other way round, which
ROBOTIS does in software (reverse_joints) and LeRobot, like this file, by Drive Mode 1.
"""

from drivers.arms.model import CURRENT_BASED_POSITION_MODE, ArmModel, JointModel, Link

_SOURCE = (
    "https://github.com/ROBOTIS-GIT/open_manipulator, open_manipulator_description/urdf/omx_{0} and "
    "ros2_control/omx_{0}.ros2_control.xacro, open_manipulator_moveit_config/config/omx_f/omx_f.srdf; "
    "lerobot 0.6.1 omx_follower and omx_leader (joint names, ids)"
)
_GRIPPER_RAD = 1.0
_TURN = 3.14
_Y, _Z, _X = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)
# name, lower, upper, max_speed; 830 .. 3129 and 1024 .. 3140 ticks are ROBOTIS' limits of joints 2 and 3.
_RANGES = (
    ("shoulder_pan", -_TURN, _TURN, 4.0),
    ("shoulder_lift", -1.868, 1.658, 4.0),
    ("elbow_flex", -1.570, 1.675, 4.0),
    ("wrist_flex", -_TURN, _TURN, 6.0),
    ("wrist_roll", -_TURN, _TURN, 6.0),
)
_HOME = (0.0, -1.0, 0.9, 1.0, 0.0, 0.5)
_REST = (0.0, -1.57, 1.57, 1.57, 0.0, 0.5)  # "home" in omx_f.srdf: folded

OMX_FOLLOWER = ArmModel(
    name="omx-follower",
    title="ROBOTIS OMX-F",
    role="follower",
    source=_SOURCE.format("f"),
    joints=(
        *(
            JointModel(name, 11 + row, servo, lower, upper, speed, 10 * speed, p_gain=1000, d_gain=1000)
            for row, ((name, lower, upper, speed), servo) in enumerate(
                zip(_RANGES, ("xl430-w250",) * 3 + ("xl330-m288",) * 2, strict=True)
            )
        ),
        JointModel(
            "gripper",
            16,
            "xl330-m288",
            0.0,
            1.0,
            4.0,
            40.0,
            servo_rad_per_unit=_GRIPPER_RAD,
            operating_mode=CURRENT_BASED_POSITION_MODE,
            p_gain=1000,
            d_gain=1000,
            current_limit_ma=600,
        ),
    ),
    links=(
        Link("shoulder_pan", (-0.01125, 0.0, 0.034), _Z),
        Link("shoulder_lift", (0.0, 0.0, 0.0635), _Y),
        Link("elbow_flex", (0.0415, 0.0, 0.11315), _Y),
        Link("wrist_flex", (0.162, 0.0, 0.0), _Y),
        Link("wrist_roll", (0.0287, 0.0, 0.0), _X),
    ),
    tcp=(0.09193, -0.0016, 0.0),
    home=_HOME,
    rest=_REST,
)

OMX_LEADER = ArmModel(
    name="omx-leader",
    title="ROBOTIS OMX-L",
    role="leader",
    source=_SOURCE.format("l"),
    joints=(
        *(
            JointModel(name, row, "xl330-m288", lower, upper, speed, 10 * speed, p_gain=400)
            for row, (name, lower, upper, speed) in enumerate(_RANGES, 1)
        ),
        JointModel(
            "gripper",
            6,
            "xl330-m077",
            0.0,
            1.0,
            4.0,
            40.0,
            servo_rad_per_unit=_GRIPPER_RAD,
            operating_mode=CURRENT_BASED_POSITION_MODE,
            p_gain=1000,
            d_gain=1500,
            drive_mode=1,
            homing_offset=0,
            current_limit_ma=300,
            spring_ma=100,  # LeRobot's; ROBOTIS allows up to the limit of 300
        ),
    ),
    links=(
        Link("shoulder_pan", (-0.0095, 0.0, 0.0545), _Z),
        Link("shoulder_lift", (0.0, 0.0, 0.042), _Y),
        Link("elbow_flex", (0.0375, 0.0, 0.09), _Y),
        Link("wrist_flex", (0.1275, 0.0, 0.0), _Y),
        Link("wrist_roll", (0.0287, 0.0, 0.0), _X),
    ),
    tcp=(0.0298, 0.0, 0.0175),  # the trigger's axis
    home=_HOME,
    rest=_REST,
)
