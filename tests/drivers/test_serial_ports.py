"""The list of ports, on folders that look like those of a kernel."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.serial_ports import System, find_ports, holders, latency_ms

AddPort = Callable[..., Path]


@pytest.fixture
def system(tmp_path: Path) -> System:
    made = System(tmp_path / "dev", tmp_path / "sys", tmp_path / "proc")
    (made.devices / "serial" / "by-id").mkdir(parents=True)
    (made.sysfs / "class" / "tty").mkdir(parents=True)
    made.processes.mkdir()
    return made


@pytest.fixture
def add_port(system: System) -> AddPort:
    """A USB adapter as the kernel shows it: usb device > interface > ttyUSB0, linked from class/tty."""

    def add(name: str, by_id: str = "", serial: str = "", latency: int | None = None) -> Path:
        usb = system.sysfs / "devices" / "usb1" / f"1-{name[-1]}"
        node = usb / f"1-{name[-1]}:1.0" / name
        node.mkdir(parents=True)
        words = {"idVendor": "0403", "manufacturer": "FTDI", "product": "USB <-> Serial", "serial": serial}
        for key, text in words.items():
            (usb / key).write_text(f"{text}\n")
        if latency is not None:
            (node / "latency_timer").write_text(f"{latency}\n")
        (system.sysfs / "class" / "tty" / name).mkdir()
        (system.sysfs / "class" / "tty" / name / "device").symlink_to(node)
        device = system.devices / name
        device.write_text("")
        if by_id:
            (system.devices / "serial" / "by-id" / by_id).symlink_to(device)
        return device

    return add


def run_program(system: System, pid: int, name: str, *opened: Path) -> None:
    folder = system.processes / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    for number, path in enumerate(opened):
        (folder / "fd" / str(number)).symlink_to(path)


def test_a_port_has_the_name_that_survives_replugging_and_says_what_it_is(system: System, add_port: AddPort) -> None:
    add_port("ttyUSB0", by_id="usb-FTDI_USB_-_Serial_FT4TFNTE-if00-port0", serial="FT4TFNTE", latency=1)
    (port,) = find_ports(system)
    assert port.path == str(system.devices / "serial/by-id/usb-FTDI_USB_-_Serial_FT4TFNTE-if00-port0")
    assert port.device == str(system.devices / "ttyUSB0")
    assert (port.title, port.serial, port.latency_ms) == ("FTDI USB <-> Serial", "FT4TFNTE", 1)
    assert (port.problem, port.warning) == ("", "")


def test_a_slow_ftdi_adapter_is_warned_of_with_the_line_that_cures_it(system: System, add_port: AddPort) -> None:
    device = add_port("ttyUSB1", latency=16)
    (port,) = find_ports(system)
    assert port.warning.startswith("The adapter waits 16 ms before it hands bytes over")
    assert f"echo 1 | sudo tee {system.sysfs}/class/tty/ttyUSB1/device/latency_timer" in port.warning
    assert latency_ms(str(device), system) == 16
    add_port("ttyACM0")
    assert latency_ms("/dev/ttyACM0", system) is None


def test_a_port_without_permission_is_told_with_the_group_to_join(system: System, add_port: AddPort) -> None:
    add_port("ttyACM0")
    (port,) = find_ports(replace(system, may_open=lambda _path, _mode: False))
    assert port.problem.startswith("No permission for ")
    assert "sudo usermod -aG " in port.problem


def test_the_program_that_has_a_port_is_named_and_left_alone(system: System, add_port: AddPort) -> None:
    device = add_port("ttyACM0")
    run_program(system, 4711, "dynamixel_wizar", device)
    run_program(system, 4712, "bash", system.devices / "null")
    assert holders(str(device), system) == [(4711, "dynamixel_wizar")]
    (port,) = find_ports(system)
    assert port.problem.endswith(
        "ttyACM0 is in use by dynamixel_wizar (process 4711). Close that program; two programs on one line disturb "
        "each other."
    )


def test_modem_manager_is_known_for_what_it_does(system: System, add_port: AddPort) -> None:
    device = add_port("ttyACM0")
    run_program(system, 50, "ModemManager")
    (port,) = find_ports(system)
    assert port.problem == ""
    assert port.warning.startswith("ModemManager runs here and talks to new serial ports")
    run_program(system, 51, "ModemManager", device)
    (port,) = find_ports(system)
    assert "ModemManager (process 51) is trying out" in port.problem
    assert "ID_MM_DEVICE_IGNORE" in port.problem


def test_two_adapters_without_serial_numbers_keep_their_kernel_names(system: System, add_port: AddPort) -> None:
    add_port("ttyUSB0")
    add_port("ttyUSB1")
    assert [port.path for port in find_ports(system)] == [str(system.devices / name) for name in ("ttyUSB0", "ttyUSB1")]


def test_nothing_plugged_in_is_an_empty_list(system: System) -> None:
    assert find_ports(system) == []
