"""Which host trains a run, and where: a file in the run's folder, so that whoever resumes it finds the trainer."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from teleop_studio.remote.errors import RemoteError
from teleop_studio.training.run_folder import REMOTE


@dataclass(frozen=True)
class Assignment:
    """`host` by its name in the file `hosts`; `token` makes the run's folder there its own.

    `folder` (absolute), `program` and `python` of the host, once the trainer was started there.
    """

    host: str
    hosts: Path
    token: str
    folder: str = ""
    program: str = ""
    python: str = ""

    def run_folder(self, name: str, folder: str = "") -> str:
        """Where the run `name` lies there."""
        return f"{folder or self.folder}/runs/{name}-{self.token}"


def assign(run: Path, host: str, hosts: Path) -> None:
    """Let `host` train the run, whose folder is there."""
    write_assignment(run, Assignment(host, hosts.absolute(), secrets.token_hex(4)))


def is_remote(run: Path) -> bool:
    """Whether another machine trains the run."""
    return (run / REMOTE).is_file()


def read_assignment(run: Path) -> Assignment:
    """Raises `RemoteError` when the file can not be read."""
    try:
        raw = json.loads((run / REMOTE).read_text(encoding="utf-8"))
        known = {field.name: str(raw[field.name]) for field in fields(Assignment)}
        return replace(Assignment(**known), hosts=Path(known["hosts"]))  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RemoteError(
            f"{run / REMOTE} does not say which machine trains {run.name}: {error!r}. Restore it, or train anew."
        ) from error


def write_assignment(run: Path, assignment: Assignment) -> None:
    """Replace the file as a whole."""
    unfinished = run / f"{REMOTE}.{os.getpid()}"
    content = {**asdict(assignment), "hosts": str(assignment.hosts)}
    unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(run / REMOTE)
