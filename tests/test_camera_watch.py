"""What the window shows of a camera: how fast its pictures come, and what its process says about it."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from teleop_studio.camera_watch import CameraWatch
from teleop_studio.display import Display
from teleop_studio.processes.messages import CameraState
from teleop_studio.processes.rings import FrameRow, RigRings
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig

RIG = RigConfig(
    leader=ArmConfig("studio-leader", "/dev/leader"),
    follower=ArmConfig("studio-follower", "/dev/follower"),
    cameras=tuple(CameraConfig(name, "usb", 64, 48, device="serial:1:2:3") for name in ("front", "wrist")),
)
BLACK = CameraState("front", "black", "Camera front is black. Take the cap off.", "Camera front is black.")
WELL = CameraState("front", "ok")


@pytest.fixture
def rings() -> Iterator[RigRings]:
    rings = RigRings.create("watch", RIG)
    yield rings
    rings.close()


def push(rings: RigRings, stamp_ns: int) -> None:
    rings.frames["front"].push(FrameRow.of(RIG.cameras[0]).fill(0, np.zeros((48, 64, 3), np.uint8)), stamp_ns)


def test_a_camera_starts_until_it_is_heard_of(rings: RigRings) -> None:
    health = CameraWatch(rings, ("front", "wrist")).health({})
    assert {name: camera.state for name, camera in health.items()} == {"front": "starting", "wrist": "starting"}


def test_what_the_cameras_process_says_is_shown(rings: RigRings) -> None:
    push(rings, time.monotonic_ns())
    watch = CameraWatch(rings, ("front", "wrist"))
    said = watch.health({"front": BLACK})["front"]
    assert (said.state, said.text, said.frames) == ("black", BLACK.text, 1)
    assert watch.health({"front": WELL})["front"].state == "ok"


def test_a_camera_whose_process_stopped_with_it_is_lost_all_the_same(rings: RigRings) -> None:
    push(rings, time.monotonic_ns() - 3_000_000_000)
    health = CameraWatch(rings, ("front",)).health({"front": WELL})["front"]
    assert (health.state, health.text) == (
        "lost",
        "Camera front gives no picture any more. Its process does not answer.",
    )


def test_a_simulated_camera_is_judged_by_nobody(rings: RigRings) -> None:
    push(rings, time.monotonic_ns() - 3_000_000_000)
    assert CameraWatch(rings).health({})["front"].state == "ok"


def test_nothing_is_drawn_into_the_picture_of_a_real_camera_of_which_nobody_knows_where_it_stands() -> None:
    """The simulated scene has a camera of that name, whose place would be a lie here."""
    points = np.zeros((2, 5, 3))
    found = Display(RIG).project("front", points)
    assert found.shape == (2, 5, 2)
    assert np.isnan(found).all()
    assert np.isfinite(Display(RigConfig()).project("front", points + (0.3, 0, 0.1))).all()
