"""A camera's faults show in its pictures and their stamps, are said once, and are over when they are over."""

import numpy as np
import pytest

from drivers.samples import CameraImage
from teleop_studio.processes.messages import CameraState
from teleop_studio.processes.picture_watch import CameraReport, PictureWatch
from teleop_studio.rig import CameraConfig
from tests.drivers.cameras.mjpeg_server import jpeg, noise

MS = 1_000_000
START_NS = 5_000 * MS
USB = CameraConfig("front", "usb", 64, 48, 30.0, device="serial:1:2:3")


class Feed:
    """A camera at `fps`, in a time of its own."""

    def __init__(self, camera: CameraConfig = USB) -> None:
        self.now_ns = START_NS
        self.watch = PictureWatch(camera, START_NS)
        self.report = CameraReport(camera.name)
        self.told: list[CameraState] = []
        self._number = 0

    def play(self, seconds: float, fps: float = 30.0, age_ms: float = 10.0, **shown: object) -> None:
        """Pictures that differ, or `rgb` or `encoded` again and again."""
        for _ in range(round(seconds * fps)):
            self.wait(1 / fps)
            self._number += 1
            rgb = shown.get("rgb", noise(self._number))
            image = CameraImage(self.now_ns - round(age_ms * MS), rgb, self._number, shown.get("encoded"))  # type: ignore[arg-type]
            self.watch.see(image, self.now_ns)

    def wait(self, seconds: float) -> None:
        """Time passes; it is looked at as often as the process does."""
        end_ns = self.now_ns + round(seconds * 1e9)
        while self.now_ns < end_ns:
            self.now_ns = min(end_ns, self.now_ns + 100 * MS)
            told = self.report.next(*self.watch.state(self.now_ns), self.now_ns)
            if told is not None:
                self.told.append(told)

    @property
    def state(self) -> str:
        return self.watch.state(self.now_ns)[0]

    @property
    def text(self) -> str:
        return self.watch.state(self.now_ns)[1]

    @property
    def notices(self) -> list[str]:
        return [told.notice.partition(".")[0] for told in self.told if told.notice]


@pytest.fixture
def feed() -> Feed:
    return Feed()


def test_a_camera_starts_and_is_well_and_nobody_is_disturbed(feed: Feed) -> None:
    assert feed.state == "starting"
    feed.play(10)
    assert [(told.state, told.notice) for told in feed.told] == [("ok", "")]


def test_a_camera_that_never_gives_a_picture_is_lost_after_five_seconds(feed: Feed) -> None:
    feed.wait(4.9)
    assert feed.state == "starting"
    feed.wait(0.2)
    assert (feed.state, feed.notices) == ("lost", ["Camera front gives no picture"])


def test_a_camera_that_stops_is_lost_within_a_second_and_its_return_is_said_with_how_long_it_took(feed: Feed) -> None:
    feed.play(3)
    feed.wait(0.9)
    assert feed.state == "ok"
    feed.wait(0.2)
    assert feed.state == "lost"
    feed.watch.gone("Camera front stopped giving pictures. Check its cable.")
    feed.wait(6)
    assert feed.text == "Camera front stopped giving pictures. Check its cable."
    feed.watch.opened(feed.now_ns)
    feed.play(2)
    assert feed.state == "ok"
    assert feed.notices == ["Camera front gives no picture any more", "Camera front is back after 6 s"]


def test_a_camera_that_is_frozen_is_told_after_a_second_of_equal_pictures(feed: Feed) -> None:
    feed.play(3)
    still = noise(0)
    feed.play(0.9, rgb=still)
    assert feed.state == "ok"
    feed.play(0.5, rgb=still)
    assert feed.state == "frozen"
    feed.play(0.2)
    assert (feed.state, feed.notices) == ("ok", ["Camera front is frozen", "Camera front is well again"])


def test_a_jpeg_that_comes_again_and_again_is_frozen_too(feed: Feed) -> None:
    content = jpeg(90)
    feed.play(2, encoded=content)
    assert feed.state == "frozen"
    feed.play(0.1, encoded=jpeg(91))
    assert feed.state == "ok"


