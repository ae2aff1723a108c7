"""The same over a real OpenSSH server of this machine: connection shared, host key, key file, cut and found again."""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from getpass import getuser
from pathlib import Path

import pytest

from teleop_studio.remote.errors import HostRefused, HostSilent
from teleop_studio.remote.host_check import inspect
from teleop_studio.remote.hosts import TrainingHost
from teleop_studio.remote.link import Link, opened

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
PATIENCE_S = 20.0
# As root, sshd wants the account and the folder that its package makes.
PREPARED = os.name != "nt" and (os.geteuid() != 0 or Path("/run/sshd").is_dir())

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(SSHD is None, reason="there is no sshd here: install openssh-server"),
    pytest.mark.skipif(not PREPARED, reason="as root, sshd needs the folder /run/sshd, which its service makes"),
]

_SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized
PidFile {folder}/sshd.pid
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


class Server:
    """An sshd for one key; `start` and `stop` it. `host` reaches it and knows its host key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for name in ("host_key", "my key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
        shutil.copy(folder / "my key.pub", folder / "authorized")
        key = " ".join((folder / "host_key.pub").read_text().split()[:2])
        (folder / "known").write_text(f"[127.0.0.1]:{port} {key}\n")
        (folder / "server").write_text(_SERVER.format(port=port, folder=folder))
        (folder / "client").write_text(
            f"Host *\n  UserKnownHostsFile {folder}/known\n  GlobalKnownHostsFile /dev/null\n"
        )
        program = folder / "ssh"
        program.write_text(f'#!/bin/sh\nexec ssh -F "{folder}/client" "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.host = TrainingHost(
            "box",
            f"{getuser()}@127.0.0.1",
            folder=str(folder / "far away" / "it's"),
            python=sys.executable,
            port=port,
            identity=str(folder / "my key"),
            ssh=str(program),
        )

    def start(self) -> None:
        assert SSHD is not None
        log = str(self._folder / "log")
        self._process = subprocess.Popen([SSHD, "-D", "-f", str(self._folder / "server"), "-E", log])
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            with socket.socket() as probe:
                probe.settimeout(1.0)
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            assert self._process.poll() is None, Path(log).read_text()
        raise AssertionError(Path(log).read_text())

    def stop(self) -> None:
        """End the server; what is connected keeps its connection."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def forget_key(self) -> None:
        (self._folder / "known").write_text("")


@pytest.fixture
def server() -> Iterator[Server]:
    # Not in pytest's folder: sshd wants every folder above its files closed to others, and socket names are short.
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        server.start()
        yield server
        server.stop()


def test_a_key_and_names_with_blanks_and_quotes_reach_a_real_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / "it's $HOME").write_text("there")
    with opened(server.host) as link:
        report = inspect(link, ("torch", "no_such_module"))
        assert (report.missing, report.folder) == (("no_such_module",), server.host.folder)
        link.send_named(tmp_path, ["it's $HOME"], f"{report.folder}/a b")
        assert (Path(report.folder) / "a b" / "it's $HOME").read_text() == "there"
        link.fetch(f"{report.folder}/a b", tmp_path / "back").output(None)
        assert (tmp_path / "back" / "it's $HOME").read_text() == "there"


def test_commands_share_one_connection_which_ends_with_the_link(server: Server) -> None:
    with opened(server.host) as link:
        link.run("true")
        assert link.sockets is not None
        assert list(link.sockets.iterdir())
        server.stop()  # nobody answers at the door any more
        assert link.run("echo still here") == "still here"
        with pytest.raises(HostSilent, match="Connection refused"):
            Link(server.host).run("true")
        sockets = link.sockets
    assert not sockets.exists()


def test_an_unknown_host_key_and_a_refused_key_say_what_to_do_by_hand(server: Server, tmp_path: Path) -> None:
    other = tmp_path / "other"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    with pytest.raises(HostRefused, match=r"box asks for a password, or does not take the key"):
        Link(replace(server.host, identity=str(other))).run("true")
    server.forget_key()
    by_hand = re.escape(f"-p {server.host.port}")
    with pytest.raises(HostRefused, match=rf"The host key of box is not known here\. Connect once by hand.*{by_hand}"):
        Link(server.host).run("true")
