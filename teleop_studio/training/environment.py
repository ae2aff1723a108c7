"""With which program, packages, machine and device a run was trained: environment.json in its folder."""

import json
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from teleop_studio.training.settings import TrainSettings

ENVIRONMENT = "environment.json"
_PACKAGES = ("torch", "numpy", "safetensors", "accelerate", "lerobot", "transformers", "diffusers")
_SOURCE = Path(__file__).resolve().parents[2]


def add_environment(run: Path, step: int, device: str, processes: int, settings: TrainSettings) -> None:
    """Say with what the run goes on from `step`; a run that is resumed elsewhere names both places."""
    found = {
        "from_step": step,
        "teleop-studio": _version("teleop-studio"),
        "git": _git(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES if _version(name)},
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
        },
        "device": device,
        "processes": processes,
        "threads_per_process": 1,
        "seed": settings.seed,
    }
    path = run / ENVIRONMENT
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps([*read_environments(run), found], indent=1) + "\n")
    unfinished.replace(path)


def read_environments(run: Path) -> list[dict[str, Any]]:
    """One for each time that the run was started or resumed, oldest first."""
    try:
        found = json.loads((run / ENVIRONMENT).read_text())
    except (OSError, ValueError):
        return []
    return list(found) if isinstance(found, list) else []


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _git() -> dict[str, Any]:
    """The commit of this program's source and whether it was changed since; empty where it is no git repository."""
    commit = _git_says("rev-parse", "HEAD")
    if not commit:
        return {}
    return {"commit": commit, "dirty": bool(_git_says("status", "--porcelain", "--untracked-files=no"))}


def _git_says(*question: str) -> str:
    if not (_SOURCE / ".git").exists():  # installed: git would ask whatever folder lies around it
        return ""
    command = ["git", "--no-optional-locks", "-C", str(_SOURCE), *question]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
