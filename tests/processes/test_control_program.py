"""The control process cycle by cycle, on emulated servos and a clock by hand: stops, exits, repair, return."""

import os
from collections.abc import Iterator
from multiprocessing import Pipe as make_pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.arms import STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.clock import ManualClock
from drivers.stop_pedal import EVENT, StopPedal
from teleop_studio.chunk import ActionChunk
from teleop_studio.control.chunk_player import ChunkPlayer
from teleop_studio.control.sources import HOLD
from teleop_studio.processes import arm_messages as a
from teleop_studio.processes import messages as m
from teleop_studio.processes.bring_down import bring_down
from teleop_studio.processes.child import ParentGone, Pipe
from teleop_studio.processes.control_program import ControlProgram
from teleop_studio.processes.lines import Lines
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.stop_ways import SILENCE_S, StopWays
from teleop_studio.processes.tick_row import SOURCES
from teleop_studio.rig import CameraConfig, RigConfig
from tests.control.arms import HOME, LOST_TICKS
from tests.control.side import Side

RIG = RigConfig(cameras=(CameraConfig("front", width=16, height=16),), mirror=False)


class NoChunks:
    """Nobody answers wishes for chunks."""

    last_request = 0

    def ask(self, request: int, now_ns: int) -> None:
        pass

    def answers(self) -> list[tuple[int, ActionChunk | None]]:
        return []


class Channel:
    """A stop channel without a socket: `orders` are heard once, `answers` counts the confirmations."""

    def __init__(self) -> None:
        self.order = b""
        self.answers = 0

    def heard(self) -> bytes:
        order, self.order = self.order, b""
        return order

    def answer(self) -> None:
        self.answers += 1

    def close(self) -> None:
        pass


class Bench:
    def __init__(self, folder: Path, rig: RigConfig = RIG) -> None:
        self.clock = ManualClock()
        self.leader = Side.connected(STUDIO_LEADER, self.clock)
        self.follower = Side.connected(STUDIO_FOLLOWER, self.clock)
        self.rings = RigRings.create("program", rig)
        self._studio, end = make_pipe()
        self.pedal = folder / "pedal"
        os.mkfifo(self.pedal)
        self.stops = StopWays(self.clock, None, StopPedal(str(self.pedal)))
        self._foot = os.open(self.pedal, os.O_WRONLY)
        lines = Lines(self.leader.line, self.follower.line)  # type: ignore[arg-type]
        arms = (self.leader.arm, self.follower.arm)
        self.program = ControlProgram(Pipe(end), rig, lines, arms, self.rings, self.clock, self.stops, NoChunks())
        self.heard: list[Any] = []

    def tell(self, message: object) -> None:
        self._studio.send(message)

    def press(self, keys: int = 1) -> None:
        for _ in range(keys):
            os.write(self._foot, EVENT.pack(0, 0, 1, 30, 1) + EVENT.pack(0, 0, 0, 0, 0))

    def cycle(self, count: int = 1, alive: bool = False) -> None:
        for _ in range(count):
            if alive:
                self.tell(a.Alive())
            self.program.cycle()
            while self._studio.poll(0):
                self.heard.append(self._studio.recv())

    def said(self, kind: type) -> list[Any]:
        return [word for word in self.heard if isinstance(word, kind)]

    def source(self) -> str:
        newest = self.rings.ticks.latest()
        assert newest is not None
        return SOURCES[int(newest[2]["source"])]

    @property
    def ticks(self) -> int:
        return self.rings.ticks.written

    def copying(self) -> "Bench":
        """The follower copies a leader that moves as fast as the follower may."""
        self.tell(m.EngageHold())
        self.cycle(2)
        self.tell(m.EngageLeader())
        self.cycle(2)
        for k in range(1, 20):
            self.leader.put(HOME + np.array([0.035 * k, *[0.0] * 6]))
            self.cycle()
        assert self.source() == "leader"
        assert self.program.loop.source.name == "leader"
        return self

    def leave(self) -> None:
        """The studio goes, whether it said how or not."""
        self._studio.close()
        with pytest.raises(ParentGone):
            self.program.cycle()
        bring_down(self.program.loop, self.follower.arm, self.program.closing)

    def close(self) -> None:
        self.stops.close()
        os.close(self._foot)
        self._studio.close()
        self.rings.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


