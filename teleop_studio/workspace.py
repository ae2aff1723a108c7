"""The operator's folder: rigs, episodes, trials, runs, exports, logs. Everything the app writes lies here."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path


class WorkspaceError(Exception):
    """The folder can not be used."""


@dataclass(frozen=True)
class Workspace:
    """Paths below `root`; `create` makes the folders and checks that they can be written."""

    root: Path
    episodes_elsewhere: Path | None = None

    @classmethod
    def create(cls, root: Path, episodes: Path | None = None) -> "Workspace":
        """`episodes` another folder for the demonstrations than the workspace's own.

        Raises `WorkspaceError` when a folder can not be made or written.
        """
        try:
            workspace = cls(root.expanduser().resolve(), None if episodes is None else episodes.expanduser().resolve())
        except RuntimeError as error:  # pathlib's word for an unknown user
            raise WorkspaceError(f"{episodes or root} can not be found: {error} Give the whole path.") from error
        try:
            for folder in (workspace.rigs, workspace.episodes, workspace.trials, workspace.runs, workspace.logs):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=workspace.root):
                pass
        except OSError as error:
            raise WorkspaceError(
                f"The workspace {root} can not be written: {error.strerror}. "
                "Choose another folder with --workspace, or correct its permissions."
            ) from error
        return workspace

    @property
    def rigs(self) -> Path:
        return self.root / "rigs"

    @property
    def calibrations(self) -> Path:
        """Calibration files of this workspace's arms: <arm>/<port>.json."""
        return self.root / "calibration"

    @property
    def episodes(self) -> Path:
        """Human demonstrations."""
        return self.episodes_elsewhere or self.root / "episodes"

    @property
    def trials(self) -> Path:
        """Episodes that a policy drove."""
        return self.root / "trials"

    @property
    def runs(self) -> Path:
        """Training runs."""
        return self.root / "runs"

    @property
    def training_hosts(self) -> Path:
        """The machines that train over ssh, as TOML."""
        return self.root / "training_hosts.toml"

    @property
    def pictures(self) -> Path:
        """Recordings' pictures, reduced for training: a cache that may be deleted at any time."""
        return self.root / "cache" / "pictures"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def new_run(self, name: str | None, policy: str) -> Path:
        """A path for a new training run, not made yet: `name`, else the policy's name and a number.

        Raises `WorkspaceError` for a name that is taken or is no folder name.
        """
        if name is not None:
            if not re.fullmatch(r"[\w][\w.-]{0,63}", name):
                raise WorkspaceError(
                    f"{name!r} is no run name. Use letters, digits, '-', '_' and '.', at most 64 characters."
                )
            if (self.runs / name).exists():
                raise WorkspaceError(f"The run {name!r} exists already. Choose another name, or resume it.")
            return self.runs / name
        taken = {path.name for path in self.runs.iterdir()} if self.runs.is_dir() else set()
        number = 1
        while f"{policy}-{number:03d}" in taken:
            number += 1
        return self.runs / f"{policy}-{number:03d}"


def default_workspace() -> Path:
    """`TELEOP_STUDIO_WORKSPACE`, else `~/teleop-studio`."""
    return Path(os.environ.get("TELEOP_STUDIO_WORKSPACE", "~/teleop-studio")).expanduser()
