"""Physics as the servos and the operator meet it."""

import numpy as np
import pytest

from drivers.arms import STUDIO_FOLLOWER
from drivers.kinematics import Chain
from drivers.sim.scene import SCENES
from drivers.sim.score import Judge
from drivers.sim.world import World
from tests.drivers.sim.driving import drive

HOME = np.array(STUDIO_FOLLOWER.home)
GRIPPER = len(HOME) - 1


@pytest.fixture(scope="module", params=list(SCENES))
def any_world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


@pytest.fixture(scope="module")
def world() -> World:
    return World("bottle")


def test_an_unknown_scene_is_refused_with_the_list_of_scenes() -> None:
    with pytest.raises(ValueError, match=r"no simulated scene 'kitchen'\. The scenes are: bottle, fork, fork-close"):
        World("kitchen")


def test_a_snapshot_has_the_promised_size(any_world: World) -> None:
    assert any_world.snapshot().shape == (World.snapshot_size(any_world.scene.name),)


def test_every_reset_gives_a_standing_scene_with_the_arm_at_its_start(any_world: World) -> None:
    for seed in range(20):
        any_world.reset(seed)
        any_world.advance(0.5)
        score = any_world.score()
        assert score.bottle_upright
        assert score.obstacle_upright
        assert (score.success, score.side, score.failed) == (False, None, "")
        np.testing.assert_allclose(any_world.joints(), any_world.scene.start, atol=0.07)  # sag included
        moved = any_world.position("bottle")
        assert any_world.scene.layout.bottle_x[0] - 1e-3 < moved[0] < any_world.scene.layout.bottle_x[1] + 1e-3


def test_a_hand_that_waits_at_the_box_does_not_sag_from_there() -> None:
    world = World("fork-close")
    for seed in range(5):
        world.reset(seed)
        before = world.tip()
        world.advance(1.0)
        np.testing.assert_allclose(world.tip(), before, atol=1.5e-3)
        finger_tips = world.tip()[0] + world.scene.plan.tip_beyond_tcp
        assert 0.013 < world.position("obstacle")[0] - 0.012 - finger_tips < 0.023


def test_the_obstacle_stands_between_base_and_bottle(any_world: World) -> None:
    for seed in range(10):
        any_world.reset(seed)
        bottle, obstacle = any_world.position("bottle")[:2], any_world.position("obstacle")[:2]
        line = bottle / np.linalg.norm(bottle)
        assert 0.05 < obstacle @ line < np.linalg.norm(bottle) - 0.08
        assert abs(line[0] * obstacle[1] - line[1] * obstacle[0]) < 2e-3


def test_the_same_seed_and_calls_give_the_same_motion(world: World) -> None:
    snapshots = []
    for _ in range(2):
        world.reset(7)
        for tick in range(50):
            drive(world, HOME + 0.004 * tick)
            world.advance(0.01)
        snapshots.append(world.snapshot())
    np.testing.assert_array_equal(snapshots[0], snapshots[1])


def test_another_seed_gives_another_layout(world: World) -> None:
    world.reset(1)
    one = world.position("bottle")
    world.reset(2)
    assert np.linalg.norm(one - world.position("bottle")) > 1e-3


def test_time_cut_into_odd_pieces_passes_at_the_same_rate(world: World) -> None:
    snapshots = []
    for pieces in (1, 7, 333):
        world.reset(3)
        drive(world, HOME + 0.1)
        for _ in range(pieces):
            world.advance(0.3 / pieces)
        snapshots.append(world.snapshot())
    np.testing.assert_array_equal(snapshots[0], snapshots[1])
    np.testing.assert_array_equal(snapshots[0], snapshots[2])


@pytest.mark.parametrize("joint", range(GRIPPER + 1), ids=STUDIO_FOLLOWER.names)
def test_a_plant_turns_to_its_goal_and_reports_the_joint(world: World, joint: int) -> None:
    world.reset(0)
    goal = HOME.copy()
    goal[joint] -= 0.25 if joint == GRIPPER else 0.15
    drive(world, goal)
    world.advance(1.0)
    model = STUDIO_FOLLOWER.joints[joint]
    reported = model.sign * world.plant(joint).position_rad() / model.servo_rad_per_unit
    assert reported == pytest.approx(world.joints()[joint], abs=1e-9)
    assert reported == pytest.approx(goal[joint], abs=0.07)
    assert abs(reported - HOME[joint]) > 0.05
    assert abs(world.plant(joint).velocity_rad_s()) < 0.05


def test_the_moving_shaft_reports_its_speed(world: World) -> None:
    world.reset(0)
    drive(world, HOME + np.eye(7)[0])
    world.advance(0.1)
    before = world.plant(0).position_rad()
    world.advance(0.01)
    average = (world.plant(0).position_rad() - before) / 0.01
    assert world.plant(0).velocity_rad_s() == pytest.approx(average, rel=0.1)
    assert average > 0.5


def test_without_torque_the_arm_sinks(world: World) -> None:
    world.reset(0)
    height = world.tip()[2]
    drive(world, HOME, torque_on=False)
    world.advance(0.8)
    assert world.tip()[2] < height - 0.05
    assert world.plant(1).effort() == 0.0


