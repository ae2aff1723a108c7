"""What the doctor says about ports, cameras and the servos on a port."""

from pathlib import Path

import pytest

from drivers.arms import ARMS
from drivers.cameras.identity import UsbCameraNode
from drivers.clock import ManualClock
from drivers.dynamixel.transport import MemoryTransport, Transport
from drivers.errors import PortMissing
from drivers.serial_ports import System
from drivers.sim.emulated_arm import emulated_arm
from teleop_studio.doctor_devices import check_cameras, check_serial_ports, servos_on


@pytest.fixture
def system(tmp_path: Path) -> System:
    """One USB serial port whose adapter waits 16 ms."""
    made = System(tmp_path / "dev", tmp_path / "sys", tmp_path / "proc")
    made.devices.mkdir()
    made.processes.mkdir()
    (made.devices / "ttyUSB0").touch()
    folder = made.sysfs / "class" / "tty" / "ttyUSB0" / "device"
    folder.mkdir(parents=True)
    (folder / "latency_timer").write_text("16\n")
    return made


def test_an_adapter_that_holds_bytes_back_is_reported(system: System) -> None:
    found = check_serial_ports(system)
    assert (found.ok, found.needed) == (False, False)
    assert found.text.endswith(
        "ttyUSB0: The adapter waits 16 ms before it hands bytes over, which slows every exchange."
    )
    timer = system.sysfs / "class/tty/ttyUSB0/device/latency_timer"
    assert str(timer) in found.remedy
    timer.write_text("1\n")
    assert check_serial_ports(system).text.endswith("ttyUSB0 can be opened")


def test_no_serial_port_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    found = check_serial_ports(System(tmp_path, tmp_path, tmp_path / "proc"))
    assert found.ok
    assert "only the simulated rig" in found.text


def test_cameras_are_listed_with_what_goes_into_a_rig_file() -> None:
    node = UsbCameraNode("/dev/video0", "C270", "046d", "0825", "1", "", 0, "serial:046d:0825:1")
    modes = ((640, 480, 30.0, "MJPG"),)
    assert check_cameras(lambda: [(node, modes, "")]).text == "C270 (serial:046d:0825:1, 1 modes)"
    closed = check_cameras(lambda: [(node, (), "The camera /dev/video0 may not be opened. Join the group video.")])
    assert (closed.ok, closed.needed, closed.remedy) == (False, False, "Join the group video.")
    assert check_cameras(list).ok


def test_the_servos_on_a_port_are_listed_by_baud_rate_with_what_is_odd() -> None:
    clock = ManualClock()
    line = emulated_arm(ARMS["koch-follower"], clock, wire_time=True)
    line.servo(2).poke("baud_rate", 1)
    line.faults.silence(6)

    def open_line(port: str, baud: int) -> Transport:
        line.baud = baud
        return MemoryTransport(line, clock, port)

    servos, said = servos_on("bench", open_line, clock)
    assert [servo.servo_id for servo in servos] == [1, 3, 4, 5, 2]
    assert said[:2] == [
        "1000000 baud: 1 xl430-w250, 3 xl330-m288, 4 xl330-m288, 5 xl330-m288",
        "57600 baud: 2 xl430-w250",
    ]
    assert said[2].startswith("servo 2 (shoulder_lift) answers at 57600, the others at 1000000 baud")
    assert said[3].startswith("Koch v1.1 follower lacks servo 6 (gripper)")


def test_a_port_that_does_not_exist_is_told() -> None:
    with pytest.raises(PortMissing, match="/dev/none"):
        servos_on("/dev/none")
