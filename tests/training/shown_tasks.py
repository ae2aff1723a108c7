"""Demonstrations made up for the tests of training: a bright spot in the picture says where the arm goes."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorders.episode_builder import build_episode
from recorders.episode_writer import ArmSample, CameraDescription, EpisodeDescription, EpisodeWriter, Frame
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.training.chunk_dataset import ChunkDataset, build_dataset
from teleop_studio.training.demonstration import Demonstration
from teleop_studio.training.settings import TrainSettings

JOINTS = ("waist", "shoulder", "elbow", "wrist_pitch", "wrist_yaw", "wrist_roll", "gripper")
CAMERAS = ("front", "wrist")
GRIPPER = 6
TICK_NS = 10_000_000
PICTURE_NS = 33_333_333
START_NS = 7_000_000_000
TOY = PolicyConfig(JOINTS, CAMERAS, picture_px=16, crop_px=16)
# The tests of the trainer look at its bookkeeping, not at what it learns.
SMALL = TrainSettings(
    policy_settings={"width": 32, "blocks": 1, "draws": 2},
    steps=12,
    batch=8,
    checkpoint_every=4,
    held_out_every=4,
    log_every=2,
    warmup_steps=4,
    held_out_moments=16,
)


class SpotPictures:
    """Grey pictures with a spot; counts how many were looked at."""

    def __init__(self, stamp_ns: NDArray[np.int64], column: int) -> None:
        self.stamp_ns = stamp_ns
        self.looked_at = 0
        self._column = column

    def __getitem__(self, k: int) -> NDArray[np.uint8]:
        self.looked_at += 1
        return spot(self._column)


def spot(column: int) -> NDArray[np.uint8]:
    picture = np.full((48, 64, 3), 60, np.uint8)
    picture[20:28, column : column + 8] = 255
    return picture


def tip_of(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stands for an arm's forward kinematics."""
    return np.asarray(joints)[..., :3] * 0.1


def shown(number: int = 0, seconds: float = 2.0, by: str = "leader") -> Demonstration:
    """Even numbers: spot left, waist goes to -0.8; odd: spot right, +0.8. The gripper closes at half time."""
    ticks = round(seconds * 100)
    frame_ns = START_NS + TICK_NS * np.arange(ticks, dtype=np.int64)
    side = -1.0 if number % 2 == 0 else 1.0
    ramp = np.linspace(0.0, 1.0, ticks)
    action = np.zeros((ticks, 7))
    action[:, 0] = side * 0.8 * ramp
    action[:, 1] = 0.2
    action[:, GRIPPER] = np.where(ramp < 0.5, 1.0, 0.0)
    follower = action - 0.01  # sags below its goal
    picture_ns = START_NS + PICTURE_NS * np.arange(int(seconds * 30), dtype=np.int64)
    column = 8 if side < 0 else 48
    return Demonstration(
        uuid=f"demonstration-{number}",
        name=f"{number:06d}.h5",
        number=number + 1,
        content_sha256=hashlib.sha256(f"{number} {seconds} {by}".encode()).hexdigest(),
        split="",
        task="",
        joint_names=JOINTS,
        frame_ns=frame_ns,
        follower_ns=frame_ns - 1_000_000,
        follower=follower,
        action=action,
        by_human=np.full(ticks, by == "leader"),
        pictures={name: SpotPictures(picture_ns, column) for name in CAMERAS},
    )


def toy_dataset(cache: Path, count: int = 4, seconds: float = 1.0) -> ChunkDataset:
    return build_dataset((shown(k, seconds) for k in range(count)), TOY, tip_of, cache)


def recorded(
    folder: Path,
    number: int = 0,
    source: str = "human",
    outcome: str = "success",
    cameras: tuple[str, ...] = CAMERAS,
    arm: str = "studio-follower",
    seconds: float = 1.0,
    enlarged: int = 1,
    position_unit: str = "rad",
) -> Path:
    """The same as an episode file; pictures of 64 x 48, `enlarged` times."""
    demonstration = shown(number, seconds)
    description = EpisodeDescription(
        task="bottle",
        source=source,
        rig="simulated",
        simulated=True,
        scene="bottle",
        joint_names=JOINTS,
        effort_units=("mA",) * 7,
        control_hz=100.0,
        cameras=tuple(CameraDescription(name, 64 * enlarged, 48 * enlarged, 30.0) for name in cameras),
        extra={"follower": {"arm": arm}},
        position_unit=position_unit,
    )
    writer = EpisodeWriter(folder, description)
    still = np.zeros(7)
    for k, stamp_ns in enumerate(demonstration.frame_ns):
        follower = ArmSample(int(demonstration.follower_ns[k]), demonstration.follower[k], still, still)
        action = demonstration.action[k]
        writer.add_frame(Frame(int(stamp_ns), follower, follower, action, action, "leader"))
    for name in cameras:
        pictures = demonstration.pictures[name if name in CAMERAS else CAMERAS[0]]
        for k, stamp_ns in enumerate(pictures.stamp_ns):
            writer.add_image(name, int(stamp_ns), k, pictures[k].repeat(enlarged, 0).repeat(enlarged, 1))
    return build_episode(writer.finish(outcome))
