"""`teleop-studio stop` reaches every open rig of this user, says how many, and is not taken in by dead ones."""

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from teleop_studio.processes import stop_channel
from teleop_studio.processes.stop_channel import STOP, TORQUE_OFF, NoStopChannel, StopChannel, stop_all


@pytest.fixture
def folder() -> Iterator[Path]:
    # The path of a Unix socket must be short; pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="stop") as name:
        yield Path(name) / "rigs"


class Rig:
    """An open rig: answers what it hears until it is closed."""

    def __init__(self, folder: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stop_channel.os, "getpid", lambda: number)
        self.channel = StopChannel(folder)
        monkeypatch.undo()
        self.heard: list[bytes] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._ended.wait(0.001):
            order = self.channel.heard()
            if order:
                self.heard.append(order)
                self.channel.answer()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self.channel.close()


def test_all_rigs_are_stopped_and_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rigs = [Rig(folder, number, monkeypatch) for number in (11, 12, 13)]
    try:
        report = stop_all(folder=folder)
        assert (report.stopped, report.silent) == (3, ())
        assert [rig.heard for rig in rigs] == [[STOP]] * 3
        assert stop_all(torque_off=True, folder=folder).stopped == 3
        assert [rig.heard[-1] for rig in rigs] == [TORQUE_OFF] * 3
    finally:
        for rig in rigs:
            rig.close()
    assert list(folder.iterdir()) == []


def test_a_rig_that_hears_and_does_not_confirm_is_named(folder: Path) -> None:
    channel = StopChannel(folder)
    report = stop_all(folder=folder, patience_s=0.05)
    assert report.stopped == 0
    assert [Path(place).name for place in report.silent] == [f"rig-{os.getpid()}.sock"]
    assert channel.heard() == STOP
    channel.close()


def test_what_a_killed_rig_left_behind_is_swept_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = StopChannel(folder)
    channel._socket.close()  # as a kill does: the name stays
    assert stop_all(folder=folder) == stop_channel.StopReport(0, ())
    assert list(folder.iterdir()) == []


def test_the_next_rig_of_the_same_number_takes_the_place_of_a_dead_one(folder: Path) -> None:
    StopChannel(folder)._socket.close()
    channel = StopChannel(folder)
    assert channel.heard() == b""
    channel.close()


def test_without_any_rig_there_is_nothing_to_stop(folder: Path) -> None:
    assert stop_all(folder=folder).stopped == 0


def test_torque_off_is_heard_above_stop_and_noise_is_not_heard(folder: Path) -> None:
    channel = StopChannel(folder)
    for order in (TORQUE_OFF, STOP, b"dance"):
        stop_channel.socket.socket(stop_channel.socket.AF_UNIX, stop_channel.socket.SOCK_DGRAM).sendto(
            order, str(channel._path)
        )
    assert channel.heard() == TORQUE_OFF
    channel.answer()  # nobody has a name to be answered at: that must not fail
    channel.close()


def test_a_folder_that_others_may_enter_is_not_used(folder: Path) -> None:
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(NoStopChannel, match="only this user may enter"):
        StopChannel(folder)
    with pytest.raises(NoStopChannel, match="only this user may enter"):
        stop_all(folder=folder)


def test_a_link_in_place_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.symlink_to(tmp_path)
    with pytest.raises(NoStopChannel, match="only this user may enter"):
        StopChannel(folder)
