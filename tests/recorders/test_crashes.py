"""Short, seeded runs of the campaigns of `tests.benchmarks.bench_crashes`: kills, power cuts and full disks."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.recorders.full_disk import fill_many
from tests.recorders.kill_campaign import kill_many
from tests.recorders.power_campaign import afternoon, cut_many
from tests.recorders.power_cut import Operation

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Operation]]:
    folder = tmp_path_factory.mktemp("afternoon") / "episodes"
    return folder, afternoon(folder, (1.3, 0.4))


def test_after_a_kill_at_any_moment_nothing_that_was_reported_is_gone(tmp_path: Path) -> None:
    found = kill_many(tmp_path, 6, "test", longest_s=0.3)
    assert found.said == []
    assert found.kept
    assert found.episodes > 6


def test_after_a_power_cut_at_any_moment_a_second_is_lost_at_most(day: tuple[Path, list[Operation]]) -> None:
    folder, operations = day
    found = cut_many(folder, operations, 14, "test")
    assert found.said == []
    assert (found.unreadable, found.lost, found.unsaid) == (0, 0, 0)
    assert found.loss_s <= 2.0  # one when nothing else keeps the disk busy
    assert found.while_finishing > 3


@pytest.mark.parametrize("kind", ["sync", "sync folder"])
def test_the_power_cuts_would_find_a_sync_that_is_missing(day: tuple[Path, list[Operation]], kind: str) -> None:
    folder, operations = day
    without = [replace(one, kind="nothing") if one.kind == kind else one for one in operations]
    assert cut_many(folder, without, 12, f"without {kind}").lost > 0


def test_a_disk_that_gets_full_at_any_moment_keeps_what_was_whole(tmp_path: Path) -> None:
    found = fill_many(tmp_path, 6, "test", mount=False)
    assert found.said == []
    assert (found.died, found.corrupted, found.lost, found.records_lost) == (0, 0, 0, 0)
    assert found.refused > 1
