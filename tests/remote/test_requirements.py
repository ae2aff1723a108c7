import subprocess
import sys

from teleop_studio.remote.requirements import PACKAGES, environment_name, requirements

# Everything that is installed beside these, and is not what they need themselves, can not be imported.
WITHOUT_THE_REST = """
import sys
class Absent:
    names = {"PySide6", "pyqtgraph", "mujoco", "serial", "dynamixel_sdk", "cv2", "av", "pandas", "lerobot", "scipy"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from pathlib import Path
from teleop_studio.processes import remote_host, trainer_process
from teleop_studio.training import chunk_dataset, picture_cache, trainer
from teleop_studio.policies import build_policy
from teleop_studio.policies.config import PolicyConfig
build_policy("flow-matching", PolicyConfig(("waist", "gripper"), ("front",), picture_px=16, crop_px=16))
print("learns")
"""


def test_a_training_asks_for_its_packages_as_the_whole_program_declares_them() -> None:
    wanted = requirements()
    assert len(wanted) == len(PACKAGES)
    assert any(text.startswith("torch>=") for text in wanted)
    assert not any(text.startswith(("PySide6", "mujoco")) for text in wanted)
    assert any(text.startswith("lerobot[") for text in requirements("lerobot-policies"))


def test_other_needs_give_another_environment() -> None:
    names = {environment_name(wanted, version) for wanted in (("a",), ("a", "b")) for version in ("3.12.1", "3.13.0")}
    assert len(names) == 4
    assert environment_name(("a",), "3.12.1") in names


def test_a_training_needs_no_window_no_arm_and_no_simulator() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_THE_REST], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "learns"), done.stderr