class TestStop:
    @pytest.mark.parametrize("way", ["window", "pedal", "command"])
    def test_the_tick_after_a_stop_holds_already_whatever_way_it_came(self, bench: Bench, way: str) -> None:
        bench.copying()
        speed = bench.program.loop._gate.speed[0]
        assert speed > 2.0
        match way:
            case "window":
                bench.tell(m.Hold())
            case "pedal":
                bench.press()
            case "command":
                bench.stops._channel = channel = Channel()  # type: ignore[assignment]
                channel.order = b"stop"
        before = bench.ticks
        bench.cycle()
        assert bench.ticks == before + 1
        assert bench.source() == HOLD
        braked = speed - STUDIO_FOLLOWER.max_acceleration[0] * 0.01
        assert bench.program.loop._gate.speed[0] == pytest.approx(braked, abs=1e-6)
        assert all(bench.follower.torque)
        if way != "window":
            (stopped,) = bench.said(a.StoppedElsewhere)
            assert not stopped.limp
            assert stopped.how.startswith("Stopped by")
        if way == "command":
            assert channel.answers == 1

    def test_temporal_ensembling_is_switched_while_a_policy_drives_and_means_nothing_to_others(
        self, bench: Bench
    ) -> None:
        bench.copying()
        bench.tell(m.SetEnsembling(True))
        bench.tell(m.EngagePolicy(8, ensembling=True))
        bench.cycle()
        source = bench.program.loop.source
        assert isinstance(source, ChunkPlayer)
        assert source.ensembling
        bench.tell(m.SetEnsembling(False))
        bench.cycle()
        assert not source.ensembling

    @pytest.mark.parametrize("state", ["limp", "holding", "copying", "policy", "rest", "paused", "lost", "fault"])
    def test_the_pedal_stops_in_every_state_within_one_cycle(self, bench: Bench, state: str) -> None:
        bench.copying()
        match state:
            case "limp":
                bench.tell(m.Release())
            case "holding":
                bench.tell(m.Hold())
            case "policy":
                bench.tell(m.EngagePolicy(8))
            case "rest":
                bench.tell(a.GoToRest())
            case "paused":
                bench.tell(m.Pause(1))
            case "lost":
                bench.follower.line.faults.unplug()
            case "fault":
                bench.follower.line.servo(2).fail(bit=5)
        bench.cycle(30)
        bench.press()
        bench.cycle()
        assert bench.source() == HOLD
        assert bench.program.loop.source.name == HOLD
        assert len(bench.said(a.StoppedElsewhere)) == 1
        bench.cycle(15)
        stands = bench.follower.position
        bench.cycle(30)
        np.testing.assert_array_equal(bench.follower.position, stands)

    def test_two_presses_within_half_a_second_take_the_torque_off(self, bench: Bench) -> None:
        bench.copying()
        bench.press()
        bench.cycle(40)
        assert all(bench.follower.torque)
        bench.press()
        bench.cycle()
        assert not any(bench.follower.torque)
        assert [word.limp for word in bench.said(a.StoppedElsewhere)] == [False, True]

    def test_two_presses_further_apart_are_two_stops(self, bench: Bench) -> None:
        bench.copying()
        bench.press()
        bench.cycle(60)
        bench.press()
        bench.cycle()
        assert all(bench.follower.torque)

    def test_a_pedal_that_is_let_go_or_held_down_is_no_press(self, bench: Bench) -> None:
        bench.copying()
        os.write(bench._foot, EVENT.pack(0, 0, 1, 30, 0) + EVENT.pack(0, 0, 1, 30, 2) + EVENT.pack(0, 0, 4, 4, 1))
        bench.cycle(5)
        assert bench.said(a.StoppedElsewhere) == []

    def test_a_window_that_hangs_stops_the_arm_after_its_time_and_not_before(self, bench: Bench) -> None:
        bench.copying()
        bench.cycle(alive=True)
        silent = round(SILENCE_S / 0.01)
        bench.cycle(silent - 1)
        assert bench.said(a.StoppedElsewhere) == []
        bench.cycle(2)
        (stopped,) = bench.said(a.StoppedElsewhere)
        assert "said nothing for 1.5 s" in stopped.how
        assert bench.source() == HOLD
        bench.cycle(160)
        assert len(bench.said(a.StoppedElsewhere)) == 1

    def test_a_machine_that_stood_still_as_a_whole_gives_the_window_its_time(self, bench: Bench) -> None:
        bench.copying()
        bench.cycle(alive=True)
        bench.clock.advance_ns(60_000_000_000)
        bench.cycle(100)
        assert bench.said(a.StoppedElsewhere) == []

    def test_silence_while_the_arm_only_holds_stops_nothing_and_a_script_that_never_spoke_may_go_on(
        self, bench: Bench
    ) -> None:
        bench.copying()
        bench.cycle(160)
        assert bench.said(a.StoppedElsewhere) == []
        bench.tell(m.Hold())
        bench.cycle(alive=True)
        bench.cycle(160)
        assert bench.said(a.StoppedElsewhere) == []

    def test_nothing_is_told_to_a_window_that_does_not_listen(self, bench: Bench) -> None:
        """Its pipe would be full in the end, and the loop would wait for it."""
        bench.copying()
        bench.cycle(200, alive=True)
        assert len(bench.said(a.ArmHealth)) >= 6
        bench.cycle(160)
        bench.heard.clear()
        bench.cycle(400)
        assert bench.heard == []

    def test_a_pedal_that_goes_is_said_and_one_that_comes_back_too(self, bench: Bench, tmp_path: Path) -> None:
        missing = tmp_path / "not there"
        pedal = StopPedal(str(missing))
        bench.stops._pedal = pedal
        bench.tell(m.EngageHold())
        bench.cycle(150)
        (warned,) = bench.said(m.Warned)
        assert f"The stop pedal {missing} is not there: No such file or directory." in warned.text
        os.mkfifo(missing)
        bench.cycle(120)
        assert "is there: every key of it means STOP" in bench.said(m.Warned)[-1].text


