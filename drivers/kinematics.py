"""Where the hand is for given joint angles, which joint angles bring it somewhere, and where that lies in a picture.

Plain numpy on the link lengths of an `ArmModel`: the window, the trainer and the policy process draw finger tips
without loading a physics engine, and a real arm needs no model file. Frames: base +x forward, +y the arm's left, +z up;
hand +x approach, +y jaw. `T_base_hand` maps hand coordinates to base coordinates.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivers.arms.model import ArmModel

Array = NDArray[np.float64]

# Metres that one radian of wrong orientation is worth in the inverse.
ROTATION_WEIGHT_M = 0.12
# Wrist pitch and roll are pulled a little to a natural pose (rad, weight): with the hand in line with the forearm they
# would otherwise drift along the null direction of the wrist.
_POSTURE = {"wrist_pitch": (-0.3, 2e-5), "wrist_roll": (0.0, 8e-5)}
_MAX_STEP_RAD = 0.25


def known(arm: ArmModel) -> bool:
    """True when the lengths of `arm` are known, so that there is a `Chain` of it."""
    return bool(arm.links)


@dataclass(frozen=True)
class Solution:
    """Answer of `Chain.inverse`: `joints` (D,) within their ranges, and what is left of the error."""

    joints: Array
    position_error_m: float
    rotation_error_rad: float


class Chain:
    """Kinematics of one arm. Joint vectors are (..., D) in joint units, the gripper's value does not matter.

    Raises `ValueError` for an arm whose lengths are not known: ask `known` first.
    """

    def __init__(self, arm: ArmModel) -> None:
        if not known(arm):
            raise ValueError(f"the lengths of {arm.name} are not known: nobody can say where its gripper is")
        self.arm = arm
        self._index = np.array([arm.names.index(link.joint) for link in arm.links])
        self._offsets = np.array([link.offset for link in arm.links], np.float64)
        axes = np.array([link.axis for link in arm.links], np.float64)
        self._axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
        self._cross = np.stack([_cross_matrix(axis) for axis in self._axes])
        self._cross_squared = self._cross @ self._cross
        self._tcp = np.array(arm.tcp, np.float64)
        self._lower = arm.lower[self._index]
        self._upper = arm.upper[self._index]
        posture = [_POSTURE.get(link.joint, (0.0, 0.0)) for link in arm.links]
        self._rest = np.array([rest for rest, _ in posture])
        self._rest_weight = np.array([weight for _, weight in posture])

    def forward(self, joints: ArrayLike) -> Array:
        """Tool centre points (..., 3) in the base frame, m, of `joints` (..., D)."""
        angles = self._angles(joints)
        cosine, sine = np.cos(angles), np.sin(angles)
        # From the hand back to the base: only one vector is turned at each joint, not a frame.
        point = np.broadcast_to(self._tcp, (*angles.shape[:-1], 3))
        for i in reversed(range(len(self._index))):
            across = point @ self._cross[i].T
            along = point @ self._cross_squared[i].T
            point = point + sine[..., i, None] * across + (1 - cosine[..., i, None]) * along + self._offsets[i]
        return point

    def hand_pose(self, joints: ArrayLike) -> Array:
        """T_base_hand (..., 4, 4) of `joints` (..., D); the hand frame sits at the last joint."""
        angles = self._angles(joints)
        pose = np.zeros((*angles.shape[:-1], 4, 4))
        pose[..., 3, 3] = 1.0
        rotation, position = np.eye(3), np.zeros(3)
        for i, turn in enumerate(self._turns(angles)):
            position = position + rotation @ self._offsets[i]
            rotation = rotation @ turn
        pose[..., :3, :3] = rotation
        pose[..., :3, 3] = position
        return pose

    def skeleton(self, joints: ArrayLike) -> Array:
        """(L + 2, 3) m in the base frame: the base, each of the L joints, the tool centre point, at `joints` (D,)."""
        rotation, points = np.eye(3), [np.zeros(3)]
        for i, turn in enumerate(self._turns(self._angles(joints))):
            points.append(points[-1] + rotation @ self._offsets[i])
            rotation = rotation @ turn
        return np.array([*points, points[-1] + rotation @ self._tcp])

    def tcp_pose(self, joints: ArrayLike) -> Array:
        """T_base_tcp (..., 4, 4): the hand's orientation at the tool centre point."""
        pose = self.hand_pose(joints)
        pose[..., :3, 3] += pose[..., :3, :3] @ self._tcp
        return pose

    def inverse(
        self, T_base_tcp: ArrayLike, seed: ArrayLike, iterations: int = 60, max_change: ArrayLike = np.inf
    ) -> Solution:
        """Joint vector (D,) that brings the tool centre point to `T_base_tcp` (4, 4), searched from `seed` (D,).

        Damped least squares with orientation weighed by `ROTATION_WEIGHT_M`; stops below .5 mm. A pose out of reach
        gives the nearest pose found: look at the errors. The gripper keeps its value in `seed`.
        No joint goes further than `max_change` (a number or (D,), rad) from `seed`: a following hand stays smooth where
        the wrist is nearly singular, at the price of some error on the way.
        """
        target = np.asarray(T_base_tcp, np.float64)
        joints = np.array(seed, np.float64)
        start = np.clip(joints[self._index], self._lower, self._upper)
        change = np.broadcast_to(np.asarray(max_change, np.float64), joints.shape)[self._index]
        lower, upper = np.maximum(self._lower, start - change), np.minimum(self._upper, start + change)
        angles = start
        for _ in range(iterations):
            error, jacobian = self._error_and_jacobian(target, angles)
            size = float(np.sqrt(error @ error))
            if size < 5e-4:
                break
            normal = jacobian.T @ jacobian
            normal[np.diag_indices_from(normal)] += self._rest_weight + 0.03**2 * size
            pull = jacobian.T @ error + self._rest_weight * (self._rest - angles)
            step = np.clip(np.linalg.solve(normal, pull), -_MAX_STEP_RAD, _MAX_STEP_RAD)
            angles = np.clip(angles + step, lower, upper)
        joints[self._index] = angles
        error, _ = self._error_and_jacobian(target, angles)
        return Solution(joints, float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:])) / ROTATION_WEIGHT_M)

    def _angles(self, joints: ArrayLike) -> Array:
        joints = np.asarray(joints, np.float64)
        if joints.shape[-1] != len(self.arm.joints):
            raise ValueError(
                f"joint vectors have {joints.shape[-1]} values, {self.arm.name} has {len(self.arm.joints)} joints: "
                f"{', '.join(self.arm.names)}"
            )
        return joints[..., self._index]

    def _turns(self, angles: Array) -> list[Array]:
        """Rotation (..., 3, 3) of each joint, by Rodrigues' formula."""
        sine, versine = np.sin(angles)[..., None, None], 1 - np.cos(angles)[..., None, None]
        return [
            np.eye(3) + sine[..., i, :, :] * self._cross[i] + versine[..., i, :, :] * self._cross_squared[i]
            for i in range(len(self._index))
        ]

    def _error_and_jacobian(self, target: Array, angles: Array) -> tuple[Array, Array]:
        """Error (6,) from the pose of `angles` to `target`, and its Jacobian (6, links); orientation rows weighed."""
        count = len(self._index)
        origins, axes = np.empty((count, 3)), np.empty((count, 3))
        rotation, position = np.eye(3), np.zeros(3)
        for i, turn in enumerate(self._turns(angles)):
            position = position + rotation @ self._offsets[i]
            origins[i], axes[i] = position, rotation @ self._axes[i]
            rotation = rotation @ turn
        tip = position + rotation @ self._tcp
        arms = tip - origins
        jacobian = np.empty((6, count))
        jacobian[0] = axes[:, 1] * arms[:, 2] - axes[:, 2] * arms[:, 1]
        jacobian[1] = axes[:, 2] * arms[:, 0] - axes[:, 0] * arms[:, 2]
        jacobian[2] = axes[:, 0] * arms[:, 1] - axes[:, 1] * arms[:, 0]
        jacobian[3:] = ROTATION_WEIGHT_M * axes.T
        error = np.empty(6)
        error[:3] = target[:3, 3] - tip
        error[3:] = ROTATION_WEIGHT_M * rotation_vector(target[:3, :3] @ rotation.T)
        return error, jacobian


