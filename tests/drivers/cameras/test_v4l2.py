"""A camera is asked what it can do as the kernel's interface wants to be asked."""

from pathlib import Path

import pytest

from drivers.cameras.v4l2 import VIDIOC_ENUM_FMT, capture_modes, control_range, why_not_open
from drivers.errors import CameraBusy, CameraMissing
from tests.drivers.cameras.emulated_v4l2 import EmulatedDriver

MODES = {
    "YUYV": {(640, 480): ((1, 30), (1, 15)), (1280, 720): ((1, 10),)},
    "MJPG": {(640, 480): ((1, 30),), (1280, 720): ((1001, 30000),)},
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "video0").touch()
    return str(tmp_path / "video0")


def test_all_modes_are_listed_the_largest_first(path: str) -> None:
    assert capture_modes(path, EmulatedDriver(MODES).ioctl) == (
        (1280, 720, 29.97, "MJPG"),
        (1280, 720, 10.0, "YUYV"),
        (640, 480, 30.0, "MJPG"),
        (640, 480, 30.0, "YUYV"),
        (640, 480, 15.0, "YUYV"),
    )


def test_a_camera_with_a_range_of_sizes_tells_the_largest(path: str) -> None:
    driver = EmulatedDriver({"YUYV": {(800, 600): ((1, 25),)}})
    driver.stepwise = (16, 800, 16, 600)
    assert capture_modes(path, driver.ioctl) == ((800, 600, 25.0, "YUYV"),)


def test_a_camera_that_does_not_tell_its_rates_has_rate_0(path: str) -> None:
    assert capture_modes(path, EmulatedDriver({"GREY": {(64, 48): ()}}).ioctl) == ((64, 48, 0.0, "GREY"),)


def test_a_driver_that_never_ends_its_list_is_not_asked_for_ever(path: str) -> None:
    asked = []

    def endless(_: int, request: int, buffer: bytearray) -> int:
        asked.append(request)
        if request != VIDIOC_ENUM_FMT:
            raise OSError
        buffer[44:48] = b"MJPG"
        return 0

    assert capture_modes(path, endless) == ()
    assert len(asked) <= 600


def test_the_range_of_a_control_is_told_or_that_there_is_none(path: str) -> None:
    driver = EmulatedDriver(MODES)
    assert control_range(path, "exposure", driver.ioctl) == (3, 2047, 1)
    driver.control = None
    assert control_range(path, "focus", driver.ioctl) is None
    assert control_range(path + "9", "focus", driver.ioctl) is None


def test_a_path_without_a_camera_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CameraMissing, match=r"video7 can not be opened: No such file.* Plug the camera in again"):
        capture_modes(str(tmp_path / "video7"))
    assert isinstance(why_not_open(str(tmp_path / "video7")), CameraMissing)


def test_a_camera_that_can_be_opened_but_gives_nothing_belongs_to_another_program(path: str) -> None:
    why = why_not_open(path)
    assert isinstance(why, CameraBusy)
    assert "in use by another program" in str(why)
