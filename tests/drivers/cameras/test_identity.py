"""A camera is found by what it is, under whatever number; another one is never taken for it."""

from pathlib import Path

import pytest

from drivers.cameras.identity import UsbCameraNode, find_usb, usb_cameras
from drivers.errors import CameraMissing, CameraRefused
from tests.drivers.cameras.emulated_v4l2 import CONTROLLER, UsbTree

PORT_1, PORT_2 = f"port:{CONTROLLER}/usb2/1", f"port:{CONTROLLER}/usb2/2"


@pytest.fixture
def usb(tmp_path: Path) -> UsbTree:
    return UsbTree(tmp_path)


def found(usb: UsbTree, device: str) -> UsbCameraNode:
    return find_usb("wrist", device, usb.sysfs, usb.dev)


def devices(usb: UsbTree) -> list[str]:
    return [node.device for node in usb_cameras(usb.sysfs, usb.dev)]


def test_each_camera_is_listed_once_with_what_names_it_best(usb: UsbTree) -> None:
    usb.plug("1", 0, serial="A1B2", title="Logitech C920")
    usb.plug("2.4", 2, model="05a3:9230", title="USB Camera")
    first, second = usb_cameras(usb.sysfs, usb.dev)
    assert (first.device, first.path, first.title) == (
        "serial:046d:0825:A1B2",
        str(usb.dev / "video0"),
        "Logitech C920",
    )
    assert second.device == f"port:{CONTROLLER}/usb2/2.4=05a3:9230"
    assert second.path == str(usb.dev / "video2")


def test_a_machine_without_cameras_or_without_sysfs_has_none(usb: UsbTree, tmp_path: Path) -> None:
    assert usb_cameras(usb.sysfs, usb.dev) == []
    assert usb_cameras(tmp_path / "nothing", usb.dev) == []


def test_a_camera_that_is_not_on_usb_is_not_listed(usb: UsbTree) -> None:
    place = usb.sysfs / "devices" / "virtual" / "video4linux" / "video9"
    place.mkdir(parents=True)
    (place / "index").write_text("0\n")
    (usb.sysfs / "class" / "video4linux" / "video9").symlink_to(place)
    assert usb_cameras(usb.sysfs, usb.dev) == []


def test_a_replugged_camera_is_found_under_its_new_number_and_at_another_port(usb: UsbTree) -> None:
    usb.plug("1", 0, serial="A1B2")
    assert found(usb, "serial:046d:0825:A1B2").path.endswith("video0")
    usb.unplug("1")
    usb.plug("3", 7, serial="A1B2")
    assert found(usb, "serial:046d:0825:A1B2").path.endswith("video7")


def test_a_camera_that_is_not_there_is_missing_and_those_that_are_there_are_listed(usb: UsbTree) -> None:
    usb.plug("1", 0, model="05a3:9230", title="USB Camera")
    with pytest.raises(
        CameraMissing, match=r"wrist is not plugged in\. No camera 046d:0825 shows serial number A1B2\. .*USB Camera"
    ):
        found(usb, "serial:046d:0825:A1B2")


def test_another_camera_of_the_same_model_is_named_but_not_taken(usb: UsbTree) -> None:
    usb.plug("1", 0, serial="OTHER")
    with pytest.raises(CameraMissing, match=r"Another one of the same model is, .*OTHER\), but is not taken"):
        found(usb, "serial:046d:0825:A1B2")


def test_two_cameras_that_show_the_same_serial_number_are_named_by_their_ports(usb: UsbTree) -> None:
    """Many cheap cameras all show the same one."""
    usb.plug("1", 0, serial="SN0001")
    usb.plug("2", 2, serial="SN0001")
    assert devices(usb) == [f"{PORT_1}=046d:0825", f"{PORT_2}=046d:0825"]
    with pytest.raises(CameraRefused, match=r"can not be told from its twin\. 2 cameras show .*Name the port instead"):
        found(usb, "serial:046d:0825:SN0001")
    assert found(usb, f"{PORT_2}=046d:0825").path.endswith("video2")


def test_a_port_without_a_model_takes_whatever_is_plugged_in_there(usb: UsbTree) -> None:
    usb.plug("1", 4)
    assert found(usb, PORT_1).path.endswith("video4")


def test_another_camera_at_the_port_is_refused(usb: UsbTree) -> None:
    usb.plug("1", 0, model="05a3:9230", title="USB Camera")
    with pytest.raises(CameraRefused, match=r"Another camera is plugged in where camera wrist was\. .*USB Camera"):
        found(usb, f"{PORT_1}=046d:0825")


def test_another_one_of_the_same_model_at_the_port_is_refused_when_its_serial_number_is_known(usb: UsbTree) -> None:
    usb.plug("1", 0, serial="OTHER")
    with pytest.raises(CameraRefused, match=r"the rig knows 046d:0825:A1B2"):
        found(usb, f"{PORT_1}=046d:0825:A1B2")


def test_a_camera_moved_to_another_port_is_seen_there_but_not_taken(usb: UsbTree) -> None:
    usb.plug("2", 0)
    with pytest.raises(CameraMissing, match=r"Nothing is plugged in at .*/1\. A camera like it is at another port"):
        found(usb, f"{PORT_1}=046d:0825")


def test_an_empty_port_is_said_with_what_else_there_is(usb: UsbTree) -> None:
    with pytest.raises(CameraMissing, match=r"Nothing is plugged in at .*/1\. Plugged in are: no cameras"):
        found(usb, PORT_1)


def test_the_cameras_of_one_device_are_told_apart_by_their_interface(usb: UsbTree) -> None:
    """A depth camera shows its colour and its infrared picture as two."""
    usb.plug("1", 0, serial="D435", interfaces=(0, 3))
    assert devices(usb) == ["serial:046d:0825:D435@0", "serial:046d:0825:D435@3"]
    assert found(usb, "serial:046d:0825:D435@3").path.endswith("video2")
    assert found(usb, f"{PORT_1}@0").path.endswith("video0")
    with pytest.raises(CameraRefused, match=r"is one of several at .*Say which: device = 'port:.*@0'"):
        found(usb, PORT_1)


def test_the_two_root_hubs_of_a_controller_have_ports_of_their_own(usb: UsbTree) -> None:
    usb.plug("1", 0, bus=1)
    usb.plug("1", 2, bus=2, version=" 3.00", model="05a3:9230")
    assert devices(usb) == [f"{PORT_1}=046d:0825", f"port:{CONTROLLER}/usb3/1=05a3:9230"]


def test_what_pins_a_camera_finds_it_and_nothing_else(usb: UsbTree) -> None:
    usb.plug("1", 0, serial="A1B2")
    pinned = usb_cameras(usb.sysfs, usb.dev)[0].pinned
    assert found(usb, pinned).path.endswith("video0")
    usb.unplug("1")
    usb.plug("1", 0, serial="OTHER")
    with pytest.raises(CameraRefused, match="Another camera is plugged in"):
        found(usb, pinned)


@pytest.mark.parametrize("device", ["video0", "serial:046d:0825", "port:", "usb:1-2", ""])
def test_what_names_no_camera_is_refused(usb: UsbTree, device: str) -> None:
    with pytest.raises(CameraRefused, match=r"names no USB camera\. Give its serial number"):
        found(usb, device)
