"""An arm of LeRobot's drives one of ours, and one of ours drives LeRobot's: control does not know the difference."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.arms import ARMS
from teleop_studio.processes import messages as m
from teleop_studio.processes.arm_messages import Alive, ArmHealth
from teleop_studio.processes.child import ChildFailed
from teleop_studio.processes.supervisor import CONTROL, RigProcesses
from teleop_studio.rig import ArmConfig, LerobotDevice, LerobotJoint, RigConfig
from tests.drivers.lerobot.calibrated_line import RAD_PER_VALUE, calibrate, servos_of
from tests.drivers.lerobot.servo_lines import ServoLines

pytestmark = [pytest.mark.alone, pytest.mark.slow]

PATIENCE_S = 120.0
LEADER, FOLLOWER = ARMS["koch-leader"], ARMS["koch-follower"]
TICK_RAD = 2 * np.pi / 4096
# Shafts, rad from the middle of their turn; a Koch leader's elbow counts backwards, the follower's does not.
PUT = {1: 0.2, 2: -0.3, 3: 0.1, 4: 0.2, 5: -0.1, 6: 0.4}
FOLLOWS = {**PUT, 3: -0.1}


class Bench:
    """A pair of emulated Koch arms, a rig on them, and its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines = ServoLines(servos_of(LEADER), servos_of(FOLLOWER))
        calibrate(self.lines, 0, LEADER, folder / "leader.json")
        calibrate(self.lines, 1, FOLLOWER, folder / "follower.json")
        self.processes: RigProcesses | None = None
        self.heard: list[tuple[str, Any]] = []

    def open(self, leader: ArmConfig, follower: ArmConfig) -> RigProcesses:
        rig = RigConfig("mixed", leader, follower, cameras=(), control_hz=50.0, realtime=False)
        self.processes = RigProcesses(rig, (self.folder,), self.folder / "logs")
        self.processes.start()
        self.wait(lambda: self.live.ready, "the rig")
        return self.processes

    @property
    def live(self) -> RigProcesses:
        assert self.processes is not None
        return self.processes

    def ours(self, line: int, name: str) -> ArmConfig:
        return ArmConfig(name, self.lines.ports[line], calibration=str(self.folder / f"{name[5:]}.json"))

    def lerobots(self, line: int, kind: str) -> ArmConfig:
        options = {"port": self.lines.ports[line], "id": kind[5:], "calibration_dir": str(self.folder)}
        joints = [LerobotJoint(name, -1.5, 1.5, RAD_PER_VALUE) for name in LEADER.names[:5]]
        joints.append(LerobotJoint("gripper", 0.0, 1.0, 0.01))
        return ArmConfig("lerobot", "lerobot", lerobot=LerobotDevice(kind, options, tuple(joints)))

    def wait(self, done: Callable[[], Any], what: str) -> None:
        """Until `done`, as a window that listens and turns its wheel."""
        end_s, alive_s = time.monotonic() + PATIENCE_S, 0.0
        while not done():
            assert time.monotonic() < end_s, f"waited in vain for {what}; heard {self.heard}"
            self.heard += [said for said in self.live.receive() if not isinstance(said[1], ArmHealth | m.DiskRoom)]
            if time.monotonic() - alive_s > 0.1:
                alive_s = time.monotonic()
                self.live.send(CONTROL, Alive())
            time.sleep(0.002)

    def said(self, kind: type, part: str) -> list[Any]:
        return [message for name, message in self.heard if name == part and isinstance(message, kind)]

    def follows(self) -> bool:
        """The follower's shafts are where the leader's directions say."""
        ticks = self.lines.peek(1, "present_position")
        return all(abs((ticks[servo] - 2048) * TICK_RAD - angle) < 0.01 for servo, angle in FOLLOWS.items())

    def drive(self) -> None:
        self.lines.put(0, dict.fromkeys(PUT, 0.0))
        self.live.send(CONTROL, m.EngageLeader())
        self.wait(lambda: all(self.lines.peek(1, "torque_enable").values()), "the follower's torque")
        self.lines.put(0, PUT)
        self.wait(self.follows, f"the follower; it is at {self.lines.peek(1, 'present_position')}")

    def close(self) -> None:
        if self.processes is not None:
            self.processes.stop()
        self.lines.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    try:
        yield bench
    finally:
        bench.close()


def test_our_leader_drives_lerobots_follower_whose_process_may_die_and_come_back(bench: Bench) -> None:
    processes = bench.open(bench.ours(0, "koch-leader"), bench.lerobots(1, "koch_follower"))
    assert not any(bench.lines.peek(1, "torque_enable").values())  # limp until somebody engages it
    bench.drive()
    processes.kill("lerobot-follower")
    bench.wait(lambda: bench.said(m.ControlFault, CONTROL), "the fault")
    # The gate takes no reading older than 100 ms, the arm itself none older than 250 ms: whichever looks first.
    assert re.search("the follower's reading is|has given no reading for", bench.said(m.ControlFault, CONTROL)[0].text)
    assert "lerobot-follower process ended unexpectedly" in bench.said(ChildFailed, "lerobot-follower")[0].operator
    assert all(bench.lines.peek(1, "torque_enable").values())  # it holds by itself
    assert processes.restart_dead()
    bench.wait(lambda: processes.ready, "the rig again")
    bench.drive()
    processes.stop()
    bench.processes = None
    assert not any(bench.lines.peek(1, "torque_enable").values())
    assert bench.lines.peek(1, "goal_pwm")[1] < 100  # softly: it was let go step by step


def test_lerobots_leader_drives_our_follower(bench: Bench) -> None:
    bench.open(bench.lerobots(0, "koch_leader"), bench.ours(1, "koch-follower"))
    bench.drive()
    bench.lines.drop(0, 2, 2)  # LeRobot's leader loses two readings on the way
    bench.lines.put(0, dict.fromkeys(PUT, 0.0))
    bench.wait(lambda: abs(bench.lines.peek(1, "present_position")[1] - 2048) < 8, "the way back")
