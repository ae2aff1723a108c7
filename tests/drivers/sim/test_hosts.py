import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from dynamixel_sdk import COMM_SUCCESS, GroupSyncRead, PortHandler, Protocol2PacketHandler

from drivers.arms import STUDIO_FOLLOWER
from drivers.clock import MonotonicClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import FileDescriptorTransport, SerialTransport
from drivers.errors import PortLost, ServoSilent
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.hosts import PtyHost, SocketHost
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo

HOME = np.array(STUDIO_FOLLOWER.home)
CLOCK = MonotonicClock()
# Patience instead of speed: a loaded machine answers late, and these tests are about bytes.
PATIENT_MS = 2000.0


def make_line(wire_time: bool = False) -> EmulatedBus:
    servos = [
        EmulatedServo(joint.servo_id, joint.servo, FreeShaft(joint.sign * joint.servo_rad_per_unit * value), CLOCK)
        for joint, value in zip(STUDIO_FOLLOWER.joints, STUDIO_FOLLOWER.home, strict=True)
    ]
    return EmulatedBus(servos, CLOCK, wire_time=wire_time)


@contextmanager
def served(host: SocketHost | PtyHost) -> Iterator[None]:
    """Run the host's poll loop in a thread."""
    stop, wake = os.pipe()
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set() and host.fileno() >= 0:
            due_ns = host.due_ns()
            wait_s = 1.0 if due_ns is None else max(0.0, (due_ns - CLOCK.now_ns()) * 1e-9)
            select.select([host.fileno(), stop], [], [], wait_s)
            host.service(CLOCK.now_ns())

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        os.write(wake, b"x")
        thread.join()
        host.close()
        os.close(stop)
        os.close(wake)


def check_arm(arm: DynamixelArm, line: EmulatedBus) -> None:
    arm.connect()
    arm.torque_on()
    for k in range(20):
        state = arm.command_and_read(HOME + 0.001 * k)
    assert np.abs(state.position - HOME - 0.019).max() < 1e-3
    assert arm.torque_off() == []
    assert not any(servo.torque_on for servo in line.servos)


def test_an_arm_works_through_a_socket_pair() -> None:
    line = make_line(wire_time=True)
    host = SocketHost(line)
    bus = DynamixelBus(FileDescriptorTransport(host.client_end()), CLOCK, PATIENT_MS, PATIENT_MS)
    with served(host):
        check_arm(DynamixelArm(STUDIO_FOLLOWER, bus, CLOCK), line)
        bus.close()


def test_an_arm_works_through_a_pty_as_through_a_serial_port() -> None:
    line = make_line(wire_time=True)
    host = PtyHost(line)
    bus = DynamixelBus(SerialTransport(host.client_end(), 1_000_000), CLOCK, PATIENT_MS, PATIENT_MS)
    with served(host):
        check_arm(DynamixelArm(STUDIO_FOLLOWER, bus, CLOCK), line)
        bus.close()


def test_robotis_sdk_pings_reads_and_writes_through_the_pty() -> None:
    line = make_line()
    host = PtyHost(line)
    port, sdk = PortHandler(host.client_end()), Protocol2PacketHandler()
    with served(host):
        assert port.setBaudRate(1_000_000)
        assert sdk.ping(port, 1) == (1060, COMM_SUCCESS, 0)
        assert sdk.write4ByteTxRx(port, 4, 116, 2100) == (COMM_SUCCESS, 0)
        assert sdk.read4ByteTxRx(port, 4, 116) == (2100, COMM_SUCCESS, 0)
        group = GroupSyncRead(port, sdk, 132, 4)
        for servo_id in range(1, 8):
            group.addParam(servo_id)
        assert group.txRxPacket() == COMM_SUCCESS
        assert [group.getData(k, 132, 4) for k in range(1, 8)] == [2048, 1227, 2426, 2752, 2048, 2048, 3867]
        port.closePort()


def test_the_wrong_baud_rate_is_answered_by_silence() -> None:
    host = PtyHost(make_line())
    with served(host):
        slow = DynamixelBus(SerialTransport(host.client_end(), 57_600), CLOCK, patience_ms=50.0)
        with pytest.raises(ServoSilent, match="its baud rate"):
            slow.ping(1)
        slow.close()
        right = DynamixelBus(SerialTransport(host.client_end(), 1_000_000), CLOCK, PATIENT_MS, PATIENT_MS)
        assert right.ping(1).model_number == 1060
        right.close()


@pytest.mark.parametrize("kind", [SocketHost, PtyHost])
def test_a_pulled_cable_is_a_lost_port(kind: type[SocketHost | PtyHost]) -> None:
    line = make_line()
    host = kind(line)
    end = host.client_end()
    transport = FileDescriptorTransport(end) if isinstance(end, int) else SerialTransport(end, 1_000_000)
    bus = DynamixelBus(transport, CLOCK, PATIENT_MS, PATIENT_MS)
    with served(host):
        assert bus.ping(1).model_number == 1060
    line.faults.unplug()
    host.service(CLOCK.now_ns())
    with pytest.raises(PortLost, match="was lost"):
        bus.ping(1)
    bus.close()


def test_a_socket_host_whose_client_has_gone_ends_without_an_error() -> None:
    host = SocketHost(make_line())
    os.close(host.client_end())
    host.service(time.monotonic_ns())
    assert host.fileno() == -1
    host.service(time.monotonic_ns())
    host.close()


def test_the_far_end_is_given_away_once() -> None:
    host = SocketHost(make_line())
    os.close(host.client_end())
    with pytest.raises(RuntimeError, match="given already"):
        host.client_end()
    host.close()
