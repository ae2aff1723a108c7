"""A disk of its own for a test: small, so that it can be filled, or one that can not be written."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator["SmallDisk"]:
    """A file system in memory, mounted at `folder`. Skips the test where mounting is not allowed."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.skip(f"mounting a small disk is not allowed here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class SmallDisk:
    """`folder` is its root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    @property
    def free_bytes(self) -> int:
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def leave_free(self, megabytes: float) -> None:
        """Fill or empty it until so much is free."""
        held = self._ballast.stat().st_size if self._ballast.exists() else 0
        wanted = max(0, held + self.free_bytes - round(megabytes * 1e6))
        with open(self._ballast, "ab") as file:
            file.truncate(min(wanted, held))
            if wanted > held:
                os.posix_fallocate(file.fileno(), 0, wanted)

    def fill(self) -> None:
        """Leave nothing free at all."""
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while True:
                os.write(descriptor, bytes(1 << 20))
        except OSError:  # full
            pass
        finally:
            os.close(descriptor)

    def forbid_writing(self, folder: Path) -> None:
        """`folder` of this disk from now on can only be read, also by root, to whom permissions mean nothing."""
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
