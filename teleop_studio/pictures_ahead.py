"""Pictures of new demonstrations are reduced beside the window, so that one click on Train begins to train at once."""

import time
import weakref

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.processes import collection_messages as m
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.workspace import Workspace

_SETTLED_S = 3.0  # after the last change: takes come in rows, and starting the process takes two seconds of a core


class PicturesAhead:
    """Runs one low-priority process after demonstrations were added, while no arm moves by itself."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._child: Child | None = None
        self._count = 0
        self._due = False
        self._changed_s = 0.0
        self.progress = (0, 0)

    def poll(self, count: int, may_start: bool) -> list[str]:
        """`count` demonstrations there are now. What the operator should know, in sentences."""
        now_s = time.monotonic()
        if count != self._count:
            self._due, self._changed_s = count > 0, now_s
            self._count = count
        said = self._hear()
        if self._due and may_start and self._child is None and now_s - self._changed_s >= _SETTLED_S:
            self._start()
        return said

    def close(self) -> None:
        """What is half done is not kept."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _start(self) -> None:
        self._due = False
        args = (self._workspace.episodes, self._workspace.pictures, PolicyConfig.picture_px)
        child = Child("pictures", "pictures_process", args, self._workspace.logs / "pictures.log")
        # The interpreter waits at its end for each child, and the child for its pipe: it must not be forgotten open.
        weakref.finalize(self, child.close_pipe)
        self._child = child

    def _hear(self) -> list[str]:
        child = self._child
        if child is None:
            return []
        alive = child.alive
        said = []
        for message in child.receive():
            match message:
                case m.PicturesPrepared(done, total):
                    self.progress = done, total
                case ChildFailed(operator, _):
                    said.append(f"Pictures are not prepared ahead: the next training will do it itself. {operator}")
        if not alive:
            child.stop(timeout_s=0.0)
            self._child, self.progress = None, (0, 0)
        return said
