"""Meshes made in code: rounded boxes, turned bodies and bent tubes, written as MJCF assets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Faces = NDArray[np.int_]


@dataclass
class MeshLibrary:
    """Collects `<mesh>` assets; the same shape asked for twice is stored once."""

    _xml: dict[str, str] = field(default_factory=dict)

    def xml(self) -> str:
        """All assets, one element a line."""
        return "\n".join(self._xml.values())

    def rounded_box(self, half: tuple[float, float, float], radius: float) -> str:
        """Name of a box with half sizes `half` (m) whose edges look rounded by `radius` (m)."""
        name = "box_" + "_".join(f"{1e5 * value:.0f}" for value in (*half, radius))
        if name not in self._xml:
            self._add(name, *_rounded_box(np.array(half), radius))
        return name

    def turned(self, name: str, profile: ArrayLike, segments: int = 24) -> str:
        """Name of a body of revolution about z. `profile` (n, 2) is radius and height, m, from its lower end on.

        A repeated point makes a sharp edge. Texture u runs around, v along the profile's height.
        """
        if name not in self._xml:
            self._add(name, *_turned(np.asarray(profile, np.float64), segments))
        return name

    def tube(self, name: str, path: ArrayLike, radius: float, segments: int = 8) -> str:
        """Name of a round tube along `path` (n, 3), m."""
        if name not in self._xml:
            self._add(name, *_tube(np.asarray(path, np.float64), radius, segments))
        return name

    def _add(self, name: str, vertices: Array, normals: Array, faces: Faces, texture: Array | None = None) -> None:
        uv = "" if texture is None else f' texcoord="{_numbers(texture, 4)}"'
        # Shell inertia: thin and open shapes have no volume; these meshes are looked at, never collided with.
        self._xml[name] = (
            f'<mesh name="{name}" inertia="shell" vertex="{_numbers(vertices, 5)}" normal="{_numbers(normals, 3)}" '
            f'face="{" ".join(str(int(i)) for i in faces.ravel())}"{uv}/>'
        )


def _numbers(values: Array, digits: int) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values.ravel())


def _rounded_box(half: Array, radius: float) -> tuple[Array, Array, Faces]:
    """24 vertices with the normals of their six faces: shading across the narrow edge strips does the rounding."""
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
    vertices, normals = [], []
    for axis in range(3):
        for corner in corners:
            inset = np.full(3, radius)
            inset[axis] = 0.0
            vertices.append(corner * (half - inset))
            normals.append(np.eye(3)[axis] * corner[axis])
    points, towards = np.array(vertices), np.array(normals)
    faces = []
    for axis in range(3):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        for side in (-1, 1):
            loop = [_corner(axis, {axis: side, a: i, b: j}) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            faces += _quad(loop)
        # The strip along `axis` joins the faces of a and b.
        for i in (-1, 1):
            for j in (-1, 1):
                low, high = {a: i, b: j, axis: -1}, {a: i, b: j, axis: 1}
                faces += _quad([_corner(a, low), _corner(b, low), _corner(b, high), _corner(a, high)])
    for corner in corners:
        signs = dict(enumerate(corner))
        faces.append([_corner(axis, signs) for axis in range(3)])
    return points, towards, _outward(points, np.array(faces))


def _corner(axis: int, signs: Mapping[int, float]) -> int:
    """Index of the vertex of face `axis` at the corner with these signs."""
    return 8 * axis + 4 * (signs[0] > 0) + 2 * (signs[1] > 0) + (signs[2] > 0)


def _quad(loop: list[int]) -> list[list[int]]:
    return [[loop[0], loop[1], loop[2]], [loop[0], loop[2], loop[3]]]


def _outward(points: Array, faces: Faces) -> Faces:
    """Turn each triangle of a convex body about the origin so that it faces outwards."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    inwards = np.einsum("ij,ij->i", np.cross(b - a, c - a), a + b + c) < 0
    faces[inwards] = faces[inwards][:, ::-1]
    return faces


def _turned(profile: Array, segments: int) -> tuple[Array, Array, Faces, Array]:
    tangents = np.diff(profile, axis=0)
    lengths = np.linalg.norm(tangents, axis=1)
    outwards = np.c_[tangents[:, 1], -tangents[:, 0]] / np.maximum(lengths, 1e-12)[:, None]
    rings = np.zeros_like(profile)
    rings[:-1] += outwards * (lengths > 1e-9)[:, None]
    rings[1:] += outwards * (lengths > 1e-9)[:, None]
    rings /= np.maximum(np.linalg.norm(rings, axis=1), 1e-12)[:, None]
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    around = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    count = len(profile)
    vertices, normals = np.empty((2, segments + 1, count, 3))
    vertices[..., :2], vertices[..., 2] = around[:, None] * profile[:, :1], profile[:, 1]
    normals[..., :2], normals[..., 2] = around[:, None] * rings[:, :1], rings[:, 1]
    height = (profile[:, 1] - profile[:, 1].min()) / np.ptp(profile[:, 1])
    u = np.repeat(angle / (2 * np.pi), count)
    texture = np.c_[u, np.tile(1 - height, segments + 1)]
    faces = _grid_faces(segments + 1, count, np.flatnonzero(lengths > 1e-9))
    return vertices.reshape(-1, 3), normals.reshape(-1, 3), faces, texture


def _tube(path: Array, radius: float, segments: int) -> tuple[Array, Array, Faces]:
    tangents = np.gradient(path, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    aside = np.cross(tangents, np.where(abs(tangents[:, :1]) < 0.9, [1.0, 0, 0], [0, 1.0, 0]))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    above = np.cross(tangents, aside)
    angle = np.linspace(0, 2 * np.pi, segments + 1)[:, None, None]
    normals = np.cos(angle) * aside + np.sin(angle) * above
    vertices = path + radius * normals
    faces = _grid_faces(segments + 1, len(path), np.arange(len(path) - 1))
    return vertices.reshape(-1, 3), normals.reshape(-1, 3), faces


def _grid_faces(rows: int, columns: int, kept_columns: Faces) -> Faces:
    """Two triangles for each cell between neighbouring rows (around) and columns (along)."""
    faces = []
    for row in range(rows - 1):
        for column in kept_columns:
            a, b = row * columns + int(column), (row + 1) * columns + int(column)
            faces += [[a, b, b + 1], [a, b + 1, a + 1]]
    return np.array(faces)
