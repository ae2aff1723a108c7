"""The first-motion guard as the operator sees it: gaps, limits, and what to do."""

import pytest

from teleop_studio.status import State, StudioStatus
from tests.ui.cockpit import Cockpit, near
from tests.ui.fake_arm import JOINTS
from ui import theme
from ui.widgets.gap_bars import Gaps

APART = (0.31, -0.04, -0.92, 0.02, -0.15, 0.0, 0.4)


def gaps(*values: float) -> Gaps:
    return Gaps(JOINTS[: len(values)], values, 0.06, 0.8)


@pytest.mark.parametrize(
    ("values", "words", "colour"),
    [
        ((), "–", theme.FAINT),
        ((0.01, -0.05), "aligned", theme.GOOD),
        ((0.01, -0.3, 0.2), "-0.30 shoulder_lift", theme.WARN),
        ((0.01, -0.9, 0.2), "-0.90 shoulder_lift", theme.BAD),
        ((float("nan"), 0.2, 0.0), "+0.20 shoulder_lift", theme.WARN),
    ],
)
def test_the_widest_gap_is_named_in_the_guards_colour(values: tuple[float, ...], words: str, colour: str) -> None:
    assert gaps(*values).words() == (words, colour)


def test_the_gripper_is_never_too_far() -> None:
    assert gaps(0.1, -0.9, 1.0).too_far == ("shoulder_lift",)
    assert gaps(0.1, 0.0, 1.0).too_far == ()


def test_while_the_limits_are_unknown_nothing_is_called_too_far() -> None:
    assert Gaps.of(StudioStatus(joint_names=JOINTS, joint_gaps=APART)).too_far == ()


def test_the_card_comes_while_the_follower_approaches_and_says_when_it_is_aligned(cockpit: Cockpit) -> None:
    card = cockpit.window.guard
    assert not card.isVisible()
    cockpit.studio.gaps, cockpit.studio.aligning = (0.5, *APART[1:2], 0.2, 0, 0, 0, 0), True
    cockpit.goto(State.TELEOP)
    assert card.isVisible()
    assert card.title.text() == "Coming closer, slowly"
    assert "shoulder_pan is 0.50 away" in card.detail.text()
    cockpit.studio.gaps, cockpit.studio.aligning = (0.01,) * 7, False
    cockpit.refresh()
    assert card.title.text() == "Aligned"
    cockpit.refresh(30)
    assert not card.isVisible()


def test_a_refused_leader_says_which_joint_to_bring_closer(cockpit: Cockpit) -> None:
    cockpit.studio.gaps, cockpit.studio.aligning = APART, True
    cockpit.goto(State.TELEOP)
    card = cockpit.window.guard
    assert card.title.text() == "Too far apart: held"
    assert "Bring the leader's elbow to the follower's pose" in card.detail.text()
    assert near(card.bars, theme.BAD).sum() > 300
    cockpit.studio.gaps = (0.31, -0.04, -0.7, 0.02, -0.15, 0.0, 0.4)
    cockpit.refresh()
    assert card.title.text() == "Coming closer, slowly"


def test_a_policy_that_approaches_is_not_refused_for_the_leader(cockpit: Cockpit) -> None:
    cockpit.studio.gaps, cockpit.studio.aligning = APART, True
    cockpit.goto(State.POLICY)
    assert cockpit.window.guard.title.text() == "Coming closer, slowly"


def test_a_led_leader_asks_to_be_pushed(cockpit: Cockpit) -> None:
    cockpit.studio.gaps, cockpit.studio.mirroring = APART, True
    cockpit.goto(State.RECORDING)
    assert cockpit.window.guard.title.text() == "Push the leader to take it"


def test_the_card_moves_nothing_and_lets_clicks_through(cockpit: Cockpit) -> None:
    page = cockpit.window.pages["record"]
    before = [view.geometry() for view in page.cameras.views.values()]  # type: ignore[attr-defined]
    cockpit.studio.gaps, cockpit.studio.aligning = APART, True
    cockpit.goto(State.TELEOP)
    cockpit.refresh(2)
    assert [view.geometry() for view in page.cameras.views.values()] == before  # type: ignore[attr-defined]
    assert cockpit.window.rect().contains(cockpit.window.guard.geometry())
    assert not cockpit.window.guard.geometry().intersects(cockpit.window.state_bar.geometry())
    cockpit.bridge.notice.emit("error", "The leader is too far away.", "Bring it closer.")
    assert not cockpit.window.notices.geometry().intersects(cockpit.window.guard.geometry())


@pytest.mark.parametrize("name", ["record", "deploy"])
def test_the_gaps_are_seen_before_anything_engages(cockpit: Cockpit, name: str) -> None:
    cockpit.window.show_page(name)
    cockpit.studio.gaps = APART
    cockpit.goto(State.IDLE)
    page = cockpit.window.pages[name]
    strip = (page.take if name == "record" else page.policy).gaps  # type: ignore[attr-defined]
    assert strip.words == "-0.92 elbow"
    assert near(strip, theme.BAD).sum() > 20
