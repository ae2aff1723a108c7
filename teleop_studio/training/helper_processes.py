"""More processes for a training on the same machine: the same program, told by their environment who they are."""

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from teleop_studio.training.team import Team

HELPER = "--helper"
_READY = b"ready\n"
_LOOK_EVERY_S = 0.5
_END_S = 5.0


class Helpers:
    """The other processes of a team on this machine: the same entry point, told by their environment who they are."""

    def __init__(self, arguments: list[str], count: int) -> None:
        """Start `count` of them with `arguments`; they say "ready" once they could take part."""
        self._environment = _meeting_point(count + 1)
        self._processes = [
            subprocess.Popen(
                [sys.executable, *arguments],
                # Open as long as this process lives, however it ends: a helper ends with it.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **self._environment, **_place(rank)},
            )
            for rank in range(1, count + 1)
        ]
        self._waited_for = list(self._processes)

    @property
    def failed(self) -> bool:
        return any(process.poll() is not None for process in self._processes)

    def team(self, wait: bool = False) -> Team | None:
        """The team once all are ready, None before; `wait` for that, or until one fails."""
        while self._waited_for and not self.failed:
            process = self._waited_for[0]
            assert process.stdout is not None
            if select.select([process.stdout], [], [], _LOOK_EVERY_S if wait else 0.0)[0]:
                if process.stdout.readline() == _READY:
                    self._waited_for.remove(process)
                else:
                    process.wait()  # it closed its end: it is about to be gone
            elif not wait:
                return None
        if self.failed:
            return None
        with _variables({**self._environment, **_place(0)}):
            return Team.join(cpu=True)

    def close(self) -> None:
        """Wait for them a while, then end them."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in self._processes:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()


def say_ready() -> None:
    """In a helper: it could take part from now on."""
    sys.stdout.buffer.write(_READY)
    sys.stdout.flush()


def end_with_the_main_process() -> None:
    """In a helper: its input is open as long as the process that started it lives, however that ends."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="main-process").start()


@contextlib.contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Of the environment, while inside: accelerate and torch read them when a team meets."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _meeting_point(size: int) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    return {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        # Nothing of this is for the network, and a machine without one can do it too.
        "GLOO_SOCKET_IFNAME": loopback,
    }


def _place(rank: int) -> dict[str, str]:
    return {"RANK": str(rank), "LOCAL_RANK": str(rank)}


def helper_arguments(run: Path, cache: Path) -> list[str]:
    """Of the program that helps to train the folder `run`."""
    return ["-m", "teleop_studio.processes.trainer_process", "--run", str(run), "--cache", str(cache), HELPER]
