"""LeRobot's own command line drives our arms through our plug-in: teleoperation, and a recording into a dataset."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from drivers.arms import ARMS
from tests.drivers.lerobot.calibrated_line import calibrate, servos_of
from tests.drivers.lerobot.paper_lab import CAMERA, PACKAGE, PaperLab
from tests.drivers.lerobot.servo_lines import ServoLines

pytestmark = [pytest.mark.alone, pytest.mark.slow]

PATIENCE_S = 200.0
FPS = 20
LED_RAD = 0.5  # where the leader stands, all of its hinges, while the follower stands at 0
SOFT_SPEED = 0.6  # rad/s of our safety gate's first motion
STUDIO, KOCH = ("studio-leader", "studio-follower"), ("koch-leader", "koch-follower")


@dataclass
class Runs:
    """What the two programs left behind."""

    lines: ServoLines
    said: dict[str, str]
    dataset: Path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("cli")
    PaperLab(folder)
    arms = (*STUDIO, *KOCH)
    lines = ServoLines(*(servos_of(ARMS[arm]) for arm in arms))
    try:
        lines.put(0, dict.fromkeys(range(1, 7), LED_RAD))
        for line, arm in enumerate(arms[2:], 2):
            calibrate(lines, line, ARMS[arm], folder / f"{arm}.json")
        lines.put(2, {1: 0.3, 2: -0.3})
        dataset = folder / "dataset"
        camera = f"{{front: {{type: {CAMERA}, width: 64, height: 48, fps: {FPS}}}}}"
        record = [
            *own_arms(folder, lines, 0, STUDIO),
            f"--teleop.discover_packages_path={PACKAGE}",
            f"--robot.cameras={camera}",
            "--dataset.repo_id=lab/try",
            f"--dataset.root={dataset}",
            "--dataset.num_episodes=1",
            "--dataset.episode_time_s=2",
            "--dataset.reset_time_s=0",
            f"--dataset.fps={FPS}",
            "--dataset.single_task=Follow.",
            "--dataset.push_to_hub=false",
            "--dataset.rgb_encoder.vcodec=h264",
            "--play_sounds=false",
        ]
        teleoperate = [*own_arms(folder, lines, 2, KOCH), "--fps=50", "--teleop_time_s=3"]
        programs = {
            "lerobot_record": start("lerobot_record", record, folder),
            "lerobot_teleoperate": start("lerobot_teleoperate", teleoperate, folder),
        }
        said = {name: program.communicate(timeout=PATIENCE_S)[0] for name, program in programs.items()}
        for name, program in programs.items():
            assert program.returncode == 0, said[name]
        yield Runs(lines, said, dataset)
    finally:
        lines.close()


def own_arms(folder: Path, lines: ServoLines, first: int, arms: tuple[str, str]) -> list[str]:
    """The arguments that name a leader on line `first` and a follower on the next."""
    named = []
    for part, arm, kind, port in (
        ("teleop", arms[0], "leader", lines.ports[first]),
        ("robot", arms[1], "follower", lines.ports[first + 1]),
    ):
        options = {"type": f"teleop_studio_{kind}", "arm": arm, "port": port, "id": arm, "calibration_dir": folder}
        named += [f"--{part}.{name}={value}" for name, value in options.items()]
    return ["--robot.discover_packages_path=teleop_studio.lerobot_plugin", *named]


def start(script: str, arguments: list[str], folder: Path) -> subprocess.Popen[str]:
    path = os.pathsep.join((str(folder), *filter(None, sys.path)))
    return subprocess.Popen(
        [sys.executable, "-m", f"lerobot.scripts.{script}", *arguments],
        env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_recorded_dataset_has_our_joints_and_the_camera(runs: Runs) -> None:
    info = json.loads((runs.dataset / "meta" / "info.json").read_text())
    names = [f"{joint}.pos" for joint in ARMS["studio-follower"].names]
    assert info["features"]["action"]["names"] == names
    assert info["features"]["observation.state"]["names"] == names
    assert info["features"]["observation.images.front"]["info"]["video.codec"] == "h264"
    assert info["robot_type"] == "teleop_studio_follower"
    assert info["total_episodes"] == 1
    assert info["total_frames"] > FPS


def test_the_follower_goes_to_the_leader_softly_and_not_at_once(runs: Runs) -> None:
    rows = pq.read_table(next((runs.dataset / "data").rglob("*.parquet")))
    asked, stood = (np.stack(rows[name].to_numpy())[:, :6] for name in ("action", "observation.state"))
    np.testing.assert_allclose(asked, LED_RAD, atol=2e-3)  # LeRobot records what was asked for, not what was sent
    np.testing.assert_allclose(stood[0], 0.0, atol=2e-3)
    np.testing.assert_allclose(stood[-1], LED_RAD, atol=0.05)
    # LeRobot's loop is late now and then: twice the step of a loop that is in time.
    assert np.diff(stood, axis=0).max() < 2 * SOFT_SPEED / FPS
    assert np.diff(stood, axis=0).min() > -2e-3


def test_the_torque_went_softly_and_is_off(runs: Runs) -> None:
    for line in (1, 3):
        assert not any(runs.lines.peek(line, "torque_enable").values())
        assert max(runs.lines.peek(line, "goal_pwm").values()) < 60  # of 885, the last step of the ramp


def test_calibrated_arms_of_ours_follow_each_other_too(runs: Runs) -> None:
    ticks = runs.lines.peek(3, "present_position")
    assert ticks[1] - 2048 == pytest.approx(0.3 * 4096 / 2 / np.pi, abs=8)
    assert ticks[2] - 2048 == pytest.approx(-0.3 * 4096 / 2 / np.pi, abs=8)
    assert "Teleop loop time" in runs.said["lerobot_teleoperate"]
