"""The scripted hand grasps the bottle from the side it is asked for."""

import numpy as np
import pytest

from drivers.arms import STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.kinematics import Chain
from drivers.sim.operator import ScriptedOperator
from drivers.sim.scene import SCENES
from drivers.sim.world import World
from tests.drivers.sim.driving import attempt

SIDES = ("left", "right")


@pytest.fixture(scope="module", params=list(SCENES))
def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param)
    world.reset(11)
    return world


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("side", SIDES)
def test_the_bottle_is_lifted_from_the_wanted_side(scene: str, side: str) -> None:
    for seed in (101, 102):
        score = attempt(scene, side, seed)
        assert score.success, score
        assert score.side == side


@pytest.mark.slow
@pytest.mark.campaign
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("side", SIDES)
def test_at_least_nineteen_of_twenty_attempts_succeed(scene: str, side: str) -> None:
    assert sum(attempt(scene, side, seed).success for seed in range(200, 220)) >= 19


def test_the_leader_starts_where_the_follower_is_and_never_jumps(world: World) -> None:
    for side in SIDES:
        operator = ScriptedOperator(world, side, 0)
        poses = np.array([operator.pose_at(t) for t in np.arange(0, operator.duration_s, 0.01)])
        start = world.joints() + world.holding_offset(world.joints())
        np.testing.assert_allclose(poses[0][:-1], start[:-1], atol=1e-9)
        assert np.abs(np.diff(poses, axis=0)).max() < 0.06  # 6 rad/s
        assert np.all(poses >= STUDIO_LEADER.lower)
        assert np.all(poses <= STUDIO_LEADER.upper)
        assert operator.worst_error_m < 0.006


def test_the_gripper_is_open_on_the_way_and_closed_at_the_end(world: World) -> None:
    operator = ScriptedOperator(world, "left", 0)
    assert operator.pose_at(operator.duration_s / 3)[-1] > 0.8
    assert operator.pose_at(operator.duration_s)[-1] == pytest.approx(0.2, abs=0.01)


def test_the_hand_passes_the_obstacle_on_its_own_side(world: World) -> None:
    chain = Chain(STUDIO_FOLLOWER)
    for side, sign in (("left", 1), ("right", -1)):
        operator = ScriptedOperator(world, side, 0)
        tips = np.array([chain.forward(operator.pose_at(t)) for t in np.arange(0, operator.duration_s, 0.05)])
        assert (sign * tips[:, 1]).max() > 0.035
        assert (sign * tips[:, 1]).min() > -0.035


def test_the_same_seed_moves_the_same_way_and_another_one_differently(world: World) -> None:
    def middle(seed: int) -> np.ndarray:
        return ScriptedOperator(world, "left", seed).pose_at(2.0)

    np.testing.assert_array_equal(middle(4), middle(4))
    assert np.abs(middle(4) - middle(5)).max() > 1e-3


def test_after_the_end_the_leader_stays_where_it_is(world: World) -> None:
    operator = ScriptedOperator(world, "right", 0)
    np.testing.assert_array_equal(operator.pose_at(operator.duration_s), operator.pose_at(operator.duration_s + 9))
    np.testing.assert_array_equal(operator.pose_at(-1.0), operator.pose_at(0.0))


def test_the_order_in_which_times_are_asked_does_not_matter(world: World) -> None:
    forwards, backwards = (ScriptedOperator(world, "left", 3) for _ in range(2))
    late = backwards.pose_at(2.5)
    early = backwards.pose_at(0.5)
    np.testing.assert_array_equal(forwards.pose_at(0.5), early)
    np.testing.assert_array_equal(forwards.pose_at(2.5), late)


def test_a_third_side_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="'left' or 'right', not from 'above'"):
        ScriptedOperator(world, "above", 0)
