"""The things on the table: bottle, carton, tall box, mug, can and book, each one free body."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drivers.sim.materials import visual_mesh
from drivers.sim.shapes import MeshLibrary

PROP_DEFAULTS_XML = (
    '<default class="prop"><geom condim="4" friction=".7 .01 .0002" solref=".006 1" density="400" group="4"/></default>'
)


@dataclass(frozen=True)
class Prop:
    """`rest_z` is the height of its origin when it is put down, m, about 1 mm above the table; `geoms` its MJCF."""

    rest_z: float
    geoms: Callable[[MeshLibrary], str]


def body_xml(name: str, prop: Prop, meshes: MeshLibrary) -> str:
    """`<body>` with its free joint, both called `name`."""
    return f'<body name="{name}"><freejoint name="{name}"/>{prop.geoms(meshes)}</body>'


def _solid(kind: str, size: str, mass: float, pos: str = "0 0 0") -> str:
    """A geom that collides and is not seen."""
    return f'<geom class="prop" type="{kind}" size="{size}" pos="{pos}" mass="{mass}"/>'


def _bottle(meshes: MeshLibrary) -> str:
    shoulder = [(0.0094 + 0.0092 * np.cos(a), 0.097 + 0.022 * np.sin(a)) for a in np.linspace(0, np.pi / 2, 7)]
    profile = [(0.0, 0.0), (0.0165, 0.0), (0.0165, 0.0), (0.0186, 0.0025), (0.0186, 0.03), (0.0186, 0.06),
               (0.0186, 0.09), *shoulder, (0.0086, 0.124), (0.0085, 0.140), (0.0, 0.140)]  # fmt: skip
    cap = [(0.0103, 0.138), (0.0103, 0.138), (0.0103, 0.1505), (0.0095, 0.152), (0.0095, 0.152), (0.0, 0.152)]
    return (
        _solid("cylinder", ".0185 .050", 0.045, "0 0 .050")
        + _solid("ellipsoid", ".0184 .0184 .024", 0.008, "0 0 .100")
        + _solid("cylinder", ".0085 .012", 0.003, "0 0 .128")
        + _solid("cylinder", ".0102 .0065", 0.004, "0 0 .1455")
        + visual_mesh(meshes.turned("bottle", profile), "label")
        + visual_mesh(meshes.turned("bottle_cap", cap, 16), "cap")
    )


def _carton(meshes: MeshLibrary) -> str:
    return _solid("box", ".016 .022 .060", 0.160) + _banded_box(meshes, (0.016, 0.022, 0.060), (-0.006, 0.022, 0.006))


def _tall_box(meshes: MeshLibrary) -> str:
    half = (0.012, 0.016, 0.090)
    top = visual_mesh(meshes.rounded_box((0.0123, 0.0163, 0.004), 0.0006), "cream", "0 0 .078")
    return _solid("box", ".012 .016 .090", 0.100) + _banded_box(meshes, half, (-0.012, 0.030, 0.008)) + top


def _banded_box(meshes: MeshLibrary, half: tuple[float, float, float], band: tuple[float, float, float]) -> str:
    """Red box with a cream band and a red stripe in it; `band`: height over the centre, then the two half heights."""
    x, y, z = half
    height, cream, red = band
    return (
        visual_mesh(meshes.rounded_box((x, y, z), 0.0012), "red")
        + visual_mesh(meshes.rounded_box((x + 0.0002, y + 0.0002, cream), 0.0010), "cream", f"0 0 {height}")
        + visual_mesh(meshes.rounded_box((x + 0.0004, y + 0.0004, red), 0.0010), "red", f"0 0 {height}")
    )


def _mug(meshes: MeshLibrary) -> str:
    outside = [(0.0, -0.040), (0.0270, -0.040), (0.0270, -0.040), (0.0300, -0.0365), (0.0300, 0.0), (0.0300, 0.0385)]
    lip = [(0.0292, 0.0398), (0.0280, 0.0398), (0.0272, 0.0385)]
    inside = [(0.0270, 0.0), (0.0262, -0.032), (0.0262, -0.032), (0.0, -0.033)]
    bend = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 9)
    handle = np.c_[np.zeros(9), 0.0285 + 0.019 * np.cos(bend), 0.001 + 0.021 * np.sin(bend)]
    return (
        _solid("cylinder", ".030 .040", 0.200)
        + visual_mesh(meshes.turned("mug", [*outside, *lip, *inside]), "mug")
        + visual_mesh(meshes.tube("mug_handle", handle, 0.0045), "mug")
    )


def _can(meshes: MeshLibrary) -> str:
    body = [(0.0260, -0.0455), (0.0260, 0.0), (0.0260, 0.0455)]
    low = [(0.0, -0.050), (0.0225, -0.050), (0.0225, -0.050), (0.0262, -0.0455), (0.0262, -0.0450)]
    high = [(0.0262, 0.0450), (0.0262, 0.0455), (0.0236, 0.0500), (0.0222, 0.0500), (0.0222, 0.0500), (0.0216, 0.0475),
            (0.0216, 0.0475), (0.0, 0.0475)]  # fmt: skip
    return (
        _solid("cylinder", ".026 .050", 0.220)
        + visual_mesh(meshes.turned("can", body), "can")
        + visual_mesh(meshes.turned("can_low", low), "metal")
        + visual_mesh(meshes.turned("can_high", high), "metal")
    )


def _book(meshes: MeshLibrary) -> str:
    return (
        _solid("box", ".036 .055 .012", 0.250)
        + visual_mesh(meshes.rounded_box((0.0355, 0.0545, 0.0098), 0.0005), "paper", ".0008 0 0")
        + visual_mesh(meshes.rounded_box((0.036, 0.055, 0.0011), 0.0004), "book", "0 0 .0109")
        + visual_mesh(meshes.rounded_box((0.036, 0.055, 0.0011), 0.0004), "book", "0 0 -.0109")
        + visual_mesh(meshes.rounded_box((0.0012, 0.055, 0.012), 0.0008), "book", "-.0350 0 0")
        + visual_mesh(meshes.rounded_box((0.022, 0.0022, 0.0004), 0.0002), "accent", "0 .030 .0118")
    )


PROPS = {
    "bottle": Prop(0.0012, _bottle),
    "carton": Prop(0.0612, _carton),
    "tall_box": Prop(0.0912, _tall_box),
    "mug": Prop(0.0412, _mug),
    "can": Prop(0.0512, _can),
    "book": Prop(0.0132, _book),
}
