"""Trims one episode, apart from the window: it copies all its pictures and lets the disk confirm them."""

import contextlib
import os
from pathlib import Path

from recorders.errors import RecorderError
from recorders.trim import trim
from teleop_studio.processes import collection_messages as m
from teleop_studio.processes.child import Pipe


def main(pipe: Pipe, path: Path, start_s: float, end_s: float) -> None:
    """Says `Trimmed` once, with the new episode or with why there is none."""
    with contextlib.suppress(OSError):
        os.nice(5)
    try:
        new = trim(path, start_s, end_s)
    except (RecorderError, OSError, ValueError) as error:
        pipe.send(m.Trimmed(path, None, f"The episode {path.name} was not trimmed and is as it was. {error}"))
    else:
        pipe.send(m.Trimmed(path, new, ""))
