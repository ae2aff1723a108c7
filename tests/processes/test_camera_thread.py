"""One camera's thread keeps it going: it is opened again, by what it is, and nothing it does stops the others."""

import threading
from collections.abc import Iterator

import pytest

from drivers.clock import ManualClock
from drivers.errors import CameraMissing, CameraSilent
from teleop_studio.processes.camera_thread import CameraThread, close_all
from teleop_studio.processes.messages import CameraState, Warned
from teleop_studio.processes.rings import FrameRow, encoded_of, encoded_room, frame_dtype
from teleop_studio.processes.shared_ring import SharedRing
from teleop_studio.rig import CameraConfig
from tests.drivers.cameras.mjpeg_server import jpeg
from tests.processes.scripted_camera import Opener, ScriptedCamera, image

CONFIG = CameraConfig("front", "usb", 64, 48, device="port:here")
SILENT = CameraSilent("Camera front stopped giving pictures after 2. Check its cable.")


@pytest.fixture
def ring() -> Iterator[SharedRing]:
    ring = SharedRing.create("camera_thread", 8, (), frame_dtype(64, 48, encoded_room(CONFIG)))
    yield ring
    ring.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def states(thread: CameraThread) -> list[tuple[str, str]]:
    return [(news.state, news.text) for news in thread.look() if isinstance(news, CameraState)]


def sequences(ring: SharedRing) -> list[int]:
    items = [ring.read(index) for index in range(ring.written)]
    return [int(item[1]["sequence"]) for item in items if item is not None]


def test_pictures_go_into_the_ring_with_stamp_number_and_the_cameras_own_jpeg(
    ring: SharedRing, clock: ManualClock
) -> None:
    camera = ScriptedCamera(CONFIG)
    thread = CameraThread(CONFIG, ring, Opener(camera), clock)
    thread.start()
    camera.steps.put(image(0, 5))
    camera.steps.put(image(3, 7, encoded=jpeg(1)))
    camera.wait_for_read(3)
    assert sequences(ring) == [0, 3]
    newest = ring.latest()
    assert newest is not None
    assert (newest[1], encoded_of(newest[2])) == (7, jpeg(1))
    assert states(thread) == [("ok", "")]
    thread.close()


def test_a_lost_camera_is_said_and_opened_again_as_the_very_one_it_was(ring: SharedRing, clock: ManualClock) -> None:
    first, second = ScriptedCamera(CONFIG, device="port:here=1:2:A"), ScriptedCamera(CONFIG)
    missing = CameraMissing("Camera front is missing. Nothing is plugged in at here.")
    opener = Opener(first, missing, second)
    thread = CameraThread(CONFIG, ring, opener, clock)
    thread.start()
    first.steps.put(image(0))
    first.wait_for_read(2)
    assert states(thread) == [("ok", "")]
    first.steps.put(SILENT)
    assert first.closed.wait(20)
    assert states(thread) == [("lost", str(SILENT))]
    second.wait_for_read(1)
    clock.advance_ns(3_000_000_000)
    assert states(thread) == [("lost", str(missing))]
    second.steps.put(image(0))
    second.wait_for_read(2)
    (back,) = thread.look()
    assert (back.state, back.notice.partition(".")[0]) == ("ok", "Camera front is back after 3 s")
    assert [config.device for config in opener.opened] == ["port:here", "port:here=1:2:A", "port:here=1:2:A"]
    assert sequences(ring) == [0, 0]  # it counts anew, which shows a take that it was away
    thread.close()


def test_a_camera_that_can_not_be_opened_is_said_at_once(ring: SharedRing, clock: ManualClock) -> None:
    thread = CameraThread(CONFIG, ring, Opener(CameraMissing("Camera front is missing. Plug it in.")), clock)
    assert not thread.settled
    thread.start()
    assert thread._settled.wait(20)
    assert states(thread) == [("lost", "Camera front is missing. Plug it in.")]
    thread.close()


def test_an_error_that_nobody_expected_is_said_and_the_camera_is_opened_again(
    ring: SharedRing, clock: ManualClock
) -> None:
    first, second = ScriptedCamera(CONFIG), ScriptedCamera(CONFIG)
    thread = CameraThread(CONFIG, ring, Opener(first, second), clock)
    thread.start()
    first.steps.put(RuntimeError("assertion in a library"))
    assert first.closed.wait(20)
    (state,) = states(thread)
    assert state[0] == "lost"
    assert state[1].startswith("Camera front failed unexpectedly: RuntimeError: assertion in a library.")
    second.steps.put(image(0))
    second.wait_for_read(2)
    assert states(thread) == [("ok", "")]
    thread.close()


