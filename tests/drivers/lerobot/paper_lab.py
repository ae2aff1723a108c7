"""A third party's LeRobot plug-in, written into a folder: a robot without a bus, and a camera.

What its devices do is steered from outside by files in that folder, and what they did is read there: `positions` (3
float64, what was last sent), and while these exist: `fault` its text is raised, `stall` the robot blocks, `frozen` the
camera gives the same picture again, `dark` it gives none. `hiccup`: one reading is lost, and the file with it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PACKAGE = "paper_lab"
ROBOT, CAMERA = "paper_robot", "paper_camera"
JOINTS = ("base", "arm", "gripper")
SIZE = (32, 24)  # w, h px

_SOURCE = """
import time
from dataclasses import dataclass, field
from pathlib import Path
import numpy as np
from lerobot.cameras import Camera, CameraConfig
from lerobot.robots import Robot, RobotConfig

HERE = Path(__file__).parent
JOINTS = ("base", "arm", "gripper")


def positions():
    return np.memmap(HERE / "positions", np.float64, "r+", shape=(3,))


@CameraConfig.register_subclass("paper_camera")
@dataclass(kw_only=True)
class PaperCameraConfig(CameraConfig):
    shade: int = 100


class PaperCamera(Camera):
    def __init__(self, config):
        super().__init__(config)
        self.config, self.open, self.count, self.last = config, False, 0, None

    @property
    def is_connected(self):
        return self.open

    @staticmethod
    def find_cameras():
        return []

    def connect(self, warmup=True):
        if (HERE / "dark").exists():
            raise ConnectionError("nobody is there")
        self.open = True

    def read(self):
        return self.async_read()

    def async_read(self, timeout_ms=200):
        if (HERE / "dark").exists():
            raise TimeoutError("no light")
        if not (HERE / "frozen").exists() or self.last is None:
            time.sleep(1 / self.config.fps)
            self.count += 1
            shape = (self.config.height, self.config.width, 3)
            self.last = np.full(shape, (self.config.shade + self.count) % 256, np.uint8)
        return self.last

    def disconnect(self):
        self.open = False


@RobotConfig.register_subclass("paper_robot")
@dataclass
class PaperRobotConfig(RobotConfig):
    cameras: dict[str, CameraConfig] = field(default_factory=dict)


class PaperRobot(Robot):
    config_class = PaperRobotConfig
    name = "paper_robot"

    def __init__(self, config):
        super().__init__(config)
        self.config, self.open, self.count = config, False, 0
        assert not config.cameras, "somebody else serves them"

    @property
    def observation_features(self):
        return {**self.action_features, "eye": (24, 32, 3)}

    @property
    def action_features(self):
        return {f"{name}.pos": float for name in JOINTS}

    @property
    def is_connected(self):
        return self.open

    def connect(self, calibrate=True):
        assert not calibrate
        self.open = True

    @property
    def is_calibrated(self):
        return not (HERE / "uncalibrated").exists()

    def calibrate(self):
        raise AssertionError("nobody can answer its questions")

    def configure(self):
        pass

    def get_observation(self):
        while (HERE / "stall").exists():
            time.sleep(0.005)
        if (HERE / "hiccup").exists():
            (HERE / "hiccup").unlink()
            raise ConnectionError("one packet was lost")
        if (HERE / "fault").exists():
            raise ConnectionError((HERE / "fault").read_text())
        self.count += 1
        eye = np.full((24, 32, 3), self.count // 4 % 256, np.uint8)
        return {f"{name}.pos": value for name, value in zip(JOINTS, positions().tolist())} | {"eye": eye}

    def send_action(self, action):
        assert list(action) == [f"{name}.pos" for name in JOINTS], action
        positions()[:] = list(action.values())
        return action

    def disconnect(self):
        self.open = False
"""


class PaperLab:
    """The plug-in's folder; put `parent` on the path to make it importable."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / PACKAGE
        self.folder.mkdir()
        (self.folder / "__init__.py").write_text(_SOURCE)
        (self.folder / "positions").write_bytes(np.zeros(3).tobytes())

    @property
    def positions(self) -> NDArray[np.float64]:
        """(3,) in the robot's own unit."""
        return np.fromfile(self.folder / "positions", np.float64)

    def set(self, what: str, text: str = "") -> None:
        (self.folder / f".{what}").write_text(text)
        (self.folder / f".{what}").rename(self.folder / what)

    def clear(self, what: str) -> None:
        (self.folder / what).unlink()