@dataclass(frozen=True, eq=False)
class CameraModel:
    """A pinhole camera without distortion, fixed to the base or carried by the hand.

    `matrix` (3, 3) px, pixel i covers [i, i + 1): its centre is i + .5. Camera frame as in OpenCV: x right, y down,
    z forward. `T_mount_camera` (4, 4) maps camera to base ("base") or hand coordinates ("hand").
    """

    name: str
    width: int
    height: int
    matrix: Array
    mount: Literal["base", "hand"]
    T_mount_camera: Array

    def project(self, points: ArrayLike, T_base_hand: ArrayLike | None = None) -> Array:
        """Pixels (..., 2) of `points` (..., 3) in the base frame; nan where a point lies behind the camera.

        A camera on the hand needs `T_base_hand` (4, 4) of the moment of the picture. Raises `ValueError` without it.
        """
        T_base_camera = self.T_mount_camera
        if self.mount == "hand":
            if T_base_hand is None:
                raise ValueError(f"camera {self.name} is carried by the hand: projecting needs T_base_hand")
            T_base_camera = np.asarray(T_base_hand, np.float64) @ T_base_camera
        # Row vectors times R is R transposed times columns: base to camera.
        seen = (np.asarray(points, np.float64) - T_base_camera[:3, 3]) @ T_base_camera[:3, :3]
        homogeneous = seen @ self.matrix.T
        depth = np.where(seen[..., 2:] > 1e-6, seen[..., 2:], np.nan)
        pixels: Array = homogeneous[..., :2] / depth
        return pixels


