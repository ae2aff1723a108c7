from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop_studio.remote.errors import HostRefused, HostSilent
from teleop_studio.remote.hosts import TrainingHost
from teleop_studio.remote.link import Link, opened
from tests.remote.near_host import NearHost

NASTY = ["it's", 'a "b"', "c:d", "-e", "$HOME", "*", "späße", "back\\slash", " blank ", "#x", "`id`", "~"]


@pytest.mark.parametrize("text", NASTY)
def test_a_script_gets_its_arguments_as_they_are(near: NearHost, text: str) -> None:
    assert near.link.run('printf %s "$2"', "first", text) == text


@settings(max_examples=6, deadline=None)
@given(text=st.text(st.characters(exclude_categories=("C",), exclude_characters="\u2028\u2029\u0085"), min_size=1))
def test_whatever_the_words_are_no_shell_takes_them_for_anything_else(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    near = NearHost(tmp_path_factory.mktemp("near"))
    assert near.link.run('printf %s "$1"', text) == text


def test_what_is_given_arrives_whole_and_lines_are_heard_as_they_come(near: NearHost) -> None:
    heard: list[str] = []
    given = bytes(range(256)) * 1000
    assert near.link.run("wc -c", given=given).strip() == "256000"
    near.link.run("echo one; echo two", on_line=heard.append)
    assert heard == ["one", "two"]


def test_files_go_there_and_back_under_any_name(near: NearHost, tmp_path: Path) -> None:
    folder = tmp_path / 'from: it\'s "here"'
    folder.mkdir()
    for name in NASTY:
        (folder / name).write_text(name)
    there = f"{near.home}/far away/it's $HOME"
    heard: list[str] = []
    near.link.send_named(folder, NASTY, there, heard.append)
    assert sorted(path.name for path in Path(there).iterdir()) == sorted(NASTY)
    assert len(heard) >= len(NASTY)
    heard.clear()
    near.link.send_named(folder, NASTY, there, heard.append)
    assert heard == []  # all are there
    near.link.send([folder], f"{near.home}/whole")
    assert (near.home / "whole" / folder.name / "c:d").read_text() == "c:d"
    near.link.fetch(there, tmp_path / "back", "--exclude=/-e").output(None)
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == sorted(set(NASTY) - {"-e"})


def test_a_cut_line_is_silence_and_a_command_that_fails_is_a_refusal_with_its_last_words(near: NearHost) -> None:
    with pytest.raises(HostRefused, match=r"box could not do .* \(exit status 7\): no such thing"):
        near.link.run("echo no such thing >&2; exit 7")
    near.cut()
    with pytest.raises(HostSilent, match="box does not answer: ssh: connect to host box port 22: No route to host"):
        near.link.run("true")
    with pytest.raises(HostSilent, match="box does not answer"):
        near.link.fetch("/anything", near.home / "x").output(None)


def test_a_host_that_hangs_is_given_up_after_its_time(near: NearHost) -> None:
    with pytest.raises(HostSilent, match="did not answer in time"):
        near.link.run("exec sleep 600", timeout_s=0.5)


def test_what_is_waited_for_ends_when_the_operator_wishes_it(near: NearHost, tmp_path: Path) -> None:
    class Wished(Exception):
        pass

    started: list[psutil.Process] = []

    def meanwhile() -> None:
        if (tmp_path / "pid").exists():
            started.append(psutil.Process(int((tmp_path / "pid").read_text())))
            raise Wished

    link = Link(near.host, meanwhile=meanwhile)
    with pytest.raises(Wished):
        link.run('echo $$ > "$1.new"; mv "$1.new" "$1"; exec sleep 600', str(tmp_path / "pid"))
    gone, _ = psutil.wait_procs(started, timeout=10)
    assert gone or started[0].status() == psutil.STATUS_ZOMBIE


def test_a_program_that_is_not_here_is_named(near: NearHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (
        pytest.raises(HostRefused, match="There is no program '/nowhere/ssh' on this computer"),
        opened(TrainingHost("box", "box", ssh="/nowhere/ssh")),
    ):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostRefused, match=r"no rsync on this computer\. Install it; on Windows"), opened(near.host):
        pass


def test_port_and_key_are_said_only_where_they_are_given() -> None:
    plain = Link(TrainingHost("box", "box")).ssh()
    assert "-p" not in plain
    assert "-i" not in plain
    assert "BatchMode=yes" in plain
    words = Link(TrainingHost("box", "me@box", port=2222, identity="/keys/my key")).ssh()
    assert words[words.index("-p") + 1] == "2222"
    assert words[words.index("-i") + 1] == "/keys/my key"
