import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest
from dynamixel_sdk import COMM_SUCCESS, GroupSyncRead, PortHandler, Protocol2PacketHandler

from drivers.arms import ARMS, STUDIO_FOLLOWER
from drivers.clock import MonotonicClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import FileDescriptorTransport, SerialTransport, Transport, open_transport
from drivers.errors import PortLost, PortMissing, ServoSilent
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.hosts import PtyHost, SocketHost
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo
from drivers.sim.tcp_host import TcpHost

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


Host = SocketHost | PtyHost | TcpHost


def make_host(kind: str, line: EmulatedBus, link: Path) -> Host:
    if kind == "pty":
        return PtyHost(line, link)
    return SocketHost(line) if kind == "socket" else TcpHost(line)


@contextmanager
def served(*hosts: Host) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Serve the hosts in a thread, and let it do other things between; returns when it has."""
    stop, wake = os.pipe()
    asked: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
    done: SimpleQueue[bool] = SimpleQueue()

    def serve() -> None:
        while True:
            due = [due for host in hosts if (due := host.due_ns()) is not None]
            wait_s = max(0.0, (min(due) - CLOCK.now_ns()) * 1e-9) if due else 1.0
            select.select([stop, *(end for host in hosts if (end := host.fileno()) >= 0)], [], [], wait_s)
            while not asked.empty():
                os.read(stop, 1)
                action = asked.get()
                if action is None:
                    return
                action()
                for host in hosts:
                    host.service(CLOCK.now_ns())
                done.put(True)
            for host in hosts:
                host.service(CLOCK.now_ns())

    def ask(action: Callable[[], object]) -> None:
        asked.put(action)
        os.write(wake, b"x")
        done.get(timeout=30)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield ask
    finally:
        asked.put(None)
        os.write(wake, b"x")
        thread.join()
        for host in hosts:
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


def open_end(end: int | str) -> Transport:
    return FileDescriptorTransport(end) if isinstance(end, int) else open_transport(end, 1_000_000, CLOCK)


def patient(end: int | str) -> DynamixelBus:
    return DynamixelBus(open_end(end), CLOCK, PATIENT_MS, PATIENT_MS)


def test_an_arm_works_through_a_tcp_port_and_so_does_the_next_program() -> None:
    line = make_line(wire_time=True)
    host = TcpHost(line)
    with served(host):
        for _ in range(3):
            bus = patient(host.client_end())
            check_arm(DynamixelArm(STUDIO_FOLLOWER, bus, CLOCK), line)
            bus.close()


def test_a_tcp_port_has_no_baud_rate_so_the_servos_rate_it_is() -> None:
    line = make_line()
    for servo in line.servos:
        servo.poke("baud_rate", 1)
    host = TcpHost(line)
    with served(host):
        bus = patient(host.client_end())
        assert bus.ping(1).model_number == 1060
        bus.close()


@pytest.mark.parametrize("kind", ["socket", "pty", "tcp"])
def test_a_pulled_cable_is_a_lost_port_and_found_again_where_it_was(kind: str, tmp_path: Path) -> None:
    line = make_line()
    host = make_host(kind, line, tmp_path / "port")
    first_end = host.client_end()
    bus = patient(first_end)
    with served(host) as ask:
        assert bus.ping(1).model_number == 1060
        ask(line.faults.unplug)
        assert host.fileno() == -1
        with pytest.raises(PortLost, match="was lost"):
            bus.ping(1)
        bus.close()
        if isinstance(first_end, str):
            with pytest.raises(PortMissing, match=r"Nobody answers at|can not be opened|no such port"):
                patient(first_end)
        ask(line.faults.plug_in)
        again = patient(host.client_end())
        assert again.ping(1).model_number == 1060
        again.close()
        assert kind == "socket" or host.client_end() == first_end


@pytest.mark.parametrize("kind", ["pty", "tcp"])
def test_cables_plugged_in_crosswise_lead_to_the_other_arm(kind: str, tmp_path: Path) -> None:
    lines = {name: emulated_arm(ARMS[f"studio-{name}"], CLOCK) for name in ("leader", "follower")}
    hosts = {name: make_host(kind, line, tmp_path / name) for name, line in lines.items()}
    leader, follower = hosts.values()

    def cross() -> None:
        leader.bus, follower.bus = follower.bus, leader.bus

    with served(leader, follower) as ask:
        for line in lines.values():
            ask(line.faults.unplug)
        ask(cross)
        for line in lines.values():
            ask(line.faults.plug_in)
        for host, model_number in ((leader, 1060), (follower, 1190)):
            bus = patient(host.client_end())
            assert bus.ping(1).model_number == model_number
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
