"""What ssh and rsync say when something fails, in the operator's words."""

import re
import shlex

from teleop_studio.remote.errors import HostRefused, HostSilent, RemoteError
from teleop_studio.remote.hosts import TrainingHost

_SSH_FAILED = 255
# rsync's manual, EXIT VALUES: socket I/O, protocol data stream, timeouts.
_RSYNC_CUT = {10, 12, 30, 35, _SSH_FAILED}
_SECRET = re.compile(r"//[^/@\s]+@")

_REFUSALS = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "{name} shows another host key than before. Somebody set it up anew, or something else answers in its place: "
        "find out which, then remove the old key with `ssh-keygen -R` and connect once by hand.",
    ),
    (
        "Host key verification failed|host key is known for",
        "The host key of {name} is not known here. Connect once by hand, compare the key and accept it: {login}",
    ),
    (
        "Permission denied|Too many authentication failures|No supported authentication methods",
        "{name} asks for a password, or does not take the key. Nobody can type one in the background: put your key "
        "there with `ssh-copy-id`, and load one with a passphrase into the agent with `ssh-add`. To see it: {login}",
    ),
    (
        "No space left on device|Disk quota exceeded|disk full",
        "The disk of {name} is full, or this one is. Free some room, in {folder} there or in the workspace here, "
        "then resume.",
    ),
    (
        "rsync: (command )?not found|rsync: No such file",
        "{name} has no rsync. Install it there, for instance with `sudo apt install rsync`.",
    ),
    (
        "is your shell clean",
        "The shell of {name} prints something by itself when a program connects. Keep its start-up files (.bashrc) "
        "quiet where no terminal is there.",
    ),
)


def failure(host: TrainingHost, program: str, code: int, words: str) -> RemoteError:
    """What a failed command means. `code` its exit status, `words` what it wrote to its standard error."""
    told = without_secrets(words)
    for pattern, sentence in _REFUSALS:
        if re.search(pattern, words):
            said = sentence.format(name=host.name, folder=host.folder, login=f"`{_login(host)}`.")
            return HostRefused(f"{said} (ssh said: {_last(told)})")
    if code == _SSH_FAILED or (program == "rsync" and code in _RSYNC_CUT):
        return HostSilent(f"{host.name} does not answer: {_last(told) or 'the connection was closed'}.")
    return HostRefused(f"{host.name} could not do what was asked of it (exit status {code}): {_last(told, 3)}")


def without_secrets(text: str) -> str:
    """Text without the user names and passwords that stand in addresses, as in a package index's."""
    return _SECRET.sub("//", text)


def _login(host: TrainingHost) -> str:
    port = ("-p", str(host.port)) if host.port else ()
    identity = ("-i", host.identity) if host.identity else ()
    return shlex.join((host.ssh, *port, *identity, host.address))


def _last(text: str, count: int = 1) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-count:]).rstrip(".")
