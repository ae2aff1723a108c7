"""What a LeRobot device would give is known without connecting it, in the terms of a rig file."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import pi
from typing import Any

import pytest

from drivers.arms import ARMS
from drivers.arms.calibration_file import write_calibration
from drivers.lerobot_adapter.probe import Description, describe, description
from teleop_studio.rig import LerobotDevice, LerobotJoint
from tests.drivers.lerobot.calibrated_line import RAD_PER_VALUE, calibration_of
from tests.drivers.lerobot.paper_lab import CAMERA, PACKAGE, ROBOT, PaperLab

pytestmark = [pytest.mark.alone, pytest.mark.slow]

PATIENCE_S = 150.0
NO_PORT = "/dev/there-is-no-such-port"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """One question as the set-up asks it, and more to one process: loading LeRobot takes its seconds only once."""
    folder = tmp_path_factory.mktemp("probe")
    PaperLab(folder)
    write_calibration(folder / "red.json", calibration_of(ARMS["koch-follower"]))
    koch = {"port": NO_PORT, "calibration_dir": str(folder)}
    inner = {"wrist": {"type": CAMERA, "width": 32, "height": 24, "fps": 20}}
    paper = {"discover_packages_path": PACKAGE, "calibration_dir": str(folder), "cameras": inner}
    questions: dict[str, dict[str, Any]] = {
        "nobody": {"role": "leader", "type": "koch_leader", "options": {**koch, "id": "nobody"}},
        "paper": {"role": "follower", "type": ROBOT, "options": paper},
        "wrong": {"role": "follower", "type": "koch_follower", "options": {"prt": NO_PORT}},
        "cameras": {"role": "camera", "list": True},
    }
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(describe, "follower", "koch_follower", {**koch, "id": "red"}, PATIENCE_S)
        answers = subprocess.run(
            [sys.executable, "-m", "drivers.lerobot_adapter.probe"],
            input="".join(json.dumps(question) + "\n" for question in questions.values()),
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), *filter(None, sys.path)))},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        ).stdout.splitlines()
        yield dict(zip(questions, map(json.loads, answers), strict=True)) | {"koch": asked.result()}


def test_a_calibrated_arm_is_described_with_its_own_scale(found: dict[str, Any]) -> None:
    koch: Description = found["koch"]
    assert koch.problem == ""
    assert [joint.name for joint in koch.joints] == list(ARMS["koch-follower"].names)
    pan, gripper = koch.joints[0], koch.joints[-1]
    assert (pan.unit, pan.offset, pan.assumed) == ("-100..100", 0.0, False)
    assert pan.scale == pytest.approx(RAD_PER_VALUE)
    assert (pan.lower, pan.upper) == (pytest.approx(-100 * RAD_PER_VALUE), pytest.approx(100 * RAD_PER_VALUE))
    assert (gripper.unit, gripper.scale, gripper.lower, gripper.upper) == ("0..100", 0.01, 0.0, 1.0)
    joints = tuple(LerobotJoint(j.name, j.lower, j.upper, j.scale, j.offset) for j in koch.joints)
    assert LerobotDevice("koch_follower", {}, joints).joints[0].scale == pan.scale


def test_without_a_calibration_the_scale_is_called_assumed(found: dict[str, Any]) -> None:
    nobody = description(found["nobody"])
    assert [joint.assumed for joint in nobody.joints] == [True] * 5 + [False]
    assert nobody.problem.startswith(
        "LeRobot's koch_leader has no calibration of this arm, so the scale of shoulder_pan"
    )


def test_a_third_partys_robot_is_described_with_its_pictures_and_cameras(found: dict[str, Any]) -> None:
    paper = description(found["paper"])
    assert [(joint.name, joint.unit, joint.lower) for joint in paper.joints] == [
        (name, "unknown", -pi) for name in ("base", "arm", "gripper")
    ]
    assert [(camera.name, camera.width, camera.height, camera.fps) for camera in paper.cameras] == [
        ("wrist", 32, 24, 20.0),
        ("eye", 32, 24, 0.0),
    ]
    assert "does not tell the units" in paper.problem


def test_wrong_options_are_a_problem_in_words(found: dict[str, Any]) -> None:
    wrong = description(found["wrong"])
    assert wrong.joints == ()
    assert "LeRobot's koch_follower does not take these options: The fields `prt` are not valid" in wrong.problem


def test_the_installed_types_are_listed(found: dict[str, Any]) -> None:
    assert {"opencv", "zmq"} <= set(found["cameras"]["types"])


def test_a_process_that_takes_too_long_is_ended() -> None:
    hasty = describe("follower", "koch_follower", {"port": NO_PORT}, patience_s=0.05)
    assert hasty.problem.startswith("LeRobot did not answer within 0.05 s")
