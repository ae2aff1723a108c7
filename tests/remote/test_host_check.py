import stat
import sys
from pathlib import Path

import pytest

from teleop_studio.remote import host_check
from teleop_studio.remote.errors import HostRefused
from teleop_studio.remote.host_check import inspect, said
from teleop_studio.remote.program import own_program, send_program
from tests.remote.near_host import NearHost


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_host_tells_what_it_has_and_what_is_missing(near: NearHost) -> None:
    report = inspect(near.link_with(folder="~/far away/it's"), ("torch", "no_such_module"))
    assert report.missing == ("no_such_module",)
    assert (report.python, report.folder) == (sys.executable, f"{near.home}/far away/it's")
    assert Path(report.folder).is_dir()
    assert report.free_gib > 0
    assert report.device


def test_too_old_a_python_is_named_with_what_was_found(near: NearHost, tmp_path: Path) -> None:
    old = script(tmp_path, "python3.8", 'case "$1" in --version) echo Python 3.8.10 ;; *) exit 1 ;; esac')
    with pytest.raises(HostRefused, match=r"has no Python 3\.12 or newer\. Looked for .*python3\.8; found"):
        inspect(near.link_with(python=str(old)), ())
    with pytest.raises(HostRefused, match="found none of them"):
        inspect(near.link_with(python="/nowhere/python"), ())


def test_a_full_disk_is_said_before_anything_is_sent(near: NearHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_check, "_ROOM_TO_WORK_GIB", 1e9)
    with pytest.raises(HostRefused, match=r"box has .* GiB left in .*; 1000000000 GiB are needed\. Free some room"):
        inspect(near.link, ())


def test_an_answer_is_found_behind_a_greeting_and_its_absence_is_shown() -> None:
    assert said('Welcome to box!\nteleop-studio:{"a": 1}\n') == {"a": 1}
    with pytest.raises(HostRefused, match="It said: 'Welcome to box!'"):
        said("Welcome to box!")


def test_the_program_is_sent_once_for_each_content_and_runs_there(near: NearHost) -> None:
    program = own_program()
    place = send_program(near.link, program, str(near.home))
    assert place == f"{near.home}/program/{program.name}"
    origin = near.link.run(
        'cd -- "$1" && PYTHONPATH=$PWD "$2" -c "import recorders, drivers, teleop_studio as t; print(t.__file__)"',
        place,
        sys.executable,
    )
    assert origin == f"{place}/teleop_studio/__init__.py"
    marker = Path(place) / "teleop_studio" / "__init__.py"
    marker.unlink()
    send_program(near.link, program, str(near.home))
    assert not marker.exists()  # it is there already, nothing is sent
    assert not list(Path(place).glob("**/__pycache__")) or not list(Path(place).glob("ui"))
