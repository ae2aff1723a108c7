"""LeRobot's unmodified Koch and OMX classes work on our emulated servos, and its files and registers are ours too."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import tau
from pathlib import Path
from typing import Any

import pytest

from drivers.arms import ARMS
from drivers.arms.calibration_file import calibrated, read_calibration, write_calibration
from drivers.arms.model import ArmModel
from drivers.clock import MonotonicClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.control_table import MODELS
from drivers.dynamixel.transport import SerialTransport
from tests.drivers.lerobot.calibrated_line import calibration_of, servos_of
from tests.drivers.lerobot.servo_lines import ServoLines

pytestmark = [pytest.mark.alone, pytest.mark.slow]

TYPES = {"koch_follower": "koch-follower", "koch_leader": "koch-leader"} | {
    "omx_follower": "omx-follower",
    "omx_leader": "omx-leader",
}
OURS = {"ours_follower": "koch_follower", "ours_leader": "koch_leader"}  # calibrated by us before LeRobot sees them
HOMING = 300
MIDDLE_RAD, LOWEST_RAD, HIGHEST_RAD = 0.3, -0.5, 1.0  # of every shaft, while LeRobot calibrates
ROW = re.compile(r"(\w+) +\| +(-?\d+) \| +(-?\d+) \| +(-?\d+)")


@dataclass
class Run:
    """What LeRobot said and did, and where the servos and files are now."""

    result: dict[str, Any]
    lines: ServoLines
    folder: Path
    prompts: list[str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("calibrations")
    kinds = [*((kind, kind) for kind in TYPES), *((kind, name) for name, kind in OURS.items())]
    lines = ServoLines(*(servos_of(ARMS[TYPES[kind]]) for kind, _ in kinds))
    try:
        for line, (kind, name) in enumerate(kinds):
            if name in OURS:
                calibrate_ours(ARMS[TYPES[kind]], lines.ports[line], folder / f"{name}.json")
        arms = [(kind, port, name) for (kind, name), port in zip(kinds, lines.ports, strict=True)]
        told = json.dumps({"folder": str(folder), "arms": arms})
        operator = Operator(lines)
        yield Run(operator.attend(told), lines, folder, operator.prompts)
    finally:
        lines.close()


def calibrate_ours(model: ArmModel, port: str, path: Path) -> None:
    """Our calibration of an arm from the factory: our file, and our set-up of its servos."""
    write_calibration(path, calibration_of(model, HOMING))
    open_ours(model, port, path).close()


def open_ours(model: ArmModel, port: str, path: Path) -> DynamixelArm:
    clock = MonotonicClock()
    arm = DynamixelArm(
        calibrated(model, read_calibration(path)), DynamixelBus(SerialTransport(port, model.baud), clock), clock
    )
    arm.connect()
    return arm


class Operator:
    """Reads LeRobot's prompts, moves the arm that is being calibrated, presses ENTER."""

    def __init__(self, lines: ServoLines) -> None:
        self._lines = lines
        self.prompts: list[str] = []

    def attend(self, told: str) -> dict[str, Any]:
        """LeRobot's result, when its process is done."""
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.drivers.lerobot.stock_classes", told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        assert self._process.stdout is not None
        heard, line = "", -1
        while piece := os.read(self._process.stdout.fileno(), 1 << 16).decode():
            heard += piece
            while "ARM " in heard:
                heard = heard.partition("ARM ")[2]
                line += 1
                self._turns = iter((LOWEST_RAD, HIGHEST_RAD, MIDDLE_RAD))
                self._wanted: int | None = None
            if "press ENTER....".lower() in heard.lower() or "and press ENTER to run calibration" in heard:
                self.prompts.append(heard)
                self._put(line, MIDDLE_RAD)
                self._press_enter()
                heard = ""
            elif rows := ROW.findall(heard):
                heard = heard if "RESULT" in heard else ""
                self._sweep(line, [int(row[2]) for row in rows])
        assert self._process.wait() == 0, heard
        return dict(json.loads(heard.partition("RESULT ")[2]))

    def _sweep(self, line: int, shown: list[int]) -> None:
        """On to the next end once LeRobot shows the joint where it was put."""
        if self._wanted is not None and shown[-1] not in range(self._wanted - 1, self._wanted + 2):
            return
        angle = next(self._turns, None)
        if angle is None:
            if self._wanted is not None:
                self._press_enter()
            self._wanted = None
            self._turns = iter(())
            return
        self._put(line, angle)
        self._wanted = round((angle - MIDDLE_RAD) * 4096 / tau) + 2047

    def _put(self, line: int, angle: float) -> None:
        self._lines.put(line, dict.fromkeys(range(1, 7), angle))

    def _press_enter(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()


@pytest.mark.parametrize("kind", TYPES)
def test_a_stock_class_connects_calibrates_observes_and_acts(run: Run, kind: str) -> None:
    found = run.result[kind]
    assert found["calibrated"]
    assert found["connected"] is False
    assert found["again"]["calibrated"]
    assert list(found["seen"]) == [f"{joint}.pos" for joint in ARMS[TYPES[kind]].names]
    if kind.endswith("follower"):
        for joint, value in found["sent"].items():
            assert found["moved"][joint] == pytest.approx(value, abs=0.3)
            assert value == pytest.approx(found["seen"][joint] + 5.0)
        assert found["again"]["seen"] == pytest.approx(found["moved"], abs=0.3)


def test_both_koch_arms_asked_for_their_middle_pose_and_the_others_asked_nothing(run: Run) -> None:
    assert len(run.prompts) == 2
    assert "koch_follower" in run.prompts[0]
    assert "koch_leader" in run.prompts[1]


@pytest.mark.parametrize("kind", TYPES)
def test_our_arm_models_have_lerobots_joints_ids_and_servos(run: Run, kind: str) -> None:
    ours = [[joint.name, joint.servo_id, joint.servo] for joint in ARMS[TYPES[kind]].joints]
    assert [motor[:3] for motor in run.result[kind]["motors"]] == ours
    assert [motor[3] for motor in run.result[kind]["motors"]] == ["RANGE_M100_100"] * 5 + ["RANGE_0_100"]


def test_our_control_tables_have_lerobots_addresses_and_sizes(run: Run) -> None:
    assert {"xl430-w250", "xl330-m288", "xl330-m077"} <= set(run.result["tables"])
    compared = 0
    for model, theirs in run.result["tables"].items():
        table = MODELS[model]
        assert table.model_number == theirs["number"]
        for name, (address, size) in theirs["registers"].items():
            register = table.registers.get(name.lower())
            if register is None:
                continue  # one table for the whole X series: currents of servos that measure none, the startup byte
            assert (register.address, register.size) == (address, size), (model, name)
            compared += 1
    assert compared > 30 * len(run.result["tables"])


@pytest.mark.parametrize("kind", ["koch_follower", "koch_leader"])
def test_lerobots_calibration_gives_us_the_same_angles(run: Run, kind: str) -> None:
    path = run.folder / f"{kind}.json"
    calibration = read_calibration(path)
    arm = open_ours(ARMS[TYPES[kind]], run.lines.ports[list(TYPES).index(kind)], path)
    try:
        position = arm.read().position
    finally:
        arm.close()
    for joint, value in zip(arm.model.joints, position, strict=True):
        entry, theirs = calibration[joint.name], run.result[kind]["again"]["seen"][f"{joint.name}.pos"]
        if joint.name == "gripper":
            assert value == pytest.approx(theirs / 100, abs=2e-3)
        else:
            ticks = entry.range_min + (theirs + 100) / 200 * (entry.range_max - entry.range_min)
            assert value == pytest.approx((ticks - 2047) * tau / 4096, abs=2e-3), joint.name


def test_a_reversed_elbow_counts_backwards_while_it_is_calibrated_and_afterwards(run: Run) -> None:
    calibration = read_calibration(run.folder / "koch_leader.json")
    assert {name for name, entry in calibration.items() if entry.drive_mode == 1} == {"elbow_flex"}
    elbow, wrist = calibration["elbow_flex"], calibration["wrist_flex"]
    assert elbow.range_max - 2047 == pytest.approx(2047 - wrist.range_min, abs=2)
    assert elbow.range_min - 2047 == pytest.approx(2047 - wrist.range_max, abs=2)


@pytest.mark.parametrize("name", OURS)
def test_lerobot_takes_an_arm_that_we_calibrated_for_calibrated(run: Run, name: str) -> None:
    assert run.result[name]["calibrated"]  # and nobody was asked: two prompts in all, those of the other two
    assert run.result[name]["again"]["calibrated"]
    entry = next(iter(read_calibration(run.folder / f"{name}.json").values()))
    assert entry.homing_offset == HOMING


def test_an_arm_without_a_calibration_is_refused_by_the_adapter_with_what_to_do(run: Run) -> None:
    refused = run.result["refused"]
    assert refused.startswith(f"LeRobot's koch_follower is not calibrated: {run.folder / 'nobody.json'} is missing")
    assert "Run `lerobot-calibrate`" in refused


def test_every_type_of_lerobot_is_found_under_its_role(run: Run) -> None:
    types = run.result["types"]
    assert {"koch_follower", "omx_follower", "so101_follower"} <= set(types["follower"])
    assert {"koch_leader", "omx_leader", "so101_leader", "koch_follower"} <= set(types["leader"])
    assert {"opencv", "zmq"} <= set(types["camera"])
    assert "koch_leader" not in types["follower"]
