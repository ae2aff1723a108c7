from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from teleop_studio.chunk import Observation
from teleop_studio.policies.checkpoint import CheckpointError, CheckpointInfo, save_checkpoint
from teleop_studio.policies.checkpoint_folder import checkpoint_path
from teleop_studio.policies.config import CHUNK_DT_S
from teleop_studio.policies.flow_matching import FlowMatching, FlowMatchingSettings
from teleop_studio.policies.gaussian import Gaussian, GaussianSettings
from teleop_studio.policies.player import PolicyPlayer
from tests.policies.toy_task import GRIPPER, TOY, unit_statistics


def run_with(tmp_path: Path, policy: FlowMatching, step: int = 1000) -> Path:
    info = CheckpointInfo("flow-matching", step, TOY, policy.settings())
    save_checkpoint(checkpoint_path(tmp_path, step), info, policy.state_dict())
    return tmp_path


@pytest.fixture
def policy() -> FlowMatching:
    torch.manual_seed(0)
    return FlowMatching(TOY, FlowMatchingSettings(width=32, blocks=2))


@pytest.fixture
def player(tmp_path: Path, policy: FlowMatching) -> PolicyPlayer:
    return PolicyPlayer.load(run_with(tmp_path, policy))


def observation(shift: float = 0.0, stamp_ns: int = 123) -> Observation:
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 256, (1, 48, 64, 3), dtype=np.uint8) for name in ("wrist", "front", "side")}
    return Observation(stamp_ns, np.linspace(-0.5, 0.5, 7)[None] + shift, images)


def test_the_executed_chunk_is_the_first_of_the_samples_that_are_drawn(player: PolicyPlayer) -> None:
    encoded = player.encode(observation())
    executed, _ = player.sample(encoded, 1, 10)
    again, trace = player.sample(encoded, 32, 10)
    np.testing.assert_array_equal(trace.actions[-1, 0], executed.actions)
    np.testing.assert_array_equal(again.actions, executed.actions)
    assert trace.actions.shape == (11, 32, 16, 7)
    assert trace.velocity_norm.shape == (10, 32)
    # All samples are draws of their own.
    assert len(np.unique(trace.actions[-1, :, 0, 0])) == 32


def test_other_solver_steps_start_anew(player: PolicyPlayer) -> None:
    encoded = player.encode(observation())
    player.sample(encoded, 4, 10)
    _, trace = player.sample(encoded, 4, 3)
    assert trace.actions.shape == (4, 4, 16, 7)


def test_the_same_seed_gives_the_same_chunk(player: PolicyPlayer) -> None:
    def chunk(seed: int) -> np.ndarray:
        player.seed(seed)
        return player.sample(player.encode(observation()))[0].actions

    first, second, other = chunk(1), chunk(1), chunk(2)
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3


def test_the_chunk_starts_at_the_picture_and_is_plain_numpy(player: PolicyPlayer) -> None:
    chunk, trace = player.sample(player.encode(observation(stamp_ns=987_654_321)), 2)
    assert (chunk.start_ns, chunk.dt_s) == (987_654_321, CHUNK_DT_S)
    for array in (chunk.actions, trace.actions, trace.velocity_norm):
        assert type(array) is np.ndarray
        assert array.dtype == np.float64
        assert np.all(np.isfinite(array))


def test_joint_goals_are_added_to_the_measured_pose_and_the_gripper_goal_is_not(
    tmp_path: Path, policy: FlowMatching
) -> None:
    torch.nn.init.zeros_(policy.network.output.weight)
    torch.nn.init.zeros_(policy.network.output.bias)
    statistics = unit_statistics()
    statistics.chunk_mean.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]))
    policy.fit_normalizer(statistics)
    player = PolicyPlayer.load(run_with(tmp_path, policy))
    for shift in (0.0, 0.25):
        seen = observation(shift)
        goals = player.sample(player.encode(seen))[0].actions
        expected = seen.state[0] + statistics.chunk_mean.double().numpy()
        np.testing.assert_allclose(goals[:, :GRIPPER], np.tile(expected[:GRIPPER], (16, 1)), atol=1e-6)
        np.testing.assert_allclose(goals[:, GRIPPER], 0.7, atol=1e-6)


def test_every_camera_matters_and_has_its_own_place(player: PolicyPlayer) -> None:
    def features(seen: Observation) -> np.ndarray:
        return player.encode(seen)._condition.features.numpy()

    seen = observation()
    swapped = Observation(
        seen.stamp_ns,
        seen.state,
        {"front": seen.images["wrist"], "wrist": seen.images["front"]},
    )
    plain = features(seen)
    assert np.abs(features(swapped)[:, :64] - plain[:, :64]).max() > 1e-4
    assert np.abs(features(swapped)[:, 64:128] - plain[:, 64:128]).max() > 1e-4


def test_a_missing_camera_is_named(player: PolicyPlayer) -> None:
    seen = observation()
    with pytest.raises(CheckpointError, match=r"looks through the camera wrist, but there are only front"):
        player.encode(Observation(0, seen.state, {"front": seen.images["front"]}))


