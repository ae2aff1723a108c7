"""Training hosts as the window sees them: added, looked at in a thread, forgotten; a damaged file is told."""

from pathlib import Path
from threading import Event

import pytest

from teleop_studio.remote.errors import HostRefused
from teleop_studio.remote.hosts import TrainingHost
from teleop_studio.session import StudioError
from teleop_studio.training_hosts import TrainingHosts


def settled(hosts: TrainingHosts) -> None:
    for thread in hosts._threads.values():
        thread.join(10)


def test_a_host_is_looked_at_without_waiting_and_then_tells_what_it_is(tmp_path: Path) -> None:
    go_on = Event()

    def look(host: TrainingHost) -> str:
        go_on.wait(10)
        return "NVIDIA RTX 4090 (24 GiB)"

    hosts = TrainingHosts(tmp_path / "training_hosts.toml", look)
    hosts.add(TrainingHost("box", "me@box"))
    (info,) = hosts.infos()
    assert (info.name, info.address, info.folder, info.checking) == ("box", "me@box", "teleop-studio", True)
    go_on.set()
    settled(hosts)
    (info,) = hosts.infos()
    assert (info.checking, info.device, info.problem) == (False, "NVIDIA RTX 4090 (24 GiB)", "")
    hosts.remove("box")
    assert hosts.infos() == ()


def test_why_a_host_can_not_train_is_its_problem_until_the_next_look(tmp_path: Path) -> None:
    answers = ["", "CPU, 64 cores"]

    def look(host: TrainingHost) -> str:
        if not (answer := answers.pop(0)):
            raise HostRefused("box has no rsync. Install it there.")
        return answer

    hosts = TrainingHosts(tmp_path / "training_hosts.toml", look)
    hosts.add(TrainingHost("box", "me@box"))
    settled(hosts)
    assert hosts.infos()[0].problem == "box has no rsync. Install it there."
    hosts.check("box")
    settled(hosts)
    assert (hosts.infos()[0].device, hosts.infos()[0].problem) == ("CPU, 64 cores", "")


def test_a_damaged_file_stands_for_itself_and_unknown_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "training_hosts.toml"
    hosts = TrainingHosts(path, lambda host: "")
    with pytest.raises(StudioError, match="There is no training host 'box'"):
        hosts.check("box")
    with pytest.raises(StudioError, match="There is no training host 'box'"):
        hosts.remove("box")
    path.write_text("[[hosts")
    (info,) = hosts.infos()
    assert info.name == "training_hosts.toml"
    assert "is not TOML" in info.problem
    path.write_text("")
    assert hosts.infos() == ()
