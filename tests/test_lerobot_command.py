"""What LeRobot says of an arm becomes a section that a rig file can hold."""

import argparse
from pathlib import Path

import pytest

from drivers.lerobot_adapter.probe import DescribedJoint, Description
from teleop_studio.commands.failed import CommandFailed
from teleop_studio.commands.lerobot import lerobot_arm, rig_arm
from teleop_studio.rig_file import arm_lines, load_rig

FOUND = Description(
    joints=(
        DescribedJoint("pan", "degrees", 0.01745, 0.0, -1.5, 1.5, False),
        DescribedJoint("gripper", "0..100", 0.01, 0.0, 0.0, 1.0, False),
    )
)
OPTIONS = {"port": "/dev/ttyACM0", "use_degrees": True, "cameras": {"front": {"type": "opencv", "fps": 30}}}


def test_the_section_is_read_back_as_the_arm_it_describes(tmp_path: Path) -> None:
    follower = rig_arm("koch_follower", OPTIONS, FOUND)
    leader = rig_arm("koch_leader", {"port": "/dev/ttyACM1"}, FOUND)
    path = tmp_path / "rig.toml"
    path.write_text("\n".join(["cameras = []", *arm_lines("leader", leader), *arm_lines("follower", follower)]))
    rig = load_rig(path)
    assert rig.follower == follower
    assert rig.leader == leader
    assert rig.follower.model.joints[0].upper == 1.5


def test_an_option_without_a_value_is_refused_before_lerobot_is_loaded() -> None:
    options = argparse.Namespace(option=["port"], role="follower", type="koch_follower")
    with pytest.raises(CommandFailed, match=r"--option 'port': give NAME=VALUE"):
        lerobot_arm(options)
