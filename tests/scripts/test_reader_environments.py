"""The readers of other programs are fetched once, into folders of their own, whole or not at all."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "reader_environments.sh"

# Stands in for .venv/bin/python -m pip install ... --target FOLDER PACKAGE: writes down that it was asked.
PIP = '#!/bin/sh\necho "$@" >> asked\nmkdir -p "$8"\ntouch "$8/half"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the script and an interpreter that only pretends to install."""
    for name in ("scripts", ".venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "scripts")
    pretend(tmp_path, PIP)
    return tmp_path


def pretend(checkout: Path, body: str) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.write_text(body)
    python.chmod(0o755)


def run(checkout: Path) -> int:
    script = str(checkout / "scripts" / SCRIPT.name)
    return subprocess.run(["/bin/sh", script], cwd="/", capture_output=True, timeout=60, check=False).returncode


def test_a_reader_is_fetched_once_without_its_dependencies(checkout: Path) -> None:
    assert run(checkout) == 0
    assert run(checkout) == 0
    asked = (checkout / "asked").read_text().splitlines()
    assert [line.split()[-1] for line in asked] == ["robomimic==0.3.0", "dynamixel-sdk==3.8.4"]
    assert all("pip install" in line and "--no-deps" in line for line in asked)
    for name in ("robomimic", "dynamixel-sdk"):
        assert (checkout / ".readers" / name / "half").exists()


def test_a_fetch_that_failed_leaves_no_reader_and_is_tried_again(checkout: Path) -> None:
    pretend(checkout, PIP + "exit 1\n")
    assert run(checkout) != 0
    assert not (checkout / ".readers" / "robomimic").exists()
    pretend(checkout, PIP)
    assert run(checkout) == 0
    assert (checkout / ".readers" / "robomimic" / "fetched").read_text() == "0.3.0\n"
