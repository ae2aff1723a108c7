"""The OpenCV camera against a video file, which OpenCV opens as it opens a device."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.cameras import Camera
from drivers.cameras.opencv import OpenCvCamera
from drivers.clock import ManualClock
from drivers.errors import CameraMissing, CameraSilent


@pytest.fixture
def video(tmp_path: Path) -> str:
    """Three pictures of 64 x 48 px at 10 fps: red, green, blue."""
    path = str(tmp_path / "three.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for channel in (2, 1, 0):  # OpenCV orders blue, green, red
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[..., channel] = 255
        writer.write(picture)
    writer.release()
    return path


def test_pictures_come_in_order_as_red_green_blue_with_their_stamps(video: str) -> None:
    clock = ManualClock(1000)
    camera: Camera = OpenCvCamera("front", video, 64, 48, 10, clock)
    for sequence in range(3):
        image = camera.read()
        clock.advance_ns(5)
        assert (image.sequence, image.stamp_ns) == (sequence, 1000 + 5 * sequence)
        assert image.rgb.shape == (camera.height, camera.width, 3)
        assert int(image.rgb.mean(axis=(0, 1)).argmax()) == sequence
    assert camera.fps == pytest.approx(10)
    camera.close()
    camera.close()


def test_a_camera_that_stops_is_reported_with_what_to_do(video: str) -> None:
    camera = OpenCvCamera("front", video, 64, 48, 10, ManualClock())
    for _ in range(3):
        camera.read()
    with pytest.raises(CameraSilent, match=r"Camera front .* stopped giving pictures after 3\. Check its cable"):
        camera.read()


def test_a_missing_camera_is_named_with_its_path() -> None:
    with pytest.raises(CameraMissing, match=r"Camera wrist can not be opened at /dev/none\. There is no /dev/none"):
        OpenCvCamera("wrist", "/dev/none", 64, 48, 10, ManualClock())


def test_another_picture_size_is_refused_with_the_line_to_write(video: str) -> None:
    with pytest.raises(CameraMissing, match=r"gives 64x48 px, the rig file asks for 640x480\. Put width = 64"):
        OpenCvCamera("front", video, 640, 480, 10, ManualClock())
