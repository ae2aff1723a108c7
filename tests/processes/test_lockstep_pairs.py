"""Both sides of every layout in lock-step: one start, two ways, and neither take without the other."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drivers.sim.operator_plans import ForkPlan
from recorders.episode_reader import EpisodeReader
from teleop_studio.processes.lockstep import LockstepBench
from teleop_studio.processes.rings import RigRings
from teleop_studio.rig import CameraConfig, RigConfig

CAMERAS = (
    CameraConfig("front", width=32, height=24, fps=15),
    CameraConfig("wrist", width=32, height=24, fps=15),
)
SEED = 10_000


@pytest.fixture(scope="module", params=["fork", "fork-close"])
def bench(request: pytest.FixtureRequest) -> Iterator[LockstepBench]:
    rig = RigConfig(scene=request.param, cameras=CAMERAS)
    bench = LockstepBench(rig, RigRings.create("lockstep", rig))
    yield bench
    bench.close()
    bench.rings.close()


def test_a_layout_is_shown_from_both_sides_and_the_start_does_not_tell_which(
    bench: LockstepBench, tmp_path: Path
) -> None:
    outcomes = bench.demonstrate_pair(SEED, tmp_path, "grasp")
    assert [(outcome.success, outcome.side) for outcome in outcomes] == [(True, "left"), (True, "right")]
    starts, pictures, said = [], [], []
    for outcome in outcomes:
        assert outcome.path is not None
        with EpisodeReader(outcome.path) as reader:
            starts.append(reader.frames.follower_position[0])
            pictures.append(reader.images("front")[0].astype(int))
            said.append(reader.info.extra)
    np.testing.assert_array_equal(starts[0], starts[1])
    assert np.abs(pictures[0] - pictures[1]).max() <= 2  # the hand has moved for less than a picture's time
    assert [(about["pair"], about["operator_side"], about["seed"]) for about in said] == [
        ("layout-10000", "left", SEED),
        ("layout-10000", "right", SEED),
    ]


def test_neither_take_is_kept_when_one_side_fails(bench: LockstepBench, tmp_path: Path) -> None:
    scene = bench.sim.world.scene
    assert isinstance(scene.plan, ForkPlan)
    # Straight ahead instead of aside: the hand takes the box with it.
    clumsy = replace(scene.plan, fork_aside=(0.0, 0.0), fork_forward=(0.05, 0.05))
    bench.sim.world.scene = replace(scene, plan=clumsy)
    try:
        outcomes = bench.demonstrate_pair(SEED, tmp_path, "grasp")
    finally:
        bench.sim.world.scene = scene
    assert [outcome.failed for outcome in outcomes] == ["box fell"]  # the other side is not tried any more
    assert [outcome.path for outcome in outcomes] == [None]
    assert list(tmp_path.rglob("*.h5")) == []
    assert list(tmp_path.rglob("take.journal")) == []
