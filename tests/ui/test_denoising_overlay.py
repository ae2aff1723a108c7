"""The sample fan: colours, solid and faint parts, redrawn only when it changes."""

from dataclasses import replace

import numpy as np
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from teleop_studio.status import State
from tests.ui.cockpit import Cockpit, near
from tests.ui.fake_arm import N, S, picture, project_front, two_sided_overlay
from ui import theme
from ui.widgets.camera_view import CameraView
from ui.widgets.denoising_overlay import DenoisingOverlay, sides


def share_of(widget: QWidget, colour: str, tolerance: int = 40) -> float:
    """Share of pixels near `colour`."""
    return float(near(widget, colour, tolerance).mean())


def view_with(layer: DenoisingOverlay) -> CameraView:
    view = CameraView("front")
    view.resize(640, 480)
    view.set_frame(0, np.full((240, 320, 3), 40, np.uint8))
    view.layers.append(layer)
    return view


def test_both_sides_and_the_executed_chunk_are_seen(cockpit: Cockpit) -> None:
    layer = DenoisingOverlay()
    view = view_with(layer)
    assert share_of(view, theme.LEFT) == share_of(view, theme.EXECUTED) == 0
    overlay = two_sided_overlay(0.0)
    layer.show_paths(overlay, project_front(overlay.tip_paths[-1]))
    assert share_of(view, theme.LEFT) > 1e-4
    assert share_of(view, theme.RIGHT) > 1e-4
    assert share_of(view, theme.EXECUTED) > 1e-4


def test_samples_of_one_side_only_have_one_colour(cockpit: Cockpit) -> None:
    layer = DenoisingOverlay()
    overlay = two_sided_overlay(0.0, left=N)
    layer.show_paths(overlay, project_front(overlay.tip_paths[-1]))
    view = view_with(layer)
    assert share_of(view, theme.LEFT) > 1e-4
    assert share_of(view, theme.RIGHT) == 0


def test_the_counted_shares_are_the_coloured_ones() -> None:
    overlay = two_sided_overlay(0.0, left=20)
    found = sides(overlay)
    assert (found == 1).sum() == 20
    assert (found == -1).sum() == 12
    across = overlay.tip_paths[-1, :, -1, 1]
    assert across[found == 1].min() >= across[found == -1].max()
    undecided = sides(replace(overlay, left_share=0.25, right_share=0.5))
    assert [(undecided == side).sum() for side in (1, 0, -1)] == [8, 8, 16]


def test_more_executed_steps_are_drawn_heavier(cockpit: Cockpit) -> None:
    overlay = two_sided_overlay(0.0)
    seen = []
    for executed in (2, 14):
        layer = DenoisingOverlay()
        layer.show_paths(replace(overlay, executed_steps=executed), project_front(overlay.tip_paths[-1]))
        seen.append(share_of(view_with(layer), theme.EXECUTED))
    assert seen[1] > 1.5 * seen[0]


def test_the_same_paths_are_not_drawn_again(cockpit: Cockpit) -> None:
    layer = DenoisingOverlay()
    view = view_with(layer)
    overlay = two_sided_overlay(0.0)
    points = project_front(overlay.tip_paths[-1])
    assert layer.show_paths(overlay, points)
    for _ in range(3):
        assert not layer.show_paths(overlay, points + 0.1)
        view.grab()
    assert layer.redraws == 1
    assert layer.show_paths(overlay, points + 3.0)
    view.grab()
    assert layer.redraws == 2


def test_the_overlay_never_touches_the_frame(cockpit: Cockpit) -> None:
    frame = picture("front", 0.0)
    before = frame.copy()
    layer = DenoisingOverlay()
    view = view_with(layer)
    view.set_frame(1, frame)
    overlay = two_sided_overlay(0.0)
    layer.show_paths(overlay, project_front(overlay.tip_paths[-1]))
    view.grab()
    np.testing.assert_array_equal(frame, before)
    assert view._buffer is not None
    np.testing.assert_array_equal(np.asarray(view._buffer)[..., 2::-1], before)


def test_the_image_is_a_live_view_of_the_buffer(cockpit: Cockpit) -> None:
    view = view_with(DenoisingOverlay())
    image = view._image
    view.set_frame(1, np.full((240, 320, 3), (200, 10, 20), np.uint8))
    assert view._image is image
    assert image is not None
    assert image.pixelColor(5, 5) == QColor(200, 10, 20)


def test_the_slider_shows_the_step_it_stands_on(cockpit: Cockpit) -> None:
    cockpit.window.show_page("deploy")
    cockpit.goto(State.POLICY)
    cockpit.refresh(2)
    page = cockpit.window.pages["deploy"]
    overlay = page.fan.overlay  # type: ignore[attr-defined]
    for step in (0, 4, S):
        page.denoise.slider.setValue(step)  # type: ignore[attr-defined]
        cockpit.refresh()
        drawn = page.fan.layer._points  # type: ignore[attr-defined]
        np.testing.assert_allclose(drawn, project_front(overlay.tip_paths[step]), atol=0.51)


def test_play_runs_from_noise_to_action_and_begins_again(cockpit: Cockpit) -> None:
    cockpit.window.show_page("deploy")
    cockpit.goto(State.POLICY)
    bar = cockpit.window.pages["deploy"].denoise  # type: ignore[attr-defined]
    bar.play.click()
    seen = []
    for _ in range(120):
        bar.refresh()
        seen.append(bar.step)
    assert set(seen) == set(range(S + 1))
    assert seen.count(S) > seen.count(3)


def test_freezing_keeps_picture_and_samples(cockpit: Cockpit) -> None:
    cockpit.window.show_page("deploy")
    cockpit.goto(State.POLICY)
    cockpit.refresh(3)
    page = cockpit.window.pages["deploy"]
    page.denoise.freeze.click()  # type: ignore[attr-defined]
    held, shown = page.fan.overlay, page.fan.main._sequence  # type: ignore[attr-defined]
    cockpit.refresh(40)
    assert cockpit.studio.overlay is not held
    assert page.fan.overlay is held  # type: ignore[attr-defined]
    assert page.fan.main._sequence == shown  # type: ignore[attr-defined]
    page.denoise.freeze.click()  # type: ignore[attr-defined]
    cockpit.refresh(2)
    assert page.fan.overlay is cockpit.studio.overlay  # type: ignore[attr-defined]


def test_the_fan_goes_when_a_human_drives(cockpit: Cockpit) -> None:
    cockpit.window.show_page("deploy")
    cockpit.goto(State.POLICY)
    cockpit.refresh(3)
    fan = cockpit.window.pages["deploy"].fan  # type: ignore[attr-defined]
    assert fan.layer.shown
    cockpit.goto(State.TELEOP)
    assert not fan.layer.shown


def test_a_click_on_a_small_camera_makes_it_the_large_one(cockpit: Cockpit) -> None:
    cockpit.window.show_page("deploy")
    cockpit.goto(State.POLICY)
    cockpit.refresh(2)
    fan = cockpit.window.pages["deploy"].fan  # type: ignore[attr-defined]
    fan.others[0].clicked.emit()
    cockpit.refresh()
    assert (fan.main.camera, fan.others[0].camera) == ("wrist", "front")
    assert fan.layer.shown
