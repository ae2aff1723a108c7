from pathlib import Path

import pytest

from teleop_studio.remote.errors import RemoteError
from teleop_studio.remote.hosts import TrainingHost, add_host, find_host, read_hosts, remove_host

FULL = TrainingHost(
    'gpu-1', 'anna@gpu.example', "~/it's \"mine\"", "/opt/py thon", "cuda:1", 2222, "~/.ssh/späße key", "/usr/bin/ssh"
)  # fmt: skip


def test_hosts_are_read_back_as_they_were_written_and_forgotten_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "training_hosts.toml"
    assert read_hosts(path) == ()
    add_host(path, FULL)
    add_host(path, TrainingHost("box", "box"))
    assert read_hosts(path) == (FULL, TrainingHost("box", "box"))
    assert path.read_text().splitlines()[-3:] == ["[[hosts]]", 'name = "box"', 'address = "box"']
    assert remove_host(path, "gpu-1") == FULL
    assert read_hosts(path) == (TrainingHost("box", "box"),)
    assert [found.name for found in tmp_path.iterdir()] == ["training_hosts.toml"]


@pytest.mark.parametrize("address", ["-oProxyCommand=touch x", "a b", "a;b", "box:22", "", "me@-x", "a\nb", "$(id)"])
def test_an_address_that_ssh_or_rsync_would_take_for_something_else_is_refused(address: str) -> None:
    with pytest.raises(RemoteError, match="is no address of a training host"):
        TrainingHost("box", address)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"name": "../up"}, "is no name for a training host"),
        ({"folder": "~/"}, "needs a folder of its own"),
        ({"folder": "a\nb"}, "folder = .* can not be used"),
        ({"ssh": "-x"}, "ssh = '-x' can not be used"),
        ({"port": 70000}, "port = 70000"),
    ],
)
def test_settings_that_no_host_can_have_are_refused_with_their_value(settings: dict[str, object], words: str) -> None:
    with pytest.raises(RemoteError, match=words):
        TrainingHost(**{"name": "box", "address": "box", **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[hosts]]\nname = 'a'\n", "a host needs a setting 'address'"),
        ("[[hosts]]\nname = 'a'\naddress = 'a'\nport = '22'\n", "port = '22' has the wrong type"),
        ("[[hosts]]\nname = 'a'\naddress = 'a'\npasword = 'x'\n", "a host has no setting 'pasword'"),
        ("[[hosts]]\nname = 'a'\naddress = 'a'\n" * 2, "two hosts are called a"),
        ("[hosts]\nname = 'a'\n", r"only \[\[hosts\]\]"),
        ("hosts = [", "is not TOML"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong_in_it(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "training_hosts.toml"
    path.write_text(text)
    with pytest.raises(RemoteError, match=rf"(?s)training_hosts\.toml.*{words}"):
        read_hosts(path)


def test_an_unknown_host_is_answered_with_the_known_ones_and_a_name_is_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "training_hosts.toml"
    with pytest.raises(RemoteError, match=r"no training host 'x'\. No host is known yet"):
        find_host(path, "x")
    add_host(path, FULL)
    with pytest.raises(RemoteError, match="Known hosts: gpu-1"):
        find_host(path, "x")
    with pytest.raises(RemoteError, match="There is a training host gpu-1 already"):
        add_host(path, TrainingHost("gpu-1", "other"))
