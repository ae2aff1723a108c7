"""What the rig file says about a camera's pictures is what the episode holds."""

from pathlib import Path

import numpy as np
import pytest

from recorders.episode import ArmSample, Frame
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from teleop_studio.processes.disk_room import DiskRoom
from teleop_studio.processes.take_description import describe
from teleop_studio.rig import CameraConfig, RigConfig
from teleop_studio.rig_file import load_rig

D = 7
RIG_FILE = """
[[cameras]]
name = "front"
width = 64
height = 48
codec = "png"

[[cameras]]
name = "wrist"
width = 64
height = 48
quality = 70
"""


@pytest.fixture
def rig(tmp_path: Path) -> RigConfig:
    path = tmp_path / "rig.toml"
    path.write_text(RIG_FILE)
    return load_rig(path)


def test_a_lossless_camera_gives_each_picture_back_to_the_bit_and_its_neighbour_is_jpeg(
    tmp_path: Path, rig: RigConfig
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    writer = EpisodeWriter(tmp_path, describe(rig, "grasp", "human", {}))
    for k in range(3):
        arm = ArmSample(k, np.zeros(D), np.zeros(D), np.zeros(D))
        writer.add_frame(Frame(k, arm, arm, np.zeros(D), np.zeros(D), "leader"))
        for camera in ("front", "wrist"):
            writer.add_image(camera, k, k, picture)
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        np.testing.assert_array_equal(reader.images("front")[2], picture)
        assert np.any(reader.images("wrist")[2] != picture)
        front, wrist = reader.description.cameras
    assert (front.codec, wrist.codec, wrist.quality) == ("png", "jpeg", 70)


def test_before_the_first_take_a_lossless_camera_is_expected_to_need_several_times_the_room() -> None:
    jpeg, png = (DiskRoom(RigConfig(cameras=(CameraConfig("front", codec=codec),))) for codec in ("jpeg", "png"))
    assert 3 * jpeg.bytes_per_s < png.bytes_per_s
