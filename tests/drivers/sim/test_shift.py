from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.arms import STUDIO_FOLLOWER
from drivers.kinematics import Chain
from drivers.sim.operator import ScriptedOperator
from drivers.sim.renderer import SceneRenderer
from drivers.sim.scene import SCENES, camera_model
from drivers.sim.shift import CLUTTER, SHIFTS, SceneShift, shift_named
from drivers.sim.world import World
from teleop_studio.rig import SCENE_SHIFTS
from tests.drivers.sim.driving import attempt

WIDTH, HEIGHT = 160, 120


@contextmanager
def drawn(shift: SceneShift) -> Iterator[SceneRenderer]:
    renderer = SceneRenderer("bottle", WIDTH, HEIGHT, shift)
    try:
        yield renderer
    finally:
        renderer.close()


@pytest.fixture(scope="module")
def snapshot() -> NDArray[np.float64]:
    world = World("bottle")
    world.reset(5)
    return world.snapshot()


def picture(shift: SceneShift, snapshot: NDArray[np.float64], camera: str = "front") -> NDArray[np.float64]:
    with drawn(shift) as renderer:
        return renderer.render(snapshot, camera).astype(np.float64)


@pytest.fixture(scope="module")
def unshifted(snapshot: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """By camera."""
    with drawn(SHIFTS["none"]) as renderer:
        return {camera: renderer.render(snapshot, camera).astype(np.float64) for camera in ("front", "wrist")}


@pytest.fixture
def as_recorded(unshifted: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    return unshifted["front"]


def test_a_rig_knows_the_shifts() -> None:
    assert tuple(SHIFTS) == SCENE_SHIFTS


def test_an_unknown_shift_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match=r"no shift 'fog' of the scene\. The shifts are: none, dim, bright"):
        shift_named("fog")


def test_dim_light_is_darker_and_warmer(as_recorded: NDArray[np.float64], snapshot: NDArray[np.float64]) -> None:
    dim = picture(SHIFTS["dim"], snapshot)
    assert 0.4 < dim.mean() / as_recorded.mean() < 0.65
    red, _, blue = dim.mean((0, 1)) / as_recorded.mean((0, 1))
    assert red > 1.15 * blue


def test_bright_light_is_brighter_and_bluer(as_recorded: NDArray[np.float64], snapshot: NDArray[np.float64]) -> None:
    bright = picture(SHIFTS["bright"], snapshot)
    assert 1.15 < bright.mean() / as_recorded.mean() < 1.4
    assert (bright == 255).mean() > (as_recorded == 255).mean() + 0.01  # a camera would be over-exposed


def test_a_lamp_from_the_other_side_throws_the_shadow_there(
    as_recorded: NDArray[np.float64], snapshot: NDArray[np.float64]
) -> None:
    foot = snapshot[8:11] * (1, 1, 0)  # the bottle follows six joints and two fingers
    after = picture(replace(SHIFTS["none"], light_direction=(-0.34, 0.42, -0.84)), snapshot)

    def brighter_now(aside: float) -> float:
        thrown = foot + np.array([-0.34, aside, 0.0]) / 0.84 * 0.07
        x, y = camera_model("bottle", "front", WIDTH, HEIGHT).project([thrown])[0].round().astype(int)
        spot = slice(y - 1, y + 2), slice(x - 1, x + 2)
        return float((after[spot] - as_recorded[spot]).mean())

    assert brighter_now(-0.42) > 10
    assert brighter_now(0.42) < -10


def test_a_camera_turned_by_one_degree_sees_everything_about_as_far_off(
    unshifted: dict[str, NDArray[np.float64]], snapshot: NDArray[np.float64]
) -> None:
    with drawn(replace(SHIFTS["camera-1-degree"], camera_move_m=0.0)) as renderer:
        for name, before in unshifted.items():
            after = renderer.render(snapshot, name).astype(np.float64)
            off = {
                (dx, dy): np.abs(np.roll(after, (dy, dx), (0, 1)) - before)[8:-8, 8:-8].mean()
                for dx in range(-4, 5)
                for dy in range(-4, 5)
            }
            dx, dy = min(off, key=lambda by: float(off[by]))
            focal = HEIGHT / 2 / np.tan(np.radians(SCENES["bottle"].cameras[name].fovy_deg) / 2)
            assert 0 < np.hypot(dx, dy) <= focal * np.radians(1.0) + 1.0  # about the optical axis it turns on the spot


def test_overlays_are_drawn_as_if_the_camera_had_not_moved() -> None:
    world = World("bottle", shift=SHIFTS["camera-1-degree"])
    assert world.scene.cameras == SCENES["bottle"].cameras


def test_new_things_are_seen_and_throw_shadows(as_recorded: NDArray[np.float64], snapshot: NDArray[np.float64]) -> None:
    clutter = picture(SHIFTS["clutter"], snapshot)
    changed = (np.abs(clutter - as_recorded).max(-1) > 25).mean()
    assert 0.02 < changed < 0.2
    assert len(World("bottle", shift=SHIFTS["clutter"]).snapshot()) == World.snapshot_size("bottle")


@pytest.mark.parametrize("scene", SCENES)
def test_the_scripted_hand_stays_away_from_the_new_things(scene: str) -> None:
    world = World(scene, shift=SHIFTS["clutter"])
    chain, things = Chain(STUDIO_FOLLOWER), np.array([place[:2] for place in CLUTTER.values()])
    for side in ("left", "right"):
        operator = ScriptedOperator(world, side, 101)
        tips = np.array([chain.forward(operator.pose_at(t)) for t in np.arange(0, operator.duration_s, 0.05)])
        away = np.linalg.norm(tips[:, None, :2] - things, axis=-1)
        assert away.min() > 0.1  # the hand is 100 mm wide, the things up to 84 mm


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("side", ["left", "right"])
def test_an_attempt_among_the_new_things_goes_as_without_them(scene: str, side: str) -> None:
    free, among = (attempt(scene, side, 101, shift=SHIFTS[name]) for name in ("none", "clutter"))
    assert free.success
    assert among == free


@pytest.mark.parametrize("scene", SCENES)
def test_a_bottle_beyond_the_recorded_range_stands_there_and_the_rest_as_before(scene: str) -> None:
    world, shifted = World(scene), World(scene, shift=SHIFTS["bottle-20-mm"])
    world.reset(101)
    shifted.reset(101)
    farthest = SCENES[scene].layout.bottle_x[1]
    assert shifted.position("bottle")[0] == pytest.approx(farthest + 0.020, abs=2e-4)
    assert shifted.position("bottle")[1] == pytest.approx(world.position("bottle")[1], abs=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_a_bottle_beyond_the_recorded_range_can_still_be_lifted(scene: str) -> None:
    assert attempt(scene, "left", 101, shift=SHIFTS["bottle-20-mm"]).success
