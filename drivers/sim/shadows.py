"""Soft shadows on the table for the price of a small picture: outlines projected along the light, filled and blurred.

OpenGL shadow maps cost two further passes, 20 ms a picture on a software rasteriser; this costs about one.
"""

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.sim.scene import KEY_LIGHT_DIRECTION, ROOM, TABLE_CENTRE_X_M, TABLE_HALF_M
from drivers.sim.textures import SHADOW_SIZE

Array = NDArray[np.float64]

# The penumbra widens with height: bands of height over the table (m) and their blur (texels, 3.3 mm each).
_BANDS = ((0.05, 0.7), (0.15, 1.8), (9.0, 3.2))
_DARKNESS = 0.50
# Light from everywhere is missing right under and beside things that stand low.
_CONTACT_HEIGHT_M = 0.045
_CONTACT_BLUR = 4.0
_CONTACT_DARKNESS = 0.42
_COLOUR = (14, 16, 26)
_DECORATION = ("accent", "cream", "led", "paper", "metal")
_MESH_POINTS = 80
_SHIFT = 4  # fractional bits of cv2's corner coordinates
_LIT_BY_KEY = np.rint(255 - _DARKNESS * np.arange(256)).astype(np.uint8)
_LIT_BY_ROOM = np.rint(255 - _CONTACT_DARKNESS * np.arange(256)).astype(np.uint8)
_TEXELS_PER_M = SHADOW_SIZE / (2 * TABLE_HALF_M)


class ShadowSheet:
    """The transparent sheet that lies on the table and carries all shadows."""

    def __init__(
        self, model: mujoco.MjModel, light_direction: tuple[float, float, float] = KEY_LIGHT_DIRECTION
    ) -> None:
        self._model = model
        self._texture = int(model.texture("shadow").id)
        start = int(model.tex_adr[self._texture])
        self._texels = model.tex_data[start : start + 4 * SHADOW_SIZE**2].reshape(SHADOW_SIZE, SHADOW_SIZE, 4)
        self._texels[..., :3] = _COLOUR
        groups: dict[object, list[tuple[int, Array]]] = {}
        for geom in range(model.ngeom):
            if _casts(model, geom):
                groups.setdefault(_outline_of(model, geom), []).append((geom, _surface_points(model, geom)))
        parts = [part for group in groups.values() for part in group]
        self._counts = [sum(len(points) for _, points in group) for group in groups.values()]
        self._geoms = np.repeat([geom for geom, _ in parts], [len(points) for _, points in parts])
        self._points = np.concatenate([points for _, points in parts])
        direction = np.array(light_direction)
        self._slant = direction[:2] / -direction[2]

    def paint(self, data: mujoco.MjData) -> None:
        """Draw the shadows of `data`'s poses into the model's texture; the caller uploads it. Needs `mj_kinematics`."""
        rotation = data.geom_xmat[self._geoms].reshape(-1, 3, 3)
        points = np.einsum("nij,nj->ni", rotation, self._points) + data.geom_xpos[self._geoms]
        height = np.maximum(points[:, 2:], 0.0)
        cast, below = _texel(points[:, :2] + height * self._slant), _texel(points[:, :2])
        bands = [np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.uint8) for _ in _BANDS]
        contact = np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.uint8)
        start = 0
        for count in self._counts:
            part = slice(start, start + count)
            start += count
            lowest, mean = float(height[part].min()), float(height[part].mean())
            band = next(i for i, (limit, _) in enumerate(_BANDS) if mean < limit)
            _fill(bands[band], cast[part])
            if lowest < _CONTACT_HEIGHT_M:
                _fill(contact, below[part], int(255 * (1 - lowest / _CONTACT_HEIGHT_M)))
        shade = np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.uint8)
        for mask, (_, blur) in zip(bands, _BANDS, strict=True):
            cv2.max(shade, cv2.GaussianBlur(mask, (0, 0), blur), dst=shade)
        # Light that neither blocks: (1 - a)(1 - b), so the sheet's opacity is a + b - a b.
        lit = cv2.LUT(shade, _LIT_BY_KEY).astype(np.uint16) * cv2.LUT(
            cv2.GaussianBlur(contact, (0, 0), _CONTACT_BLUR), _LIT_BY_ROOM
        )
        self._texels[..., 3] = 255 - (lit >> 8)

    @property
    def texture(self) -> int:
        """Id for `mjr_uploadTexture`."""
        return self._texture


def _casts(model: mujoco.MjModel, geom: int) -> bool:
    """Seen things on a body, but not what only decorates another geom."""
    if model.body(model.geom_bodyid[geom]).name in ("world", ROOM) or model.geom_group[geom] != 2:
        return False
    return model.mat(model.geom_matid[geom]).name not in _DECORATION


def _outline_of(model: mujoco.MjModel, geom: int) -> object:
    """What shares one convex outline: all of a free prop, each geom of the arm by itself."""
    body = model.geom_bodyid[geom]
    joint = model.body_jntadr[body]
    free = joint >= 0 and model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE
    return ("prop", body) if free else ("geom", geom)


def _texel(xy: Array) -> NDArray[np.int32]:
    """Fixed-point texture coordinates (n, 2) of table points, m. A plane's texture runs along x and y."""
    uv = (xy - (TABLE_CENTRE_X_M, 0.0) + TABLE_HALF_M) * _TEXELS_PER_M - 0.5
    uv[:, 1] = SHADOW_SIZE - 1 - uv[:, 1]
    return np.rint(np.clip(uv, -4 * SHADOW_SIZE, 5 * SHADOW_SIZE) * (1 << _SHIFT)).astype(np.int32)


def _fill(mask: NDArray[np.uint8], corners: NDArray[np.int32], value: int = 255) -> None:
    cv2.fillConvexPoly(mask, cv2.convexHull(corners), value, cv2.LINE_8, _SHIFT)


def _surface_points(model: mujoco.MjModel, geom: int) -> Array:
    """Points (n, 3) in the geom's frame whose convex hull is about the geom."""
    kind, size = model.geom_type[geom], model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.geom_dataid[geom]
        start, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
        return np.asarray(model.mesh_vert[start : start + count][:: 1 + count // _MESH_POINTS], np.float64)
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        corners: Array = np.array([(x, y, z) for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
        return corners * np.asarray(size, np.float64)
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    ring = np.stack([np.cos(angle) * size[0], np.sin(angle) * size[0], 0 * angle], axis=1)
    half = np.array([0.0, 0.0, size[1]])
    ends = [ring + half, ring - half]
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        ends += [half[None] + (0, 0, size[0]), -half[None] - (0, 0, size[0])]
    return np.concatenate(ends)
