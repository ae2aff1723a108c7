"""A network camera, asked over a real connection: what it sends is passed on, what it does wrong is said."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from drivers.cameras import Camera, open_camera
from drivers.cameras.jpeg import decode
from drivers.clock import MonotonicClock
from drivers.errors import CameraMissing, CameraRefused, CameraSilent
from teleop_studio.rig import CameraConfig
from tests.drivers.cameras.mjpeg_server import MjpegServer, jpeg


@pytest.fixture(params=[True, False], ids=["with length", "without length"])
def server(request: pytest.FixtureRequest) -> Iterator[MjpegServer]:
    server = MjpegServer(with_length=request.param)
    yield server
    server.stop()


@pytest.fixture
def plain() -> Iterator[MjpegServer]:
    server = MjpegServer()
    yield server
    server.stop()


def settings(server: MjpegServer, **options: object) -> CameraConfig:
    return CameraConfig("front", "network", 64, 48, device=server.address, options={"timeout_s": 5.0, **options})


def opened(server: MjpegServer, *pictures: bytes, **options: object) -> Camera:
    """The camera, whose first picture is the last of `pictures` that had arrived."""

    def send() -> None:
        assert server.connected.acquire(timeout=10)
        for picture in pictures:
            server.send(picture)
        if not server.with_length:
            server.send_raw(b"--picture\r\n")  # only the next boundary shows that a picture is whole

    sender = threading.Thread(target=send)
    sender.start()
    camera = open_camera(settings(server, **options), MonotonicClock())
    sender.join()
    return camera


def test_pictures_are_the_senders_own_files_and_what_they_show(server: MjpegServer) -> None:
    camera = opened(server, jpeg(10))
    assert (camera.width, camera.height, camera.remarks) == (64, 48, ())
    first = camera.read()
    assert first.encoded == jpeg(10)
    np.testing.assert_array_equal(first.rgb, decode(jpeg(10)))
    for sequence in range(1, 5):
        server.send(jpeg(10 * sequence))
        if not server.with_length:
            server.send_raw(b"--picture\r\n")
        before_ns = MonotonicClock().now_ns()
        image = camera.read()
        assert (image.sequence, image.encoded, image.driver_stamp) == (sequence, jpeg(10 * sequence), False)
        assert before_ns <= image.stamp_ns <= MonotonicClock().now_ns()
    camera.close()
    camera.close()


def test_of_several_pictures_that_have_arrived_the_newest_is_taken_and_the_others_are_counted(
    plain: MjpegServer,
) -> None:
    camera = opened(plain, jpeg(0))
    camera.read()
    plain.send_raw(b"".join(plain.part(jpeg(level)) for level in range(1, 9)))
    seen = [camera.read()]
    while seen[-1].sequence < 8:
        seen.append(camera.read())
    assert seen[-1].encoded == jpeg(8)
    assert len(seen) < 8  # they came in one go: at most the first was taken before the others
    assert [image.encoded for image in seen] == [jpeg(image.sequence) for image in seen]


def test_a_damaged_picture_is_left_out_and_its_number_with_it(plain: MjpegServer) -> None:
    camera = opened(plain, jpeg(1))
    camera.read()
    plain.send(jpeg(2)[:-200] + b"\xff\xd9")
    plain.send(b"no picture at all")
    plain.send(jpeg(3))
    image = camera.read()
    assert (image.sequence, image.encoded) == (3, jpeg(3))


def test_a_stream_that_ends_is_said(plain: MjpegServer) -> None:
    camera = opened(plain, jpeg(1))
    camera.read()
    plain.hang_up()
    with pytest.raises(CameraSilent, match=r"front stopped giving pictures after 1: the sender ended the stream"):
        camera.read()


def test_a_sender_that_stalls_in_the_middle_of_a_picture_is_not_waited_for(plain: MjpegServer) -> None:
    camera = opened(plain, jpeg(1), timeout_s=0.2)
    camera.read()
    plain.send_raw(plain.part(jpeg(2))[:400])
    with pytest.raises(CameraSilent, match=r"none was complete within 0\.2 s"):
        camera.read()


def test_damaged_pictures_alone_are_no_pictures(plain: MjpegServer) -> None:
    camera = opened(plain, jpeg(1), timeout_s=0.2)
    camera.read()
    plain.send(b"rubbish")
    with pytest.raises(CameraSilent, match=r"stopped giving pictures"):
        camera.read()


@pytest.mark.parametrize("sent", [b"--picture\r\nContent-Length: 99999999\r\n\r\n", bytes(1 << 16)])
def test_a_sender_that_would_fill_the_memory_is_left(plain: MjpegServer, sent: bytes) -> None:
    camera = opened(plain, jpeg(1))
    camera.read()
    plain.send_raw(sent)
    with pytest.raises(CameraSilent, match=r"it sent .* bytes, more than"):
        camera.read()


def test_another_size_is_refused_with_the_lines_to_write(plain: MjpegServer) -> None:
    with pytest.raises(CameraRefused, match=r"gives 32x16 px, the rig file asks for 64x48\. Put width = 32 and"):
        opened(plain, jpeg(1, 32, 16))


def test_a_camera_that_changes_its_size_is_refused(plain: MjpegServer) -> None:
    camera = opened(plain, jpeg(1))
    camera.read()
    plain.send(jpeg(1, 128, 96))
    with pytest.raises(CameraRefused, match="gives 128x96 px"):
        camera.read()


@pytest.mark.parametrize(
    ("status", "content_type", "why"),
    [
        (404, "text/html", r"gives no stream\. .* answers 404 Not Found"),
        (401, "text/html", r"wants a name and a password\. .* answers 401"),
        (200, "text/html", r"gives no Motion JPEG\. .* answers with text/html"),
        (200, "image/jpeg", r"gives no Motion JPEG\. .* answers with image/jpeg"),
        (200, "multipart/x-mixed-replace", r"gives no Motion JPEG"),
    ],
)
def test_another_answer_is_told(plain: MjpegServer, status: int, content_type: str, why: str) -> None:
    plain.status, plain.content_type = status, content_type
    with pytest.raises(CameraRefused, match=why):
        open_camera(settings(plain), MonotonicClock())


def test_nobody_at_the_address_is_a_missing_camera(plain: MjpegServer) -> None:
    plain.stop()
    with pytest.raises(CameraMissing, match=r"front does not answer at http://127\.0\.0\.1:\d+/stream: .*refused"):
        open_camera(settings(plain), MonotonicClock())


def test_name_and_password_are_sent_and_never_shown(plain: MjpegServer) -> None:
    plain.status = 403
    config = CameraConfig("front", "network", 64, 48, device=plain.address.replace("//", "//eye:a%20b@"))
    with pytest.raises(CameraRefused, match="wants a name and a password") as caught:
        open_camera(config, MonotonicClock())
    assert plain.requests[0]["Authorization"] == "Basic ZXllOmEgYg=="  # eye:a b
    assert "a%20b" not in str(caught.value)


def test_a_redirection_is_followed(plain: MjpegServer) -> None:
    plain.status, plain.headers = 302, {"Location": "/elsewhere"}
    with pytest.raises(CameraRefused, match="answers 302"):
        open_camera(settings(plain), MonotonicClock())
    assert [request["path"] for request in plain.requests] == ["/stream", *["/elsewhere"] * 3]


def test_an_address_of_another_kind_and_an_unknown_option_are_refused(plain: MjpegServer) -> None:
    config = CameraConfig("front", "network", 64, 48, device="ftp://camera/")
    with pytest.raises(CameraRefused, match=r"begins with 'ftp'\. Give one that begins with http"):
        open_camera(config, MonotonicClock())
    with pytest.raises(CameraRefused, match=r"no option 'speed'\. Known: timeout_s"):
        open_camera(settings(plain, speed=2), MonotonicClock())
