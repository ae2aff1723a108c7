import os
import pty
import re
import socket
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.clock import ManualClock
from drivers.dynamixel.transport import (
    FileDescriptorTransport,
    MemoryTransport,
    SerialTransport,
    open_transport,
    stable_path,
)
from drivers.errors import BusError, PortBusy, PortLost, PortMissing
from drivers.sim.emulated_bus import EmulatedBus

SOON_NS = 5_000_000
LONG_NS = 2_000_000_000


@pytest.fixture
def pair() -> Iterator[tuple[FileDescriptorTransport, socket.socket]]:
    near, far = socket.socketpair()
    line = FileDescriptorTransport(near.detach(), "the test line")
    yield line, far
    line.close()
    far.close()


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """(master descriptor, path of the port)."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def soon() -> int:
    return time.monotonic_ns() + SOON_NS


def test_a_read_returns_as_soon_as_the_bytes_are_there(pair: tuple[FileDescriptorTransport, socket.socket]) -> None:
    line, far = pair
    far.send(b"abc")
    far.send(b"def")
    start_ns = time.monotonic_ns()
    assert line.read(5, start_ns + LONG_NS) == b"abcde"
    assert time.monotonic_ns() - start_ns < LONG_NS
    assert line.read(5, soon()) == b"f"


def test_a_read_past_its_deadline_still_takes_what_is_there(
    pair: tuple[FileDescriptorTransport, socket.socket],
) -> None:
    line, far = pair
    far.send(b"abc")
    assert line.read(3, time.monotonic_ns() - 1) == b"abc"
    assert line.read(3, time.monotonic_ns() - 1) == b""


def test_flushed_input_is_gone(pair: tuple[FileDescriptorTransport, socket.socket]) -> None:
    line, far = pair
    far.send(b"old")
    line.flush_input()
    far.send(b"new")
    assert line.read(3, soon()) == b"new"


def test_a_line_whose_other_end_is_gone_is_lost(pair: tuple[FileDescriptorTransport, socket.socket]) -> None:
    line, far = pair
    far.close()
    for call in (lambda: line.read(1, soon()), lambda: line.write(b"x"), line.flush_input):
        with pytest.raises(PortLost, match="The connection to the test line was lost"):
            call()


def test_a_closed_line_is_lost_and_closes_twice(pair: tuple[FileDescriptorTransport, socket.socket]) -> None:
    line, _ = pair
    line.close()
    line.close()
    for call in (lambda: line.read(1, soon()), lambda: line.write(b"x"), line.flush_input):
        with pytest.raises(PortLost, match=r"the test line was lost \(it was closed\)"):
            call()


def test_a_line_that_takes_no_bytes_does_not_block_for_ever(
    pair: tuple[FileDescriptorTransport, socket.socket],
) -> None:
    line, _ = pair
    with pytest.raises(PortLost, match="it takes no more bytes"):
        line.write(bytes(50_000_000))


def test_a_serial_port_carries_bytes_both_ways(terminal: tuple[int, str]) -> None:
    master, path = terminal
    port = SerialTransport(path, 1_000_000)
    port.write(b"\xff\xff\xfd\x00\r\n")
    assert os.read(master, 100) == b"\xff\xff\xfd\x00\r\n"
    os.write(master, b"\x11\x13\x03")
    assert port.read(3, time.monotonic_ns() + LONG_NS) == b"\x11\x13\x03"
    assert port.name == path
    port.close()


def test_the_program_that_has_the_port_is_named(terminal: tuple[int, str]) -> None:
    _, path = terminal
    lock = "import fcntl,sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", lock, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(PortBusy, match=rf"uses the port {path}: python\S* \(process {other.pid}\). Close it, then"):
            SerialTransport(path, 1_000_000)
        other.communicate(b"")


def test_a_port_can_be_opened_once_only(terminal: tuple[int, str]) -> None:
    _, path = terminal
    port = SerialTransport(path, 1_000_000)
    with pytest.raises(PortBusy, match=f"Another program uses the port {path}"):
        SerialTransport(path, 1_000_000)
    port.close()
    SerialTransport(path, 1_000_000).close()


def test_a_missing_port_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "ttyUSB7")
    with pytest.raises(PortMissing, match=re.escape(f"The port {missing} can not be opened: No such file")):
        SerialTransport(missing, 1_000_000)


def test_something_that_is_no_port_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(BusError, match=re.escape(str(path))):
        SerialTransport(str(path), 1_000_000)


def test_a_port_is_opened_again_by_the_name_that_outlives_a_replug(tmp_path: Path) -> None:
    device, other = tmp_path / "ttyUSB0", tmp_path / "ttyUSB1"
    names = tmp_path / "by-id"
    names.mkdir()
    for path in (device, other):
        path.write_text("")
    (names / "usb-FTDI_A").symlink_to(other)
    (names / "usb-FTDI_B").symlink_to(device)
    assert stable_path(str(device), names) == str(names / "usb-FTDI_B")
    assert stable_path(str(tmp_path / "ttyS0"), names) == str(tmp_path / "ttyS0")
    assert stable_path(str(device), tmp_path / "none") == str(device)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def url_of(server: socket.socket) -> str:
    return f"socket://127.0.0.1:{server.getsockname()[1]}"


def test_an_address_is_a_line_without_waiting_for_more_bytes(listener: socket.socket) -> None:
    line = open_transport(url_of(listener), 1_000_000, ManualClock())
    far, _ = listener.accept()
    line.write(b"to the servos")
    assert far.recv(100) == b"to the servos"
    far.send(b"back")
    assert line.read(4, time.monotonic_ns() + LONG_NS) == b"back"
    assert line.name == url_of(listener)
    far.close()
    with pytest.raises(PortLost, match=f"The connection to {url_of(listener)} was lost"):
        line.read(1, soon())
    line.close()


@pytest.mark.parametrize("address", ["socket://", "socket://here", "socket://:7000", "socket://here:x"])
def test_an_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(PortMissing, match=f"{address} is no address. Write socket://host:port"):
        open_transport(address, 1_000_000, ManualClock())


def test_an_address_where_nobody_answers_is_named(listener: socket.socket) -> None:
    url = url_of(listener)
    listener.close()
    with pytest.raises(PortMissing, match=f"Nobody answers at {url}: .*refused"):
        open_transport(url, 1_000_000, ManualClock())


def test_a_line_in_memory_and_a_device_are_opened_by_the_same_call(terminal: tuple[int, str]) -> None:
    clock = ManualClock()
    assert isinstance(open_transport(EmulatedBus([], clock), 1_000_000, clock), MemoryTransport)
    port = open_transport(terminal[1], 1_000_000, clock)
    assert isinstance(port, SerialTransport)
    assert (port.path, port.latency_ms, port.low_latency) == (terminal[1], None, False)
    port.close()


def test_memory_takes_the_waiting_time_from_its_clock() -> None:
    clock = ManualClock()
    line = MemoryTransport(EmulatedBus([], clock), clock)
    start_ns = clock.now_ns()
    line.write(b"nobody hears this")
    assert line.read(1, start_ns + SOON_NS) == b""
    assert clock.now_ns() == start_ns + SOON_NS


def test_a_closed_memory_line_is_lost() -> None:
    clock = ManualClock()
    line = MemoryTransport(EmulatedBus([], clock), clock, "memory")
    line.close()
    with pytest.raises(PortLost, match=r"memory was lost \(it was closed\)"):
        line.write(b"x")
