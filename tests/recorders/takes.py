"""Makes takes for the tests of recorders: known motion, known pictures, on a clock of their own."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.episode_writer import ArmSample, CameraDescription, EpisodeDescription, EpisodeWriter, Frame

JOINTS = ("pan", "lift", "elbow", "roll", "pitch", "yaw", "gripper")
TICK_NS = 10_000_000
PICTURE_NS = 33_333_333
START_NS = 5_000_000_000
CAMERAS = (CameraDescription("front", 64, 48, 30.0), CameraDescription("wrist", 32, 24, 30.0))


def description(**changes: Any) -> EpisodeDescription:
    values: dict[str, Any] = {
        "task": "put the bottle into the box",
        "source": "human",
        "rig": "koch",
        "simulated": True,
        "scene": "bottle",
        "joint_names": JOINTS,
        "effort_units": ("mA",) * len(JOINTS),
        "control_hz": 100.0,
        "cameras": CAMERAS,
        "operator": "ada",
        "extra": {"run": "", "seed": 7},
    }
    return EpisodeDescription(**{**values, **changes})


def frame(index: int, source: str = "leader") -> Frame:
    """Tick `index`: each vector is told apart by its own offset."""
    stamp = START_NS + index * TICK_NS
    base = np.sin(index / 50 + np.arange(len(JOINTS)))
    return Frame(
        stamp_ns=stamp,
        leader=ArmSample(stamp - 2000, base, base + 1, base + 2),
        follower=ArmSample(stamp - 1000, base + 3, base + 4, base + 5),
        requested=base + 6,
        action=base + 7,
        source=source,
    )


def picture(index: int, camera: CameraDescription) -> NDArray[np.uint8]:
    """A smooth picture whose brightness tells `index`."""
    rows, columns = np.mgrid[: camera.height, : camera.width]
    grey = (index * 3) % 200 + rows // 4 + columns // 8
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def add_second(writer: EpisodeWriter, second: int, cameras: tuple[CameraDescription, ...] = CAMERAS) -> None:
    """One second of a take: 100 ticks, 30 pictures of each camera."""
    for index in range(second * 100, second * 100 + 100):
        writer.add_frame(frame(index))
    for index in range(second * 30, second * 30 + 30):
        for camera in cameras:
            writer.add_image(camera.name, START_NS + index * PICTURE_NS, index, picture(index, camera))


def recorded(folder: Path, seconds: int = 1, outcome: str = "success", **changes: Any) -> Path:
    """A finished take's journal."""
    writer = EpisodeWriter(folder, description(**changes))
    for second in range(seconds):
        add_second(writer, second)
    return writer.finish(outcome)
