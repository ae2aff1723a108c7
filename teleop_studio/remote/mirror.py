"""What the host writes, as the window reads it here: files change whole or grow, a checkpoint is there or is not."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from teleop_studio.policies.checkpoint_folder import BEST, CHECKPOINTS, DESCRIPTION, choose_best
from teleop_studio.remote.errors import HostRefused
from teleop_studio.remote.link import Command, Link
from teleop_studio.training.run_folder import CONFIG, PAUSE, REMOTE, STATUS, STOP

STAGING = ".remote"
LOG_THERE, LOG_HERE = "trainer.log", "host.log"
# What is needed only to go on training stays where the training goes on: it is several times as large as the policy.
TRAINERS_OWN = "trainer.*"
_OWN = (CONFIG, STATUS, STOP, PAUSE, REMOTE, CHECKPOINTS)
# Names of files that are being written (`status.json.4711`), and what is hidden.
_UNFINISHED = ("/*.json.*", "/*.jsonl.*", ".*")


class Mirror:
    """Brings the run in the folder `there` of the host into the folder `run`; `here` translates its paths."""

    def __init__(self, link: Link, there: str, run: Path, here: Callable[[Any], Any]) -> None:
        self._link, self._there, self._run, self._here = link, there, run, here
        self._staging = run / STAGING
        self._coming: tuple[str, Command] | None = None

    def fetch_files(self) -> None:
        """Everything but checkpoints and status. Raises `HostSilent`, `HostRefused`."""
        left_out = [f"--exclude=/{name}" for name in _OWN] + [f"--exclude={pattern}" for pattern in _UNFINISHED]
        staging = self._staging / "files"
        self._link.fetch(self._there, staging, *left_out).output(None)
        for path in sorted(staging.rglob("*")):
            name = path.relative_to(staging).as_posix()
            hidden = any(part.startswith(".") for part in Path(name).parts)
            if path.is_file() and name != BEST and not hidden:
                publish(path, self._run / (LOG_HERE if name == LOG_THERE else name))

    def fetch_checkpoint(self, known: Mapping[str, Mapping[str, int]]) -> bool:
        """Go on with bringing checkpoints, newest first; never waits. True when nothing is left to bring.

        `known` the host's whole checkpoints: {name: {file: bytes}}. Raises `HostSilent`, `HostRefused`.
        """
        if self._coming is None:
            missing = [name for name in sorted(known, reverse=True) if not (self._run / CHECKPOINTS / name).exists()]
            if not missing:
                self._choose_best()
                return True
            there = f"{self._there}/{CHECKPOINTS}/{missing[0]}"
            command = self._link.fetch(there, self._staging / missing[0], f"--exclude=/{TRAINERS_OWN}")
            self._coming = (missing[0], command)
        name, command = self._coming
        try:
            if command.ended():
                self._coming = None
                self._take_in(name, known.get(name, {}))
        except Exception:
            self._coming = None
            raise
        return False

    @property
    def coming(self) -> str:
        """The checkpoint that is on its way, "" between two."""
        return "" if self._coming is None else self._coming[0]

    def close(self) -> None:
        """End what is on its way."""
        if self._coming is not None:
            self._coming[1].kill()
            self._coming = None

    def tidy(self) -> None:
        """Everything is here: forget what was needed to bring it."""
        shutil.rmtree(self._staging, ignore_errors=True)

    def _take_in(self, name: str, sizes: Mapping[str, int]) -> None:
        folder = self._staging / name
        found = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
        short = [file for file, size in sizes.items() if found.get(file) != size]
        if DESCRIPTION not in found or short:
            shutil.rmtree(folder, ignore_errors=True)
            raise HostRefused(f"Checkpoint {name} of {self._link.host.name} changed while it was copied; once more.")
        description = folder / DESCRIPTION
        said = json.loads(description.read_text(encoding="utf-8"))
        description.write_text(json.dumps(self._here(said), indent=1) + "\n", encoding="utf-8")
        for path in folder.iterdir():
            _sync(path)
        (self._run / CHECKPOINTS).mkdir(exist_ok=True)
        folder.rename(self._run / CHECKPOINTS / name)
        self._choose_best()

    def _choose_best(self) -> None:
        """What the host says is best, once it is here; what trials said here is kept."""
        try:
            said = json.loads((self._staging / "files" / BEST).read_text(encoding="utf-8"))
            choose_best(self._run, int(said["step"]), str(said["by"]), float(said["value"]))
        except (OSError, ValueError, KeyError, TypeError):
            return  # none chosen yet, or its checkpoint is not here yet


def publish(copy: Path, goal: Path) -> None:
    """Let `goal` be what `copy` is. One that has only grown grows, so that its readers go on where they are."""
    content = copy.read_bytes()
    try:
        before = goal.read_bytes()
    except FileNotFoundError:
        before = None
    if content == before:
        return
    if before and content.startswith(before):
        with goal.open("ab") as file:
            file.write(content[len(before) :])
        return
    goal.parent.mkdir(parents=True, exist_ok=True)
    unfinished = goal.with_name(f".{goal.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(goal)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
