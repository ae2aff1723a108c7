"""ROBOTIS' own SDK against the emulated servos, in memory: what it reads and writes is what our driver sees."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from dynamixel_sdk import COMM_SUCCESS, GroupSyncRead, GroupSyncWrite, Protocol2PacketHandler

from drivers.dynamixel.sdk_port import SdkPort
from drivers.dynamixel.transport import MemoryTransport
from tests.drivers.conftest import PORT, Bench

ROOT = Path(__file__).parents[3]
UNREACHABLE = ("Temporary failure in name resolution", "NewConnectionError", "No matching distribution", "timed out")
PINNED = "3.8.4"  # what LeRobot's own extra asks for; ours is 4.0.5 or newer
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


@pytest.mark.skipif(version("dynamixel-sdk") == PINNED, reason="this is the run with the pinned SDK")
def test_all_this_holds_for_the_sdk_that_lerobot_pins() -> None:
    fetch = ["sh", str(ROOT / "scripts" / "reader_environments.sh")]
    fetched = subprocess.run(fetch, capture_output=True, text=True, timeout=280, check=False)
    if fetched.returncode and any(words in fetched.stderr for words in UNREACHABLE):
        pytest.skip(f"dynamixel-sdk {PINNED} can not be fetched: {fetched.stderr.strip().splitlines()[-1]}")
    assert fetched.returncode == 0, fetched.stderr
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".readers" / "dynamixel-sdk")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rs", __file__]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout
    assert "....s" in run.stdout  # four passed, and this one knew which SDK it was
