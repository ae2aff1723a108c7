"""The set-up scripts, run with stand-ins for the machine's own tools in front of the path."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scripts do their work on Debian and Ubuntu")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A Debian without libegl1, seen by a user who is not root; apt-get writes down what it was asked."""
    folder = tmp_path / "tools"
    folder.mkdir()
    stand_in(folder, "dpkg-query", 'for last; do :; done\n[ "$last" != libegl1 ] && echo installed')
    stand_in(folder, "apt-cache", "exit 0")
    stand_in(folder, "apt-get", f'echo "$@" >> {tmp_path}/asked')
    stand_in(folder, "sudo", "exit 1")
    stand_in(folder, "id", "echo 1000")
    return folder


def stand_in(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def run(script: str, tools: Path, path: str = os.environ["PATH"], **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{tools}:{path}", **settings}
    return subprocess.run(
        ["/bin/sh", str(SCRIPTS / script)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_without_the_right_to_install_the_one_line_that_does_is_printed(tools: Path) -> None:
    done = run("system_libraries.sh", tools)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].strip() == (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends libegl1"
    )
    assert not (tools.parent / "asked").exists()


def test_root_installs_only_what_is_missing(tools: Path) -> None:
    stand_in(tools, "id", "echo 0")
    assert run("system_libraries.sh", tools).returncode == 0
    asked = (tools.parent / "asked").read_text().splitlines()
    assert asked == ["update -qq", "install -qq -y --no-install-recommends libegl1"]


def test_a_failed_installation_prints_the_line_too(tools: Path) -> None:
    stand_in(tools, "id", "echo 0")
    stand_in(tools, "apt-get", "exit 100")
    done = run("system_libraries.sh", tools)
    assert "That did not work." in done.stdout
    assert "sudo apt-get install -y --no-install-recommends libegl1" in done.stdout


def test_nothing_is_done_when_all_is_there(tools: Path) -> None:
    stand_in(tools, "dpkg-query", "echo installed")
    stand_in(tools, "id", "echo 0")
    done = run("system_libraries.sh", tools)
    assert (done.returncode, done.stdout) == (0, "")
    assert not (tools.parent / "asked").exists()


def test_a_renamed_package_counts_under_either_name(tools: Path) -> None:
    renamed = 'case "$last" in libegl1|libglib2.0-0) exit 1;; esac\necho installed'
    stand_in(tools, "dpkg-query", f"for last; do :; done\n{renamed}")
    assert "libglib2.0" not in run("system_libraries.sh", tools).stdout


def test_a_renamed_package_is_installed_under_the_name_that_exists(tools: Path) -> None:
    stand_in(tools, "dpkg-query", "exit 1")
    stand_in(tools, "apt-cache", '[ "$2" = libglib2.0-0t64 ] || [ "$2" = libegl1 ]')
    line = run("system_libraries.sh", tools).stdout.splitlines()[-1]
    assert "libglib2.0-0t64" in line
    assert "libglib2.0-0 " not in line
    assert "libegl1" in line


def test_this_python_is_taken_when_it_is_named(tools: Path) -> None:
    done = run("find_python.sh", tools, PYTHON=sys.executable)
    assert (done.returncode, done.stdout.strip()) == (0, sys.executable)


def test_a_python_that_is_too_old_is_refused_when_it_is_named(tools: Path) -> None:
    stand_in(tools, "python-old", "exit 1")
    done = run("find_python.sh", tools, PYTHON=str(tools / "python-old"))
    assert done.returncode == 1
    assert f"PYTHON={tools / 'python-old'} is not Python 3.12 or newer" in done.stderr


def test_an_old_python_is_passed_over_for_a_newer_one(tools: Path) -> None:
    stand_in(tools, "python3.12", "exit 1")
    stand_in(tools, "python3", f'exec {sys.executable} "$@"')
    done = run("find_python.sh", tools, PYENV_ROOT="/nowhere", PYTHON="")
    assert done.stdout.strip() == str(tools / "python3")


def test_without_any_python_it_is_said_where_to_get_one(tools: Path) -> None:
    for name in ("python3.12", "python3", "python3.13", "python3.14"):
        stand_in(tools, name, "exit 1")
    done = run("find_python.sh", tools, PYENV_ROOT="/nowhere", PYTHON="")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No usable Python 3.12 or newer was found." in done.stderr
    assert f"too old or without venv: {tools / 'python3.12'}" in done.stderr
