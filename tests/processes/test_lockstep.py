"""Lock-step is deterministic: the same layout gives the same take to the bit, whatever was done before it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recorders.episode_reader import EpisodeReader, Frames
from recorders.verify import verify
from teleop_studio.processes.lockstep import LockstepBench
from teleop_studio.processes.rings import RigRings
from teleop_studio.rig import CameraConfig, RigConfig

RIG = RigConfig(
    cameras=(CameraConfig("front", width=32, height=24, fps=15), CameraConfig("wrist", width=32, height=24, fps=15))
)
SEED = 3


def make_bench() -> LockstepBench:
    return LockstepBench(RIG, RigRings.create("lockstep", RIG))


def ended(bench: LockstepBench) -> None:
    bench.close()
    bench.rings.close()


@pytest.fixture(scope="module")
def bench() -> Iterator[LockstepBench]:
    bench = make_bench()
    yield bench
    ended(bench)


def demonstration(bench: LockstepBench, folder: Path, side: str = "left") -> tuple[Frames, list[bytes]]:
    """The ticks of a take and its pictures as they lie in the file."""
    outcome = bench.demonstrate(side, SEED, folder, "grasp")
    assert outcome.success
    assert outcome.path is not None
    assert verify(outcome.path) == []
    with EpisodeReader(outcome.path) as reader:
        assert reader.gaps() == []
        images = reader.images("front")
        return reader.frames, [images.jpeg(k) for k in range(len(images))]


def assert_same(first: Frames, second: Frames) -> None:
    """All but the moment on the bench's clock at which it was done."""
    for name, array in vars(first).items():
        other = getattr(second, name)
        if name.endswith("stamp_ns"):
            array, other = array - first.stamp_ns[0], other - second.stamp_ns[0]
        np.testing.assert_array_equal(array, other, err_msg=name)


def test_the_same_layout_gives_the_same_take_also_after_others(bench: LockstepBench, tmp_path: Path) -> None:
    first, pictures = demonstration(bench, tmp_path)
    demonstration(bench, tmp_path, "right")
    again, same_pictures = demonstration(bench, tmp_path)
    assert_same(first, again)
    assert pictures == same_pictures

    fresh = make_bench()
    try:
        elsewhere, their_pictures = demonstration(fresh, tmp_path)
    finally:
        ended(fresh)
    assert_same(first, elsewhere)
    assert pictures == their_pictures


def test_another_side_is_another_take(bench: LockstepBench, tmp_path: Path) -> None:
    """Else the comparison above would show nothing."""
    left, right = (demonstration(bench, tmp_path, side)[0] for side in ("left", "right"))
    rows = min(len(left), len(right))
    assert np.abs(left.action[:rows] - right.action[:rows]).max() > 0.1
