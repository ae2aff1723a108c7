"""Looks through episodes that nobody has looked through yet, at the lowest priority, and keeps it in the index."""

import contextlib
import os
import time
from pathlib import Path

from recorders.catalog import Catalog
from recorders.errors import RecorderError
from recorders.survey import look_through
from teleop_studio.episode_view import measured_side
from teleop_studio.processes import collection_messages as m
from teleop_studio.processes.child import Pipe

_READ_S = 1.0  # of opening new files, between two looks at the pipe
_IDLE_S = 20.0  # then the process ends; starting it again costs half a second of a core


def main(pipe: Pipe, folders: tuple[Path, ...], skipped: frozenset[Path]) -> None:
    """Looks through `folders`, again at each `LookThrough`, until the pipe closes or there is nothing to do for long.

    `skipped` episodes are left out: this process has ended at them before.
    """
    with contextlib.suppress(OSError):
        os.nice(19)
    catalogs = [Catalog(folder) for folder in folders]
    while True:
        pipe.send(m.LookedThrough(_look_through(pipe, catalogs, skipped)))
        asked_s = time.monotonic()
        while not pipe.receive(0.5):
            if time.monotonic() - asked_s > _IDLE_S:
                return


def _look_through(pipe: Pipe, catalogs: list[Catalog], skipped: frozenset[Path]) -> str:
    """Why it could not be done; empty when it was."""
    try:
        for catalog in catalogs:
            catalog.refresh(budget_s=_READ_S)
            while catalog.unread:
                pipe.receive()
                catalog.refresh(budget_s=_READ_S)
            for path in look_through(catalog, measured_side, skipped):
                pipe.receive()
                # When the file ends this process, the studio knows which one it was.
                pipe.send(m.LookingThrough(path))
    except RecorderError as error:
        return str(error)
    return ""
