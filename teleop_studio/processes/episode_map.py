"""One function over many episode files: here, in processes beside this one, or on a Ray cluster.

The function takes one path and gives one result, both picklable; it is the same for each engine. A file that fails, or
that kills its worker, costs its own result and no other.
"""

import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from recorders.errors import RecorderError
from teleop_studio.training.errors import TrainingError

ENGINES = ("processes", "ray", "serial")
LOWEST_PRIORITY = 19  # an arm may be live beside it
_POLL_S = 0.1
_CONNECT_S = 5.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_OWN_ERRORS = (RecorderError, TrainingError)
_CANCELLED = "It was not done: the work was cancelled before."
_RAY_STORE_BYTES = 80 << 20  # close to the least that Ray takes: the results are small


class EpisodeMapError(Exception):
    """The engine can not be used. The first sentence says why, the rest what to do."""


@dataclass(frozen=True)
class EpisodeResult[R]:
    """What the function gave for one file; `error` is a sentence for the operator, and then `value` is None."""

    path: Path
    value: R | None = None
    error: str = ""


@dataclass(frozen=True)
class _Work[R]:
    """What an engine is asked for. `done` is called with the number of each result, in the order they come."""

    function: Callable[[Path], R]
    paths: Sequence[Path]
    workers: int
    niceness: int
    address: str
    done: Callable[[int, EpisodeResult[R]], None]
    cancelled: Callable[[], bool]


def map_episodes[R](
    function: Callable[[Path], R],
    paths: Sequence[Path],
    *,
    engine: str = "processes",
    workers: int = 1,
    niceness: int = LOWEST_PRIORITY,
    address: str = "",
    on_done: Callable[[EpisodeResult[R]], None] = lambda result: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[EpisodeResult[R]]:
    """`function` of each path, in the order of `paths`, failures among the results.

    `engine` one of `ENGINES`, on `workers` processes at a time with one thread each, at `niceness`. `address` of a
    running Ray cluster, else `RAY_ADDRESS`, else Ray is started here and ended again; the cluster's machines need this
    program and the same folders. `on_done` is called here as each result comes; `cancelled` is asked about ten times a
    second, and what runs then is finished by processes and ended by Ray.
    Raises `EpisodeMapError` for an engine that is unknown or can not be used.
    """
    if engine not in ENGINES:
        raise EpisodeMapError(f"There is no engine {engine!r}. Known engines: {', '.join(ENGINES)}.")
    if workers < 1:
        raise EpisodeMapError(f"workers = {workers}. Give at least one.")
    results: list[EpisodeResult[R]] = [EpisodeResult(path, error=_CANCELLED) for path in paths]

    def done(number: int, result: EpisodeResult[R]) -> None:
        results[number] = result
        on_done(result)

    if paths:
        run = {"serial": _serially, "processes": _in_processes, "ray": _on_ray}[engine]
        run(_Work(function, paths, workers, niceness, address, done, cancelled))
    return results


def _attempt[R](function: Callable[[Path], R], path: Path) -> EpisodeResult[R]:
    """Failures are results: where the result goes, nobody may know the exception's class."""
    try:
        return EpisodeResult(path, function(path))
    except (Exception, SystemExit) as error:
        told = str(error) if isinstance(error, _OWN_ERRORS) else f"{type(error).__name__}: {error}"
        return EpisodeResult(path, error=told)


def _killed(path: Path) -> str:
    return (
        f"The process that worked on {path.name} died, twice. The file may be damaged, or memory may be short: "
        f"`teleop-studio verify {path}` looks at the file."
    )


def _serially(work: _Work[Any]) -> None:
    for number, path in enumerate(work.paths):
        if work.cancelled():
            return
        work.done(number, _attempt(work.function, path))


def _in_processes(work: _Work[Any]) -> None:
    """A pool; when a worker dies the pool is lost, and what it was at is tried again, each file by itself.

    By itself, because the pool does not say which file it died of: the one that does it again did it.
    """
    waiting = deque(range(len(work.paths)))
    suspects: deque[int] = deque()
    while (waiting or suspects) and not work.cancelled():
        if suspects:
            number = suspects.popleft()
            if _pooled(work, deque([number]), workers=1):
                work.done(number, EpisodeResult(work.paths[number], error=_killed(work.paths[number])))
        else:
            suspects.extend(_pooled(work, waiting, work.workers))


def _pooled(work: _Work[Any], waiting: deque[int], workers: int) -> list[int]:
    """Work `waiting` off until it is empty, the work is cancelled or a worker dies. Returns what was lost with it."""
    running: dict[Future[EpisodeResult[Any]], int] = {}
    with _single_threaded():
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker, (work.niceness,))
        try:
            while (waiting or running) and not work.cancelled():
                # No more than there are workers: a cancelled map ends soon, and few files are suspects.
                while waiting and len(running) < workers:
                    running[pool.submit(_attempt, work.function, work.paths[waiting[0]])] = waiting[0]
                    waiting.popleft()
                for future in wait(running, _POLL_S, FIRST_COMPLETED).done:
                    work.done(running[future], future.result())
                    del running[future]
        except BrokenProcessPool:
            return _lost(work, running)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return []


