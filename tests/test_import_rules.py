"""The import rules of pyproject.toml hold, and would notice if somebody broke them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("teleop_studio", "drivers", "recorders", "ui")

# One forbidden import for each rule: rule, file, line.
PLANTED = [
    ("ui above teleop_studio", "drivers/planted.py", "import teleop_studio.chunk"),
    ("ui above teleop_studio", "recorders/planted.py", "from drivers import clock"),
    ("The window talks to Studio", "ui/planted.py", "from drivers.samples import JointState"),
    ("Inside teleop_studio", "teleop_studio/control/planted.py", "import teleop_studio.processes.messages"),
    ("Insight and evaluation", "teleop_studio/insight/planted.py", "import recorders"),
    ("Control never loads torch", "teleop_studio/control/planted_too.py", "def later():\n    import torch"),
    ("Only the window imports Qt", "teleop_studio/planted.py", "from PySide6.QtCore import QObject"),
    ("Only policies, training", "teleop_studio/processes/planted.py", "import torch"),
    ("Only recorders import HDF5", "teleop_studio/training/planted.py", "import h5py"),
    ("Only exporters and importers", "recorders/planted_too.py", "import av"),
    ("Only the map over many episodes", "teleop_studio/planted_too.py", "import ray"),
    ("Only drivers import", "ui/planted_too.py", "import cv2"),
    ("Only training shares", "teleop_studio/policies/planted.py", "import accelerate"),
    ("Only policies know pretrained", "teleop_studio/training/planted_too.py", "import transformers"),
    ("Nobody imports lerobot", "drivers/planted_too.py", "import lerobot.motors"),
]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the linter on the packages in `folder`, which must be found before the installed ones."""
    command = Path(sys.executable).with_name("lint-imports")
    # A narrow terminal would cut the names of the rules, colours would split them.
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": str(folder)}
    return subprocess.run(
        [command, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources and their rules, in a folder of their own."""
    for name in (*PACKAGES, "scripts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_code_keeps_every_import_rule() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_every_rule_catches_an_import_planted_against_it(copy: Path) -> None:
    for _, file, line in PLANTED:
        (copy / file).write_text(line + "\n", encoding="utf-8")
    result = lint_imports(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    verdicts = [line for line in result.stdout.splitlines() if re.search(r"\b(KEPT|BROKEN)\b", line)]
    kept = [line for line in verdicts if "KEPT" in line]
    assert not kept, f"these rules did not notice the import planted against them: {kept}"
    for rule, file, _ in PLANTED:
        assert any(line.startswith(rule) for line in verdicts), f"no rule is called {rule!r}"
        assert file.removesuffix(".py").replace("/", ".") in result.stdout, (
            f"the import planted in {file} was not named"
        )


# What each process must do without: torch costs 0.5 GB and jitter, an OpenGL context or the HDF5 library can take a
# process down with it. Loading counts here, through whomever.
LIGHT = {
    "the window": (
        ["ui.app", "ui.main_window", "teleop_studio.studio"],
        ["torch", "mujoco", "serial", "dynamixel_sdk", "cv2", "lerobot"],
    ),
    "the control process": (
        ["teleop_studio.processes.control_process"],
        ["torch", "PySide6", "h5py", "cv2", "lerobot"],
    ),
    "the recorder process": (
        ["teleop_studio.processes.recorder_process"],
        ["torch", "PySide6", "mujoco", "serial", "lerobot"],
    ),
    "the command line": (["teleop_studio.__main__"], ["torch", "PySide6", "mujoco", "h5py", "cv2", "lerobot"]),
}


@pytest.mark.parametrize("process", LIGHT)
def test_a_process_loads_only_what_it_needs(process: str) -> None:
    modules, unwanted = LIGHT[process]
    code = f"import sys, {', '.join(modules)}; print(*sorted(set({unwanted!r}) & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [], f"{process} loads {result.stdout.strip()}"
