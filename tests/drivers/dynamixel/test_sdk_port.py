"""ROBOTIS' own SDK against the emulated servos, in memory: what it reads and writes is what our driver sees."""

from dynamixel_sdk import COMM_SUCCESS, GroupSyncRead, GroupSyncWrite, Protocol2PacketHandler

from drivers.dynamixel.sdk_port import SdkPort
from drivers.dynamixel.transport import MemoryTransport
from tests.drivers.conftest import PORT, Bench

SDK = Protocol2PacketHandler()
HOME = [2048, 1227, 2426, 2752, 2048, 2048, 3867]


def port_of(bench: Bench) -> SdkPort:
    return SdkPort(MemoryTransport(bench.line, bench.clock, PORT), bench.clock)


def test_the_sdk_pings_reads_writes_and_reboots(bench: Bench) -> None:
    port = port_of(bench)
    assert SDK.ping(port, 1) == (1060, COMM_SUCCESS, 0)
    assert SDK.read4ByteTxRx(port, 2, 132) == (HOME[1], COMM_SUCCESS, 0)
    assert SDK.write1ByteTxRx(port, 3, 64, 1) == (COMM_SUCCESS, 0)
    assert SDK.write4ByteTxRx(port, 3, 116, 5000) == (COMM_SUCCESS, 6)
    assert bench.torque() == [False, False, True, False, False, False, False]
    assert SDK.reboot(port, 3) == (COMM_SUCCESS, 0)
    assert bench.torque() == [False] * 7


def test_the_sdk_finds_all_servos(bench: Bench) -> None:
    found, result = SDK.broadcastPing(port_of(bench))
    assert result == COMM_SUCCESS
    assert found == {k: [1060, 47] for k in (1, 2, 3)} | {k: [1200, 52] for k in (4, 5, 6, 7)}


def test_the_sdks_group_reads_and_writes_work(bench: Bench) -> None:
    port = port_of(bench)
    for read in (GroupSyncRead.txRxPacket, GroupSyncRead.fastSyncRead):
        group = GroupSyncRead(port, SDK, 132, 4)
        for servo_id in range(1, 8):
            assert group.addParam(servo_id)
        assert read(group) == COMM_SUCCESS
        assert [group.getData(servo_id, 132, 4) for servo_id in range(1, 8)] == HOME
    bench.arm.torque_on()
    goals = GroupSyncWrite(port, SDK, 116, 4)
    for servo_id in range(1, 8):
        assert goals.addParam(servo_id, (2100).to_bytes(4, "little"))
    assert goals.txPacket() == COMM_SUCCESS
    assert [servo.peek("present_position") for servo in bench.line.servos] == [2100] * 7


def test_a_silent_servo_is_a_timeout_in_the_clocks_time(bench: Bench) -> None:
    bench.line.faults.silence(4)
    before_ns = bench.clock.now_ns()
    _, result, _ = SDK.ping(port_of(bench), 4)
    assert result == -3001
    assert 20e6 < bench.clock.now_ns() - before_ns < 22e6
