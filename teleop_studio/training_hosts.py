"""The workspace's training hosts as the window sees them; threads look at them, so nothing waits for a network."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from teleop_studio.learning_status import HostInfo
from teleop_studio.remote.errors import RemoteError
from teleop_studio.remote.host_check import inspect
from teleop_studio.remote.hosts import TrainingHost, add_host, find_host, read_hosts, remove_host
from teleop_studio.remote.link import opened
from teleop_studio.remote.requirements import PACKAGES
from teleop_studio.session import StudioError


def look_at(host: TrainingHost) -> str:
    """What `host` trains on, in words. Takes seconds. Raises `RemoteError` with what has to be done."""
    with opened(host) as link:
        report = inspect(link, tuple(PACKAGES.values()))
    first = f"; the first training installs {', '.join(report.missing)} there" if report.missing else ""
    return f"{report.device}, Python {report.version}, {report.free_gib:.0f} GiB free{first}"


class TrainingHosts:
    """Hosts of one file, and what the last look at each has found. `look` is what looks; it runs in a thread."""

    def __init__(self, path: Path, look: Callable[[TrainingHost], str] = look_at) -> None:
        self._path, self._look = path, look
        self._found: dict[TrainingHost, tuple[str, str]] = {}  # device and problem
        self._threads: dict[TrainingHost, Thread] = {}
        self._stamp: tuple[int, int] | None = None
        self._hosts: tuple[TrainingHost, ...] = ()
        self._problem = ""

    def infos(self) -> tuple[HostInfo, ...]:
        """All hosts in the file's order. A file that can not be read stands for itself, the reason is its problem."""
        self._refresh()
        if self._problem:
            return (HostInfo(self._path.name, "", problem=self._problem),)
        return tuple(self._info(host) for host in self._hosts)

    def add(self, host: TrainingHost) -> None:
        """Write the host into the file, then look at it. Raises `StudioError`."""
        try:
            add_host(self._path, host)
        except RemoteError as error:
            raise StudioError(str(error)) from error
        self.check(host.name)

    def remove(self, name: str) -> None:
        """Forget the host; what lies there stays. Raises `StudioError`."""
        try:
            self._found.pop(remove_host(self._path, name), None)
        except RemoteError as error:
            raise StudioError(str(error)) from error

    def check(self, name: str) -> None:
        """Look at a host; returns at once. Raises `StudioError` for an unknown one."""
        try:
            host = find_host(self._path, name)
        except RemoteError as error:
            raise StudioError(str(error)) from error
        if not self._is_checking(host):
            self._threads[host] = Thread(target=self._check, args=(host,), name=f"look-at-{name}", daemon=True)
            self._threads[host].start()

    def _check(self, host: TrainingHost) -> None:
        try:
            self._found[host] = (self._look(host), "")
        except (RemoteError, OSError) as error:
            self._found[host] = ("", str(error))

    def _is_checking(self, host: TrainingHost) -> bool:
        return host in self._threads and self._threads[host].is_alive()

    def _info(self, host: TrainingHost) -> HostInfo:
        device, problem = self._found.get(host, ("", ""))
        return HostInfo(host.name, host.address, host.folder, device, problem, self._is_checking(host))

    def _refresh(self) -> None:
        try:
            stat = os.stat(self._path)
            stamp = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            stamp = (0, 0)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._hosts, self._problem = read_hosts(self._path), ""
        except RemoteError as error:
            self._hosts, self._problem = (), str(error)
