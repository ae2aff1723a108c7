"""A film in place of a camera keeps time as a camera does, and says that it is one."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.cameras import open_camera
from drivers.clock import ManualClock
from drivers.errors import CameraMissing, CameraRefused, CameraSilent
from teleop_studio.rig import CameraConfig

MS = 1_000_000


@pytest.fixture
def film(tmp_path: Path) -> str:
    """Three pictures of 64 x 48 px at 10 fps: red, green, blue."""
    path = str(tmp_path / "three.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for channel in (2, 1, 0):  # OpenCV orders blue, green, red
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[..., channel] = 255
        writer.write(picture)
    writer.release()
    return path


def settings(film: str, fps: float = 20.0, width: int = 64, **options: object) -> CameraConfig:
    return CameraConfig("front", "video", width, 48, fps, device=film, options=options)


def test_pictures_come_at_the_rigs_rate_again_and_again_in_red_green_and_blue(film: str) -> None:
    clock = ManualClock(0)
    camera = open_camera(settings(film), clock)
    assert (camera.width, camera.height, camera.fps) == (64, 48, 20.0)
    for sequence in range(7):
        image = camera.read()
        clock.advance_ns(20 * MS)  # work between pictures must not shift the next one
        assert (image.sequence, image.stamp_ns) == (sequence, 50 * MS * sequence)
        assert int(image.rgb.mean(axis=(0, 1)).argmax()) == sequence % 3
    camera.close()
    camera.close()


def test_pictures_that_nobody_fetched_are_left_out_of_the_film_and_counted(film: str) -> None:
    clock = ManualClock(0)
    camera = open_camera(settings(film), clock)
    camera.read()
    clock.advance_ns(120 * MS)  # the pictures of 50 and of 100 are gone as such; 100 is the newest
    image = camera.read()
    assert (image.sequence, int(image.rgb.mean(axis=(0, 1)).argmax())) == (2, 2)


def test_it_is_said_that_it_is_a_film_and_how_fast_it_runs(film: str) -> None:
    (remark,) = open_camera(settings(film), ManualClock()).remarks
    assert remark.startswith("Camera front is a film.")
    assert "again and again, 2 times as fast as it was filmed" in remark
    assert "times" not in open_camera(settings(film, fps=10), ManualClock()).remarks[0]


def test_a_film_that_does_not_loop_comes_to_its_end(film: str) -> None:
    camera = open_camera(settings(film, loop=False), ManualClock())
    assert "is shown once" in camera.remarks[0]
    for _ in range(3):
        camera.read()
    with pytest.raises(CameraSilent, match=r"come to the end of .*three\.avi after 3 pictures\. Take loop = false"):
        camera.read()


def test_another_size_is_refused_with_the_line_to_write(film: str) -> None:
    with pytest.raises(CameraRefused, match=r"gives 64x48 px, the rig file asks for 640x48\. Put width = 64"):
        open_camera(settings(film, width=640), ManualClock())


@pytest.mark.parametrize(
    ("name", "why"), [("none.avi", r"There is no such file\."), ("text.avi", "Correct its device")]
)
def test_what_is_no_film_is_missing(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "text.avi").write_text("no film")
    with pytest.raises(CameraMissing, match=rf"front can not play .*{name}\. ?{why}"):
        open_camera(settings(str(tmp_path / name)), ManualClock())
