"""What every child process does first, and how the supervisor keeps track of one."""

import contextlib
import faulthandler
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# Of the real-time class: whoever has the greater number goes first.
CONTROL_PRIORITY = 50
RECORDER_PRIORITY = 5
_SPAWN = multiprocessing.get_context("spawn")
_OWN_PACKAGES = ("drivers", "recorders", "teleop_studio")


@dataclass(frozen=True)
class ChildFailed:
    """A child's last message: why it ended. `operator` is for the window, `trace` for the log."""

    operator: str
    trace: str


class ParentGone(Exception):
    """The pipe to the supervisor closed: go to the safe state and end."""


class Pipe:
    """A child's end of its pipe. Sends never block the child for long: messages are small and rare."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def receive(self, timeout_s: float = 0.0) -> list[Any]:
        """All messages waiting, after at most `timeout_s` for the first.

        Raises `ParentGone` when the pipe closed and everything that was said before has been handed out.
        """
        messages: list[Any] = []
        try:
            if self._connection.poll(timeout_s):
                messages.append(self._connection.recv())
                while self._connection.poll(0):
                    messages.append(self._connection.recv())
        except (EOFError, OSError) as error:
            if not messages:
                raise ParentGone from error
        return messages

    def send(self, message: Any) -> None:
        """Raises `ParentGone` when nobody listens any more."""
        try:
            self._connection.send(message)
        except (BrokenPipeError, OSError) as error:
            raise ParentGone from error


def raise_scheduling(allowed: bool = True, priority: int = CONTROL_PRIORITY) -> str:
    """Real-time class, else a better nice value, else nothing. Returns which: "realtime", "nice -10" or "normal"."""
    if not allowed:
        return "normal"
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        return "realtime"
    return raise_share(allowed)


def raise_share(allowed: bool = True) -> str:
    """A better nice value, or nothing: for long work that must not keep a core to itself. Returns which."""
    if allowed:
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)
            return "nice -10"
    return "normal"


def _run(module: str, connection: Connection, log_file: Path | None, args: tuple[Any, ...]) -> None:
    # Ctrl-C in the terminal reaches the whole group; the supervisor decides in which order children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = None
    if log_file is not None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        log = log_file.open("a", encoding="utf-8", buffering=1)
        logging.basicConfig(stream=log, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        faulthandler.enable(log)
    pipe = Pipe(connection)
    try:
        importlib.import_module(f"teleop_studio.processes.{module}").main(pipe, *args)
    except ParentGone:
        sys.exit(0)
    except Exception as error:
        trace = traceback.format_exc()
        if log is not None:
            log.write(trace)
        with contextlib.suppress(ParentGone):
            pipe.send(ChildFailed(_told(error), trace))
        sys.exit(1)


def _told(error: Exception) -> str:
    """The app's own errors are sentences for the operator; of others the type says more."""
    own = type(error).__module__.partition(".")[0] in _OWN_PACKAGES
    return str(error) if own else f"{type(error).__name__}: {error}"


class Child:
    """The supervisor's handle on one child process: runs `main(pipe, *args)` of a module beside this one.

    The module is named, not imported: the window must not load what only its children need.
    """

    def __init__(self, name: str, module: str, args: tuple[Any, ...], log_file: Path | None = None):
        self.name = name
        self._connection, far_end = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_run, args=(module, far_end, log_file, args), name=f"teleop-{name}")
        self._process.start()
        # Without this close the child would never see its pipe end when we die.
        far_end.close()
        self._told = False

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def send(self, message: Any) -> bool:
        """False when the child is gone."""
        try:
            self._connection.send(message)
        except (BrokenPipeError, OSError):
            return False
        return True

    def receive(self) -> list[Any]:
        """All waiting messages; a child that died without saying why yields one `ChildFailed`, once."""
        messages = []
        alive = self.alive  # asked first: what a dead child said last is then among the messages
        with contextlib.suppress(EOFError, OSError):
            while self._connection.poll(0):
                messages.append(self._connection.recv())
        if any(isinstance(message, ChildFailed) for message in messages):
            self._told = True
        if not self._told and not alive:
            self._told = True
            code = self._process.exitcode
            if code != 0:
                messages.append(ChildFailed(f"The {self.name} process ended unexpectedly (exit code {code}).", ""))
        return messages

    def close_pipe(self) -> None:
        """Ask the child to reach its safe state and end; `stop` waits for it."""
        self._connection.close()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Close the pipe, wait for the child to reach its safe state and end, then insist."""
        self._connection.close()
        self._process.join(timeout_s)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(1.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(1.0)

    def kill(self) -> None:
        """kill -9, for tests and for a child that does not answer."""
        self._process.kill()
        self._process.join(2.0)
