"""Lock-step is deterministic: the same layout gives the same take to the bit, whatever was done before it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from drivers.arms.studio_arm import STUDIO_FOLLOWER
from recorders.episode_reader import EpisodeReader, Frames
from recorders.verify import verify
from teleop_studio.policies.checkpoint import CheckpointInfo
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.player import PolicyPlayer
from teleop_studio.policies.policy import Condition, Policy, Sampled, Seen
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


@pytest.mark.campaign
def test_another_side_is_another_take(bench: LockstepBench, tmp_path: Path) -> None:
    """Else the comparison above would show nothing."""
    left, right = (demonstration(bench, tmp_path, side)[0] for side in ("left", "right"))
    rows = min(len(left), len(right))
    assert np.abs(left.action[:rows] - right.action[:rows]).max() > 0.1


class Swinging:
    """A policy that wants to turn the waist to the left in one chunk and to the right in the next.

    Goals lie 20 mrad apart, the first at 10 mrad. All other joints stay at home. So often as it `hesitates` first it
    stays where it is.
    """

    hesitates = 0

    def __init__(self, config: PolicyConfig) -> None:
        self.config = config
        self._sign = -1.0

    def to(self, device: torch.device | str) -> "Swinging":
        return self

    def encode(self, seen: Seen) -> Condition:
        self.hesitates -= 1
        self._sign = -self._sign
        return Condition(self._sign if self.hesitates < 0 else 0.0, seen.state[:, -1])

    def sample_chunks(self, condition: Condition, n: int, solver_steps: int, generator: torch.Generator) -> Sampled:
        chunk = torch.tensor(STUDIO_FOLLOWER.home, dtype=torch.float32).repeat(self.config.horizon, 1)
        chunk[:, 0] = condition.features * (0.01 + 0.02 * torch.arange(self.config.horizon))
        trace = chunk.repeat(solver_steps + 1, n, 1, 1)
        return Sampled(trace[-1], trace, torch.zeros(solver_steps, n))


def swinging_player(executed_steps: int) -> PolicyPlayer:
    config = PolicyConfig(
        STUDIO_FOLLOWER.names, ("front", "wrist"), picture_px=16, crop_px=16, executed_steps=executed_steps
    )
    policy = cast("Policy", Swinging(config))
    return PolicyPlayer(policy, CheckpointInfo("swinging", 1234, config, dict[str, Any]()), device="cpu")


def test_a_trial_tells_how_the_policy_drove(bench: LockstepBench) -> None:
    """10 s in vain: 19 chunks of 8 steps. The command has come to 170 mrad on one side when the next chunk begins."""
    outcome = bench.trial(swinging_player(8), SEED, None, "swinging", 8, 2)
    measured = outcome.measured
    assert not outcome.success
    assert measured.step == 1234
    assert measured.chunks == 19
    assert measured.flips == 18
    assert measured.chunk_side in ("left", "right")
    assert measured.boundary_jump_mrad == pytest.approx(180, abs=10)
    assert measured.boundary_jump == pytest.approx(9, abs=0.5)
    assert len(measured.chunk_ms) == len(measured.samples_ms) == measured.chunks
    assert all(0 < first <= every for first, every in zip(measured.chunk_ms, measured.samples_ms, strict=True))


def test_with_temporal_ensembling_every_step_has_a_chunk_and_what_swings_is_averaged(bench: LockstepBench) -> None:
    """Chunks that swing from side to side never come far from the middle: it is asked about 150 times in 10 s."""
    measured = bench.trial(swinging_player(8), SEED, None, "swinging", 8, 2, ensembling=True).measured
    assert 140 <= measured.chunks <= 155
    assert measured.boundary_jump_mrad < 60


def test_samples_are_counted_where_they_take_a_side(bench: LockstepBench) -> None:
    """This policy's first chunk goes straight ahead."""
    player = swinging_player(8)
    cast("Any", player)._policy.hesitates = 3  # the two calls of the warm-up among them
    outcome = bench.trial(player, SEED, None, "swinging", 8, 2)
    assert {outcome.left_samples, outcome.right_samples} == {0.0, 1.0}


def test_steps_that_are_not_given_are_those_of_the_run(bench: LockstepBench) -> None:
    assert bench.trial(swinging_player(15), SEED, None, "swinging").measured.chunks == 10
