"""A pedal's bytes: what counts as a press, in whatever pieces they come, and what is said when it is lost."""

import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.stop_pedal import EVENT, StopPedal

PRESS = EVENT.pack(1, 2, 1, 30, 1) + EVENT.pack(1, 2, 0, 0, 0)
RELEASE = EVENT.pack(1, 3, 1, 30, 0) + EVENT.pack(1, 3, 0, 0, 0)


class Fifo:
    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.pedal = StopPedal(str(path))
        self.foot = os.open(path, os.O_WRONLY)

    def close(self) -> None:
        self.pedal.close()
        os.close(self.foot)


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(tmp_path / "pedal")
    yield fifo
    fifo.close()


def test_the_kernels_event_is_24_bytes_long() -> None:
    assert EVENT.size == 24


def test_presses_are_counted_and_releases_and_repetitions_are_not(fifo: Fifo) -> None:
    assert fifo.pedal.presses() == 0
    os.write(fifo.foot, PRESS + RELEASE + EVENT.pack(1, 2, 1, 30, 2) * 5 + PRESS)
    assert fifo.pedal.presses() == 2
    assert fifo.pedal.presses() == 0
    assert fifo.pedal.take_news() == []


@given(cuts=st.lists(st.integers(1, 2 * 24 * 6 - 1), max_size=6))
def test_events_may_come_in_pieces(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    fifo = Fifo(tmp_path_factory.mktemp("fifo") / "pedal")
    try:
        data, found, at = (PRESS + RELEASE) * 3, 0, 0
        for cut in [*sorted(set(cuts)), len(data)]:
            os.write(fifo.foot, data[at:cut])
            at = cut
            found += fifo.pedal.presses()
        assert found == 3
    finally:
        fifo.close()


def test_a_missing_pedal_is_said_once_and_found_later(tmp_path: Path) -> None:
    path = tmp_path / "pedal"
    pedal = StopPedal(str(path))
    assert not pedal.there
    pedal.look()
    pedal.look()
    (said,) = pedal.take_news()
    assert said.startswith(f"The stop pedal {path} is not there: No such file or directory. STOP works by the window")
    os.mkfifo(path)
    pedal.look()
    assert pedal.there
    assert pedal.take_news() == [f"The stop pedal {path} is there: every key of it means STOP."]
    pedal.close()


def test_a_pedal_that_is_pulled_out_is_said_and_looked_for_again() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    pedal = StopPedal(os.ttyname(slave))
    os.close(slave)
    os.write(master, PRESS)
    assert pedal.presses() == 1
    os.close(master)
    assert pedal.presses() == 0
    (said,) = pedal.take_news()
    assert "has gone" in said
    assert "Plug it in again; until then STOP works by the window" in said
    assert not pedal.there
    pedal.close()


def test_a_pedal_of_another_group_is_said_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "pedal"
    os.mkfifo(path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    pedal = StopPedal(str(path))
    assert "add yourself to it (usually `input`)" in pedal.take_news()[0]
