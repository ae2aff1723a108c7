"""What may be otherwise than in the demonstrations: light, cameras, things on the table, the bottle's place.

Policies are measured under these, to know what holds outside what was recorded. Nobody is told of a shift: the camera
model that overlays use stays the nominal one, as a calibration would after somebody had bumped into the camera.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivers.sim.materials import visual, visual_mesh
from drivers.sim.scene import Scene
from drivers.sim.shapes import MeshLibrary

if TYPE_CHECKING:
    import mujoco

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class SceneShift:
    """`light` and `light_colour` (red, green, blue) are factors of all lamps; `light_direction` of the key lamp.

    `exposure` (red, green, blue) are factors of the finished picture, which is cut at white: more lamps would not make
    the table brighter, OpenGL cuts their sum before it lights a thing.
    Each camera is turned by `camera_turn_deg` about an axis, and moved by `camera_move_m` in a direction, that are
    drawn once from `seed`. `clutter`: things that no demonstration had stand on the table, out of the way.
    `bottle_beyond_m`: the bottle stands so far behind the farthest place of the demonstrations; None: as there.
    """

    title: str
    light: float = 1.0
    light_colour: Vector = (1.0, 1.0, 1.0)
    light_direction: Vector | None = None
    exposure: Vector = (1.0, 1.0, 1.0)
    camera_turn_deg: float = 0.0
    camera_move_m: float = 0.0
    clutter: bool = False
    bottle_beyond_m: float | None = None
    seed: int = 0


NO_SHIFT = SceneShift("As recorded")
SHIFTS: dict[str, SceneShift] = {
    "none": NO_SHIFT,
    "dim": SceneShift(
        "Evening: 60 % of the light, warmer, from the other side", 0.6, (1.0, 0.90, 0.74), (-0.3, 0.5, -0.8)
    ),
    "bright": SceneShift(
        "Noon: pictures 1.35 times as bright, bluer, partly over-exposed", exposure=(1.27, 1.35, 1.43)
    ),
    "camera-1-degree": SceneShift(
        "Each camera turned by 1 degree and moved by 3 mm", camera_turn_deg=1.0, camera_move_m=0.003
    ),
    "clutter": SceneShift("Things on the table that no demonstration had", clutter=True),
    "bottle-20-mm": SceneShift("The bottle 20 mm beyond the recorded range", bottle_beyond_m=0.020),
}


# Centres, m: about 20 cm beside the bottle, where the arm does not come, and where the front camera sees them.
CLUTTER: dict[str, Vector] = {
    "tea_box": (0.36, 0.225, 0.042),
    "ball": (0.27, -0.235, 0.031),
    "jar": (0.17, 0.255, 0.045),
}


def shift_named(name: str) -> SceneShift:
    """Raises `ValueError` that lists the shifts when there is none of that name."""
    if name not in SHIFTS:
        raise ValueError(f"there is no shift {name!r} of the scene. The shifts are: {', '.join(SHIFTS)}")
    return SHIFTS[name]


def shifted_scene(scene: Scene, shift: SceneShift) -> Scene:
    """The scene with its bottle elsewhere. The same seed draws everything else the same."""
    if shift.bottle_beyond_m is None:
        return scene
    x = scene.layout.bottle_x[1] + shift.bottle_beyond_m
    return replace(scene, layout=replace(scene.layout, bottle_x=(x, x)))


def clutter_xml(shift: SceneShift, meshes: MeshLibrary) -> str:
    """MJCF bodies that stand fast, so that a snapshot is as long as without them; "" without clutter."""
    if not shift.clutter:
        return ""
    ball = [(0.031 * float(np.sin(a)), -0.031 * float(np.cos(a))) for a in np.linspace(0, np.pi, 13)]
    jar = [(0.0, -0.045), (0.024, -0.045), (0.024, -0.045), (0.026, 0.0), (0.022, 0.045), (0.022, 0.045), (0.0, 0.045)]
    return (
        _fixed("tea_box", "box", ".024 .034 .042")
        + visual_mesh(meshes.rounded_box((0.024, 0.034, 0.042), 0.0015), "pcb")
        + visual_mesh(meshes.rounded_box((0.0243, 0.0343, 0.008), 0.001), "cream", "0 0 .012")
        + "</body>"
        + _fixed("ball", "sphere", ".031")
        + visual_mesh(meshes.turned("ball", ball), "red")
        + "</body>"
        + _fixed("jar", "cylinder", ".026 .045")
        + visual_mesh(meshes.turned("jar", jar), "servo")
        + visual("cylinder", ".0235 .006", "metal", "0 0 .051")
        + "</body>"
    )


def shift_pictures(model: "mujoco.MjModel", shift: SceneShift) -> None:
    """Light and cameras of a compiled scene, in place; physics knows neither."""
    if shift.camera_turn_deg or shift.camera_move_m:
        rng = np.random.default_rng(shift.seed)
        for camera in range(model.ncam):
            axis, direction = _direction(rng), _direction(rng)
            model.cam_quat[camera] = _product(model.cam_quat[camera], _turn(axis, np.radians(shift.camera_turn_deg)))
            model.cam_pos[camera] += shift.camera_move_m * direction
    factor = shift.light * np.array(shift.light_colour)
    if np.any(factor != 1.0):
        head = model.vis.headlight
        for light in (model.light_diffuse, model.light_specular, head.ambient, head.diffuse, head.specular):
            light *= factor
        model.mat_emission *= shift.light  # the walls' own brightness stands for light that comes from everywhere
    if shift.light_direction is not None:
        direction = np.array(shift.light_direction)
        model.light_dir[model.light("key").id] = direction / np.linalg.norm(direction)


def exposed(picture: NDArray[np.uint8], shift: SceneShift) -> NDArray[np.uint8]:
    """The picture (h, w, 3) as the shifted exposure makes it; the picture itself without one."""
    if shift.exposure == (1.0, 1.0, 1.0):
        return picture
    brighter: NDArray[np.uint8] = np.minimum(picture * np.array(shift.exposure, np.float32), 255.0).astype(np.uint8)
    return brighter


def _fixed(name: str, kind: str, size: str) -> str:
    place = " ".join(str(value) for value in CLUTTER[name])
    return f'<body name="{name}" pos="{place}"><geom class="prop" type="{kind}" size="{size}"/>'


def _direction(rng: np.random.Generator) -> NDArray[np.float64]:
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))


def _turn(axis: NDArray[np.float64], angle_rad: float) -> NDArray[np.float64]:
    """Quaternion w, x, y, z."""
    return np.append(np.cos(angle_rad / 2), np.sin(angle_rad / 2) * axis)


def _product(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of two quaternions: first b, then a."""
    vector = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.append(a[0] * b[0] - a[1:] @ b[1:], vector)
