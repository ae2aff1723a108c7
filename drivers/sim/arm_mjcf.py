"""The Studio follower as MJCF: link lengths and ranges from its `ArmModel`, masses, shells and fingers from here."""

from collections.abc import Callable

from drivers.arms.studio_arm import FINGER_TRAVEL_M, STUDIO_FOLLOWER
from drivers.sim.materials import visual, visual_mesh
from drivers.sim.servo_physics import SERVO_PHYSICS
from drivers.sim.shapes import MeshLibrary

_ALONG_Y = 'euler="1.5708 0 0"'
_ALONG_X = 'euler="0 1.5708 0"'
_PAD_TILT_RAD = 0.2094  # a shallow V that centres a round bottle

# Body inertias: mass kg, centre m, diagonal inertia kg.m2.
_INERTIAL = {
    "waist": ".09", "shoulder": ".10", "elbow": ".09", "wrist_pitch": ".035", "wrist_yaw": ".032", "wrist_roll": ".06",
}  # fmt: skip
_CENTRE = {
    "waist": "0 0 .034", "shoulder": ".018 0 .09", "elbow": ".085 0 -.002", "wrist_pitch": ".018 0 0",
    "wrist_yaw": ".018 0 0", "wrist_roll": ".018 0 0",
}  # fmt: skip
_DIAGONAL = {
    "waist": "4e-5 4e-5 2e-5", "shoulder": "1.1e-4 1e-4 2e-5", "elbow": "1.5e-5 1.2e-4 1.2e-4",
    "wrist_pitch": "6e-6 6e-6 6e-6", "wrist_yaw": "6e-6 6e-6 6e-6", "wrist_roll": "2e-5 2e-5 2e-5",
}  # fmt: skip

_NEVER_TOUCH = (
    ("base", "waist"), ("base", "shoulder"), ("waist", "shoulder"), ("shoulder", "elbow"), ("elbow", "wrist_pitch"),
    ("wrist_pitch", "wrist_yaw"), ("elbow", "wrist_yaw"), ("wrist_yaw", "wrist_roll"), ("wrist_pitch", "wrist_roll"),
    ("wrist_roll", "finger_left"), ("wrist_roll", "finger_right"),
)  # fmt: skip


def arm_xml(meshes: MeshLibrary, wrist_camera: str) -> str:
    """`<body name="base">` with the whole arm; link bodies are named after their joints, `wrist_roll` is the hand.

    `wrist_camera` is the `<camera>` element that the hand carries.
    """
    inner = _camera_mount(meshes) + wrist_camera + _finger(meshes, +1) + _finger(meshes, -1)
    for link in reversed(STUDIO_FOLLOWER.links):
        joint = STUDIO_FOLLOWER.joints[STUDIO_FOLLOWER.names.index(link.joint)]
        name = link.joint
        inner = f"""
<body name="{name}" pos="{_triple(link.offset)}">
<inertial pos="{_CENTRE[name]}" mass="{_INERTIAL[name]}" diaginertia="{_DIAGONAL[name]}"/>
<joint name="{name}" class="{joint.servo}" axis="{_triple(link.axis)}" range="{joint.lower} {joint.upper}"/>
{_SHELLS[name](meshes)}
{inner}
</body>"""
    return f'<body name="base">{_base(meshes)}{inner}</body>'


def arm_defaults_xml() -> str:
    """`<default>` classes of the arm's joints, shells and pads."""
    joints = "\n".join(
        f'<default class="{name}"><joint type="hinge" armature="{servo.armature}" frictionloss="{servo.friction_nm}" '
        f'damping="{servo.damping}" limited="true"/></default>'
        for name, servo in SERVO_PHYSICS.items()
    )
    return f"""{joints}
<default class="shell"><geom contype="1" conaffinity="1" group="4" mass="0" friction=".6 .005 .0001"/></default>
<default class="pad"><geom type="box" group="2" material="rubber" mass=".002" condim="4" friction="1.3 .02 .0002"
 solref=".004 1" solimp=".95 .99 .001" priority="1"/></default>
<default class="finger"><joint type="slide" armature=".02" damping="2" frictionloss=".2" limited="true"
 solreflimit=".004 1" range="0 {FINGER_TRAVEL_M}"/></default>"""


