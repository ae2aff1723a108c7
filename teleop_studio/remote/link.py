"""One host over ssh and rsync: commands built so that no path can be taken for anything else, failures as sentences."""

import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from teleop_studio.remote.errors import HostRefused, HostSilent
from teleop_studio.remote.failures import failure
from teleop_studio.remote.hosts import TrainingHost

QUICK_S = 30.0
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
    """Commands to one host. `sockets` a private folder: all commands then share one connection."""

    host: TrainingHost
    sockets: Path | None = None

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
        return self._done([*self.ssh(), self.host.address, words], given, timeout_s, on_line)

    def send(
        self, sources: Sequence[Path], folder: str, *options: str, on_line: Callable[[str], None] | None = None
    ) -> None:
        """Copy files and folders into `folder` there, which is made; only what is missing or has changed."""
        self.run('mkdir -p -- "$1"', folder)
        # rsync takes a colon for a host, unless a slash stands before it.
        paths = [str(path.absolute()) for path in sources]
        self._done([*self.rsync(*options), *paths, f"{self.host.address}:{folder}/"], b"", None, on_line)

    def send_named(
        self, folder: Path, names: Sequence[str], destination: str, on_line: Callable[[str], None] | None = None
    ) -> None:
        """Copy the named files of `folder` into `destination` there; only what is missing or has changed."""
        self.run('mkdir -p -- "$1"', destination)
        listed = b"".join(os.fsencode(name) + b"\0" for name in names)
        command = [*self.rsync("--files-from=-", "--from0"), f"{folder.absolute()}/", self.at(destination) + "/"]
        self._done(command, listed, None, on_line)

    def fetch(self, path: str, folder: Path, *options: str, timeout_s: float | None = None) -> None:
        """Copy what is in the folder `path` there into `folder`; only what is missing or has changed."""
        folder.mkdir(parents=True, exist_ok=True)
        self._done([*self.rsync(*options), f"{self.at(path)}/", f"{folder.absolute()}/"], b"", timeout_s)

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

    def _done(
        self, command: list[str], given: bytes, timeout_s: float | None, on_line: Callable[[str], None] | None = None
    ) -> str:
        # Files, not pipes: a connection that stays open for others would keep a pipe open, and us waiting for its end.
        with tempfile.TemporaryFile() as input_file, tempfile.TemporaryFile() as errors:
            input_file.write(given)
            input_file.seek(0)
            try:
                process = subprocess.Popen(command, stdin=input_file, stdout=subprocess.PIPE, stderr=errors)
            except OSError as error:
                raise HostRefused(
                    f"{command[0]} can not be run on this computer: {error.strerror}. Install it: training on another "
                    "machine needs ssh and rsync here and there."
                ) from error
            with _ended(process, timeout_s) as late:
                assert process.stdout is not None
                lines = []
                for raw in process.stdout:
                    lines.append(raw.decode(errors="replace").rstrip("\r\n"))
                    if on_line is not None:
                        on_line(lines[-1])
                code = process.wait()
            if late.is_set():
                raise HostSilent(f"{self.host.name} did not answer within {timeout_s:.0f} s.")
            if code:
                errors.seek(0)
                raise failure(self.host, command[0], code, errors.read().decode(errors="replace"))
        return "\n".join(lines)


@contextlib.contextmanager
def opened(host: TrainingHost) -> Iterator[Link]:
    """A link whose commands share one connection, closed at the end.

    Raises `HostRefused` when rsync 3 or ssh is missing on this computer.
    """
    require_programs(host)
    # A socket's path has to be short, and the usual folder for temporary files is long on macOS.
    near = None if os.name == "nt" else "/tmp"
    with tempfile.TemporaryDirectory(prefix="teleop-", dir=near, ignore_cleanup_errors=True) as folder:
        link = Link(host, Path(folder))
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
            "There is no rsync on this computer. Install it; on Windows, run Teleop Studio in WSL, which has ssh and rsync."
        )
    told = subprocess.run(("rsync", "--version"), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    first = told.stdout.decode(errors="replace").partition("\n")[0]
    if not first.startswith("rsync  version 3"):
        raise HostRefused(f"rsync here is {first!r}. Version 3 is needed: on macOS, `brew install rsync`.")


@contextlib.contextmanager
def _ended(process: "subprocess.Popen[bytes]", timeout_s: float | None) -> Iterator[threading.Event]:
    """The process is gone afterwards, however the block ends; the event says that it took longer than `timeout_s`."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = None if timeout_s is None else threading.Timer(timeout_s, end)
    try:
        if timer is not None:
            timer.start()
        yield late
    finally:
        if timer is not None:
            timer.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _rsync_word(word: str) -> str:
    """A word of rsync's `-e`: within single quotes, one that is doubled stands for itself (rsync's manual)."""
    return "'" + word.replace("'", "''") + "'"
