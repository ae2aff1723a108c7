"""Makes HDF5 files of finished journals, apart from the recorder so that the next take never waits for the last."""

import contextlib
import os
from pathlib import Path

from recorders.episode_builder import build_episode
from recorders.errors import RecorderError
from recorders.repair import recover
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Pipe


def main(pipe: Pipe, folders: tuple[Path, ...]) -> None:
    """First recover what an earlier crash left in `folders`, then build what is asked for until the pipe closes."""
    with contextlib.suppress(OSError):
        os.nice(5)
    for folder in folders:
        for recovered in recover(folder):
            pipe.send(m.Warned(recovered.text))
    pipe.send(m.Ready())
    while True:
        for message in pipe.receive(0.5):
            if isinstance(message, m.BuildEpisode):
                _build(pipe, message.journal)


def _build(pipe: Pipe, journal: Path) -> None:
    try:
        path = build_episode(journal)
    except (RecorderError, OSError) as error:
        pipe.send(m.TakeLost(str(error), journal))
    else:
        pipe.send(m.TakeSaved(journal, path))
