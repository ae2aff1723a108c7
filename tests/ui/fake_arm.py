"""A fake arm for the window's tests: joints, pictures, the policy's samples and servos from formulas."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teleop_studio.status import EpisodeRow, Overlay, ServoHealth

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "forearm_roll", "wrist_pitch", "wrist_roll", "gripper")
H, K, S, N = 16, 8, 10, 32


def joints_at(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) to (T, D): smooth joint angles of a fake arm."""
    phase = np.arange(7) * 0.9
    angles: NDArray[np.float64] = (
        0.7 * np.sin(0.8 * time_s[:, None] + phase) * np.array([1, 0.6, 0.8, 0.3, 0.7, 1.2, 0])
    )
    angles[:, 6] = 0.5 + 0.5 * np.tanh(4 * np.sin(0.5 * time_s))
    return angles


def tip_at(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) to (T, 3): where the fake gripper is, m in the base frame."""
    return np.stack([0.24 + 0.05 * np.sin(time_s), 0.13 * np.sin(0.8 * time_s), 0.16 + 0.05 * np.cos(0.6 * time_s)], -1)


def project_front(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """A camera that looks at the arm from the front: +y is at its right hand side."""
    points = np.asarray(points, np.float64)
    depth = 0.85 - points[..., 0]
    return np.stack([160 + 260 * points[..., 1] / depth, 165 - 270 * (points[..., 2] - 0.05) / depth], -1)


def picture(camera: str, time_s: float) -> NDArray[np.uint8]:
    """A table, a bottle and a gripper, rgb (240, 320, 3)."""
    image = np.empty((240, 320, 3), np.uint8)
    image[:90] = np.linspace((132, 146, 160), (160, 170, 182), 90)[:, None]
    image[90:] = np.linspace((176, 134, 92), (206, 160, 114), 150)[:, None]
    image[130:215, 60:260] = (58, 70, 84)
    image[105:175, 142:160] = (22, 96, 82)
    image[95:105, 147:155] = (230, 230, 230)
    image[170:226, 110:142] = (196, 158, 40)
    column, row = project_front(tip_at(np.array([time_s])))[0].astype(int)
    if camera == "wrist":
        column, row = 160, 200
        image = np.roll(image, int(40 * np.sin(time_s)), axis=1)
    image[max(row - 60, 0) : row, column - 5 : column + 5] = (28, 30, 34)
    image[row - 8 : row + 8, column - 14 : column + 14] = (232, 234, 236)
    image[row - 4 : row + 10, column - 5 : column + 5] = (230, 120, 40)
    return image


def two_sided_overlay(time_s: float, left: int = 20) -> Overlay:
    """`left` of the N samples pass the bottle at the arm's left, the rest at its right."""
    random = np.random.default_rng(7)
    start = tip_at(np.array([time_s]))[0]
    goal = np.array([0.42, 0.0, 0.08])
    along = np.linspace(0, 1, H)[:, None]
    straight = start + along * (goal - start)
    side = np.where(np.arange(N) < left, 1.0, -1.0)
    random.shuffle(side)
    swerve = np.sin(np.pi * along[:, 0]) * 0.11
    final = straight + side[:, None, None] * swerve[:, None] * np.array([0, 1, 0])
    final = final + np.cumsum(random.normal(0, 0.0025, (N, H, 3)), 1)
    noise = straight + np.cumsum(random.normal(0, 0.02, (N, H, 3)), 1)
    tau = (np.arange(S + 1) / S)[:, None, None, None]
    return Overlay(
        stamp_ns=int(time_s * 1e9),
        tip_paths=((1 - tau) * noise + tau * final).astype(np.float32),
        velocity_norm=np.linspace(2, 0.4, S)[:, None].repeat(N, 1).astype(np.float32),
        executed_steps=K,
        left_share=left / N,
        right_share=1 - left / N,
        spread_mm=6.4,
    )


def healthy_servos(first_id: int, voltage_v: float) -> tuple[ServoHealth, ...]:
    """One servo per joint, of an arm that has been working for a while."""
    return tuple(
        ServoHealth(name, first_id + i, "xl430-w250", 33 + 2 * i, voltage_v, 0.1 + 0.07 * i, 90 + 30 * i, True, (), 0.3)
        for i, name in enumerate(JOINTS)
    )


@dataclass
class StandInEpisode:
    """An episode whose pictures and joints come from the same formulas."""

    row: EpisodeRow
    shift_s: float
    duration_s: float = 8.0
    cameras: tuple[str, ...] = ("front", "wrist")
    joint_names: tuple[str, ...] = JOINTS
    closed: bool = False

    def __post_init__(self) -> None:
        self.time_s = np.arange(0, self.duration_s, 0.01)
        self.leader = joints_at(self.time_s + self.shift_s)
        self.follower = joints_at(self.time_s + self.shift_s - 0.05)
        self.action = self.leader
        self.tip_path = tip_at(self.time_s + self.shift_s)

    def image_at(self, camera: str, time_s: float) -> NDArray[np.uint8] | None:
        return picture(camera, time_s + self.shift_s)

    def project(self, camera: str, points: NDArray[np.float64], time_s: float) -> NDArray[np.float64]:
        return project_front(points)

    def close(self) -> None:
        self.closed = True