class TestExits:
    def test_rest_goes_slowly_to_the_rest_pose_and_goes_limp_there(self, bench: Bench) -> None:
        bench.tell(m.EngageHold())
        bench.cycle(2)
        bench.tell(a.GoToRest())
        top_speed = 0.0
        for _ in range(1000):
            bench.cycle()
            top_speed = max(top_speed, float(np.abs(bench.program.loop._gate.speed).max()))
            if bench.said(a.Rested):
                break
        assert bench.said(a.Rested) == [a.Rested(())]
        assert not any(bench.follower.torque)
        np.testing.assert_allclose(bench.follower.position, STUDIO_FOLLOWER.rest, atol=3e-3)
        assert top_speed < 0.7
        assert bench.program.loop.limp

    def test_a_way_to_rest_that_is_blocked_holds_and_says_so(self, bench: Bench) -> None:
        bench.tell(m.EngageHold())
        bench.cycle(2)
        bench.tell(a.GoToRest())
        bench.cycle(60)
        gate = bench.program.loop._gate
        gate._upper = np.minimum(gate._upper, gate.command + np.array([9, 9, 0.1, 9, 9, 9, 9.0]))
        bench.cycle(800)
        assert any("does not get to its rest pose" in word.text for word in bench.said(m.ControlFault))
        assert all(bench.follower.torque)
        assert bench.source() == HOLD

    @pytest.mark.parametrize("how", ["soften", "rest", "hold"])
    def test_a_closed_rig_leaves_the_follower_as_it_was_asked_to(self, bench: Bench, how: str) -> None:
        bench.copying()
        bench.tell(m.Hold())
        bench.tell(a.Closing(how))
        bench.cycle(20)
        stood = bench.follower.position
        bench.leave()
        assert any(bench.follower.torque) == (how == "hold")
        if how == "hold":
            assert all(bench.follower.torque)
            watchdogs = {servo.peek("bus_watchdog") for servo in bench.follower.line.servos}
            assert watchdogs == {0}
        wanted = STUDIO_FOLLOWER.rest if how == "rest" else stood
        np.testing.assert_allclose(bench.follower.position, wanted, atol=3e-3)

    def test_a_studio_that_dies_brings_the_follower_down_softly_whatever_the_rig_says(self, bench: Bench) -> None:
        bench.copying()
        bench.leave()
        assert not any(bench.follower.torque)

    def test_a_way_to_rest_that_fails_at_the_end_still_lets_the_torque_go(self, bench: Bench) -> None:
        bench.copying()
        bench.tell(a.Closing("rest"))
        bench.cycle()
        bench.follower.line.servo(2).fail(bit=5)
        bench.leave()
        assert not any(bench.follower.torque)

    def test_torque_off_reaches_every_servo_but_the_one_that_is_gone_and_names_it(self, bench: Bench) -> None:
        bench.copying()
        bench.follower.line.faults.silence(3)
        bench.tell(m.Release())
        bench.cycle()
        assert bench.follower.torque[:2] + bench.follower.torque[3:] == [False] * 6
        assert any("elbow" in word.text and "Cut the power" in word.text for word in bench.said(m.Warned))


