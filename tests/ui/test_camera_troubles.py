"""Cameras that are lost, frozen, black, late or slow: on their tile, and on the chip."""

import pytest

from teleop_studio.rig import RigConfig
from teleop_studio.status import CameraHealth, State, StudioStatus
from tests.ui.cockpit import Cockpit, near
from ui import theme
from ui.widgets.camera_view import TROUBLE_COLOURS
from ui.widgets.health import camera_chip

LOST = CameraHealth(0, 90, 4000, "lost", "The camera wrist is unplugged. Plug it in again: it comes back by itself.")
BROWN = "#c8975f"  # of the table in the stand-in's pictures


def test_a_lost_camera_shows_why_and_not_its_last_picture(cockpit: Cockpit) -> None:
    cockpit.goto(State.TELEOP)
    view = cockpit.window.pages["record"].cameras.views["wrist"]  # type: ignore[attr-defined]
    assert near(view, BROWN, 30).any()
    cockpit.studio.camera_troubles = {"wrist": LOST}
    cockpit.refresh(2)
    assert not near(view, BROWN, 30).any()
    assert near(view, theme.BAD, 30).sum() > 500
    assert view.accessibleDescription() == LOST.text
    cockpit.studio.camera_troubles = {}
    cockpit.refresh(2)
    assert near(view, BROWN, 30).any()


@pytest.mark.parametrize("state", [name for name in TROUBLE_COLOURS if name != "lost"])
def test_a_camera_in_trouble_keeps_its_picture_in_a_frame_with_the_reason(cockpit: Cockpit, state: str) -> None:
    cockpit.studio.camera_troubles = {"front": CameraHealth(30, 90, 40, state, "What is wrong. What to do.")}
    cockpit.goto(State.TELEOP)
    view = cockpit.window.pages["record"].cameras.views["front"]  # type: ignore[attr-defined]
    assert near(view, BROWN, 30).any()
    assert near(view, TROUBLE_COLOURS[state], 25).sum() > 1000
    other = cockpit.window.pages["record"].cameras.views["wrist"]  # type: ignore[attr-defined]
    assert near(other, TROUBLE_COLOURS[state], 25).sum() < 50


def test_the_large_camera_of_the_deploy_page_does_the_same(cockpit: Cockpit) -> None:
    cockpit.window.show_page("deploy")
    cockpit.studio.camera_troubles = {"front": LOST}
    cockpit.goto(State.POLICY)
    cockpit.refresh(2)
    assert not near(cockpit.window.pages["deploy"].fan.main, BROWN, 30).any()  # type: ignore[attr-defined]


def test_the_chip_names_the_worst_camera() -> None:
    fine = CameraHealth(30, 100, 20)
    slow = CameraHealth(12, 100, 20, "slow", "12 pictures a second instead of 30.")
    assert camera_chip(StudioStatus(cameras={"front": slow, "wrist": LOST}))[:2] == ("wrist lost +1", theme.BAD)
    text, colour, tooltip = camera_chip(StudioStatus(cameras={"front": slow, "wrist": fine}))
    assert (text, colour) == ("front slow", theme.WARN)
    assert "12 pictures a second instead of 30." in tooltip


@pytest.mark.parametrize("page", ["record", "deploy", "compare"])
def test_a_rig_without_cameras_has_its_pages_all_the_same(cockpit: Cockpit, page: str) -> None:
    asked = cockpit.studio.images_taken
    cockpit.studio.camera_names = ()
    cockpit.studio.rig = RigConfig(name="joints only", scene="fork")
    cockpit.goto(State.TELEOP)
    cockpit.window.show_page(page)
    cockpit.refresh(3)
    assert cockpit.studio.images_taken == asked