def _lost(work: _Work[Any], running: dict[Future[EpisodeResult[Any]], int]) -> list[int]:
    """Hand over what had come before the pool broke; returns the rest."""
    lost = []
    for future, number in running.items():
        if future.done() and not future.exception():
            work.done(number, future.result())
        else:
            lost.append(number)
    return sorted(lost)


def _begin_worker(niceness: int) -> None:
    os.nice(niceness)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; who asked for the work decides
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    """A worker would wait for ever for a parent that was killed: it holds both ends of their pipe."""
    parent.join()
    os._exit(1)


def _on_ray(work: _Work[Any]) -> None:
    """Plain Ray tasks. Ray Data has no advantage for files with small results, and tries a file that kills its worker
    for ever (docs/decisions/0013)."""
    ray = _imported_ray()
    waiting = deque(enumerate(work.paths))
    running: dict[Any, int] = {}
    with _ray_session(ray, work):
        remote = ray.remote(_on_ray_worker).options(num_cpus=1, max_retries=1)
        while (waiting or running) and not work.cancelled():
            while waiting and len(running) < work.workers:
                number, path = waiting.popleft()
                running[remote.remote(work.function, path, work.niceness)] = number
            for task in ray.wait(list(running), timeout=_POLL_S)[0]:
                number = running.pop(task)
                work.done(number, _ray_result(ray, task, work.paths[number]))
        for task in running:
            ray.cancel(task, force=True)


def _on_ray_worker[R](function: Callable[[Path], R], path: Path, niceness: int) -> EpisodeResult[R]:
    with contextlib.suppress(PermissionError):  # a worker that already is as low
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
    return _attempt(function, path)


def _ray_result(ray: Any, task: Any, path: Path) -> EpisodeResult[Any]:
    try:
        result: EpisodeResult[Any] = ray.get(task)
        return result
    except ray.exceptions.RayTaskError as error:  # before or after the function: it, or its result, can not be sent
        return EpisodeResult(path, error=f"Ray could not run the function on {path.name}: {error.cause}.")
    except ray.exceptions.RayError:
        return EpisodeResult(path, error=_killed(path))


def _imported_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its maker
    try:
        import ray
    except ImportError as error:
        raise EpisodeMapError(
            "The engine 'ray' is not installed. Install it with `pip install 'teleop-studio[cluster]'`, "
            "or use the engine 'processes'."
        ) from error
    return ray


@contextlib.contextmanager
def _ray_session(ray: Any, work: _Work[Any]) -> Iterator[None]:
    """Connected to the cluster at an address, or to one of this machine that ends with the work.

    A connection that the caller has made is used and left as it is.
    """
    if ray.is_initialized():
        yield
        return
    address = work.address or os.environ.get("RAY_ADDRESS", "")
    _require_listener(address)
    # Below /tmp whatever TMPDIR says: the names of Ray's sockets may not be longer than 107 characters.
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    with (
        tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder,
        _single_threaded(),
        contextlib.redirect_stdout(sys.stderr),  # where Ray tells of dead workers: stdout is for the results
    ):
        try:
            if address:
                ray.init(address=address, **quiet)
            else:
                ray.init(
                    num_cpus=work.workers,
                    include_dashboard=False,
                    object_store_memory=_RAY_STORE_BYTES,
                    _temp_dir=folder,
                    _node_ip_address="127.0.0.1",  # nothing listens to the network
                    **quiet,
                )
        except Exception as error:  # it has many, and none of its own for this
            if address:
                told = f"The Ray cluster {address} can not be used: {error}. Does it want RAY_AUTH_MODE=token"
            else:
                told = f"Ray can not be started here: {error}. Does its log say why"
            raise EpisodeMapError(f"{told}? The engine 'processes' does without it.") from error
        try:
            yield
        finally:
            ray.shutdown()


def _require_listener(address: str) -> None:
    """Ray itself tries for more than a minute. Addresses without a port, such as "auto", are left to it."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), _CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise EpisodeMapError(
            f"The Ray cluster {address} can not be reached: {error}. "
            "Start it with `ray start --head`, correct the address, or use the engine 'processes'."
        ) from error


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Processes that begin inside compute on one thread each: their libraries read this when they are loaded."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
