"""A USB camera gives what it was asked for, or says what it gives instead. The captures are emulated."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.cameras.jpeg import STANDARD_TABLES, decode
from drivers.cameras.usb import UsbCamera
from drivers.clock import ManualClock
from drivers.errors import CameraBusy, CameraMissing, CameraRefused, CameraSilent
from teleop_studio.rig import CameraConfig
from tests.drivers.cameras.emulated_v4l2 import EmulatedDevice, UsbTree, capture_of
from tests.drivers.cameras.mjpeg_server import jpeg
from tests.drivers.cameras.test_jpeg import without_tables

MS = 1_000_000
SERIAL = "serial:046d:0825:A1B2"


class Desk:
    """A camera plugged in at port 1, and the clock of the program."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(10_000 * MS)
        self.usb = UsbTree(folder)
        self.path = self.usb.plug("1", 0, serial="A1B2")
        self.device = EmulatedDevice(self.clock)
        self.devices = {self.path: self.device}
        self.device.send(age_ms=5)

    def open(self, width: int = 64, height: int = 48, device: str = SERIAL, **settings: object) -> UsbCamera:
        config = CameraConfig("front", "usb", width, height, device=device, **settings)  # type: ignore[arg-type]
        return UsbCamera(config, self.clock, self.usb.sysfs, self.usb.dev, capture_of(self.devices))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_cameras_own_jpeg_comes_beside_its_picture(desk: Desk) -> None:
    camera = desk.open()
    assert (camera.width, camera.height, camera.fps, camera.format) == (64, 48, 30.0, "MJPG")
    assert (camera.device, camera.remarks) == (SERIAL, ())
    first = camera.read()
    assert first.encoded == jpeg(90)
    np.testing.assert_array_equal(first.rgb, decode(jpeg(90)))
    desk.device.send(without_tables(jpeg(40)) + bytes(500))
    second = camera.read()
    assert second.sequence == 1
    assert second.encoded is not None
    assert STANDARD_TABLES in second.encoded
    np.testing.assert_array_equal(second.rgb, decode(jpeg(40)))


def test_the_stamp_is_the_drivers_where_it_counts_in_our_clock(desk: Desk) -> None:
    camera = desk.open()
    camera.read()
    desk.clock.advance_ns(33 * MS)
    desk.device.send(age_ms=12)
    image = camera.read()
    assert image.driver_stamp
    assert image.stamp_ns == pytest.approx(desk.clock.now_ns() - 12 * MS, abs=1000)


@pytest.mark.parametrize("stamps", ["wall", "none"])
def test_a_driver_with_another_clock_is_not_believed_and_that_is_said(desk: Desk, stamps: str) -> None:
    desk.device.stamps = stamps
    camera = desk.open()
    image = camera.read()
    assert (image.stamp_ns, image.driver_stamp) == (desk.clock.now_ns(), False)
    (remark,) = camera.remarks
    assert remark.startswith("Camera front does not say when its pictures were taken. They carry the time at which")


def test_a_picture_that_the_camera_left_out_has_its_number(desk: Desk) -> None:
    camera = desk.open()
    for _ in range(20):
        desk.clock.advance_ns(33 * MS)
        desk.device.send()
    numbers = [camera.read().sequence]
    for skipped in (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0):
        desk.device.sent.clear()
        desk.clock.advance_ns(33 * MS * (1 + skipped))
        desk.device.send()
        numbers.append(camera.read().sequence)
    assert numbers == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14]


def test_a_damaged_picture_is_left_out_and_its_number_with_it(desk: Desk) -> None:
    camera = desk.open()
    camera.read()
    desk.device.send(jpeg(1)[:-300])
    desk.device.send(jpeg(2))
    image = camera.read()
    assert (image.sequence, image.encoded) == (2, jpeg(2))


def test_another_size_is_refused_with_the_lines_to_write(desk: Desk) -> None:
    with pytest.raises(CameraRefused, match=r"gives 64x48 px, the rig file asks for 640x480\. Put width = 64 and"):
        desk.open(640, 480)


def test_a_camera_that_sends_another_size_than_it_agreed_to_is_refused(desk: Desk) -> None:
    desk.device.sent.clear()
    desk.device.send(jpeg(1, 32, 24))
    with pytest.raises(CameraRefused, match="gives 32x24 px"):
        desk.open()


def test_another_rate_is_told(desk: Desk) -> None:
    desk.device.fps = (15.0,)
    (remark,) = desk.open().remarks
    assert remark.startswith("Camera front agreed to 15 pictures a second, not to 30.")