def pose_of(position: ArrayLike, yaw: float, pitch: float = 0.0, roll: float = 0.0) -> Array:
    """T_base_tcp (4, 4): `position` (3,) m and orientation Rz(yaw) Ry(pitch) Rx(roll), rad; pitch > 0 points down."""
    pose = np.eye(4)
    pose[:3, :3] = rotation_about((0, 0, yaw)) @ rotation_about((0, pitch, 0)) @ rotation_about((roll, 0, 0))
    pose[:3, 3] = position
    return pose


def rotation_about(vector: ArrayLike) -> Array:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3), rad. Inverse: `rotation_vector`."""
    vector = np.asarray(vector, np.float64)
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    cross = _cross_matrix(vector)
    # sin(a)/a and (1 - cos a)/a^2 written so that a = 0 needs no case.
    rotation: Array = np.eye(3) + np.sinc(angle / np.pi) * cross
    rotation += 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (cross @ cross)
    return rotation


def rotation_vector(rotation: Array) -> Array:
    """Rotation vector (3,), rad, length 0..pi, of a rotation matrix (3, 3)."""
    skew = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    sine = 0.5 * math.sqrt(float(skew @ skew))
    angle = math.atan2(sine, 0.5 * (float(np.trace(rotation)) - 1.0))
    if sine > 1e-6:
        return skew * (0.5 * angle / sine)
    if angle < 1.0:
        return 0.5 * skew
    # Half a turn: R + I = 2 a a^T, so its longest column is the axis.
    column = max((rotation + np.eye(3)).T, key=lambda c: float(c @ c))
    return np.asarray(column / np.linalg.norm(column) * angle, np.float64)


def _cross_matrix(vector: Array) -> Array:
    """(..., 3, 3) so that matrix @ p = vector x p."""
    matrix = np.zeros((*vector.shape[:-1], 3, 3))
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    matrix[..., 0, 1], matrix[..., 0, 2] = -z, y
    matrix[..., 1, 0], matrix[..., 1, 2] = z, -x
    matrix[..., 2, 0], matrix[..., 2, 1] = -y, x
    return matrix
