import os
import pty
import re
import socket
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.clock import ManualClock
from drivers.dynamixel.transport import FileDescriptorTransport, MemoryTransport, SerialTransport
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