def test_what_a_camera_has_to_say_is_a_notice_once(ring: SharedRing, clock: ManualClock) -> None:
    first, second = (ScriptedCamera(CONFIG, remarks=("Camera front is a film. No camera sees the arm.",)) for _ in "ab")
    thread = CameraThread(CONFIG, ring, Opener(first, second), clock)
    thread.start()
    first.steps.put(image(0))
    first.wait_for_read(2)
    assert Warned("Camera front is a film. No camera sees the arm.") in thread.look()
    first.steps.put(SILENT)
    second.steps.put(image(0))
    second.wait_for_read(2)
    assert not [news for news in thread.look() if isinstance(news, Warned)]
    thread.close()


def test_a_driver_that_does_not_return_is_given_up_and_another_attempt_made(
    ring: SharedRing, clock: ManualClock
) -> None:
    stuck, second = ScriptedCamera(CONFIG), ScriptedCamera(CONFIG)
    thread = CameraThread(CONFIG, ring, Opener(stuck, second), clock)
    thread.start()
    release = threading.Event()
    stuck.steps.put(image(0))
    stuck.steps.put(release)
    stuck.wait_for_read(2)
    thread.look()
    clock.advance_ns(2_000_000_000)
    assert [state for state, _ in states(thread)] == ["lost"]
    clock.advance_ns(14_000_000_000)
    ((state, text),) = states(thread)
    assert (state, text.partition(":")[0]) == ("lost", "Camera front does not answer")
    second.steps.put(image(0))
    second.wait_for_read(2)
    assert states(thread) == [("ok", "")]
    release.set()  # the first one comes back at last: it lets go of its camera and touches nothing
    assert stuck.closed.wait(20)
    assert sequences(ring) == [0, 0]
    thread.close()


def test_a_driver_that_hangs_in_opening_is_given_up_and_lets_go_when_it_comes_back(
    ring: SharedRing, clock: ManualClock
) -> None:
    late, second, release = ScriptedCamera(CONFIG), ScriptedCamera(CONFIG), threading.Event()

    def slowly() -> ScriptedCamera:
        assert release.wait(20)
        return late

    opener = Opener(slowly, second)
    thread = CameraThread(CONFIG, ring, opener, clock)
    thread.start()
    while not thread._calling_ns:
        threading.Event().wait(0.001)
    clock.advance_ns(16_000_000_000)
    thread.look()
    second.steps.put(image(7))
    second.wait_for_read(2)
    release.set()
    assert late.closed.wait(20)
    assert sequences(ring) == [7]
    thread.close()


def test_after_it_is_closed_nothing_comes_into_the_ring(ring: SharedRing, clock: ManualClock) -> None:
    camera = ScriptedCamera(CONFIG)
    thread = CameraThread(CONFIG, ring, Opener(camera), clock)
    thread.start()
    camera.wait_for_read(1)
    thread.close()
    camera.steps.put(image(0))
    assert camera.closed.wait(20)
    assert ring.written == 0


def test_whoever_closes_all_cameras_learns_whether_one_still_hangs_in_its_driver(
    ring: SharedRing, clock: ManualClock
) -> None:
    hanging, release = ScriptedCamera(CONFIG), threading.Event()
    thread = CameraThread(CONFIG, ring, Opener(hanging), clock)
    thread.start()
    hanging.steps.put(release)
    hanging.wait_for_read(1)
    assert not close_all([thread], patience_s=0.01)
    release.set()
    assert close_all([thread], patience_s=20.0)
    assert hanging.closed.is_set()


def test_a_jpeg_that_does_not_fit_is_left_out_and_the_picture_kept(ring: SharedRing) -> None:
    row = FrameRow.of(CONFIG)
    ring.push(row.fill(0, image(0).rgb, bytes(1 << 20)), 1)
    newest = ring.latest()
    assert newest is not None
    assert encoded_of(newest[2]) == b""
    assert int(newest[2]["rgb"][0, 0, 0]) == 90
