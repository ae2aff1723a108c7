"""Both sides of every layout: started on the Record page, prompted in letters that are read from afar, ended."""

from typing import Any

import pytest

from teleop_studio.learning_status import PairPrompt
from teleop_studio.status import State
from tests.ui.cockpit import Cockpit, near, press
from ui import theme


@pytest.fixture
def record(cockpit: Cockpit) -> Any:
    cockpit.window.show_page("record")
    cockpit.goto(State.TELEOP)
    return cockpit.window.pages["record"]


def test_pairs_are_started_for_a_number_of_layouts_and_ended(cockpit: Cockpit, record: Any) -> None:
    assert record.chart.isVisible()
    press(cockpit, "pairs")
    record.take.pairs.layouts.setValue(40)
    press(cockpit, "start_pairs")
    assert record.pair.isVisible()
    assert not record.chart.isVisible()
    press(cockpit, "end_pairs")
    assert record.chart.isVisible()
    assert cockpit.studio.calls == [("start_pairs", 40), ("end_pairs",)]


@pytest.mark.parametrize(("side", "colour"), [("left", theme.LEFT), ("right", theme.RIGHT)])
def test_the_side_is_seen_by_its_colour_and_heard_by_a_screen_reader(
    cockpit: Cockpit, record: Any, side: str, colour: str
) -> None:
    cockpit.studio.pair = PairPrompt(3, 40, side, "Put the objects on the marks, then press Space.")
    cockpit.refresh()
    assert near(record.pair, colour, 12).mean() > 0.3
    assert record.pair.accessibleName() == f"layout 3 of 40: past the arm's {side}"
    assert "press Space" in record.pair.accessibleDescription()


def test_the_arrow_points_to_the_side(cockpit: Cockpit, record: Any) -> None:
    ink = {}
    for side in ("left", "right"):
        cockpit.studio.pair = PairPrompt(1, 2, side, "")
        cockpit.refresh()
        seen = near(record.pair, theme.LEFT if side == "left" else theme.RIGHT, 12)
        strip = seen[: seen.shape[0] // 2]
        columns = (~strip).sum(0)
        outer = len(columns) // 5  # beside the word
        ink[side] = (columns[:outer].sum(), columns[-outer:].sum())
    assert ink["left"][0] > 2 * ink["left"][1]
    assert ink["right"][1] > 2 * ink["right"][0]


def test_pairs_do_not_begin_in_the_middle_of_a_take(cockpit: Cockpit, record: Any) -> None:
    press(cockpit, "pairs")
    cockpit.goto(State.RECORDING)
    assert not record.take.pairs.start.isEnabled()
