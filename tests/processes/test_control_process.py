"""Left alone, the control process brings the follower down by itself: hold, less and less torque, none."""

import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.arms import STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.arms.model import ArmModel
from drivers.clock import MonotonicClock
from drivers.dynamixel.control_table import FULL_PWM
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.hosts import PtyHost, SocketHost
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Child
from teleop_studio.processes.lines import Lines
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.tick_row import SOURCES
from teleop_studio.rig import CameraConfig, RigConfig

pytestmark = pytest.mark.alone

PATIENCE_S = 20.0
RIG = RigConfig(cameras=(CameraConfig("front", width=16, height=16),), control_hz=50.0, realtime=False)


class Line:
    """An emulated arm at home on one end of a socket pair, or on a pty that `link` leads to."""

    def __init__(self, model: ArmModel, link: Path | None = None) -> None:
        clock = MonotonicClock()
        shafts = [FreeShaft(j.sign * j.servo_rad_per_unit * h) for j, h in zip(model.joints, model.home, strict=True)]
        servos = [EmulatedServo(j.servo_id, j.servo, s, clock) for j, s in zip(model.joints, shafts, strict=True)]
        self.bus = EmulatedBus(servos, clock)
        self.host: SocketHost | PtyHost
        self.far: socket.socket | str
        if link is None:
            near, self.far = socket.socketpair()
            self.host = SocketHost(self.bus, near)
        else:
            self.host, self.far = PtyHost(self.bus, link), str(link)

    @property
    def registers(self) -> tuple[bool, bool, int, tuple[int, ...]]:
        """(any torque, all torque, Goal PWM of the strongest joint, goals)."""
        servos = self.bus.servos
        torque = [servo.torque_on for servo in servos]
        pwm = max(servo.peek("goal_pwm") for servo in servos)
        return any(torque), all(torque), pwm, tuple(servo.peek("goal_position") for servo in servos)


class Bench:
    """The control process with its two arms; this process serves the servos and is the supervisor."""

    def __init__(self, logs: Path, ports: bool = False) -> None:
        links = [logs / role if ports else None for role in ("leader", "follower")]
        self.leader, self.follower = Line(STUDIO_LEADER, links[0]), Line(STUDIO_FOLLOWER, links[1])
        self.rings = RigRings.create("control", RIG)
        lines = Lines(self.leader.far, self.follower.far)
        self.child = Child("control", "control_process", (RIG, lines, self.rings.specs), logs / "control.log")
        for line in (self.leader, self.follower):
            if isinstance(line.far, socket.socket):
                line.far.close()
        self.heard: list[object] = []
        self.log: list[tuple[float, bool, bool, int, tuple[int, ...]]] = []

    def serve_until(self, done: Callable[[], bool], what: str) -> None:
        """Serve both lines; note the follower's registers whenever they change."""
        end_s = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end_s, f"waited in vain for {what}; heard {self.heard}"
            hosts = [line.host for line in (self.leader, self.follower) if line.host.fileno() >= 0]
            on_its_way = any(host.due_ns() is not None for host in hosts)
            select.select(hosts, [], [], 0.0 if on_its_way else 0.02)
            for line in (self.leader, self.follower):
                line.host.service(time.monotonic_ns())
            now = self.follower.registers
            if not self.log or self.log[-1][1:] != now:
                self.log.append((time.monotonic(), *now))

    def hear(self) -> list[object]:
        self.heard += self.child.receive()
        return self.heard

    def command(self, message: object) -> None:
        assert self.child.send(message)

    def ticks(self, count: int) -> None:
        wanted = self.rings.ticks.written + count
        self.serve_until(lambda: self.rings.ticks.written >= wanted, f"{count} ticks")

    def abandon(self) -> None:
        """The supervisor dies: its end of the pipe closes, and nobody says anything any more."""
        self.log.clear()
        self.child.close_pipe()
        self.serve_until(lambda: not self.child.alive, "the control process to end")

    def close(self) -> None:
        self.child.stop(timeout_s=0.1)
        self.leader.host.close()
        self.follower.host.close()
        self.rings.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    try:
        bench.serve_until(lambda: m.Ready("normal") in bench.hear(), "the control process")
        yield bench
    finally:
        bench.close()


