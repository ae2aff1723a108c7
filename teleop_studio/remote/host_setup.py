"""Runs on the training host, before anything of ours is there: sent as text to its Python, so it stands by itself.

python -I - report MODULE ...                    what the host has, as one line of JSON after MARK
python -I - environment FOLDER REQUIREMENT ...   makes the virtual environment FOLDER, unless it is whole already
"""

import fcntl
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys

MARK = "teleop-studio:"
WHOLE = ".whole"  # lies in an environment once everything is installed
_GIB = 1024**3


def report(modules: list[str]) -> None:
    """Print what this machine has; the present folder says which disk is meant."""
    told = {
        "python": sys.executable,
        "version": platform.python_version(),
        "folder": os.getcwd(),
        "missing": [name for name in modules if importlib.util.find_spec(name) is None],
        "environments": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
        "free_gib": round(shutil.disk_usage(".").free / _GIB, 1),
        "device": _graphics() or f"CPU, {os.cpu_count()} cores",
    }
    print(MARK + json.dumps(told), flush=True)


def environment(folder: str, requirements: list[str]) -> None:
    """Make the environment; two who want it at the same time wait for each other."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        whole = os.path.join(folder, WHOLE)
        if not os.path.exists(whole):
            python = os.path.join(folder, "bin", "python")
            _do(sys.executable, "-m", "venv", folder)
            _do(python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", *requirements)
            with open(whole, "w") as file:
                file.write("\n".join(requirements) + "\n")
    print(MARK + json.dumps({"python": os.path.join(folder, "bin", "python")}), flush=True)


def _do(*command: str) -> None:
    code = subprocess.call(command, stdin=subprocess.DEVNULL)
    if code:
        sys.exit(code)


def _graphics() -> str:
    """The graphics cards in words, "" without one that CUDA or Metal could use."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "Apple " + platform.machine()
    if shutil.which("nvidia-smi") is None:
        return ""
    query = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
    told = subprocess.run(query, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    cards = [line.rpartition(",") for line in told.stdout.splitlines() if told.returncode == 0]
    return ", ".join(f"{name} ({float(mib) / 1024:.0f} GiB)" for name, _, mib in cards if mib.strip().isdigit())


if __name__ == "__main__":
    if sys.argv[1] == "report":
        report(sys.argv[2:])
    else:
        environment(sys.argv[2], sys.argv[3:])
