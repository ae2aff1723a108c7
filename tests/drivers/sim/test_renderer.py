"""Pictures show what the world is, from where the camera model says."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.arms import STUDIO_FOLLOWER
from drivers.kinematics import Chain
from drivers.sim.renderer import SceneRenderer
from drivers.sim.scene import camera_model
from drivers.sim.world import World

WIDTH, HEIGHT = 160, 120


@pytest.fixture(scope="module")
def world() -> World:
    world = World("bottle")
    world.reset(4)
    return world


@pytest.fixture(scope="module")
def renderer() -> Iterator[SceneRenderer]:
    renderer = SceneRenderer("bottle", WIDTH, HEIGHT)
    yield renderer
    renderer.close()


def at(picture: NDArray[np.uint8], pixel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean colour of 3 x 3 pixels around `pixel`."""
    x, y = (int(value) for value in pixel)
    return picture[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0)


def test_a_picture_has_the_asked_size_and_is_repeatable(world: World, renderer: SceneRenderer) -> None:
    for camera in ("front", "wrist"):
        picture = renderer.render(world.snapshot(), camera)
        assert picture.shape == (HEIGHT, WIDTH, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 20
        np.testing.assert_array_equal(picture, renderer.render(world.snapshot(), camera))


def test_a_second_renderer_draws_the_same_picture(world: World, renderer: SceneRenderer) -> None:
    other = SceneRenderer("bottle", WIDTH, HEIGHT)
    picture = other.render(world.snapshot(), "front")
    other.close()
    np.testing.assert_array_equal(picture, renderer.render(world.snapshot(), "front"))


def test_the_bottle_is_green_where_the_front_camera_model_puts_it(world: World, renderer: SceneRenderer) -> None:
    pixel = camera_model("bottle", "front", WIDTH, HEIGHT).project(world.position("bottle") + np.array([0, 0, 0.09]))
    red, green, blue = at(renderer.render(world.snapshot(), "front"), pixel)
    assert green > 1.5 * red
    assert green > blue


def test_the_bottle_is_green_where_the_wrist_camera_model_puts_it(world: World, renderer: SceneRenderer) -> None:
    hand = Chain(STUDIO_FOLLOWER).hand_pose(world.joints())
    pixel = camera_model("bottle", "wrist", WIDTH, HEIGHT).project(
        world.position("bottle") + np.array([0, 0, 0.09]), hand
    )
    red, green, blue = at(renderer.render(world.snapshot(), "wrist"), pixel)
    assert green > 1.5 * red
    assert green > blue


def test_the_picture_changes_when_the_arm_moves(world: World, renderer: SceneRenderer) -> None:
    before = renderer.render(world.snapshot(), "front").astype(int)
    moved = world.snapshot()
    moved[0] += 0.3
    after = renderer.render(moved, "front").astype(int)
    assert (abs(after - before).max(axis=2) > 40).sum() > 100


def test_a_bottle_throws_its_shadow_away_from_the_lamp(world: World, renderer: SceneRenderer) -> None:
    alone, empty = world.snapshot(), world.snapshot()
    first_prop, each = 8, 7  # poses of the props follow arm and fingers; the bottle is the first
    alone[first_prop + each :: each] += 5.0
    empty[first_prop::each] += 5.0
    foot = world.position("bottle")
    # The lamp stands on the robot's left in front of it: what is 8 cm up throws its shadow this far.
    throw = np.array([-0.34, -0.42, 0.0]) * 0.08 / 0.84
    shaded, lit = camera_model("bottle", "front", WIDTH, HEIGHT).project([foot + throw, foot - throw])
    with_bottle, without = renderer.render(alone, "front"), renderer.render(empty, "front")
    assert at(with_bottle, shaded).sum() < 0.75 * at(without, shaded).sum()
    assert at(with_bottle, lit).sum() > 0.9 * at(without, lit).sum()


def test_a_snapshot_of_another_size_is_refused(renderer: SceneRenderer) -> None:
    with pytest.raises(ValueError, match="scene bottle has 43 values"):
        renderer.render(np.zeros(12), "front")


def test_an_unknown_camera_is_refused(world: World, renderer: SceneRenderer) -> None:
    with pytest.raises(ValueError, match="no camera 'top'"):
        renderer.render(world.snapshot(), "top")


def test_closing_twice_does_nothing() -> None:
    renderer = SceneRenderer("fork", 64, 48)
    renderer.close()
    renderer.close()