@pytest.mark.parametrize(("fps", "pictures", "state"), [(2.0, 9, "ok"), (2.0, 12, "frozen"), (120.0, 100, "ok")])
def test_a_few_equal_pictures_or_a_short_time_of_them_are_no_fault(fps: float, pictures: int, state: str) -> None:
    feed = Feed(CameraConfig("front", "usb", 64, 48, fps, device="x"))
    feed.play(pictures / fps, fps, rgb=noise(1))
    assert feed.state == state


@pytest.mark.parametrize("level", [0, 16])
def test_a_black_picture_is_told_also_with_the_noise_of_a_sensor(feed: Feed, level: int) -> None:
    feed.play(1)
    dark = [
        np.clip(level + np.random.default_rng(k).normal(0, 2, (48, 64, 3)), 0, 255).astype(np.uint8) for k in range(40)
    ]
    for rgb in dark:
        feed.play(1 / 30, rgb=rgb)
    assert (feed.state, feed.notices) == ("black", ["Camera front is black"])


def test_a_dark_picture_with_something_in_it_is_not_black(feed: Feed) -> None:
    for k in range(60):
        rgb = (noise(k) // 20).astype(np.uint8)
        rgb[::16, ::32] = 120
        feed.play(1 / 30, rgb=rgb)
    assert feed.state == "ok"


def test_a_film_may_be_still_and_black(feed: Feed) -> None:
    film = Feed(CameraConfig("front", "video", 64, 48, 30.0, device="film.mp4"))
    film.play(5, rgb=np.zeros((48, 64, 3), np.uint8))
    assert film.state == "ok"


def test_pictures_that_come_late_are_told(feed: Feed) -> None:
    feed.play(2, age_ms=190)
    assert feed.state == "ok"
    feed.play(2, age_ms=250)
    assert (feed.state, feed.notices) == ("late", ["The pictures of camera front come late"])
    feed.play(0.1, age_ms=20)
    assert feed.state == "ok"


def test_a_camera_at_half_its_rate_is_told_with_what_was_asked_and_what_to_do(feed: Feed) -> None:
    feed.play(1.4, fps=15.0)
    assert feed.state == "slow"
    assert "It was asked for 64x48 at 30 pictures a second and gives 15.0." in feed.text
    assert "add light, or lock its exposure" in feed.text
    assert "put fps = 15" in feed.text
    feed.play(4)
    assert (feed.state, feed.notices) == ("ok", ["Camera front is slow", "Camera front is well again"])


@pytest.mark.parametrize(("fps", "state"), [(29.0, "ok"), (26.0, "ok"), (25.0, "slow")])
def test_a_camera_may_run_a_little_beside_its_rate(feed: Feed, fps: float, state: str) -> None:
    feed.play(6, fps=fps)
    assert feed.state == state


def test_a_camera_that_gives_more_than_it_was_asked_for_is_told(feed: Feed) -> None:
    feed.play(3)
    assert feed.watch.too_fast() == ""
    feed.play(3, fps=60.0)
    assert "gives 60 pictures a second, the rig file asks for 30" in feed.watch.too_fast()


def test_one_that_comes_and_goes_is_not_told_again_and_again(feed: Feed) -> None:
    for _ in range(8):
        feed.play(1)
        feed.wait(1.5)
    assert feed.notices == ["Camera front gives no picture any more", "Camera front is back after 0 s"]
    assert [told.state for told in feed.told][:4] == ["ok", "lost", "ok", "lost"]


def test_a_changed_reason_is_shown_but_is_no_news(feed: Feed) -> None:
    feed.watch.gone("Camera front is not plugged in. Plug it in.")
    feed.wait(3)
    feed.watch.gone("Camera front is in use by another program. Close it.")
    feed.wait(3)
    assert [told.text.partition(". ")[0] for told in feed.told] == [
        "Camera front is not plugged in",
        "Camera front is in use by another program",
    ]
    assert len(feed.notices) == 1