class TestRepair:
    def test_an_overload_is_told_the_others_hold_and_a_restart_mends_it(self, bench: Bench) -> None:
        bench.copying()
        bench.follower.line.servo(2).fail(bit=5)
        bench.cycle(2)
        assert bench.source() == HOLD
        bench.cycle(40)
        (fault,) = [word for word in bench.said(m.ControlFault) if word.text]
        assert "shoulder protects itself" in fault.text
        assert [torque for row, torque in enumerate(bench.follower.torque) if row != 1] == [True] * 6
        bench.tell(a.RebootServo("follower", "shoulder"))
        ticks = bench.ticks
        bench.cycle(400)
        assert bench.ticks == ticks + 400  # the loop went on
        assert bench.said(a.ServoRebooted) == [a.ServoRebooted("follower", "shoulder", "")]
        assert all(bench.follower.torque)
        bench.tell(m.EngageHold())
        bench.cycle(50)
        assert bench.program.loop.fault == ""

    def test_a_servo_that_does_not_come_back_is_told(self, bench: Bench) -> None:
        bench.copying()
        bench.tell(a.RebootServo("follower", "elbow"))
        bench.cycle(5)
        bench.follower.line.faults.silence(3)
        bench.cycle(400)
        (word,) = bench.said(a.ServoRebooted)
        assert "did not come back" in word.problem

    def test_a_blocked_joint_gets_its_goal_where_it_is_and_is_named(self, bench: Bench) -> None:
        bench.copying()
        bench.tell(m.Hold())
        bench.cycle(20)
        held = bench.follower.position
        bench.follower.shafts[0].drive = lambda *_: None  # type: ignore[method-assign]
        bench.follower.put(held + np.array([0.5, *[0.0] * 6]))
        bench.cycle(100)
        (fault,) = [word for word in bench.said(m.ControlFault) if word.text]
        assert fault.text.startswith("waist is 0.50 rad behind its command for 0.5 s")
        goal = bench.program.loop._gate.command
        assert goal is not None
        assert goal[0] == pytest.approx(held[0] + 0.5, abs=3e-3)

    def test_a_gripper_that_squeezes_for_long_is_lowered_and_restored_after_it_has_let_go(self, bench: Bench) -> None:
        bench.tell(m.EngageHold())
        bench.cycle(2)
        gripper = bench.follower.line.servo(7)
        assert gripper.peek("goal_current") == 600
        bench.follower.shafts[6].effort = lambda: 600 / 1470  # type: ignore[method-assign]
        bench.cycle(560)
        assert gripper.peek("goal_current") == 600
        bench.cycle(40)
        assert gripper.peek("goal_current") == 300
        assert any("squeezed for long" in word.text for word in bench.said(m.Warned))
        bench.follower.shafts[6].effort = lambda: 0.0  # type: ignore[method-assign]
        bench.cycle(900)
        assert gripper.peek("goal_current") == 600
        assert bench.follower.line.servo(6).peek("goal_pwm") == bench.follower.line.servo(7).peek("goal_pwm") == 885

    def test_health_of_both_arms_comes_twice_a_second(self, bench: Bench) -> None:
        bench.copying()
        bench.heard.clear()
        bench.cycle(300, alive=True)
        words = bench.said(a.ArmHealth)
        assert len(words) in (10, 12, 14)
        newest = {word.arm: word.servos for word in words}
        assert set(newest) == {"leader", "follower"}
        assert [servo.joint for servo in newest["follower"]] == list(STUDIO_FOLLOWER.names)
        assert all(servo.level == "ok" and servo.torque for servo in newest["follower"])

    def test_a_hot_servo_is_said_once_in_words(self, bench: Bench) -> None:
        bench.copying()
        bench.follower.line.servo(1).poke("present_temperature", 66)
        bench.cycle(400, alive=True)
        hot = [word.text for word in bench.said(m.Warned) if "hot" in word.text]
        assert hot == ["The follower's waist is 66 °C hot and switches itself off at 72 °C: let it rest."]


