"""The lesson on the Train page: started with one click, followed, cancelled, and its figure shown."""

from dataclasses import replace
from typing import Any

import pytest

from tests.ui.cockpit import Cockpit, near, press
from tests.ui.stand_in_trainings import finished_lesson
from ui.widgets.train.lesson_view import p_words


@pytest.fixture
def train(cockpit: Cockpit) -> Any:
    cockpit.window.show_page("train")
    cockpit.refresh()
    return cockpit.window.pages["train"]


def test_one_click_starts_it_and_says_which_part_runs_and_how_long_yet(cockpit: Cockpit, train: Any) -> None:
    press(cockpit, "lesson")
    assert cockpit.studio.calls == [("lesson",)]
    assert train.lesson.phase.text() == "Part 1 of 4: record pairs. 0 of 12. Layout 1, from the left."
    assert train.lesson.remaining.text() == "9:00 left"
    assert not train.lesson.start.isVisible()
    assert train.new_run.start.isEnabled()  # nothing waits for it


def test_it_can_be_cancelled(cockpit: Cockpit, train: Any) -> None:
    press(cockpit, "lesson")
    press(cockpit, "cancel_lesson")
    assert cockpit.verbs == ["lesson", "cancel_lesson"]
    assert train.lesson.start.isVisible()


def test_its_end_shows_the_figure_with_the_numbers(cockpit: Cockpit, train: Any) -> None:
    cockpit.studio.lesson_status = finished_lesson(cockpit.studio.workspace.root)
    cockpit.refresh()
    assert "flow matching alone succeeded at 29" in train.lesson.phase.text()
    press(cockpit, "show_lesson")
    assert train.lesson_view.isVisible()
    assert train.lesson_view.report.isVisible()
    assert near(train.lesson_view.picture, "#205080", 6).mean() > 0.5
    shown = [train.lesson_view.figures.itemAt(i).widget().text for i in range(3)]
    assert shown == ["9 of 40   11% to 38%", "37 of 40   80% to 98%", "< 0.0001"]
    press(cockpit, "close_lesson")
    assert train.progress.isVisible()


def test_a_lesson_that_failed_says_why(cockpit: Cockpit, train: Any) -> None:
    lesson = finished_lesson(cockpit.studio.workspace.root)
    cockpit.studio.lesson_status = replace(lesson, figure=None, verdict="", error="The disk is full. Free 2 GB.")
    cockpit.refresh()
    assert train.lesson.phase.text() == "The disk is full. Free 2 GB."
    assert not train.lesson.figure.isVisible()
    assert train.lesson.start.isEnabled()


def test_p_values_are_said_as_exactly_as_they_are_worth() -> None:
    assert [p_words(p) for p in (5e-8, 0.0031, 0.213, 1.0, float("nan"))] == ["< 0.0001", "0.0031", "0.21", "1.00", "–"]
