"""The simulated scenes as data: what stands where, the cameras, and the scripted operator's numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivers.arms.studio_arm import STUDIO_FOLLOWER
from drivers.kinematics import CameraModel
from drivers.sim import textures
from drivers.sim.arm_mjcf import arm_defaults_xml, arm_mechanism_xml, arm_xml
from drivers.sim.materials import materials_xml, visual, visual_mesh
from drivers.sim.operator_plans import AroundPlan, ForkPlan, Range
from drivers.sim.props import PROP_DEFAULTS_XML, PROPS, body_xml
from drivers.sim.shapes import MeshLibrary

TABLE_HALF_M = 0.42
TABLE_CENTRE_X_M = 0.20
ROOM = "room"
_ROOM_HALF_M = 4.0
_WALL_HALF_M = 2.6
_FLOOR_Z_M = -0.73
# Sunlight of the key lamp; `shadows` uses the same direction.
KEY_LIGHT_DIRECTION = (-0.34, -0.42, -0.84)


@dataclass(frozen=True)
class CameraPose:
    """Camera as MJCF sees it: `position` m in its mount, image axes `right` and `up`, vertical field of view."""

    mount: Literal["base", "hand"]
    position: tuple[float, float, float]
    right: tuple[float, float, float]
    up: tuple[float, float, float]
    fovy_deg: float


@dataclass(frozen=True)
class Layout:
    """Uniform draws of one reset, m and rad; the obstacle stands between base and bottle at the bottle's azimuth.

    `mug_*`, `can_*` and `book_*` are measured from the bottle. `start_noise_rad` is a standard deviation per joint.
    """

    bottle_x: Range
    bottle_y: Range
    obstacle_distance: Range
    obstacle_aside: Range
    obstacle_yaw: Range
    clutter_x: Range
    mug_y: Range
    can_y: Range
    book_x: Range
    book_y: Range
    start_noise_rad: float


@dataclass(frozen=True)
class Scene:
    """One task: what stands there, how it is drawn, filmed and grasped.

    `obstacle` names the prop the hand must pass, `obstacle_word` is how people call it. `mat_centre_x` and `mat_half`
    place the cutting mat, m. `start` is the joint vector (D,) at which both arms are put at a reset. `start_held`: the
    goals there carry the arm's weight, so that it stays at `start`; without it the arm sags from there.
    """

    name: str
    title: str
    obstacle: str
    obstacle_word: str
    layout: Layout
    plan: AroundPlan | ForkPlan
    cameras: dict[str, CameraPose]
    mat_centre_x: float
    mat_half: tuple[float, float]
    start: tuple[float, ...] = STUDIO_FOLLOWER.home
    start_held: bool = False

    @property
    def props(self) -> tuple[str, ...]:
        """Names in the order in which their poses follow the arm's in a snapshot."""
        return ("bottle", self.obstacle, "mug", "can", "book")


_WRIST = CameraPose("hand", (0.008, 0.0, 0.058), (0.0, -1.0, 0.0), (0.574, 0.0, 0.819), 75.0)
_FORK_CAMERAS = {
    "front": CameraPose("base", (0.88, 0.0, 0.50), (0.0, 1.0, 0.0), (-0.515, 0.0, 0.857), 41.0),
    "wrist": _WRIST,
}