def test_a_camera_without_jpegs_gives_its_pictures_and_says_what_that_costs(desk: Desk) -> None:
    desk.device.formats = ("YUYV",)
    camera = desk.open()
    image = camera.read()
    assert image.encoded is None
    np.testing.assert_array_equal(image.rgb, decode(jpeg(90)))
    assert camera.remarks[0].startswith("Camera front makes no JPEGs at 64x48 but sends YUYV.")


def test_a_format_that_was_asked_for_is_given_or_refused(desk: Desk) -> None:
    assert desk.open(options={"format": "YUYV"}).read().encoded is None
    with pytest.raises(CameraRefused, match=r"does not give NV12 at 64x48, but MJPG\. Correct format"):
        desk.open(options={"format": "NV12"})
    with pytest.raises(CameraRefused, match=r"no option 'codec'\. Known: format"):
        desk.open(options={"codec": "MJPG"})


def test_a_camera_that_stops_is_reported_with_what_to_do(desk: Desk) -> None:
    camera = desk.open()
    camera.read()
    with pytest.raises(CameraSilent, match=r"Camera front stopped giving pictures after 1\. Check its cable"):
        camera.read()


def test_a_camera_that_sends_only_damage_is_silent_after_two_seconds(desk: Desk) -> None:
    camera = desk.open()
    camera.read()
    for _ in range(5):
        desk.device.send(b"\xff\xd8 nothing")

    class Waiting:
        def now_ns(self) -> int:
            desk.clock.advance_ns(700 * MS)
            return desk.clock.now_ns()

    camera._clock = Waiting()  # type: ignore[assignment]
    with pytest.raises(CameraSilent, match=r"stopped giving pictures after 4\. The last ones were damaged: it has"):
        camera.read()


def test_a_camera_that_another_program_has_is_busy(desk: Desk) -> None:
    desk.device.busy = True
    with pytest.raises(CameraBusy, match=r"Camera front can not be opened\. .*in use by another program"):
        desk.open()


def test_a_camera_that_is_not_plugged_in_is_missing(desk: Desk) -> None:
    with pytest.raises(CameraMissing, match=r"front is not plugged in\. No camera 1:2 shows serial number X"):
        desk.open(device="serial:1:2:X")
    with pytest.raises(CameraMissing, match=r"front is not plugged in\. There is no /dev/v4l/by-id/none"):
        desk.open(device="/dev/v4l/by-id/none")


def test_a_camera_named_by_its_port_is_known_from_then_on(desk: Desk) -> None:
    camera = desk.open(device="port:0000:00:14.0/usb2/1")
    camera.close()
    camera.close()
    desk.usb.unplug("1")
    desk.devices[desk.usb.plug("1", 0, serial="OTHER")] = desk.device
    with pytest.raises(CameraRefused, match=r"Another camera is plugged in where camera front was\. .*046d:0825:A1B2"):
        desk.open(device=camera.device)


def test_a_replugged_camera_is_opened_under_its_new_number(desk: Desk) -> None:
    camera = desk.open()
    desk.usb.unplug("1")
    desk.devices = {desk.usb.plug("2", 5, serial="A1B2"): desk.device}
    desk.device.send()
    assert desk.open(device=camera.device).read().sequence == 0


def test_exposure_white_balance_and_focus_are_locked_and_read_back(desk: Desk) -> None:
    camera = desk.open(exposure=200, white_balance=3500)
    assert camera.remarks == ()
    assert desk.device.controls == {
        cv2.CAP_PROP_AUTO_EXPOSURE: 1.0,
        cv2.CAP_PROP_EXPOSURE: 200.0,
        cv2.CAP_PROP_AUTO_WB: 0.0,
        cv2.CAP_PROP_WB_TEMPERATURE: 3500.0,
    }


def test_what_another_program_locked_is_automatic_again(desk: Desk) -> None:
    desk.device.controls[cv2.CAP_PROP_AUTO_EXPOSURE] = 1.0
    desk.open()
    assert desk.device.controls[cv2.CAP_PROP_AUTO_EXPOSURE] == 3.0


def test_a_value_that_the_camera_does_not_take_is_told(desk: Desk) -> None:
    desk.device.stubborn = {cv2.CAP_PROP_AUTO_WB}
    said = desk.open(exposure=5000, white_balance=3500, focus=30).remarks
    assert [remark.partition(". ")[0] for remark in said] == [
        "Camera front did not take exposure = 5000: it says 2047",
        "Camera front did not take white_balance = 3500: it goes on choosing it by itself",
        "Camera front did not take focus = 30: it has no such control",
    ]
    assert all("Correct" in remark for remark in said)
