"""A training host for tests: this machine with another home folder, behind a program that stands where ssh does."""

import os
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from teleop_studio.remote.hosts import TrainingHost
from teleop_studio.remote.link import Link

# Takes the words that ssh takes, from us and from rsync, and lets a shell have the command, as sshd does.
_PROGRAM = """#!/bin/sh
if [ -e "{line}/cut" ]; then
    echo "ssh: connect to host box port 22: No route to host" >&2
    exit 255
fi
while [ $# -gt 0 ]; do
    case "$1" in
        -o|-p|-i|-l|-O) shift 2 ;;
        -*) shift ;;
        *) break ;;
    esac
done
shift
cd "{home}" && HOME="{home}" exec /bin/sh -c "$*"
"""


class NearHost:
    """`home` is its home folder. `cut` and `mend` the line to it. Skips the test on a machine without rsync."""

    def __init__(self, folder: Path, name: str = "box") -> None:
        if shutil.which("rsync") is None or os.name == "nt":
            pytest.skip("there is no rsync here")
        self.home, self._line = folder / "home of the host", folder / "line"
        for made in (self.home, self._line):
            made.mkdir(parents=True)
        program = folder / "it's ssh"
        program.write_text(_PROGRAM.format(line=self._line, home=self.home))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.host = TrainingHost(name, f"me@{name}", python=sys.executable, ssh=str(program))
        self.link = Link(self.host)

    def cut(self) -> None:
        (self._line / "cut").touch()

    def mend(self) -> None:
        (self._line / "cut").unlink()

    def link_with(self, **settings: str) -> Link:
        """A link to the same host with other settings."""
        return Link(replace(self.host, **settings))  # type: ignore[arg-type]
