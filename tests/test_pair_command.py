"""`teleop-studio sim --leader ARM --follower ARM`: emulated arms without a scene, as other programs see them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.clock import MonotonicClock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.control_table import MODELS
from drivers.dynamixel.transport import open_transport
from drivers.errors import BusError, PortLost, PortMissing, ServoSilent
from teleop_studio.__main__ import main

ROOT = Path(__file__).parents[1]
CLOCK = MonotonicClock()
PATIENT_MS = 3000.0
POSITION = MODELS["xl330-m288"].register("present_position")


class Sim:
    """The command in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "teleop_studio", "sim", "--json", "--events", *arguments]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ports: dict[str, str] = self._told()

    def happen(self, line: str) -> dict[str, Any]:
        """Let an event happen; what the command says about it."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._told()

    def bus(self, port: str, baud: int = 1_000_000) -> DynamixelBus:
        return DynamixelBus(open_transport(self.ports[port], baud, CLOCK), CLOCK, PATIENT_MS, PATIENT_MS)

    def end(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=60)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def running(*arguments: str) -> Iterator[Sim]:
    sim = Sim(*arguments)
    try:
        yield sim
        assert sim.end() == 0
    finally:
        sim.kill()


@pytest.mark.alone
def test_a_pair_on_ptys_moves_fails_and_comes_back_on_request() -> None:
    with running("--leader", "koch-leader", "--follower", "koch-follower") as sim:
        assert set(sim.ports) == {"leader", "follower"}
        bus = sim.bus("follower")
        before = bus.read(3, POSITION)
        assert sim.happen("follower put elbow_flex 0.5") == {"event": "put"}
        assert abs(bus.read(3, POSITION) - before - 326) <= 1
        assert "no joint 'knee' on this line" in sim.happen("follower put knee 0.5")["refused"]
        assert "Give one of: unplug" in sim.happen("follower frobnicate")["refused"]
        assert sim.happen("follower unplug") == {"event": "unplug"}
        with pytest.raises(PortLost, match="was lost"):
            bus.ping(3)
        bus.close()
        assert sim.happen("follower replug") == {"event": "replug"}
        again = sim.bus("follower")
        assert again.ping(3).model_number == 1200
        again.close()
        folder = Path(sim.ports["leader"]).parent
        assert sorted(path.name for path in folder.iterdir()) == ["follower", "leader"]
    assert not folder.exists()


@pytest.mark.alone
def test_two_cables_can_be_plugged_in_crosswise() -> None:
    with running("--leader", "koch-leader", "--follower", "koch-follower") as sim:
        assert first_model(sim, "follower") == 1060
        assert sim.happen("both swap") == {"event": "swap"}
        # The cables are out for half a second; until then either port may still be the old one, or none.
        deadline_ns = CLOCK.now_ns() + 60_000_000_000
        while first_model(sim, "follower") != 1190:
            assert CLOCK.now_ns() < deadline_ns
        assert first_model(sim, "leader") == 1060


def first_model(sim: Sim, port: str) -> int | None:
    """Model number of servo 1 on a port; None while nobody is there."""
    try:
        bus = sim.bus(port)
    except PortMissing:
        return None
    try:
        return bus.ping(1).model_number
    except BusError:
        return None
    finally:
        bus.close()


@pytest.mark.alone
def test_factory_servos_are_plugged_in_one_by_one() -> None:
    with running("--follower", "koch-follower", "--factory") as sim:
        sim.happen("follower plug-only gripper")
        slow = sim.bus("follower", 57_600)
        assert slow.ping(1).model_number == 1200
        slow.close()
        sim.happen("follower plug-only shoulder_pan")
        slow = sim.bus("follower", 57_600)
        assert slow.ping(1).model_number == 1060
        slow.close()


@pytest.mark.alone
def test_a_fault_plan_runs_on_a_tcp_port(tmp_path: Path) -> None:
    plan = tmp_path / "faults.toml"
    plan.write_text(
        '[[event]]\nkind = "dead"\nids = [14]\n[[rule]]\nkind = "crc"\nids = [15]\ninstruction = "ping"\ncount = 1\n'
    )
    with running("--follower", "omx-follower", "--tcp", "--faults", str(plan), "--usb", "ftdi1") as sim:
        assert sim.ports["follower"].startswith("socket://127.0.0.1:")
        bus = sim.bus("follower")
        assert bus.ping(15).model_number == 1200
        assert bus.statistics.crc_errors == 1
        bus.close()
        impatient = DynamixelBus(open_transport(sim.ports["follower"], 1_000_000, CLOCK), CLOCK, patience_ms=50.0)
        with pytest.raises(ServoSilent, match="servo 14"):
            impatient.ping(14)
        impatient.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--leader", "koch"], "No arm is called 'koch' (--leader). Known arms: studio-"),
        (
            ["--leader", "koch-leader", "--usb", "bluetooth"],
            "No USB adapter is called 'bluetooth'. Known adapters: none",
        ),
        (["--leader", "koch-leader", "--faults", "missing.toml"], "The fault plan missing.toml can not be used."),
        (["--tcp"], "--tcp needs --leader or --follower"),
        (["--usb", "ftdi16"], "--usb needs --leader or --follower"),
    ],
)
def test_what_can_not_be_served_is_said(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sim", *arguments]) == 1
    assert sentence in capsys.readouterr().err


def test_a_swap_needs_two_arms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "swap.toml"
    plan.write_text('[[event]]\nkind = "swap"\nat_s = 1.0\n')
    assert main(["sim", "--leader", "koch-leader", "--faults", str(plan)]) == 1
    assert "Give --leader and --follower" in capsys.readouterr().err