def arm_mechanism_xml() -> str:
    """Contact exclusions, the gripper's coupling, and one position actuator a joint, in joint order.

    Gains are zero here: `World` sets them from the servos' registers.
    """
    excluded = "\n".join(f'<exclude body1="{a}" body2="{b}"/>' for a, b in _NEVER_TOUCH)
    drives = "\n".join(
        f'<general name="{joint.name}" joint="{joint.name}" gaintype="fixed" biastype="affine" forcelimited="true" '
        f'forcerange="-1 1"/>'
        for joint in STUDIO_FOLLOWER.joints[:-1]
    )
    return f"""<contact>{excluded}</contact>
<tendon><fixed name="grip"><joint joint="finger_left" coef=".5"/>
<joint joint="finger_right" coef=".5"/></fixed></tendon>
<equality><joint joint1="finger_left" joint2="finger_right" polycoef="0 1 0 0 0" solref=".004 1"
 solimp=".98 .999 .001"/></equality>
<actuator>{drives}
<general name="gripper" tendon="grip" gaintype="fixed" biastype="affine" forcelimited="true" forcerange="-1 1"/>
</actuator>"""


def _triple(values: tuple[float, float, float]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _box(meshes: MeshLibrary, half: tuple[float, float, float], material: str, pos: str, more: str = "") -> str:
    return visual_mesh(meshes.rounded_box(half, min(0.002, 0.4 * min(half))), material, pos, more)


def _solid(kind: str, size: str, pos: str = "0 0 0", more: str = "") -> str:
    """A geom that collides and is not seen."""
    return f'<geom class="shell" type="{kind}" size="{size}" pos="{pos}" {more}/>'


def _horn(pos: str, radius: float, half: float) -> str:
    """Bearing of a joint that turns about y."""
    return visual("cylinder", f"{radius} {half}", "dark", pos, _ALONG_Y) + visual(
        "cylinder", f"{0.55 * radius} {half + 0.0012}", "metal", pos, _ALONG_Y
    )


def _base(meshes: MeshLibrary) -> str:
    return (
        _solid("box", ".055 .045 .006", "-.02 0 .006")
        + _solid("box", ".026 .022 .014", "-.008 0 .026")
        + _box(meshes, (0.055, 0.045, 0.006), "dark", "-.02 0 .006")
        + _box(meshes, (0.0545, 0.0445, 0.0014), "accent", "-.02 0 .0128")
        + _box(meshes, (0.026, 0.022, 0.014), "servo", "-.008 0 .026")
        + _box(meshes, (0.016, 0.014, 0.010), "pcb", "-.052 0 .022")
        + _box(meshes, (0.003, 0.003, 0.002), "led", "-.052 0 .033")
        + visual("cylinder", ".021 .003", "metal", "0 0 .043")
    )


def _waist(meshes: MeshLibrary) -> str:
    return (
        _solid("cylinder", ".024 .005", "0 0 .005")
        + _solid("box", ".017 .0145 .018", "0 0 .030")
        + visual("cylinder", ".024 .005", "shell", "0 0 .005")
        + _box(meshes, (0.017, 0.0145, 0.018), "servo", "0 0 .030")
        + _box(meshes, (0.012, 0.0025, 0.026), "shell", "0 .0205 .034")
        + _box(meshes, (0.012, 0.0025, 0.026), "shell", "0 -.0205 .034")
        + _horn("0 0 .0515", 0.0135, 0.0225)
    )


def _shoulder(meshes: MeshLibrary) -> str:
    rods = "".join(
        visual("capsule", ".0075", "shell", more=f'fromto="0 {y} .004 0 {y} .105"')
        + visual("capsule", ".0085", "shell", more=f'fromto="0 {1.065 * y:.4f} .108 .0415 {1.065 * y:.4f} .11315"')
        for y in (0.0155, -0.0155)
    )
    return (
        rods
        + _solid("capsule", ".017", more='fromto="0 0 .03 .004 0 .105"')
        + _box(meshes, (0.0125, 0.0165, 0.007), "shell", "0 0 .058")
        + _box(meshes, (0.0129, 0.0169, 0.0022), "accent", "0 0 .058")
        + _box(meshes, (0.0165, 0.0145, 0.0145), "servo", ".012 0 .112")
        + _horn(".0415 0 .11315", 0.0135, 0.0235)
    )


def _elbow(meshes: MeshLibrary) -> str:
    return (
        _solid("capsule", ".0165", more='fromto=".02 0 0 .14 0 0"')
        + _box(meshes, (0.017, 0.0125, 0.0145), "servo", ".022 0 0")
        + visual("capsule", ".0085", "shell", more='fromto=".038 0 0 .128 0 0"')
        + _box(meshes, (0.040, 0.0095, 0.0080), "shell", ".085 0 0")
        + _box(meshes, (0.0045, 0.0107, 0.0091), "accent", ".062 0 0")
        + _box(meshes, (0.017, 0.0125, 0.0105), "servo", ".142 0 0")
        + _horn(".162 0 0", 0.011, 0.0165)
    )


def _wrist_pitch(meshes: MeshLibrary) -> str:
    return (
        _solid("box", ".010 .0115 .0125", ".026 0 0")
        + _box(meshes, (0.010, 0.0025, 0.0085), "shell", ".010 .0145 0")
        + _box(meshes, (0.010, 0.0025, 0.0085), "shell", ".010 -.0145 0")
        + _box(meshes, (0.010, 0.0115, 0.0125), "servo", ".026 0 0")
        + visual("cylinder", ".0105 .0150", "dark", ".032 0 0")
        + visual("cylinder", ".006 .0162", "metal", ".032 0 0")
    )


def _wrist_yaw(meshes: MeshLibrary) -> str:
    return (
        _solid("box", ".010 .0115 .0135", ".028 0 0")
        + _box(meshes, (0.011, 0.0085, 0.0022), "shell", ".011 0 .0152")
        + _box(meshes, (0.011, 0.0085, 0.0022), "shell", ".011 0 -.0152")
        + _box(meshes, (0.010, 0.0115, 0.0135), "servo", ".028 0 0")
        + visual("cylinder", ".0100 .0025", "metal", ".0405 0 0", _ALONG_X)
    )


def _hand(meshes: MeshLibrary) -> str:
    return (
        _solid("box", ".011 .021 .0125", ".013 0 0")
        + _solid("box", ".0035 .038 .0090", ".0255 0 0")
        + _box(meshes, (0.011, 0.021, 0.0125), "servo", ".013 0 0")
        + _box(meshes, (0.0024, 0.040, 0.0095), "shell", ".0265 0 0")
        + _box(meshes, (0.0027, 0.0395, 0.0018), "accent", ".0268 0 0")
        + f'<site name="tcp" pos="{_triple(STUDIO_FOLLOWER.tcp)}" size=".004" group="4"/>'
    )


def _camera_mount(meshes: MeshLibrary) -> str:
    return (
        _box(meshes, (0.0025, 0.006, 0.024), "dark", "-.008 0 .032")
        + _box(meshes, (0.006, 0.0125, 0.0085), "dark", "-.006 0 .058")
        + visual("cylinder", ".0050 .0030", "lens", ".001 0 .058", _ALONG_X)
    )


def _finger(meshes: MeshLibrary, side: int) -> str:
    name = "finger_left" if side > 0 else "finger_right"
    pads = "".join(
        f'<geom class="pad" size=".014 .003 .0092" pos=".047 {side * 0.0035} {z}" euler="{tilt:.4f} 0 0"/>'
        for z, tilt in ((0.0085, side * _PAD_TILT_RAD), (-0.0085, -side * _PAD_TILT_RAD))
    )
    return f"""
<body name="{name}" pos=".030 0 0">
<joint name="{name}" class="finger" axis="0 {side} 0"/>
{_solid("box", ".005 .005 .013", f".004 {side * 0.012} 0", 'mass=".008"')}
{_solid("box", ".025 .0035 .011", f".030 {side * 0.0105} 0", 'mass=".012"')}
{_box(meshes, (0.005, 0.005, 0.013), "shell", f".004 {side * 0.012} 0")}
{_box(meshes, (0.025, 0.0035, 0.011), "shell", f".030 {side * 0.0105} 0")}
{_box(meshes, (0.015, 0.0012, 0.0125), "accent", f".047 {side * 0.0062} 0")}
{pads}
</body>"""


_SHELLS: dict[str, Callable[[MeshLibrary], str]] = {
    "waist": _waist,
    "shoulder": _shoulder,
    "elbow": _elbow,
    "wrist_pitch": _wrist_pitch,
    "wrist_yaw": _wrist_yaw,
    "wrist_roll": _hand,
}
