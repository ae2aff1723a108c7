"""What the policy is shown belongs together, and is never older than a second."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from teleop_studio.processes.observation import take_observation
from tests.processes.take_bench import PICTURE_NS, START_NS, TICK_NS, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.rings.close()


def test_nothing_is_shown_before_every_camera_and_the_arm_have_delivered(bench: Bench) -> None:
    assert take_observation(bench.rings) is None
    bench.picture("front", 0)
    bench.tick()
    assert take_observation(bench.rings) is None
    bench.picture("wrist", 0)
    assert take_observation(bench.rings) is not None


def test_the_state_is_the_newest_one_not_after_the_newest_picture(bench: Bench) -> None:
    bench.ticks(20)
    bench.picture("front", 0)
    bench.picture("wrist", 3)
    taken = take_observation(bench.rings)
    assert taken is not None
    observation, row = taken
    assert observation.stamp_ns == START_NS + 3 * PICTURE_NS
    assert START_NS + 3 * PICTURE_NS - TICK_NS < int(row["follower_stamp_ns"]) <= START_NS + 3 * PICTURE_NS
    np.testing.assert_array_equal(observation.images["wrist"][0, 0, 0], [3, 3, 3])


def test_a_camera_that_was_lost_does_not_show_how_the_world_was(bench: Bench) -> None:
    bench.ticks(1)
    bench.picture("front", 0)
    bench.picture("wrist", 0)
    for second in range(1, 4):
        bench.ticks(50)
        bench.picture("front", 15 * second)
        taken = take_observation(bench.rings)
        assert (taken is not None) == (second < 3)  # the wrist's picture is 0.5, 1.0 and 1.5 s old
    bench.picture("wrist", 45)
    assert take_observation(bench.rings) is not None
