"""One host over ssh and rsync: commands built so that no path can be taken for anything else, failures as sentences."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from teleop_studio.remote.errors import HostRefused, HostSilent
from teleop_studio.remote.failures import failure
from teleop_studio.remote.hosts import TrainingHost

QUICK_S = 60.0
_MEANWHILE_S = 0.25
_POLITE_S = 3.0
# Nobody is there to answer a question; a dead line is noticed after 15 s; nothing of the operator's own is forwarded.
_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "LogLevel=ERROR",
)


@dataclass(frozen=True)
class Link:
    """Commands to one host.

    `sockets` a private folder: all commands then share one connection. `meanwhile` is called a few times a second while
    a command is waited for; what it raises ends the command.
    """

    host: TrainingHost
    sockets: Path | None = None
    meanwhile: Callable[[], None] = lambda: None

    def run(
        self,
        script: str,
        *arguments: str,
        given: bytes = b"",
        timeout_s: float | None = QUICK_S,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """What a script for `sh` prints there. `arguments` are its $1, $2 ...; `given` its standard input.

        Raises `HostSilent` (also after `timeout_s`), `HostRefused` with the last words of what failed.
        """
        words = shlex.join(("sh", "-c", script, "sh", *arguments))
        return Command(self, [*self.ssh(), self.host.address, words], given).output(timeout_s, on_line)

    def send(
        self, sources: Sequence[Path], folder: str, *options: str, on_line: Callable[[str], None] | None = None
    ) -> None:
        """Copy files and folders into `folder` there, which is made; only what is missing or has changed."""
        self.run('mkdir -p -- "$1"', folder)
        # rsync takes a colon for a host, unless a slash stands before it.
        paths = [str(path.absolute()) for path in sources]
        Command(self, [*self.rsync(*options), *paths, f"{self.at(folder)}/"]).output(None, on_line)

    def send_named(
        self, folder: Path, names: Sequence[str], destination: str, on_line: Callable[[str], None] | None = None
    ) -> None:
        """Copy the named files of `folder` into `destination` there; only what is missing or has changed."""
        self.run('mkdir -p -- "$1"', destination)
        # A name that begins with `#` or `;` would be a comment.
        listed = b"".join(b"./" + os.fsencode(name) + b"\0" for name in names)
        words = [*self.rsync("--files-from=-", "--from0"), f"{folder.absolute()}/", f"{self.at(destination)}/"]
        Command(self, words, listed).output(None, on_line)

    def fetch(self, path: str, folder: Path, *options: str) -> "Command":
        """Begin to copy what is in the folder `path` there into `folder`; only what is missing or has changed."""
        folder.mkdir(parents=True, exist_ok=True)
        return Command(self, [*self.rsync(*options), f"{self.at(path)}/", f"{folder.absolute()}/"])

    def at(self, path: str) -> str:
        """A path of the host as rsync takes it."""
        return f"{self.host.address}:{path}"

    def ssh(self) -> list[str]:
        """The program that connects, and its options."""
        options = [*_OPTIONS]
        if self.sockets is not None and os.name != "nt":
            options += ["ControlMaster=auto", f"ControlPath={self.sockets}/%C", "ControlPersist=60"]
        words = [self.host.ssh, "-T", "-a", "-x", *(word for option in options for word in ("-o", option))]
        if self.host.port:
            words += ["-p", str(self.host.port)]
        if self.host.identity:
            words += ["-o", "IdentitiesOnly=yes", "-i", os.path.expanduser(self.host.identity)]
        return words

    def rsync(self, *options: str) -> list[str]:
        """rsync and its options. Paths go through its own protocol (`-s`), never through a shell."""
        # What was interrupted lies beside its goal until the next time goes on with it.
        return [
            *("rsync", "-rlt", "-s", "--partial-dir=.partial", "--timeout=60", "--out-format=%n"),
            *options,
            *("-e", " ".join(_rsync_word(word) for word in self.ssh())),
        ]


class Command:
    """A running ssh or rsync: its lines as they come, or whether it has ended yet."""

    def __init__(self, link: Link, words: list[str], given: bytes = b"") -> None:
        """Raises `HostRefused` when this computer can not run it."""
        self._link, self._words = link, words
        self._is_read = False
        # Files, not pipes: a connection that stays open for others would keep a pipe open, and us waiting for its end.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `kill`)
        with tempfile.TemporaryFile() as start:
            start.write(given)
            start.seek(0)
            try:
                # A session of its own: no terminal to ask for a password at, and one group to end.
                self._process = subprocess.Popen(
                    words, stdin=start, stdout=subprocess.PIPE, stderr=self._errors, start_new_session=True
                )
            except OSError as error:
                raise HostRefused(
                    f"{words[0]} can not be run on this computer: {error.strerror}. Install it: training on another "
                    "machine needs ssh and rsync here and there."
                ) from error

    def output(self, timeout_s: float | None, on_line: Callable[[str], None] | None = None) -> str:
        """Wait for its end; returns what it printed. It is gone afterwards, whatever happens.

        Raises `HostSilent` (also after `timeout_s`), `HostRefused`.
        """
        lines: list[str] = []
        self._is_read = True
        printed: SimpleQueue[bytes | None] = SimpleQueue()
        Thread(target=self._read, args=(printed,), name=f"read-{self._words[0]}", daemon=True).start()
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            for raw in self._as_it_comes(printed, deadline_s):
                lines.append(raw.decode(errors="replace").rstrip("\r\n"))
                if on_line is not None:
                    on_line(lines[-1])
            self._require_success()
        finally:
            self.kill()
        return "\n".join(lines)

    def ended(self) -> bool:
        """Whether it is done; for one that prints little. Raises `HostSilent`, `HostRefused` once it has failed."""
        if self._process.poll() is None:
            return False
        try:
            self._require_success()
        finally:
            self.kill()
        return True

    def kill(self) -> None:
        """End it and what it started, if it still runs, and let go of its files. rsync keeps what it has so far."""
        if self._process.poll() is None:
            _signal(self._process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_POLITE_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        # Whoever reads it closes it: to close under a reader is to wait for whatever holds its other end.
        if self._process.stdout is not None and not self._is_read:
            self._process.stdout.close()
        self._errors.close()

    def _read(self, printed: "SimpleQueue[bytes | None]") -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            for raw in self._process.stdout:
                printed.put(raw)
            self._process.stdout.close()
        printed.put(None)

    def _as_it_comes(self, printed: "SimpleQueue[bytes | None]", deadline_s: float | None) -> Iterator[bytes]:
        """What it prints until it has ended; `meanwhile` is called while nothing comes."""
        open_still = True
        while open_still or self._process.poll() is None:
            if deadline_s is not None and time.monotonic() > deadline_s:
                raise HostSilent(f"{self._link.host.name} did not answer in time.")
            try:
                raw = printed.get(timeout=_MEANWHILE_S)
            except Empty:
                self._link.meanwhile()
                continue
            if raw is None:
                open_still = False
                self._wait(deadline_s)
            else:
                yield raw

    def _wait(self, deadline_s: float | None) -> None:
        """Its output is closed: it ends now, if it does not hang."""
        left_s = None if deadline_s is None else max(deadline_s - time.monotonic(), 0.1)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(left_s)

    def _require_success(self) -> None:
        if self._process.returncode:
            self._errors.seek(0)
            words = self._errors.read().decode(errors="replace")
            raise failure(self._link.host, self._words[0], self._process.returncode, words)


@contextlib.contextmanager
def opened(host: TrainingHost, meanwhile: Callable[[], None] = lambda: None) -> Iterator[Link]:
    """A link whose commands share one connection, closed at the end.

    Raises `HostRefused` when rsync 3 or ssh is missing on this computer.
    """
    require_programs(host)
    # A socket's path has to be short, and the usual folder for temporary files is long on macOS.
    near = None if os.name == "nt" else "/tmp"
    with tempfile.TemporaryDirectory(prefix="teleop-", dir=near, ignore_cleanup_errors=True) as folder:
        link = Link(host, Path(folder), meanwhile)
        try:
            yield link
        finally:
            command = [*link.ssh(), "-O", "exit", host.address]
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False)


def require_programs(host: TrainingHost) -> None:
    """Raises `HostRefused` when this computer has not what is needed to reach another one."""
    if shutil.which(host.ssh) is None:
        raise HostRefused(f"There is no program {host.ssh!r} on this computer. Install OpenSSH's client.")
    if shutil.which("rsync") is None:
        raise HostRefused(
            "There is no rsync on this computer. Install it; on Windows, run Teleop Studio in WSL, which has "
            "ssh and rsync."
        )
    told = subprocess.run(("rsync", "--version"), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    first = told.stdout.decode(errors="replace").partition("\n")[0]
    if not first.startswith("rsync  version 3"):
        raise HostRefused(f"rsync here is {first!r}. Version 3 is needed: on macOS, `brew install rsync`.")


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    """To the command and its children; it leads a group of its own where there are such."""
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.terminate()


def _rsync_word(word: str) -> str:
    """A word of rsync's `-e`: within single quotes, one that is doubled stands for itself (rsync's manual)."""
    return "'" + word.replace("'", "''") + "'"