class TestPortReturn:
    @pytest.mark.parametrize("role", ["leader", "follower"])
    def test_an_arm_that_is_plugged_in_again_is_opened_without_torque_and_resume_goes_on(
        self, bench: Bench, role: str
    ) -> None:
        bench.copying()
        side = bench.leader if role == "leader" else bench.follower
        side.line.faults.unplug()
        bench.cycle(LOST_TICKS + 30)
        assert [word for word in bench.said(m.ControlFault) if word.text]
        bench.tell(m.Hold())  # what the session does then
        if role == "follower":
            for servo in side.line.servos:
                servo.reboot()  # its supply was gone too
        side.line.faults.plug_in()
        bench.cycle(200)
        assert any(f"The {role} is back on" in word.text for word in bench.said(m.Warned))
        assert any(side.torque) is False
        bench.tell(m.EngageHold())
        bench.cycle(5)
        bench.tell(m.EngageLeader())
        bench.cycle(60)
        assert all(bench.follower.torque)
        assert bench.program.loop.fault == ""
        assert bench.source() == "leader"

    def test_while_the_leader_is_away_the_follower_holds_with_its_watchdog_on(self, bench: Bench) -> None:
        bench.copying()
        bench.leader.line.faults.unplug()
        bench.cycle(300)
        assert all(bench.follower.torque)
        assert {servo.peek("bus_watchdog") for servo in bench.follower.line.servos} == {15}

    def test_another_arm_on_the_port_is_refused_and_named_once(self, bench: Bench) -> None:
        bench.copying()
        bench.leader.line.faults.unplug()
        bench.cycle(LOST_TICKS + 30)
        bench.leader.line.servo(2).poke("model_number", 1060)  # what came back is not what went
        bench.leader.line.faults.plug_in()
        bench.cycle(300)
        told = [word.text for word in bench.said(m.Warned) if "another arm" in word.text]
        assert len(told) == 1
        assert "The leader is not taken up again" in told[0]
        assert "model number 1060" in told[0]
        assert not any(bench.leader.torque)
        assert bench.program.loop.leader_lost
