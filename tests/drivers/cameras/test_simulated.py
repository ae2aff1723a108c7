"""The simulated camera keeps time as a real one does."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.cameras import Camera
from drivers.cameras.simulated import SimulatedCamera
from drivers.clock import ManualClock
from drivers.errors import CameraSilent
from drivers.sim.renderer import SceneRenderer
from drivers.sim.world import World

MS = 1_000_000


@pytest.fixture(scope="module")
def renderer() -> Iterator[SceneRenderer]:
    renderer = SceneRenderer("bottle", 64, 48)
    yield renderer
    renderer.close()


@pytest.fixture(scope="module")
def positions() -> NDArray[np.float64]:
    return World("bottle").snapshot()


def test_pictures_come_at_absolute_deadlines_with_the_stamp_of_their_snapshot(
    renderer: SceneRenderer, positions: NDArray[np.float64]
) -> None:
    clock = ManualClock(0)
    camera: Camera = SimulatedCamera("front", renderer, lambda: (clock.now_ns() - 3, positions), 20, clock)
    stamps = []
    for _ in range(3):
        image = camera.read()
        stamps.append(image.stamp_ns)
        assert image.rgb.shape == (camera.height, camera.width, 3)
        clock.advance_ns(11 * MS)  # work between pictures must not shift the next one
    assert stamps == [-3, 50 * MS - 3, 100 * MS - 3]


def test_missed_deadlines_are_skipped_and_counted(renderer: SceneRenderer, positions: NDArray[np.float64]) -> None:
    clock = ManualClock(0)
    camera = SimulatedCamera("front", renderer, lambda: (clock.now_ns(), positions), 20, clock)
    assert camera.read().sequence == 0
    assert camera.read().sequence == 1
    clock.advance_ns(170 * MS)  # 50 + 170: the pictures of 100, 150 and 200 are gone, 200 is the newest
    late = camera.read()
    assert late.sequence == 4
    assert camera.read().stamp_ns == 250 * MS


def test_a_camera_without_a_simulator_says_so_after_five_seconds(renderer: SceneRenderer) -> None:
    clock = ManualClock(0)
    camera = SimulatedCamera("wrist", renderer, lambda: None, 30, clock)
    with pytest.raises(CameraSilent, match=r"simulated camera wrist got no scene for 5 s"):
        camera.read()
    assert 5_000 * MS <= clock.now_ns() < 5_100 * MS


def test_a_camera_waits_for_the_first_scene(renderer: SceneRenderer, positions: NDArray[np.float64]) -> None:
    clock = ManualClock(0)

    def after_a_second() -> tuple[int, NDArray[np.float64]] | None:
        return (clock.now_ns(), positions) if clock.now_ns() > 1_000 * MS else None

    camera = SimulatedCamera("front", renderer, after_a_second, 20, clock)
    assert camera.read().stamp_ns == 1_050 * MS


def test_a_camera_the_scene_does_not_have_is_refused(renderer: SceneRenderer) -> None:
    with pytest.raises(ValueError, match=r"no camera 'side'\. Its cameras are: front, wrist"):
        SimulatedCamera("side", renderer, lambda: None, 30, ManualClock())