SCENES: dict[str, Scene] = {
    "bottle": Scene(
        name="bottle",
        title="Bottle behind a carton",
        obstacle="carton",
        obstacle_word="carton",
        layout=Layout(
            bottle_x=(0.275, 0.305),
            bottle_y=(-0.030, 0.030),
            obstacle_distance=(0.102, 0.112),
            obstacle_aside=(0.0, 0.0),
            obstacle_yaw=(-0.15, 0.15),
            clutter_x=(0.075, 0.105),
            mug_y=(0.045, 0.070),
            can_y=(-0.070, -0.045),
            book_x=(0.16, 0.18),
            book_y=(-0.03, 0.03),
            start_noise_rad=0.01,
        ),
        plan=AroundPlan(),
        cameras={
            "front": CameraPose("base", (0.80, 0.0, 0.47), (0.0, 1.0, 0.0), (-0.515, 0.0, 0.857), 41.0),
            "wrist": _WRIST,
        },
        mat_centre_x=0.27,
        mat_half=(0.14, 0.19),
    ),
    # Variant S3 of the study: tape marks and a late fork, where mean regression meets the box.
    "fork": Scene(
        name="fork",
        title="Bottle behind a tall box",
        obstacle="tall_box",
        obstacle_word="box",
        layout=Layout(
            bottle_x=(0.360, 0.362),
            bottle_y=(-0.001, 0.001),
            obstacle_distance=(0.095, 0.0965),
            obstacle_aside=(-0.0005, 0.0005),
            obstacle_yaw=(-0.02, 0.02),
            clutter_x=(0.085, 0.105),
            mug_y=(0.055, 0.075),
            can_y=(-0.075, -0.055),
            book_x=(0.16, 0.18),
            book_y=(-0.03, 0.03),
            start_noise_rad=0.002,
        ),
        plan=ForkPlan(),
        cameras=_FORK_CAMERAS,
        mat_centre_x=0.31,
        mat_half=(0.16, 0.19),
    ),
    # Variant S4: the hand waits at the box, so that there is no way left on which to drift to one side.
    "fork-close": Scene(
        name="fork-close",
        title="Bottle behind a tall box, the hand at the box",
        obstacle="tall_box",
        obstacle_word="box",
        layout=Layout(
            bottle_x=(0.357, 0.363),
            bottle_y=(-0.005, 0.005),
            obstacle_distance=(0.0945, 0.0965),
            obstacle_aside=(-0.001, 0.001),
            obstacle_yaw=(-0.04, 0.04),
            clutter_x=(0.085, 0.105),
            mug_y=(0.055, 0.075),
            can_y=(-0.075, -0.055),
            book_x=(0.16, 0.18),
            book_y=(-0.03, 0.03),
            start_noise_rad=0.002,
        ),
        plan=ForkPlan(
            from_start=True,
            front_pitch=(0.30, 0.30),
            fork_forward=(0.014, 0.020),
            fork_aside=(0.070, 0.078),
            fork_yaw=(0.16, 0.26),
            drift=0.0022,
            stay_s=(0.04, 0.10),
            fork_s=(0.44, 0.52),
            pre_s=(0.65, 0.75),
        ),
        cameras=_FORK_CAMERAS,
        mat_centre_x=0.31,
        mat_half=(0.16, 0.19),
        # Tool centre point at (.221, 0, .095), pitch .30: the finger tips 14 to 21 mm before the box.
        start=(0.0, -1.046, 1.364, -0.019, 0.0, 0.0, STUDIO_FOLLOWER.home[-1]),
        start_held=True,
    ),
}


def scene_named(name: str) -> Scene:
    """Raises `ValueError` that lists the scenes when there is none of that name."""
    if name not in SCENES:
        raise ValueError(f"there is no simulated scene {name!r}. The scenes are: {', '.join(SCENES)}")
    return SCENES[name]


def camera_model(scene_name: str, camera: str, width: int, height: int) -> CameraModel:
    """Pinhole model of a scene's camera for pictures of `width` x `height` px. Raises `ValueError` on unknown names."""
    cameras = scene_named(scene_name).cameras
    if camera not in cameras:
        raise ValueError(f"scene {scene_name} has no camera {camera!r}. Its cameras are: {', '.join(cameras)}")
    pose = cameras[camera]
    focal = 0.5 * height / np.tan(np.radians(pose.fovy_deg) / 2)
    matrix = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    return CameraModel(camera, width, height, matrix, pose.mount, _mount_from_camera(pose))


def scene_assets(scene: Scene) -> dict[str, bytes]:
    """The pictures that go with `scene_xml`."""
    width = 2 * TABLE_HALF_M
    centre = ((scene.mat_centre_x - TABLE_CENTRE_X_M) / width + 0.5, 0.5)
    return textures.assets(centre, (scene.mat_half[0] / width, scene.mat_half[1] / width))


