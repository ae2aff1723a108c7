"""Exports or imports episodes, apart from the window: takes minutes, and the HDF5 library can take its process down."""

import contextlib
import os

from recorders.errors import RecorderError, TransferCancelled
from recorders.exporters.export import export
from recorders.importers.importing import import_episodes
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Pipe
from teleop_studio.processes.transfer_plan import ExportPlan, ImportPlan, TransferEnded, TransferProgress


def main(pipe: Pipe, plan: ExportPlan | ImportPlan) -> None:
    """Do it, tell how it goes, end. A closed pipe or `CancelJob` ends it early."""
    with contextlib.suppress(OSError):
        os.nice(10)
    wish = _Wish(pipe)
    try:
        match plan:
            case ExportPlan():
                done = export(plan.format, plan.episodes, plan.out, plan.fps, wish.tell, wish.cancelled)
                pipe.send(TransferEnded(done))
            case ImportPlan():
                read = import_episodes(plan.format, plan.source, plan.folder, plan.wish, wish.tell, wish.cancelled)
                pipe.send(TransferEnded(read))
    except TransferCancelled:
        pipe.send(TransferEnded())
    except RecorderError as error:
        pipe.send(TransferEnded(error=str(error)))


class _Wish:
    """What the other end of the pipe wants: to be told, and perhaps an end."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._cancelled = False

    def tell(self, done: int, total: int, detail: str) -> None:
        self._pipe.send(TransferProgress(done, total, detail))

    def cancelled(self) -> bool:
        """Raises `ParentGone` when nobody waits for the result any more."""
        self._cancelled |= any(isinstance(message, m.CancelJob) for message in self._pipe.receive())
        return self._cancelled