@pytest.mark.parametrize("state", [np.zeros((1, 6)), np.full((1, 7), np.nan)])
def test_an_impossible_arm_reading_is_refused(player: PolicyPlayer, state: np.ndarray) -> None:
    with pytest.raises(CheckpointError, match=r"needs 7 joint values"):
        player.encode(Observation(0, state, observation().images))


def test_the_newest_checkpoint_of_a_run_is_played_or_the_one_that_is_named(
    tmp_path: Path, policy: FlowMatching
) -> None:
    run_with(tmp_path, policy, 1000)
    run_with(tmp_path, policy, 2000)
    assert PolicyPlayer.load(tmp_path).step == 2000
    assert PolicyPlayer.load(checkpoint_path(tmp_path, 1000)).step == 1000


def test_a_run_without_a_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint in .*Train the run until its first checkpoint"):
        PolicyPlayer.load(tmp_path)


@pytest.fixture
def two_threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.usefixtures("two_threads")
def test_playing_takes_one_thread(tmp_path: Path, policy: FlowMatching) -> None:
    PolicyPlayer.load(run_with(tmp_path, policy))
    assert torch.get_num_threads() == 1


def test_a_policy_without_a_solver_keeps_its_executed_chunk_too() -> None:
    torch.manual_seed(0)
    policy = Gaussian(TOY, GaussianSettings(width=32, blocks=1, execute="sample"))
    player = PolicyPlayer(policy, CheckpointInfo("gaussian", 1, TOY, policy.settings()))
    encoded = player.encode(observation())
    executed, trace = player.sample(encoded, 1, 10)
    again, more = player.sample(encoded, 32, 10)
    np.testing.assert_array_equal(again.actions, executed.actions)
    assert (trace.actions.shape, more.actions.shape) == ((2, 1, 16, 7), (2, 32, 16, 7))


def test_a_policy_with_a_history_sees_the_first_frame_again_where_there_are_too_few() -> None:
    torch.manual_seed(0)
    config = replace(TOY, observations=3)
    policy = FlowMatching(config, FlowMatchingSettings(width=32, blocks=1))
    player = PolicyPlayer(policy, CheckpointInfo("flow-matching", 1, config, policy.settings()))
    seen = observation()
    rng = np.random.default_rng(1)
    images = {name: rng.integers(0, 256, (3, 48, 64, 3), dtype=np.uint8) for name in seen.images}
    state = seen.state + np.array([0.0, 0.1, 0.2])[:, None]

    def features(first: int, repeated: int = 0) -> np.ndarray:
        def frames(value: np.ndarray) -> np.ndarray:
            return np.concatenate([value[first : first + 1]] * repeated + [value[first:]])

        shown = {name: frames(value) for name, value in images.items()}
        return player.encode(Observation(0, frames(state), shown))._condition.features.numpy()

    assert features(0).shape[1] == 3 * (2 * 64 + 7)
    np.testing.assert_array_equal(features(2), features(2, repeated=2))
    np.testing.assert_array_equal(features(1), features(1, repeated=1))
    assert np.abs(features(0) - features(2)).max() > 1e-3


def test_a_policy_of_several_tasks_does_the_one_it_is_told() -> None:
    torch.manual_seed(0)
    config = replace(TOY, tasks=("Pick up the red cup", "Pick up the blue cup"))
    policy = FlowMatching(config, FlowMatchingSettings(width=32, blocks=1))
    player = PolicyPlayer(policy, CheckpointInfo("flow-matching", 1, config, policy.settings()))

    def chunk(task: str) -> np.ndarray:
        player.seed(0)
        return player.sample(player.encode(replace(observation(), task=task)))[0].actions

    assert np.abs(chunk("Pick up the red cup") - chunk("Pick up the blue cup")).max() > 1e-4
    np.testing.assert_array_equal(chunk("Pick up the red cup"), chunk("  pick up the RED cup "))
    with pytest.raises(ValueError, match=r"not taught the task 'Dance'\. .*: 'Pick up the red cup', 'Pick up the blue"):
        chunk("Dance")
    with pytest.raises(ValueError, match=r"needs a task\. Choose one that it was taught"):
        chunk(" ")


def test_one_task_costs_nothing_and_is_not_asked_for(policy: FlowMatching) -> None:
    one = FlowMatching(replace(TOY, tasks=("Pick up the cup",)), FlowMatchingSettings(width=32, blocks=2))
    one.load_state_dict(policy.state_dict())
    player = PolicyPlayer(one, CheckpointInfo("flow-matching", 1, one.config, one.settings()))
    player.encode(replace(observation(), task="whatever"))


def test_the_device_is_said_and_one_that_is_not_there_is_refused(policy: FlowMatching) -> None:
    info = CheckpointInfo("flow-matching", 1, TOY, policy.settings())
    assert PolicyPlayer(policy, info, device="cpu").device == "CPU, 1 thread"
    with pytest.raises(CheckpointError, match=r"no device cuda:99 to play the policy on: .* sees \d+ CUDA devices"):
        PolicyPlayer(policy, info, device="cuda:99")
