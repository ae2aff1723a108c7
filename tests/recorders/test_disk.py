"""What is left on the disk is told in seconds of recording, early enough to close the take."""

import math
import shutil
from pathlib import Path

import pytest

from recorders.disk import RESERVE_BYTES, bytes_to_build, seconds_left
from recorders.errors import DiskError

MB = 1 << 20


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How much the disk says is free, in bytes."""
    said = {"free": 0}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, said["free"]))
    return said


def test_a_take_takes_its_journal_and_as_much_again_to_be_built(tmp_path: Path, free: dict[str, int]) -> None:
    free["free"] = RESERVE_BYTES + bytes_to_build(0) + 200 * MB
    assert seconds_left(tmp_path, 10 * MB) == pytest.approx(10.0)
    assert seconds_left(tmp_path, 10 * MB, journal_bytes=100 * MB) == pytest.approx(5.0)


def test_a_take_that_is_closed_in_time_can_be_built(tmp_path: Path, free: dict[str, int]) -> None:
    """Recording on until nothing is left: the episode still fits beside the journal, and the reserve stays."""
    journal, rate = 30 * MB, 7 * MB
    free["free"] = 900 * MB
    left = seconds_left(tmp_path, rate, journal)
    free_then = free["free"] - left * rate
    assert free_then - bytes_to_build(round(journal + left * rate)) == pytest.approx(RESERVE_BYTES, abs=2)


def test_when_it_is_too_late_nothing_is_left(tmp_path: Path, free: dict[str, int]) -> None:
    free["free"] = 100 * MB
    assert seconds_left(tmp_path, MB, journal_bytes=50 * MB) < 0


def test_what_does_not_grow_lasts_for_ever(tmp_path: Path) -> None:
    assert seconds_left(tmp_path, 0) == math.inf


def test_a_folder_that_is_gone_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="could not look at the free space"):
        seconds_left(tmp_path / "gone", 1)
