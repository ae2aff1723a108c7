"""Work on the collection that goes on beside the window: looking through new episodes, trimming."""

import time
import weakref
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

from teleop_studio.processes import collection_messages as m
from teleop_studio.processes.child import Child, ChildFailed

_ASK_AGAIN_S = 1.0
_MOST_DEATHS = 2  # of the survey process at one episode, or before any


class Survey:
    """Keeps a survey process running while there is something to look through."""

    def __init__(self, folders: tuple[Path, ...], logs: Path) -> None:
        self._folders, self._logs = folders, logs
        self._child: Child | None = None
        self._at: Path | None = None
        self._deaths: Counter[Path | None] = Counter()
        self._skipped: frozenset[Path] = frozenset()
        self._idle = False
        self._off = False
        self._asked_s = 0.0

    @property
    def given_up(self) -> int:
        """Episodes that will not be looked through."""
        return 1 << 31 if self._off else len(self._skipped)

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    def poll(self, waiting: int) -> list[str]:
        """`waiting` episodes are to be looked through. What the operator should know, in sentences."""
        said = self._hear()
        if waiting and not self._off and time.monotonic() - self._asked_s >= _ASK_AGAIN_S:
            if self._child is None:
                self._start()
            elif self._idle and self._child.send(m.LookThrough()):
                self._idle = False
                self._asked_s = time.monotonic()
        return said

    def close(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _start(self) -> None:
        self._asked_s = time.monotonic()
        self._at, self._idle = None, False
        args = (self._folders, self._skipped)
        self._child = _started("survey", "survey_process", args, self._logs / "survey.log", self)

    def _hear(self) -> list[str]:
        child = self._child
        if child is None:
            return []
        alive = child.alive
        said = [text for message in child.receive() for text in self.heard(message)]
        if not alive:
            child.stop(timeout_s=0.0)
            self._child = None
        return said

    def heard(self, message: object) -> list[str]:
        """Takes in what the process says; what of it the operator should know."""
        match message:
            case m.LookingThrough(path):
                self._at = path
            case m.LookedThrough(problem):
                self._idle, self._at = True, None
                self._off = problem != ""
                return [problem] if problem else []
            case ChildFailed(operator, _):
                return self._died(operator)
        return []

    def _died(self, why: str) -> list[str]:
        """The process may have been ended by the episode it was at: that one is left out when it happens again."""
        self._deaths[self._at] += 1
        if self._deaths[self._at] < _MOST_DEATHS:
            return []
        if self._at is None:
            self._off = True
            return [f"Episodes are not looked through. {why} Hints and thumbnails will be missing."]
        self._skipped |= {self._at}
        return [
            f"The episode {self._at.name} could not be looked through. {why} "
            f"Check it with `teleop-studio verify {self._at}`."
        ]


@dataclass(frozen=True)
class TrimNews:
    """`changed`: an episode has appeared and another gone to the bin. `problems` in the operator's words."""

    changed: bool = False
    problems: tuple[str, ...] = ()


class Trims:
    """Trims one episode after the other, each in a process of its own."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._waiting: deque[tuple[Path, float, float]] = deque()
        self._child: Child | None = None

    @property
    def running(self) -> int:
        """Those that wait for the one under way included."""
        return len(self._waiting) + (self._child is not None)

    def start(self, path: Path, start_s: float, end_s: float) -> None:
        self._waiting.append((path, start_s, end_s))

    def poll(self) -> TrimNews:
        news = self._hear()
        if self._child is None and self._waiting:
            self._child = _started("trim", "trim_process", self._waiting.popleft(), self._logs / "trim.log", self)
        return news

    def close(self) -> None:
        """Those that wait are given up; the one under way is finished, or leaves the original as it is."""
        self._waiting.clear()
        if self._child is not None:
            self._child.stop(timeout_s=10.0)
            self._child = None

    def _hear(self) -> TrimNews:
        child = self._child
        if child is None:
            return TrimNews()
        alive = child.alive
        changed, problems = False, []
        for message in child.receive():
            match message:
                case m.Trimmed(_, new, problem):
                    changed = new is not None
                    problems += [problem] if problem else []
                case ChildFailed(operator, _):
                    problems.append(f"An episode was not trimmed. {operator}")
        if not alive:
            child.stop(timeout_s=0.0)
            self._child = None
        return TrimNews(changed or not alive, tuple(problems))


def _started(name: str, module: str, args: tuple[object, ...], log: Path, owner: object) -> Child:
    child = Child(name, module, args, log)
    # The interpreter waits at its end for each child, and the child for its pipe: it must not be forgotten open.
    weakref.finalize(owner, child.close_pipe)
    return child
