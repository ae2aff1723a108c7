import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "teleop_studio.policies",
        "teleop_studio.policies.checkpoint_folder",
        "teleop_studio.policies.picture_reduction",
        "teleop_studio.training.cache_building",
        "teleop_studio.training.run_folder",
        "teleop_studio.training.run_status",
        "teleop_studio.training.main",
    ],
)
def test_what_the_window_reads_does_not_load_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
