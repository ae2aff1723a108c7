"""Pictures that a camera left out show in its stamps."""

import numpy as np
import pytest

from drivers.cameras.drops import DropCount

PERIOD_NS = 33_333_333


def counted(stamps: list[int]) -> list[int]:
    drops = DropCount()
    return [drops.before(stamp) for stamp in stamps]


def test_a_steady_camera_left_nothing_out_though_its_clock_jitters() -> None:
    jitter = np.random.default_rng(1).normal(0, 0.08 * PERIOD_NS, 300).astype(int)
    assert sum(counted([k * PERIOD_NS + int(jitter[k]) for k in range(300)])) == 0


@pytest.mark.parametrize("lost", [1, 2, 5, 40])
def test_what_was_left_out_is_counted_once(lost: int) -> None:
    numbers = [*range(20), *range(20 + lost, 40 + lost)]
    assert counted([k * PERIOD_NS for k in numbers])[20] == lost
    assert sum(counted([k * PERIOD_NS for k in numbers])) == lost


def test_a_camera_that_goes_on_at_half_its_rate_is_slow_not_full_of_drops() -> None:
    stamps = [k * PERIOD_NS for k in range(30)] + [30 * PERIOD_NS + 2 * k * PERIOD_NS for k in range(100)]
    lost = counted(stamps)
    assert sum(lost[45:]) == 0
    assert sum(lost) <= 9


def test_stamps_that_stand_still_or_go_back_are_no_drops() -> None:
    assert sum(counted([*(k * PERIOD_NS for k in range(12)), 11 * PERIOD_NS, 0, PERIOD_NS])) == 0
