"""Compare: two episodes on one time line, or every policy in one table."""

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from teleop_studio.status import State
from tests.ui.cockpit import Cockpit, press
from ui.widgets.policy_model import COLUMNS


@pytest.fixture
def compare(cockpit: Cockpit) -> Any:
    cockpit.window.show_page("compare")
    cockpit.refresh()
    return cockpit.window.pages["compare"].replay  # type: ignore[attr-defined]


def test_the_newest_pair_is_opened(cockpit: Cockpit, compare: Any) -> None:
    assert [view.row.source for view in cockpit.studio.opened] == ["scripted", "policy"]
    assert compare.timeline.end_s == max(side.duration_s for side in compare.sides)


def test_one_scrubber_moves_both(cockpit: Cockpit, compare: Any) -> None:
    middle = QPoint(compare.timeline.width() // 2, 20)
    before = [side.picture._sequence for side in compare.sides]
    QTest.mouseClick(compare.timeline, Qt.MouseButton.LeftButton, pos=middle)
    cockpit.refresh()
    assert compare.timeline.time_s == pytest.approx(compare.timeline.end_s / 2, rel=0.1)
    assert [side.picture._sequence for side in compare.sides] == [number + 1 for number in before]
    assert all(side.layer._now > 0 for side in compare.sides)


def test_play_runs_to_the_end_and_starts_over(cockpit: Cockpit, compare: Any) -> None:
    compare.timeline.set_time(compare.timeline.end_s - 0.05)
    compare.play.click()
    times = []
    for _ in range(4):
        cockpit.refresh()
        times.append(compare.timeline.time_s)
    assert compare.timeline.end_s in times
    assert min(times) < 0.1


def test_arrow_keys_step_one_frame(cockpit: Cockpit, compare: Any) -> None:
    QTest.keyClick(compare.timeline, Qt.Key.Key_Right)
    QTest.keyClick(compare.timeline, Qt.Key.Key_Right)
    QTest.keyClick(compare.timeline, Qt.Key.Key_Left)
    assert compare.timeline.time_s == pytest.approx(1 / 30)


def test_another_choice_closes_the_episode_before(cockpit: Cockpit, compare: Any) -> None:
    first = compare.human.view
    compare.human.choice.setCurrentIndex(3)
    compare.human.choice.activated.emit(3)
    assert first.closed
    assert compare.human.view.row.path == compare.human.choice.currentData()


def test_leaving_closes_both_files_and_coming_back_opens_them(cockpit: Cockpit, compare: Any) -> None:
    cockpit.window.show_page("record")
    assert all(view.closed for view in cockpit.studio.opened)
    cockpit.window.show_page("compare")
    assert [side.view.closed for side in compare.sides] == [False, False]
    assert len(cockpit.studio.opened) == 4


def test_an_episode_that_can_not_be_opened_is_told(cockpit: Cockpit, compare: Any) -> None:
    cockpit.studio.rows.clear()
    compare.human.choice.activated.emit(0)
    assert "can not be opened" in cockpit.notices[-1][1]
    assert not compare.human.view.closed


def test_the_state_does_not_matter_for_looking(cockpit: Cockpit, compare: Any) -> None:
    cockpit.goto(State.FAULT)
    compare.timeline.set_time(1.0)
    cockpit.refresh()
    assert compare.clock.text() == "1.00 s"


@pytest.fixture
def table(cockpit: Cockpit) -> Any:
    cockpit.window.show_page("compare")
    press(cockpit, "compare_policies")
    return cockpit.window.pages["compare"].policies  # type: ignore[attr-defined]


def runs(table: Any) -> list[str]:
    return [row.run for row in table.model.rows]


def cell(table: Any, run: str, column: str) -> str:
    number = [known.name for known in COLUMNS].index(column)
    text: str = table.model.index(runs(table).index(run), number).data()
    return text


def sort_by(cockpit: Cockpit, table: Any, column: str) -> None:
    header = table.table.horizontalHeader()
    number = [known.name for known in COLUMNS].index(column)
    at = QPoint(header.sectionViewportPosition(number) + 12, 12)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=at)
    cockpit.refresh()


def test_the_table_has_the_best_first_and_those_nobody_tried_last(cockpit: Cockpit, table: Any) -> None:
    assert runs(table) == ["flow-matching-001", "mean-regression-001", "flow-matching-002"]
    assert cell(table, "flow-matching-001", "success") == "94 of 100, 87 to 98 %"
    assert cell(table, "flow-matching-002", "success") == "not tried"
    assert cell(table, "mean-regression-001", "failure") == "box knocked over (55)"
    assert cell(table, "mean-regression-001", "sides") == "demonstrations 50% left, samples 100% left, trials 97% left"


def test_a_click_sorts_and_what_was_not_measured_stays_last(cockpit: Cockpit, table: Any) -> None:
    sort_by(cockpit, table, "chunk")
    first = runs(table)
    sort_by(cockpit, table, "chunk")
    assert runs(table)[:2] == first[:2][::-1]
    assert runs(table)[2] == first[2] == "flow-matching-002"


def test_the_others_are_compared_with_the_chosen_run(cockpit: Cockpit, table: Any) -> None:
    assert cell(table, "flow-matching-001", "p") == "–"
    table.baseline.setCurrentText("mean-regression-001")
    table.baseline.activated.emit(table.baseline.currentIndex())
    assert cell(table, "flow-matching-001", "p") == "< 0.0001"
    assert cell(table, "mean-regression-001", "p") == "–"
    assert cell(table, "flow-matching-002", "p") == "–"


def test_a_run_that_can_be_played_but_was_never_tried_is_listed(cockpit: Cockpit, table: Any) -> None:
    rows = cockpit.studio.trainings.run_rows
    rows.insert(0, cockpit.studio.trainings.run("act-001", "act", 4000, 0.07))
    cockpit.refresh(60)
    assert "act-001" in runs(table)
    assert cell(table, "act-001", "success") == "not tried"


def test_selected_runs_are_tried_from_the_same_starts(cockpit: Cockpit, table: Any) -> None:
    assert not table.try_runs.isEnabled()
    table.table.select({"flow-matching-002", "mean-regression-001"})
    cockpit.refresh()
    table.trials.setValue(20)
    press(cockpit, "try_selected")
    verb, chosen, trials, fast, *steps = cockpit.studio.calls[-1]
    assert (verb, trials, fast, steps) == ("evaluate", 20, True, [None, None])  # each as it was trained to be played
    assert {path.name for path in chosen} == {"flow-matching-002", "mean-regression-001"}  # type: ignore[attr-defined]


def test_the_selection_stays_when_the_table_is_read_again(cockpit: Cockpit, table: Any) -> None:
    table.table.select({"mean-regression-001"})
    cockpit.studio.trainings.rows = cockpit.studio.trainings.rows[::-1]
    sort_by(cockpit, table, "policy")
    cockpit.refresh(60)
    assert [row.run for row in table.table.selected] == ["mean-regression-001"]


def test_the_episode_to_compare_turns_back_to_the_replay(cockpit: Cockpit, table: Any) -> None:
    cockpit.window.show_page("record")
    cockpit.window.commands.choices.compare = cockpit.studio.rows[2].path
    cockpit.window.show_page("compare")
    page: Any = cockpit.window.pages["compare"]
    assert page.replay.isVisible()
    assert page.replay.human.view.row.path == cockpit.studio.rows[2].path
