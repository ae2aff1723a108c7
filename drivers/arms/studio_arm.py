"""The Studio arm: our own 6 joints + gripper of Koch/OMX class, with a wrist yaw so that it can grasp from two sides.

Link lengths follow ROBOTIS' OMX-F (open_manipulator, `omx_f_arm.urdf.xacro`); the wrist yaw is ours. Three XL430-W250
carry the arm, four XL330 the wrist and gripper. The leader is the same chain with XL330-M077 servos and torque off.
"""

from drivers.arms.model import CURRENT_BASED_POSITION_MODE, ArmModel, JointModel, Link

FINGER_TRAVEL_M = 0.030
FINGER_M_PER_SERVO_RAD = 0.010
_GRIPPER_RAD = FINGER_TRAVEL_M / FINGER_M_PER_SERVO_RAD

_SOURCE = "our own; lengths from https://github.com/ROBOTIS-GIT/open_manipulator, omx_f_arm.urdf.xacro"
_LINKS = (
    Link("waist", (0.0, 0.0, 0.046), (0.0, 0.0, 1.0)),
    Link("shoulder", (0.0, 0.0, 0.0515), (0.0, 1.0, 0.0)),
    Link("elbow", (0.0415, 0.0, 0.11315), (0.0, 1.0, 0.0)),
    Link("wrist_pitch", (0.162, 0.0, 0.0), (0.0, 1.0, 0.0)),
    Link("wrist_yaw", (0.032, 0.0, 0.0), (0.0, 0.0, 1.0)),
    Link("wrist_roll", (0.042, 0.0, 0.0), (1.0, 0.0, 0.0)),
)
_HOME = (0.0, -1.26, 0.58, 1.08, 0.0, 0.0, 0.93)
_REST = (0.0, -1.60, 1.50, 0.70, 0.0, 0.0, 0.50)

STUDIO_FOLLOWER = ArmModel(
    name="studio-follower",
    title="Studio arm (follower)",
    role="follower",
    source=_SOURCE,
    joints=(
        JointModel("waist", 1, "xl430-w250", -2.4, 2.4, 4.0, 40.0, p_gain=1000, d_gain=1000),
        JointModel("shoulder", 2, "xl430-w250", -1.75, 1.75, 4.0, 40.0, p_gain=1500, d_gain=1000),
        JointModel("elbow", 3, "xl430-w250", -1.6, 1.65, 4.0, 40.0, p_gain=1500, d_gain=1000),
        JointModel("wrist_pitch", 4, "xl330-m288", -2.0, 2.0, 6.0, 60.0, p_gain=1000, d_gain=600),
        JointModel("wrist_yaw", 5, "xl330-m288", -1.92, 1.92, 6.0, 60.0, p_gain=1000, d_gain=600),
        JointModel("wrist_roll", 6, "xl330-m288", -3.0, 3.0, 6.0, 60.0, p_gain=800, d_gain=600),
        JointModel(
            "gripper",
            7,
            "xl330-m288",
            0.0,
            1.0,
            4.0,
            40.0,
            servo_rad_per_unit=_GRIPPER_RAD,
            operating_mode=CURRENT_BASED_POSITION_MODE,
            p_gain=800,
            d_gain=600,
            current_limit_ma=600,
        ),
    ),
    links=_LINKS,
    tcp=(0.077, 0.0, 0.0),
    home=_HOME,
    rest=_REST,
)

STUDIO_LEADER = ArmModel(
    name="studio-leader",
    title="Studio arm (leader)",
    role="leader",
    source=_SOURCE,
    joints=tuple(
        JointModel(
            joint.name,
            joint.servo_id,
            "xl330-m077",
            joint.lower,
            joint.upper,
            joint.max_speed,
            joint.max_acceleration,
            servo_rad_per_unit=joint.servo_rad_per_unit,
            operating_mode=joint.operating_mode,
            p_gain=400,
        )
        for joint in STUDIO_FOLLOWER.joints
    ),
    links=_LINKS,
    tcp=(0.077, 0.0, 0.0),
    home=_HOME,
    rest=_REST,
)
