"""Makes files as other programs write them, small, with known content."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

ROWS, JOINTS = 12, 14


def motion(rows: int = ROWS, joints: int = JOINTS) -> NDArray[np.float64]:
    """(rows, joints), another value everywhere."""
    return 0.1 * np.sin(np.arange(rows)[:, None] / 5 + np.arange(joints))


def aloha_file(path: Path, **changes: Any) -> Path:
    """An episode as ALOHA records it; `changes` replace arrays by their path, or remove them with None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = np.arange(ROWS, dtype=np.uint8)[:, None, None, None] * np.ones((1, 24, 32, 3), np.uint8)
    content: dict[str, Any] = {
        "action": motion().astype(np.float32) + 1,
        "observations/qpos": motion().astype(np.float32),
        "observations/qvel": motion().astype(np.float32) * 2,
        "observations/effort": motion().astype(np.float32) * 3,
        "observations/images/cam_high": pictures,
        **changes,
    }
    with h5py.File(path, "w") as file:
        file.attrs["sim"] = False
        for key, value in content.items():
            if callable(value):
                value(file, key)
            elif value is not None:
                file[key] = value
    return path


def robomimic_file(path: Path, demos: int = 1) -> Path:
    """Demonstrations with 7 joints under robosuite's names, and actions that are their goals."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = '{"env_name": "Lift", "type": 1, "env_kwargs": {"control_freq": 20}}'
        for number in range(demos):
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = ROWS
            demo["actions"] = motion(joints=7) + number
            demo["obs/robot0_joint_pos"] = motion(joints=6)
            demo["obs/robot0_gripper_qpos"] = motion(joints=1)
            demo["obs/object"] = motion(joints=3)
            demo["obs/agentview_image"] = np.full((ROWS, 16, 16, 3), number, np.uint8)
    return path
