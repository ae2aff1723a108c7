"""Runs a function in a forked child that may hang, crash or ask for all memory, and says how it ended."""

import contextlib
import os
import pickle
import resource
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_TIMEOUT_S = 10.0
_MEMORY_BYTES = 1 << 30  # on top of what the parent has


@dataclass(frozen=True)
class Ended:
    """`value` what the function returned, `error` what it raised ("" for none), `crash` the signal or "hang".

    `seconds` of wall clock, `growth_bytes` of resident memory at its peak.
    """

    value: Any = None
    error: str = ""
    crash: str = ""
    seconds: float = 0.0
    growth_bytes: int = 0


def measured(function: Callable[[], Any]) -> Ended:
    """What became of `function()` in this process."""
    _forget_peak()
    before, begin_s = _peak_bytes(), time.monotonic()
    value, error = None, ""
    try:
        value = function()
    except BaseException as raised:
        error = f"{type(raised).__name__}: {raised}"
    return Ended(value, error, "", time.monotonic() - begin_s, _peak_bytes() - before)


def in_sandbox(function: Callable[[], Any], timeout_s: float = _TIMEOUT_S, memory_bytes: int = _MEMORY_BYTES) -> Ended:
    """What became of `function()` in a child of its own. Only for processes without threads and open HDF5 files."""
    reading, writing = os.pipe()
    begin_s = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run(function, writing, memory_bytes)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = _all_of(pipe.fileno(), begin_s + timeout_s)
    if said is None:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - begin_s
    if said is None:
        return Ended(crash="hang", seconds=seconds)
    if os.WIFSIGNALED(status) or not said:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return Ended(crash=signal.Signals(number).name if number else f"exit {status}", seconds=seconds)
    ended: Ended = pickle.loads(said)
    return ended


def _run(function: Callable[[], Any], pipe: int, memory_bytes: int) -> None:
    """The child; never returns."""
    with contextlib.suppress(BaseException):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = _address_space() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        view = memoryview(pickle.dumps(measured(function)))
        while view:
            view = view[os.write(pipe, view) :]
    os._exit(0)


def _all_of(pipe: int, deadline_s: float) -> bytes | None:
    """Everything until the other end closes; None when it did not in time."""
    pieces = []
    while True:
        readable, _, _ = select.select([pipe], [], [], max(0.0, deadline_s - time.monotonic()))
        if not readable:
            return None
        piece = os.read(pipe, 1 << 16)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def _address_space() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _forget_peak() -> None:
    """A forked child inherits the peak of its parent."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _peak_bytes() -> int:
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
