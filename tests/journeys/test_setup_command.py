"""`teleop-studio setup` against an emulated pair on two ptys."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from teleop_studio.__main__ import main
from teleop_studio.processes.child import Child
from teleop_studio.processes.messages import Ready
from teleop_studio.processes.pair_plan import PairPlan

pytestmark = pytest.mark.alone


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A GELLO that still talks as it came, and a ViperX."""
    child = Child("arms", "pair_process", (PairPlan({"leader": "gello", "follower": "vx300s"}, tmp_path), False))
    found: dict[str, str] = {}
    while not found:
        for message in child.receive():
            assert isinstance(message, Ready)
            found = dict(line.split(" ", 1) for line in message.note.split("\n"))
    yield found
    child.kill()


def test_a_gello_and_a_viperx_become_a_rig_file(
    ports: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--workspace", str(tmp_path / "workspace")]
    leader, follower = ports["leader"], ports["follower"]
    assert main(["setup", "scan", "--port", leader, "--port", follower, "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)["ports"]
    assert [port["fits"] for port in told] == [["gello"], ["vx300s"]]
    assert {servo["baud"] for servo in told[0]["servos"]} == {57_600}

    assert main(["setup", "set-baud", "--port", leader, *where]) == 0
    assert "talk at 1000000 baud now." in capsys.readouterr().err

    save = ["setup", "save", "bench", "--leader", "gello", "--leader-port", leader]
    save += [
        "--follower",
        "vx300s",
        "--follower-port",
        follower,
        "--camera",
        "front=http://cam/video,320x240@15",
        *where,
    ]
    assert main(save) == 1
    assert "Calibrate the leader, or choose its calibration file." in capsys.readouterr().err
    assert main(["setup", "set-id", "--port", follower, "--id", "99", "--new-id", "98", *where]) == 1
    assert "servo 99" in capsys.readouterr().err


def test_lerobots_types_are_listed_when_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "lerobot", "--role", "leader", "--json"]) == 0
    told = capsys.readouterr()
    types = json.loads(told.out)["types"]
    assert {"koch_leader", "omx_leader"} <= set(types)
    assert "choose one with --type" in told.err
