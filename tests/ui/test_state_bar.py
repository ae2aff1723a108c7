"""The state bar, the health chips, the notices and the chart."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from teleop_studio.status import CameraHealth, InferenceHealth, LoopHealth, RecorderHealth, State, StudioStatus
from tests.ui.cockpit import Cockpit, near
from ui import theme
from ui.widgets.health import camera_chip, inference_chip, loop_chip, recorder_chip
from ui.widgets.joint_chart import JointChart, Series
from ui.widgets.rows import clock, milliradians

STATUS = StudioStatus(State.IDLE, loop=LoopHealth(100, "realtime", 10_000))


@pytest.mark.parametrize("state", State)
def test_the_bar_carries_the_colour_of_the_state(cockpit: Cockpit, state: State) -> None:
    cockpit.goto(state)
    image = cockpit.window.state_bar.grab().toImage()
    assert image.pixelColor(8, 38) == QColor(theme.STATE_LOOKS[state].colour)
    stop = cockpit.window.state_bar.stop_button
    assert image.pixelColor(stop.geometry().center().x(), stop.geometry().top() + 8).red() > 200


def test_the_clock_shows_minutes_and_tenths(cockpit: Cockpit) -> None:
    cockpit.window.state_bar.show_status(replace(STATUS, episode_clock_s=83.46))
    assert cockpit.window.state_bar.clock.text() == "01:23.5"


@pytest.mark.parametrize(("missed", "colour"), [(0, theme.GOOD), (5, theme.GOOD), (50, theme.WARN), (900, theme.BAD)])
def test_the_loop_chip_turns_with_the_share_of_late_ticks(missed: int, colour: str) -> None:
    text, shown, tooltip = loop_chip(replace(STATUS, loop=LoopHealth(100, "realtime", 10_000, missed)))
    assert shown == colour
    assert ("late" in text) == (missed > 0)
    assert "realtime" in tooltip


def test_a_camera_that_stands_still_is_seen() -> None:
    fresh = {"front": CameraHealth(30, 100, 20), "wrist": CameraHealth(29, 100, 20)}
    assert camera_chip(replace(STATUS, cameras=fresh))[1] == theme.GOOD
    stale = fresh | {"wrist": CameraHealth(29, 100, 400)}
    assert camera_chip(replace(STATUS, cameras=stale))[1] == theme.BAD
    slow = fresh | {"wrist": CameraHealth(12, 100, 20)}
    assert camera_chip(replace(STATUS, cameras=slow))[:2] == ("2 cameras 12 fps", theme.WARN)


def test_gaps_of_the_recorder_are_red() -> None:
    assert recorder_chip(replace(STATUS, recorder=RecorderHealth(True, 90, 100, 3, missing=10)))[:2] == (
        "recorder 10 missing",
        theme.BAD,
    )
    assert recorder_chip(replace(STATUS, recorder=RecorderHealth(building=2)))[0] == "recorder saving 2"
    assert recorder_chip(StudioStatus())[1] == theme.FAINT


def test_a_closed_rig_has_no_loop_and_no_recorder() -> None:
    closed = StudioStatus(State.CLOSED, loop=LoopHealth(100, "realtime", 10_000))
    assert [chip(closed)[0] for chip in (loop_chip, recorder_chip)] == ["loop –", "recorder –"]


def test_the_policy_chip_tells_loading_and_latency() -> None:
    assert inference_chip(replace(STATUS, inference=InferenceHealth(loading=True, run="a")))[0] == "loading a"
    ready = InferenceHealth(ready=True, run="a", chunk_latency_p50_ms=21.4)
    assert inference_chip(replace(STATUS, inference=ready))[0] == "policy 21 ms"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (65, "1:05"), (3661, "1:01:01"), (float("nan"), "–"), (-1, "–")]
)
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_errors_are_given_in_milliradians() -> None:
    assert milliradians(0.0541) == "54 mrad"
    assert milliradians(float("nan")) == "–"


def test_a_notice_lies_inside_the_window_and_goes_on_a_click(cockpit: Cockpit) -> None:
    cockpit.bridge.notice.emit("error", "Servo 3 (elbow) is silent.", "Check its cable. " * 12)
    cockpit.refresh()
    stack = cockpit.window.notices
    assert cockpit.window.rect().contains(stack.geometry())
    card = stack.cards[0]
    assert card.height() >= card.heightForWidth(card.width())
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    assert not stack.isVisible()


def test_at_most_four_notices_are_kept_and_none_twice(cockpit: Cockpit) -> None:
    for number in (1, 2, 3, 3, 4, 5, 6):
        cockpit.bridge.notice.emit("info", f"Notice {number}.", "")
    assert [card.title for card in cockpit.window.notices.cards] == [f"Notice {n}." for n in (3, 4, 5, 6)]


def test_the_joint_chart_draws_each_curve_in_its_colour(cockpit: Cockpit) -> None:
    cockpit.goto(State.TELEOP)
    cockpit.refresh(4)
    chart = cockpit.window.pages["record"].chart.chart  # type: ignore[attr-defined]
    for colour in (theme.FOLLOWER, theme.ACTION):
        assert near(chart, colour, 60).sum() > 50


def test_a_joint_that_was_never_read_leaves_the_others_drawn(cockpit: Cockpit) -> None:
    chart = JointChart()
    chart.resize(400, 200)
    time_s = np.linspace(-10, 0, 200)
    values = np.stack([np.full(200, np.nan), np.sin(time_s)], -1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart.show_series(("silent", "moving"), (Series("follower", theme.FOLLOWER, time_s, values),), (-10, 0))
        seen = near(chart, theme.FOLLOWER, 60)
    assert seen[:100].sum() == 0
    assert seen[100:].sum() > 50
