"""`teleop-studio servos`: health without moving or releasing anything."""

from pathlib import Path

import pytest

from drivers.arms import ARMS
from drivers.clock import ManualClock
from drivers.dynamixel.transport import MemoryTransport
from drivers.errors import WrongArm
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.fault_rules import FaultEvent
from drivers.sim.line_events import happen
from teleop_studio.__main__ import main
from teleop_studio.commands.servos import health_of
from teleop_studio.rig import ArmConfig


def test_every_servo_tells_how_it_is_and_a_holding_arm_goes_on_holding() -> None:
    clock = ManualClock()
    line = emulated_arm(ARMS["studio-follower"], clock, wire_time=True)
    config = ArmConfig("studio-follower", "bench")
    health_of(config, MemoryTransport(line, clock, "bench"), clock)  # set up once: then nothing has to change
    for servo in line.servos:
        servo.poke("torque_enable", 1)
    happen(FaultEvent("overheat", ids=(3,), value=66), line)
    happen(FaultEvent("overload", ids=(3,)), line)  # its torque goes
    readings = health_of(config, MemoryTransport(line, clock, "bench"), clock)
    assert [reading.joint for reading in readings] == list(ARMS["studio-follower"].names)
    elbow = readings[2]
    assert (elbow.temperature_c, elbow.torque) == (66.0, False)
    assert elbow.errors == ("overload",)
    assert [servo.torque_on for servo in line.servos] == [True, True, False, True, True, True, True]


def test_another_arm_than_the_rig_was_set_up_with_is_not_asked() -> None:
    clock = ManualClock()
    line = emulated_arm(ARMS["studio-follower"], clock, wire_time=True)
    config = ArmConfig("studio-follower", "bench", fingerprint="7-aaaaaaaaaaaa")
    with pytest.raises(WrongArm, match="not the studio-follower that this rig was set up with"):
        health_of(config, MemoryTransport(line, clock, "bench"), clock)


def test_a_simulated_rig_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["servos", "--workspace", str(tmp_path)]) == 1
    assert "is simulated: its servos live only while it is open" in capsys.readouterr().err
