"""The transport of systems without descriptors, through what pyserial offers everywhere: a loop, a socket, a pty."""

import os
import pty
import socket
import threading
import time
import tty
from collections.abc import Iterator

import pytest

from drivers.clock import MonotonicClock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.pyserial_transport import PyserialTransport
from drivers.errors import PortLost, PortMissing
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo

LONG_NS = 2_000_000_000


@pytest.fixture
def loop() -> Iterator[PyserialTransport]:
    line = PyserialTransport("loop://", 1_000_000)
    yield line
    line.close()


def test_what_is_written_to_a_loop_is_read(loop: PyserialTransport) -> None:
    loop.write(b"\xff\xff\xfd\x00\r\n")
    assert loop.read(4, time.monotonic_ns() + LONG_NS) == b"\xff\xff\xfd\x00"
    assert loop.read(9, time.monotonic_ns() + 5_000_000) == b"\r\n"
    assert loop.name == "loop://"


def test_a_read_past_its_deadline_still_takes_what_is_there(loop: PyserialTransport) -> None:
    loop.write(b"abc")
    assert loop.read(3, time.monotonic_ns() - 1) == b"abc"
    assert loop.read(3, time.monotonic_ns() - 1) == b""


def test_flushed_input_is_gone(loop: PyserialTransport) -> None:
    loop.write(b"old")
    loop.flush_input()
    loop.write(b"new")
    assert loop.read(3, time.monotonic_ns() + LONG_NS) == b"new"


def test_a_closed_port_is_lost_and_closes_twice(loop: PyserialTransport) -> None:
    loop.close()
    loop.close()
    for call in (lambda: loop.read(1, 0), lambda: loop.write(b"x"), loop.flush_input):
        with pytest.raises(PortLost, match=r"loop:// was lost \(it was closed\)"):
            call()


def test_servos_answer_through_a_socket() -> None:
    clock = MonotonicClock()
    line = EmulatedBus([EmulatedServo(1, "xl330-m288", FreeShaft(), clock)], clock, wire_time=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = PyserialTransport(f"socket://127.0.0.1:{server.getsockname()[1]}", 1_000_000)
        far, _ = server.accept()

        def serve() -> None:
            while data := far.recv(4096):
                line.receive(data)
                far.send(line.take_replies(clock.now_ns() + LONG_NS))

        servant = threading.Thread(target=serve)
        servant.start()
        bus = DynamixelBus(transport, clock, reply_timeout_ms=2000.0, patience_ms=2000.0)
        assert bus.ping(1).model_number == 1200
        far.shutdown(socket.SHUT_RDWR)
        servant.join()
        with pytest.raises(PortLost, match=r"socket://127.0.0.1:\d+ was lost"):
            transport.read(1, clock.now_ns() + LONG_NS)
        far.close()
        transport.close()


def test_an_unplugged_port_is_one_loss_whatever_pyserial_raises() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    transport = PyserialTransport(os.ttyname(slave), 1_000_000)
    os.close(slave)
    os.close(master)
    # read: SerialException, write: OSError, flush: termios.error, which is no OSError
    for call in (lambda: transport.read(1, 0), lambda: transport.write(b"x"), transport.flush_input):
        with pytest.raises(PortLost, match=r"/dev/pts/\d+ was lost \(it was unplugged\)"):
            call()
    transport.close()


def test_a_missing_port_is_named() -> None:
    with pytest.raises(PortMissing, match="The port /dev/ttyUSB77 can not be opened: No such file"):
        PyserialTransport("/dev/ttyUSB77", 1_000_000)
