"""GELLO leaders: printed copies of a big arm, one small servo a joint, moved by hand and never powered.

They come at 57600 baud, which caps a reading near 30 Hz; the set-up can raise it. Every builder mounts the horns as
they come, so each one needs a calibration file: joint value 0 is Present Position 2048 with the homing offset written
there. Ids, directions and baud rate are GELLO's; joints may turn across the servo's seam, so they run in extended
position mode. GELLO's parts list is in no repository: `gello` and `gello-7` have XL330-M288 throughout, as most are
built, and a servo of another model is refused by name. Joints are called joint_1 and so on; `names` in the rig file
gives them the follower's names.
"""

from math import pi

from drivers.arms.model import EXTENDED_POSITION_MODE, ArmModel, JointModel

_SOURCE = (
    "https://github.com/wuphilipp/gello_software, gello/agents/gello_agent.py and README.md (ids, signs, 57600 baud)"
)
_FACTR = (
    "https://github.com/JasonJZLiu/FACTR_Hardware (servos); https://github.com/RaindragonD/factr_teleop, "
    "factr_teleop/configs/grav_comp_demo.yaml (which servo where, signs, trigger)"
)
_BAUD = 57_600
_TRIGGER_RAD = 0.8  # FACTR's actuation_range; GELLO's own triggers turn 43 to 54 degrees; the calibration file tells


def _gello(name: str, title: str, source: str, servos: tuple[str, ...], signs: tuple[int, ...]) -> ArmModel:
    """`servos`, `signs` of the joints from the base on, the trigger last."""
    count = len(signs) - 1
    hinges = tuple(
        JointModel(
            f"joint_{row}",
            row,
            servo,
            -pi,
            pi,
            6.0,
            60.0,
            operating_mode=EXTENDED_POSITION_MODE,
            p_gain=400,
            drive_mode=0 if sign > 0 else 1,
        )
        for row, (servo, sign) in enumerate(zip(servos[:-1], signs[:-1], strict=True), 1)
    )
    trigger = JointModel(
        "gripper",
        count + 1,
        servos[-1],
        0.0,
        1.0,
        8.0,
        80.0,
        servo_rad_per_unit=_TRIGGER_RAD,
        operating_mode=EXTENDED_POSITION_MODE,
        p_gain=400,
        drive_mode=0 if signs[-1] > 0 else 1,
    )
    middle = (*(0.0,) * count, 0.5)
    return ArmModel(
        name=name,
        title=title,
        role="leader",
        source=source,
        joints=(*hinges, trigger),
        links=(),
        tcp=(0.0, 0.0, 0.0),
        home=middle,
        rest=middle,
        rest_known=False,
        baud=_BAUD,
        needs_calibration=True,
        can_mirror=False,
    )


GELLO = _gello("gello", "GELLO, 6 joints (UR)", _SOURCE, ("xl330-m288",) * 7, (1, 1, -1, 1, 1, 1, 1))
GELLO_7 = _gello("gello-7", "GELLO, 7 joints (Franka FR3)", _SOURCE, ("xl330-m288",) * 8, (1, 1, 1, 1, 1, -1, 1, 1))
FACTR = _gello(
    "gello-factr",
    "GELLO, 7 joints with strong servos (FACTR, Franka)",
    _FACTR,
    ("xc330-t288", "xm430-w210", "xc330-t288", "xm430-w210") + ("xc330-t288",) * 4,
    (1, 1, 1, -1, 1, 1, 1, -1),
)
