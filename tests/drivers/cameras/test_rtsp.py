"""A camera that speaks RTSP, asked over a real connection by OpenCV's FFmpeg."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest

from drivers.cameras import Camera, open_camera
from drivers.cameras.jpeg import decode
from drivers.clock import MonotonicClock
from drivers.errors import CameraMissing, CameraRefused, CameraSilent
from teleop_studio.rig import CameraConfig
from tests.drivers.cameras.mjpeg_server import jpeg
from tests.drivers.cameras.rtsp_server import RtspServer


@pytest.fixture
def server() -> Iterator[RtspServer]:
    server = RtspServer()
    yield server
    server.stop()


def settings(server: RtspServer, width: int = 64, height: int = 48, **options: object) -> CameraConfig:
    return CameraConfig("front", "network", width, height, device=server.address, options=options)


class Pictures:
    """A sender at 50 pictures a second, each brighter than the last, until it is told to stop."""

    def __init__(self, server: RtspServer) -> None:
        self._server, self._over = server, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Pictures":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        self._server.playing.wait(10)
        level = 0
        while not self._over.wait(0.02):
            self._server.send(jpeg(level % 200, subsampling="420"))
            level += 1


def read_all(camera: Camera) -> None:
    """Those that are on their way, and what comes then."""
    for _ in range(300):
        camera.read()


@pytest.mark.alone
def test_pictures_come_in_order_with_the_time_of_their_arrival(server: RtspServer) -> None:
    with Pictures(server):
        camera = open_camera(settings(server), MonotonicClock())
        assert (camera.width, camera.height) == (64, 48)
        images = [camera.read() for _ in range(10)]
        now_ns = MonotonicClock().now_ns()
    camera.close()
    camera.close()
    assert [image.sequence for image in images] == list(range(10))
    levels = [float(image.rgb[:, 0].mean()) for image in images]
    assert all(0.3 < after - before < 1.7 for before, after in pairwise(levels))
    assert abs(levels[0] - float(decode(jpeg(round(levels[0]), subsampling="420"))[:, 0].mean())) < 3
    assert all(before.stamp_ns < after.stamp_ns < now_ns for before, after in pairwise(images))
    assert images[0].encoded is None
    assert "PLAY" in server.asked


@pytest.mark.alone
def test_a_stream_that_ends_is_said(server: RtspServer) -> None:
    with Pictures(server):
        camera = open_camera(settings(server), MonotonicClock())
        camera.read()
        server.hang_up()
        with pytest.raises(CameraSilent, match=r"front stopped giving pictures after \d+\. Check that rtsp://127"):
            read_all(camera)


@pytest.mark.alone
def test_another_size_is_refused_with_the_lines_to_write(server: RtspServer) -> None:
    with (
        Pictures(server),
        pytest.raises(CameraRefused, match=r"gives 64x48 px, the rig file asks for 640x480\. Put width = 64"),
    ):
        open_camera(settings(server, 640, 480), MonotonicClock())


def test_nobody_at_the_address_is_a_missing_camera_and_no_password_is_shown(server: RtspServer) -> None:
    server.stop()
    address = server.address.replace("//", "//eye:secret@")
    config = CameraConfig("front", "network", 64, 48, device=address)
    with pytest.raises(CameraMissing, match=r"front gives no stream at rtsp://127\.0\.0\.1:") as caught:
        open_camera(config, MonotonicClock())
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_a_camera_that_answers_and_sends_no_picture_is_missing_after_five_seconds(server: RtspServer) -> None:
    with pytest.raises(CameraMissing, match="front gives no stream at rtsp://"):
        open_camera(settings(server), MonotonicClock())
    assert "PLAY" in server.asked


def test_an_unknown_transport_is_refused(server: RtspServer) -> None:
    with pytest.raises(CameraRefused, match=r"transport = 'pigeon' in its options\. Known: tcp, udp"):
        open_camera(settings(server, transport="pigeon"), MonotonicClock())
