"""The machines that train for a workspace: one TOML file, which people may edit."""

import json
import os
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from teleop_studio.remote.errors import RemoteError

HOSTS_FILE = "training_hosts.toml"
# What ssh and rsync would take for an option, a path or a second word is no address.
_ADDRESS = re.compile(r"([\w.][\w.+-]*@)?[\w.][\w.-]*")
_NAME = re.compile(r"\w[\w.-]{0,63}")


@dataclass(frozen=True)
class TrainingHost:
    """A machine that is reached with ssh and has rsync and Python.

    `address` as ssh takes it: "user@machine", or a name of the ssh configuration. `folder` where everything of ours
    lies there, from the home folder on. `python` an interpreter there; it is used as it is when it has what a training
    needs, else an environment is made with it; "" looks for one. `device` as of `TrainSettings`. `port` 0 and
    `identity` "" leave both to ssh's configuration. `ssh` the program that connects.
    """

    name: str
    address: str
    folder: str = "teleop-studio"
    python: str = ""
    device: str = "auto"
    port: int = 0
    identity: str = ""
    ssh: str = "ssh"

    def __post_init__(self) -> None:
        """Raises `RemoteError` for a value that no host can have."""
        if not _NAME.fullmatch(self.name):
            raise RemoteError(
                f"{self.name!r} is no name for a training host. Use letters, digits, '-', '_' and '.', at most 64."
            )
        if not _ADDRESS.fullmatch(self.address):
            raise RemoteError(
                f"{self.address!r} is no address of a training host. Give user@machine, or a name of the ssh "
                "configuration; a port or a key has an option of its own."
            )
        if not 0 <= self.port < 65536:
            raise RemoteError(f"port = {self.port}. Give one of 1 to 65535, or 0 for the one ssh takes by itself.")
        for name in ("folder", "python", "identity", "ssh"):
            value = getattr(self, name)
            if any(not letter.isprintable() for letter in value) or value.startswith("-"):
                raise RemoteError(f"{name} = {value!r} can not be used. Give a path of printable characters.")
        if not self.folder.removeprefix("~/").strip("/ ") or not self.ssh:
            raise RemoteError(f"The training host {self.name} needs a folder of its own and a program that connects.")


_TYPES: dict[str, type] = {field.name: int if field.name == "port" else str for field in fields(TrainingHost)}


def read_hosts(path: Path) -> tuple[TrainingHost, ...]:
    """The hosts of that file in its order; none when there is no file. Raises `RemoteError` for a wrong one."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RemoteError(f"The training hosts in {path} can not be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RemoteError(f"{path} is not TOML: {error}. Correct the line, or move the file away.") from error
    try:
        hosts = table.pop("hosts", [])
        if table or not isinstance(hosts, list):
            raise RemoteError("there are only [[hosts]] in it.")
        found = tuple(_host(entry) for entry in hosts)
        names = [host.name for host in found]
        for name in names:
            if names.count(name) > 1:
                raise RemoteError(f"two hosts are called {name}.")
    except RemoteError as error:
        raise RemoteError(f"{path}: {error}") from error
    return found


def find_host(path: Path, name: str) -> TrainingHost:
    """Raises `RemoteError` that lists the known hosts for an unknown name."""
    hosts = {host.name: host for host in read_hosts(path)}
    if name not in hosts:
        known = f"Known hosts: {', '.join(sorted(hosts))}." if hosts else "No host is known yet."
        raise RemoteError(f"There is no training host {name!r}. {known} Add it with `teleop-studio hosts add`.")
    return hosts[name]


def add_host(path: Path, host: TrainingHost) -> None:
    """Append a host. Raises `RemoteError` when its name is taken or the file can not be written."""
    hosts = read_hosts(path)
    if host.name in [known.name for known in hosts]:
        raise RemoteError(f"There is a training host {host.name} already. Remove it first, or choose another name.")
    _write(path, (*hosts, host))


def remove_host(path: Path, name: str) -> TrainingHost:
    """Forget a host; what lies there stays there. Raises `RemoteError` for an unknown name."""
    host = find_host(path, name)
    _write(path, tuple(known for known in read_hosts(path) if known.name != name))
    return host


def _host(entry: Any) -> TrainingHost:
    if not isinstance(entry, dict):
        raise RemoteError("hosts must be a list of tables: [[hosts]].")
    for key, value in entry.items():
        if key not in _TYPES:
            raise RemoteError(f"a host has no setting {key!r}. Known: {', '.join(_TYPES)}.")
        if type(value) is not _TYPES[key]:
            raise RemoteError(f"{key} = {value!r} has the wrong type.")
    for key in ("name", "address"):
        if key not in entry:
            raise RemoteError(f"a host needs a setting {key!r}.")
    return TrainingHost(**entry)


def _write(path: Path, hosts: tuple[TrainingHost, ...]) -> None:
    text = "\n".join(line for host in hosts for line in (*_lines(host), ""))
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        raise RemoteError(f"The training hosts can not be written to {path}: {error.strerror}.") from error


def _lines(host: TrainingHost) -> list[str]:
    """Only what is said: a setting at its default is left to the default."""
    said = [(field.name, getattr(host, field.name)) for field in fields(host) if field.name in ("name", "address")]
    said += [(field.name, getattr(host, field.name)) for field in fields(host)[2:]]
    defaults = {field.name: field.default for field in fields(host)}
    # TOML's basic strings know JSON's escapes; what JSON leaves and TOML does not is refused above.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in said if value != defaults[name]]
    return ["[[hosts]]", *lines]
