"""Is a host ready to train? One connection that asks for everything, before anything is sent."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from teleop_studio.remote.errors import HostRefused
from teleop_studio.remote.host_setup import MARK
from teleop_studio.remote.link import Link

LOWEST_PYTHON = (3, 12)
_PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python")
_ROOM_TO_WORK_GIB = 1.0
_ROOM_TO_INSTALL_GIB = 10.0  # torch with its CUDA libraries, and their packages while they are unpacked
_NO_RSYNC, _NO_PYTHON = 91, 92

_LOOK = f"""
mkdir -p -- "$1" && cd -- "$1" || exit 1
command -v rsync >/dev/null || exit {_NO_RSYNC}
modules=$2
shift 2
for name in "$@"; do
    found=$(command -v -- "$name") || continue
    "$found" -c 'import sys; sys.exit(sys.version_info < {LOWEST_PYTHON})' 2>/dev/null || continue
    exec "$found" -I - report $modules
done
for name in "$@"; do
    command -v -- "$name" >/dev/null && "$name" --version >&2
done
exit {_NO_PYTHON}
"""


@dataclass(frozen=True)
class HostReport:
    """What a host has. `folder` absolute; `missing` modules that `python` can not import; `device` in words."""

    python: str
    version: str
    folder: str
    missing: tuple[str, ...]
    free_gib: float
    device: str


def inspect(link: Link, modules: Sequence[str]) -> HostReport:
    """Look at a host. `modules` the import names of what a training needs.

    Makes the host's folder. Raises `HostSilent`, `HostRefused` with what has to be done there.
    """
    host = link.host
    named = (host.python,) if host.python else _PYTHONS
    try:
        told = said(link.run(_LOOK, _from_home(host.folder), " ".join(modules), *named, given=_program()))
    except HostRefused as error:
        raise _explained(error, link) from error
    missing = tuple(told["missing"])
    report = HostReport(
        told["python"], told["version"], told["folder"], missing, float(told["free_gib"]), told["device"]
    )
    if missing and not told["environments"]:
        raise HostRefused(
            f"{report.python} on {host.name} can not make an environment for {', '.join(missing)}: its module venv or "
            "ensurepip is missing. Install it (on Debian and Ubuntu: sudo apt install python3-venv)."
        )
    room_gib = _ROOM_TO_INSTALL_GIB if missing else _ROOM_TO_WORK_GIB
    if report.free_gib < room_gib:
        raise HostRefused(
            f"{host.name} has {report.free_gib:.1f} GiB left in {report.folder}; {room_gib:.0f} GiB are needed. "
            "Free some room there, or choose a folder on another disk."
        )
    return report


def environment(link: Link, folder: str, python: str, wanted: Sequence[str], on_line: Callable[[str], None]) -> str:
    """Make a Python environment in `folder` there, minutes on the first call; returns its interpreter.

    `wanted` what pip shall install; `on_line` is called with each line it prints. Raises `HostSilent`, `HostRefused`.
    """
    script = '"$1" -I - environment "$2" $3'
    # No word of a requirement holds a blank: "torch>=2.7,<2.12".
    words = " ".join(text.replace(" ", "") for text in wanted)
    printed = link.run(script, python, folder, words, given=_program(), timeout_s=None, on_line=on_line)
    return str(said(printed)["python"])


def said(printed: str) -> dict[str, Any]:
    """What was printed after the mark; a host may greet before."""
    for line in reversed(printed.splitlines()):
        if line.startswith(MARK):
            told: dict[str, Any] = json.loads(line.removeprefix(MARK))
            return told
    raise HostRefused(f"The host did not answer as it should. It said: {printed[-300:]!r}.")


def _from_home(folder: str) -> str:
    """A connection begins in the home folder, and a quoted `~` is only a letter."""
    return folder.removeprefix("~/")


def _program() -> bytes:
    return files("teleop_studio.remote").joinpath("host_setup.py").read_bytes()


def _explained(error: HostRefused, link: Link) -> HostRefused:
    name, text = link.host.name, str(error)
    if f"exit status {_NO_RSYNC}" in text:
        return HostRefused(f"{name} has no rsync. Install it there, for instance with `sudo apt install rsync`.")
    if f"exit status {_NO_PYTHON}" in text:
        looked = link.host.python or ", ".join(_PYTHONS)
        found = text.rpartition("): ")[2] or "none of them"
        return HostRefused(
            f"{name} has no Python {LOWEST_PYTHON[0]}.{LOWEST_PYTHON[1]} or newer. Looked for {looked}; found {found}. "
            "Install one, or name the interpreter with --python."
        )
    return error
