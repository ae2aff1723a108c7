"""The ALOHA pair: ViperX-300 6DOF as follower, WidowX-250 6DOF as leader, with Interbotix' joint names and homes.

Shoulder and elbow are moved by two servos each, mounted face to face: the second one counts the other way round, by its
Drive Mode. Ids, drive modes and limits are those of the yaml files that Interbotix ships for ALOHA, lengths those of
their URDF; the gripper's ends and its current limit are those of the ALOHA scripts. With these drive modes a Present
Position of 2048 is Interbotix' joint value 0.
"""

from math import radians, tau

from drivers.arms.model import CURRENT_BASED_POSITION_MODE, ArmModel, JointModel, Link

_SOURCE = (
    "https://github.com/Interbotix/interbotix_ros_manipulators, interbotix_xsarm_control/config/aloha_{0}.yaml and "
    "interbotix_xsarm_descriptions/urdf/aloha_{0}.urdf.xacro; https://github.com/Interbotix/aloha, aloha/constants.py; "
    "https://docs.trossenrobotics.com/interbotix_xsarms_docs/specifications/a{0}.html (servos)"
)
_NAMES = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")
_IDS = ((1, None), (2, 3), (4, 5), (6, None), (7, None), (8, None))
_SPEED, _ACCELERATION = 3.0, 20.0  # Velocity Limit 131, 30 rev/min, in both yaml files
_TURN = 3.14
_HOME = (0.0, -0.96, 1.16, 0.0, -0.3, 0.0, 0.5)  # START_ARM_POSE
_REST = (0.0, -1.80, 1.55, 0.0, -1.57, 0.0, 0.0)  # sleep_positions
_XM_COUNT_MA = 2.69


def _hinges(
    servos: tuple[str, ...], limits_degrees: tuple[tuple[float, float], ...], drive_modes: tuple[int, ...]
) -> tuple[JointModel, ...]:
    joints = []
    for name, (first, second), servo, (lower, upper), drive_mode in zip(
        _NAMES, _IDS, servos, limits_degrees, drive_modes, strict=True
    ):
        joints.append(
            JointModel(
                name,
                first,
                servo,
                max(radians(lower), -_TURN),
                min(radians(upper), _TURN),
                _SPEED,
                _ACCELERATION,
                p_gain=800,
                drive_mode=drive_mode,
                second_id=second,
                second_drive_mode=1 - drive_mode,
            )
        )
    return tuple(joints)


def _gripper(servo: str, closed_rad: float, open_rad: float, current_limit_ma: int | None) -> JointModel:
    return JointModel(
        "gripper",
        9,
        servo,
        0.0,
        1.0,
        3.0,
        30.0,
        servo_rad_per_unit=open_rad - closed_rad,
        home_ticks=round(2048 + closed_rad * 4096 / tau),
        # The leader's XC430 measures no current, so it has no current-based mode; it stays limp anyway.
        operating_mode=3 if current_limit_ma is None else CURRENT_BASED_POSITION_MODE,
        p_gain=800,
        current_limit_ma=current_limit_ma,
    )


def _links(*offsets: tuple[float, float, float]) -> tuple[Link, ...]:
    x, y, z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
    return tuple(Link(*link) for link in zip(_NAMES, offsets, (z, y, y, x, y, x), strict=True))


VX300S = ArmModel(
    name="vx300s",
    title="ViperX-300 6DOF (ALOHA follower)",
    role="follower",
    source=_SOURCE.format("vx300s"),
    joints=(
        *_hinges(
            ("xm540-w270",) * 5 + ("xm430-w350",),
            ((-180, 180), (-106, 72), (-101, 92), (-180, 180), (-107, 128), (-180, 180)),
            (0, 1, 1, 0, 1, 0),
        ),
        _gripper("xm430-w350", 0.6197, 1.6214, round(300 * _XM_COUNT_MA)),
    ),
    links=_links(
        (0.0, 0.0, 0.079),
        (0.0, 0.0, 0.04805),
        (0.05955, 0.0, 0.3),
        (0.2, 0.0, 0.0),
        (0.1, 0.0, 0.0),
        (0.069744, 0.0, 0.0),
    ),
    tcp=(0.042825 + 0.025875 + 0.0385, 0.0, 0.0),
    home=_HOME,
    rest=_REST,
)

WX250S = ArmModel(
    name="wx250s",
    title="WidowX-250 6DOF (ALOHA leader)",
    role="leader",
    source=_SOURCE.format("wx250s"),
    joints=(
        *_hinges(
            ("xm430-w350",) * 6,
            ((-180, 180), (-108, 114), (-123, 92), (-180, 180), (-100, 123), (-180, 180)),
            (0, 0, 0, 0, 1, 0),
        ),
        _gripper("xc430-w150", -0.0552, 0.8298, None),
    ),
    links=_links(
        (0.0, 0.0, 0.072),
        (0.0, 0.0, 0.03865),
        (0.04975, 0.0, 0.25),
        (0.175, 0.0, 0.0),
        (0.075, 0.0, 0.0),
        (0.065, 0.0, 0.0),
    ),
    tcp=(0.043 + 0.023 + 0.027575, 0.0, 0.0),
    home=_HOME,
    rest=_REST,
)