def assert_ramped(bench: Bench) -> None:
    """Held at full effort, then less in steps that never rise, and torque off only at the end, all joints."""
    log = bench.log
    assert log[0][1:4] == (True, True, FULL_PWM)
    assert log[-1][1] is False
    goals = {entry[4] for entry in log}
    assert len(goals) == 1  # nobody moved it any more
    powered = [entry for entry in log if entry[2]]
    efforts = [entry[3] for entry in powered]
    assert efforts == sorted(efforts, reverse=True)
    assert len(set(efforts)) >= 10
    assert efforts[-1] < 0.1 * FULL_PWM
    # As long as somebody needs to put a hand under it: half a second of holding, two of letting go.
    held_s = powered[1][0] - powered[0][0]
    assert 0.3 < held_s < 2.0
    assert 1.5 < powered[-1][0] - powered[1][0] < 6.0
    limp = [entry for entry in log if not entry[2]]
    assert limp[0][0] > powered[-1][0]


def test_a_follower_that_copies_the_leader_is_held_then_let_go_softly(bench: Bench) -> None:
    bench.command(m.EngageLeader())
    bench.ticks(20)
    assert bench.follower.registers[1]
    assert not bench.leader.registers[0]
    bench.abandon()
    assert_ramped(bench)


def test_a_paused_follower_still_holds_itself_and_is_let_go_as_softly(bench: Bench) -> None:
    bench.command(m.EngageHold())
    bench.ticks(5)
    bench.command(m.Pause(7))
    bench.serve_until(lambda: m.Paused(7) in bench.hear(), "the pause")
    bench.abandon()
    assert_ramped(bench)


def test_a_limp_follower_is_left_limp(bench: Bench) -> None:
    bench.command(m.EngageHold())
    bench.ticks(5)
    bench.command(m.Release())
    bench.serve_until(lambda: not bench.follower.registers[0], "the torque to go off")
    start_s = time.monotonic()
    bench.abandon()
    assert time.monotonic() - start_s < 1.5  # nothing to hold, nothing to let go
    assert not any(entry[1] for entry in bench.log)


def test_an_arm_whose_line_is_dead_does_not_keep_the_process_alive(bench: Bench) -> None:
    bench.command(m.EngageHold())
    bench.ticks(5)
    bench.follower.bus.faults.unplug()
    bench.abandon()
    assert bench.child._process.exitcode == 0


def test_a_message_that_can_not_be_obeyed_is_a_fault_and_the_loop_goes_on(bench: Bench) -> None:
    bench.command(m.EngageLeader())
    bench.ticks(5)
    bench.command(m.EngagePolicy(executed_steps=0))
    bench.serve_until(lambda: any(isinstance(word, m.ControlFault) for word in bench.hear()), "the fault")
    bench.ticks(5)
    assert bench.follower.registers[1]
    assert bench.child.alive


@pytest.mark.parametrize("role", ["leader", "follower"])
def test_a_port_that_is_pulled_and_plugged_in_again_is_opened_by_its_own_name(tmp_path: Path, role: str) -> None:
    bench = Bench(tmp_path, ports=True)
    try:
        bench.serve_until(lambda: m.Ready("normal") in bench.hear(), "the control process")
        bench.command(m.EngageLeader())
        bench.ticks(10)
        line = bench.leader if role == "leader" else bench.follower
        line.bus.faults.unplug()
        bench.serve_until(lambda: any(isinstance(w, m.ControlFault) and w.text for w in bench.hear()), "the fault")
        assert not (tmp_path / role).exists()
        bench.command(m.Hold())
        line.bus.faults.plug_in()
        back = f"The {role} is back on {tmp_path / role}."
        bench.serve_until(lambda: any(isinstance(w, m.Warned) and back in w.text for w in bench.hear()), "its return")
        bench.command(m.EngageHold())
        bench.command(m.EngageLeader())
        bench.ticks(20)
        newest = bench.rings.ticks.latest()
        assert newest is not None
        assert SOURCES[int(newest[2]["source"])] == "leader"
        assert bench.follower.registers[1]
        assert not bench.leader.registers[0]
    finally:
        bench.close()
