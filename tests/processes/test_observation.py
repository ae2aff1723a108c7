"""What the policy is shown belongs together, and is never older than a second."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from teleop_studio.policies.checkpoint import CheckpointError, CheckpointInfo
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.flow_matching import FlowMatching, FlowMatchingSettings
from teleop_studio.policies.player import PolicyPlayer
from teleop_studio.processes.observation import require_fit, take_observation
from teleop_studio.rig import RigConfig
from teleop_studio.training.demonstration import Demonstration
from teleop_studio.training.moments import history_of
from tests.policies.toy_task import TOY
from tests.processes.take_bench import PICTURE_NS, RIG, START_NS, TICK_NS, Bench


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


def test_earlier_frames_are_those_that_training_would_have_shown(bench: Bench) -> None:
    """The same rule on both sides, on cameras that jitter, drop pictures and do not start together."""
    rng = np.random.default_rng(3)
    config = PolicyConfig(RIG.follower.model.names, tuple(bench.rings.frames), observations=4)
    shown: dict[str, list[int]] = {name: [] for name in config.cameras}
    compared = 0
    for sequence in range(40):
        bench.ticks(3)
        for name, first in (("front", 0), ("wrist", 4)):
            if sequence >= first and rng.random() > 0.2:
                stamp_ns = START_NS + sequence * PICTURE_NS + int(rng.integers(-4_000_000, 4_000_000))
                bench.picture(name, sequence, stamp_ns)
                shown[name].append(stamp_ns)
        taken = take_observation(bench.rings, "", config.observations, config.chunk_dt_s)
        if taken is None:
            continue
        observation = taken[0]
        history = history_of(_recorded(bench, shown), config, np.array([observation.stamp_ns]), config.observations)
        pictures = np.stack([observation.images[name][:, 0, 0, 0] for name in config.cameras], axis=1)
        expected = np.stack(
            [_sequences(bench, name)[history.picture_index[0, :, k]] for k, name in enumerate(shown)], 1
        )
        np.testing.assert_array_equal(pictures, expected)
        np.testing.assert_array_equal(observation.state, history.state[0])
        compared += 1
    assert compared > 25


def test_without_an_earlier_picture_the_first_is_repeated(bench: Bench) -> None:
    bench.ticks(1)
    for name in ("front", "wrist"):
        bench.picture(name, 0)
    taken = take_observation(bench.rings, "", 3)
    assert taken is not None
    assert taken[0].images["front"].shape == (3, 16, 16, 3)
    assert taken[0].state.shape == (3, 7)


def test_a_policy_that_does_not_fit_the_rig_is_refused_before_it_drives() -> None:
    torch.manual_seed(0)
    config = replace(TOY, picture_px=64, crop_px=56)
    policy = FlowMatching(config, FlowMatchingSettings(width=16, blocks=1))
    player = PolicyPlayer(policy, CheckpointInfo("flow-matching", 1, config, policy.settings()))
    with pytest.raises(CheckpointError, match=r"pictures of 64x64; those of the camera front have only 16 pixels"):
        require_fit(player, RIG)
    require_fit(player, RigConfig())


def _recorded(bench: Bench, shown: dict[str, list[int]]) -> Demonstration:
    """What an episode of the same rings would hold."""
    rows = [bench.rings.ticks.read(index) for index in range(bench.rings.ticks.written)]
    ticks = [row[1] for row in rows if row is not None]
    follower = np.array([tick["follower_position"] for tick in ticks])
    follower_ns = np.array([int(tick["follower_stamp_ns"]) for tick in ticks])
    pictures = {name: _Stamps(np.array(stamps)) for name, stamps in shown.items()}
    names = RIG.follower.model.names
    human = np.ones(len(ticks), np.bool_)
    return Demonstration("", "", 1, "", "", "", names, follower_ns, follower_ns, follower, follower, human, pictures)


def _sequences(bench: Bench, name: str) -> NDArray[np.int64]:
    """What each picture of a camera shows: its number."""
    ring = bench.rings.frames[name]
    items = [ring.read(index) for index in range(ring.written)]
    return np.array([int(item[1]["rgb"][0, 0, 0]) for item in items if item is not None])


@dataclass(frozen=True)
class _Stamps:
    stamp_ns: NDArray[np.int64]

    def __getitem__(self, k: int) -> NDArray[np.uint8]:
        raise NotImplementedError