def scene_xml(
    scene: Scene, timestep: float = 0.002, more_bodies: Callable[[MeshLibrary], str] = lambda meshes: ""
) -> str:
    """The whole MJCF; its pictures are `scene_assets`, its actuator gains are zero until `World` sets them.

    `more_bodies` gives further bodies that stand fast.
    """
    meshes = MeshLibrary()
    cameras = {name: _camera_xml(name, pose) for name, pose in scene.cameras.items()}
    on_hand = "".join(cameras[name] for name, pose in scene.cameras.items() if pose.mount == "hand")
    on_base = "".join(cameras[name] for name, pose in scene.cameras.items() if pose.mount == "base")
    arm = arm_xml(meshes, on_hand)
    props = "\n".join(body_xml(name, PROPS[name], meshes) for name in scene.props)
    props += more_bodies(meshes)
    room = _room_xml(meshes)
    light = " ".join(str(value) for value in KEY_LIGHT_DIRECTION)
    return f"""
<mujoco model="teleop_studio_{scene.name}">
<compiler angle="radian" autolimits="true"/>
<option timestep="{timestep}" integrator="implicitfast" cone="elliptic" impratio="10" iterations="20"
 ls_iterations="20"><flag multiccd="enable"/></option>
<size memory="8M"/>
<statistic center=".15 0 .1" extent=".6"/>
<visual>
<global offwidth="1920" offheight="1440"/>
<quality shadowsize="0" offsamples="0" numslices="20" numstacks="8" numquads="1"/>
<headlight ambient=".40 .40 .42" diffuse=".18 .18 .18" specular=".05 .05 .05"/>
<map znear=".02" zfar="14"/>
</visual>
<default>
<default class="visual"><geom contype="0" conaffinity="0" group="2" mass="0"/></default>
{PROP_DEFAULTS_XML}
{arm_defaults_xml()}
</default>
<asset>
{materials_xml()}
{meshes.xml()}
</asset>
<worldbody>
<light name="key" directional="true" pos=".87 .80 1.6" dir="{light}" diffuse=".56 .54 .50" specular=".35 .35 .35"
 castshadow="false"/>
<light name="fill" directional="true" pos="-.4 -1 1.2" dir=".3 .7 -.65" diffuse=".22 .24 .28" specular=".05 .05 .05"
 castshadow="false"/>
<geom name="table" type="box" size="{TABLE_HALF_M} {TABLE_HALF_M} .015" pos="{TABLE_CENTRE_X_M} 0 -.015" group="4"
 friction=".6 .005 .0001" condim="4" solref=".006 1"/>
{on_base}
{arm}
{props}
{room}
</worldbody>
{arm_mechanism_xml()}
</mujoco>"""


def _room_xml(meshes: MeshLibrary) -> str:
    half, centre = TABLE_HALF_M, TABLE_CENTRE_X_M
    legs = "".join(
        visual_mesh(meshes.rounded_box((0.022, 0.022, 0.345), 0.004), "leg", f"{x} {y} -.385")
        for x in (centre - 0.37, centre + 0.37)
        for y in (-0.37, 0.37)
    )
    # Four strips, not one slab: what the table top hides would be painted first, on every picture.
    along_y, along_x = meshes.rounded_box((0.004, half, 0.015), 0.003), meshes.rounded_box((half, 0.004, 0.015), 0.003)
    edges = "".join(
        visual_mesh(along_y, "edge", f"{centre + side * half} 0 -.0151")
        + visual_mesh(along_x, "edge", f"{centre} {side * half} -.0151")
        for side in (-1, 1)
    )
    # Walls, not a sky: a sky box is painted behind everything on every picture.
    walls = "".join(
        visual("plane", f"{_ROOM_HALF_M} {_WALL_HALF_M} .1", "wall", f"{x} {y} {_FLOOR_Z_M + _WALL_HALF_M}", axes)
        for x, y, axes in (
            (-_ROOM_HALF_M, 0, 'xyaxes="0 1 0 0 0 1"'),
            (_ROOM_HALF_M, 0, 'xyaxes="0 -1 0 0 0 1"'),
            (0, _ROOM_HALF_M, 'xyaxes="1 0 0 0 0 1"'),
            (0, -_ROOM_HALF_M, 'xyaxes="-1 0 0 0 0 1"'),
        )
    )
    # A body of its own, after everything else: drawn last, so that hidden parts of table and floor cost nothing.
    return f"""
<body name="{ROOM}">
{edges}{legs}
{visual("plane", f"{half} {half} .1", "table", f"{centre} 0 0")}
{visual("plane", f"{_ROOM_HALF_M} {_ROOM_HALF_M} .1", "floor", f"0 0 {_FLOOR_Z_M}")}
{walls}
{visual("plane", f"{half} {half} .1", "shadow", f"{centre} 0 .0006")}
</body>"""


def _camera_xml(name: str, pose: CameraPose) -> str:
    axes = " ".join(f"{value}" for value in (*pose.right, *pose.up))
    position = " ".join(f"{value}" for value in pose.position)
    return f'<camera name="{name}" pos="{position}" xyaxes="{axes}" fovy="{pose.fovy_deg}"/>\n'


def _mount_from_camera(pose: CameraPose) -> NDArray[np.float64]:
    """(4, 4) in OpenCV's convention; MuJoCo looks along -z with y up, and squares its axes the same way."""
    right = np.array(pose.right) / np.linalg.norm(pose.right)
    up = np.array(pose.up) - right * (right @ np.array(pose.up))
    up /= np.linalg.norm(up)
    T_mount_camera = np.eye(4)
    T_mount_camera[:3, :3] = np.stack([right, -up, np.cross(up, right)], axis=1)
    T_mount_camera[:3, 3] = pose.position
    return T_mount_camera