def test_the_effort_limit_caps_the_torque(world: World) -> None:
    world.reset(0)
    joint = STUDIO_FOLLOWER.joints[0]
    plant = world.plant(0)
    plant.drive(2.0, True, joint.p_gain, joint.d_gain, 1.0)
    world.advance(0.02)
    assert plant.effort() > 0.8
    plant.drive(2.0, True, joint.p_gain, joint.d_gain, 0.2)
    world.advance(0.02)
    assert plant.effort() == pytest.approx(0.2, abs=1e-6)


def test_a_softer_p_gain_sags_more(world: World) -> None:
    sags = []
    for p_gain in (1500, 500):
        world.reset(0)
        joint = STUDIO_FOLLOWER.joints[2]
        world.plant(2).drive(HOME[2], True, p_gain, joint.d_gain, 1.0)
        world.advance(1.5)
        sags.append(world.joints()[2] - HOME[2])
    assert sags[1] > 2 * sags[0] > 0.02


def test_the_holding_offset_takes_the_sag_away(world: World) -> None:
    world.reset(0)
    drive(world, HOME)
    world.advance(1.5)
    sagged = np.linalg.norm(world.tip() - Chain(STUDIO_FOLLOWER).forward(HOME))
    drive(world, HOME + world.holding_offset(HOME))
    world.advance(1.5)
    held = np.linalg.norm(world.tip() - Chain(STUDIO_FOLLOWER).forward(HOME))
    assert 0.010 < sagged < 0.040
    assert held < 0.004


def test_asking_for_an_offset_does_not_disturb_the_physics(world: World) -> None:
    snapshots = []
    for asks in (False, True):
        world.reset(5)
        for _ in range(20):
            if asks:
                world.holding_offset(HOME + 0.3)
                world.tip()
            world.advance(0.01)
        snapshots.append(world.snapshot())
    np.testing.assert_array_equal(snapshots[0], snapshots[1])


def test_the_tip_of_the_physics_is_the_tip_of_the_chain(world: World) -> None:
    world.reset(0)
    drive(world, HOME + 0.2)
    world.advance(0.5)
    np.testing.assert_allclose(world.tip(), Chain(STUDIO_FOLLOWER).forward(world.joints()), atol=1e-4)


def test_a_bottle_held_up_long_enough_is_a_success_for_good() -> None:
    judge = Judge("carton")
    for _ in range(7):
        judge.look(0.06, 1.0, 1.0, 0.0)
    assert not judge.score().success
    judge.look(0.06, 1.0, 1.0, 0.0)
    assert judge.score().success
    judge.look(0.0, 0.0, 0.0, 0.0)
    assert judge.score().success


def test_a_bottle_that_dips_in_between_starts_the_count_again() -> None:
    judge = Judge("carton")
    for rise in [0.06] * 7 + [0.04] + [0.06] * 7:
        judge.look(rise, 1.0, 1.0, 0.0)
    assert not judge.score().success


@pytest.mark.parametrize(
    ("bottle", "obstacle", "word"), [(0.1, 1.0, "bottle fell before the hand closed"), (0.1, 0.7, "box fell")]
)
def test_what_falls_first_ends_the_attempt(bottle: float, obstacle: float, word: str) -> None:
    judge = Judge("box")
    judge.look(0.0, bottle, obstacle, 0.0)
    for _ in range(20):
        judge.look(0.06, 1.0, 1.0, 0.0)
    assert judge.score().failed == word
    assert not judge.score().success


def test_a_box_that_falls_and_takes_the_bottle_with_it_is_a_fallen_box() -> None:
    judge = Judge("box")
    for bottle, box in ((1.0, 1.0), (0.7, 0.79), (0.4, 0.5), (0.0, 0.0)):
        judge.look(0.0, bottle, box, 0.0)
    assert judge.score().failed == "box fell"


OPEN, SHUT = 0.9, 0.2


@pytest.mark.parametrize(
    ("hand", "stage"),
    [
        ([(OPEN, 0.2), (OPEN, 0.01)], "before the hand closed"),
        ([(OPEN, 0.2), (SHUT, 0.06)], "after closing beside the bottle"),
        ([(OPEN, 0.2), (SHUT, 0.01), (SHUT, 0.1)], "after closing on the bottle"),
        ([(OPEN, 0.2), (SHUT, 0.06), (OPEN, 0.05), (SHUT, 0.01)], "after closing on the bottle"),
        ([(OPEN, 0.2), (OPEN - 0.1, 0.06)], "before the hand closed"),
    ],
)
def test_a_failure_says_how_far_the_hand_had_come(hand: list[tuple[float, float]], stage: str) -> None:
    judge = Judge("box")
    for opening, reach_m in hand:
        judge.look(0.0, 1.0, 1.0, 0.0, opening, reach_m)
    assert judge.score().out_of_time == f"time is over {stage}"
    judge.look(0.0, 0.1, 1.0, 0.0, *hand[-1])
    assert judge.score().failed == f"bottle fell {stage}"


def test_the_side_is_the_first_one_taken() -> None:
    judge = Judge("box")
    for aside in (0.03, -0.04, 0.05):
        judge.look(0.0, 1.0, 1.0, aside)
    assert judge.score().side == "right"
