"""The Episodes page, worked by its keys over the stand-in library: select, label, undo, tag, filter, trim, hand on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from teleop_studio.session import StudioError
from teleop_studio.status import EpisodeRow, JobStatus, State
from tests.ui.cockpit import Cockpit
from tests.ui.stand_in_library import varied_rows
from ui.actions import KEYS
from ui.episode_keys import EPISODE_KEYS
from ui.widgets.episode_model import COLUMNS, EpisodeFilter, EpisodeModel
from ui.widgets.episode_table import fitting
from ui.widgets.transfer_dialogs import ExportDialog, ImportDialog, fresh_folder
from ui.widgets.wording import friendly_time, long_duration, size

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def page(cockpit: Cockpit) -> Any:
    cockpit.studio.rows = varied_rows(cockpit.studio.workspace.episodes, 300)
    cockpit.window.show_page("episodes")
    cockpit.refresh(2)
    return cockpit.window.pages["episodes"]


def row(cockpit: Cockpit, number: int) -> EpisodeRow:
    return next(row for row in cockpit.studio.rows if row.number == number)


def press(cockpit: Cockpit, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """To whatever has the keyboard, as from the operator's hand."""
    receiver: QWidget = cockpit.window.focusWidget() or cockpit.window
    QTest.keyClick(receiver, key, modifier)
    cockpit.refresh()


def write(cockpit: Cockpit, text: str) -> None:
    receiver = cockpit.window.focusWidget()
    assert receiver is not None
    QTest.keyClicks(receiver, text)


def refresh_until(cockpit: Cockpit, done: Callable[[], bool]) -> None:
    """The list is read again after a while, which is longer on a busy machine."""
    for _ in range(2000):
        cockpit.refresh()
        if done():
            return
    raise AssertionError("It has not come to that within 2000 refreshes.")


def usable(cockpit: Cockpit, count: int, **wanted: object) -> list[EpisodeRow]:
    """The newest episodes that can be changed and are like `wanted`."""
    fitting_rows = [
        row
        for row in reversed(cockpit.studio.rows)
        if not row.problem and all(getattr(row, name) == value for name, value in wanted.items())
    ]
    return fitting_rows[:count]


def select(cockpit: Cockpit, page: Any, *rows: EpisodeRow) -> None:
    page.table.select([row.path for row in rows])
    page.table.setFocus()
    cockpit.refresh()


# --- looking ---------------------------------------------------------------------------------------------------------


def test_down_selects_the_newest_episode_and_down_again_the_one_before(cockpit: Cockpit, page: Any) -> None:
    press(cockpit, Qt.Key.Key_Down)
    assert [row.number for row in page.rows] == [300]
    press(cockpit, Qt.Key.Key_Down)
    assert [row.number for row in page.rows] == [299]
    press(cockpit, Qt.Key.Key_End)
    assert [row.number for row in page.rows] == [1]
    press(cockpit, Qt.Key.Key_Up, SHIFT)
    assert [row.number for row in page.rows] == [2, 1]


def test_the_file_is_opened_when_the_selection_rests_and_closed_on_leaving(cockpit: Cockpit, page: Any) -> None:
    for chosen in usable(cockpit, 3):
        select(cockpit, page, chosen)
    assert cockpit.studio.opened == []
    cockpit.refresh(6)
    assert [view.row.path for view in cockpit.studio.opened] == [usable(cockpit, 3)[-1].path]
    cockpit.window.show_page("record")
    assert cockpit.studio.opened[0].closed


def test_play_moves_the_picture_and_stays_between_the_handles(cockpit: Cockpit, page: Any) -> None:
    select(cockpit, page, usable(cockpit, 1)[0])
    cockpit.refresh(6)
    preview = page.selection.preview
    preview.timeline.set_kept(1.0, 1.2)
    press(cockpit, Qt.Key.Key_K)
    times = []
    for _ in range(12):
        cockpit.refresh()
        times.append(preview.timeline.time_s)
    assert min(times) >= 1.0
    assert max(times) <= 1.2
    assert 1.0 in times  # it began again
    press(cockpit, Qt.Key.Key_K)
    before = preview.timeline.time_s
    cockpit.refresh(2)
    assert preview.timeline.time_s == before


def test_thumbnails_are_asked_for_the_rows_that_are_seen_and_once(cockpit: Cockpit, page: Any) -> None:
    cockpit.refresh(40)
    asked = cockpit.studio.library.thumbnails_taken
    assert 5 < len(asked) < 40
    assert len(set(asked)) == len(asked)
    page.table.scrollToBottom()
    cockpit.refresh(40)
    assert cockpit.studio.rows[0].path in asked or cockpit.studio.rows[0].problem
    assert len(asked) < 80


def test_a_damaged_episode_says_what_is_wrong_and_can_only_be_binned(cockpit: Cockpit, page: Any) -> None:
    damaged = next(row for row in cockpit.studio.rows if row.problem)
    select(cockpit, page, damaged)
    assert damaged.problem in page.selection.hints.label.text()
    assert not page.selection.editor.isEnabled()
    enabled = {name for name, action in page.keys.items() if action.isEnabled()}
    assert "episodes_bin" in enabled
    assert not enabled & {"episodes_trim", "episodes_compare", "episodes_export", "episodes_unrated"}
    cockpit.refresh(6)
    assert cockpit.studio.opened == []


def test_hints_are_sentences_and_nothing_selected_shows_the_collection(cockpit: Cockpit, page: Any) -> None:
    assert page.side.currentWidget() is page.collection
    hinted = next(row for row in reversed(cockpit.studio.rows) if len(row.hints) > 1)
    select(cockpit, page, hinted)
    assert page.side.currentWidget() is page.selection
    assert all(hint in page.selection.hints.label.text() for hint in hinted.hints)
    press(cockpit, Qt.Key.Key_L, CTRL)
    assert page.side.currentWidget() is page.collection
    assert page.collection.figures["episodes"].text == str(sum(not row.problem for row in cockpit.studio.rows))
    press(cockpit, Qt.Key.Key_L, CTRL)
    assert page.side.currentWidget() is page.selection


def test_several_episodes_say_what_they_have_in_common(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 3, task="lift the bottle", outcome="success")
    select(cockpit, page, *chosen)
    assert page.selection.title.text() == "3 episodes"
    assert page.selection.what.text() == "lift the bottle"
    assert page.selection.ratings["success"].property("lit")
    assert page.selection.facts.facts["length"] == long_duration(sum(row.duration_s for row in chosen))


def test_it_says_quietly_how_many_are_still_to_be_looked_through(cockpit: Cockpit, page: Any) -> None:
    cockpit.studio.library.surveying = 12
    cockpit.refresh()
    assert page.list.quiet.text() == "looking through 12 episodes…"
    cockpit.studio.library.surveying = 0
    cockpit.refresh()
    assert page.list.quiet.text() == ""


def test_a_new_take_appears_and_the_selection_stays(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 1)[0]
    select(cockpit, page, chosen)
    cockpit.studio.rows.append(cockpit.studio._episode(301, "human"))
    refresh_until(cockpit, lambda: len(page.list.model.rows) == 301)
    assert [row.path for row in page.rows] == [chosen.path]


def test_an_empty_workspace_says_what_to_do(cockpit: Cockpit) -> None:
    cockpit.studio.rows = []
    cockpit.window.show_page("episodes")
    page: Any = cockpit.window.pages["episodes"]
    assert "Record some" in page.table.empty[1]
    cockpit.refresh()
    press(cockpit, Qt.Key.Key_B, CTRL)
    assert page.table.empty[0] == "The bin is empty"


# --- filters and columns ---------------------------------------------------------------------------------------------


def test_typing_filters_and_the_tally_counts(cockpit: Cockpit, page: Any) -> None:
    press(cockpit, Qt.Key.Key_F, CTRL)
    write(cockpit, "SUNLIGHT bottle")
    shown = page.list.model.shown
    assert shown == [row for row in reversed(cockpit.studio.rows) if "sunlight" in row.tags and "bottle" in row.task]
    length = long_duration(sum(row.duration_s for row in shown))
    assert page.list.tally.text() == f"{len(shown)} of 300 episodes, {length}"
    assert cockpit.verbs == []  # the S of a search labels nothing


def test_a_number_finds_that_episode_alone(page: Any) -> None:
    page.list.filters.text.setText("#217")
    assert [row.number for row in page.list.model.shown] == [217]


HAVING: list[tuple[str, str, Callable[[EpisodeRow], bool]]] = [
    ("outcome", "failure", lambda row: not row.problem and row.outcome == "failure"),
    ("outcome", "unusable", lambda row: bool(row.problem)),
    ("task", "sort the screws", lambda row: row.task == "sort the screws"),
    ("tag", "retry", lambda row: "retry" in row.tags),
    ("source", "scripted", lambda row: row.source == "scripted"),
    ("split", "held_out", lambda row: row.split == "held_out"),
    ("split", "automatic", lambda row: row.split == ""),
]


def test_quick_filters_let_through_what_they_say(page: Any) -> None:
    rows = page.list.model.rows
    for field, value, having in HAVING:
        combo = getattr(page.list.filters, field)
        combo.setCurrentIndex(combo.findData(value))
        shown = page.list.model.shown
        assert {row.path for row in shown} == {row.path for row in rows if having(row)}
        assert 0 < len(shown) < len(rows)
        page.list.filters.clear_all()
    page.list.filters.hints.setChecked(True)
    assert all(row.hints or row.problem for row in page.list.model.shown)
    page.list.filters.clear_all()
    assert len(page.list.model.shown) == len(rows)


def test_nothing_matches_says_how_to_get_out(page: Any) -> None:
    page.list.filters.text.setText("no such words")
    assert page.table.empty == ("Nothing matches", "Press Clear, or search for something else (Ctrl+F).")
    assert page.list.tally.text() == "0 of 300 episodes, 0 s"


def test_the_last_of_its_kind_leaves_the_list_and_the_filter_stays(cockpit: Cockpit, page: Any) -> None:
    filters = page.list.filters
    filters.outcome.setCurrentIndex(filters.outcome.findData("unrated"))
    page.table.selectAll()
    press(cockpit, Qt.Key.Key_S)
    assert filters.outcome.currentData() == "unrated"
    assert page.list.model.shown == []


def test_a_label_that_takes_the_row_out_of_the_filter_goes_on_with_the_next(cockpit: Cockpit, page: Any) -> None:
    filters = page.list.filters
    filters.outcome.setCurrentIndex(filters.outcome.findData("unrated"))
    first, second = page.list.model.shown[:2]
    select(cockpit, page, first)
    press(cockpit, Qt.Key.Key_F)
    assert row(cockpit, first.number).outcome == "failure"
    assert [row.number for row in page.rows] == [second.number]


@pytest.mark.parametrize("column", range(1, len(COLUMNS)))
def test_every_column_sorts_both_ways(tmp_path: Path, column: int) -> None:
    model = EpisodeModel()
    model.show_rows(varied_rows(tmp_path, 200))
    key = COLUMNS[column].key
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        model.sort(column, order)
        keys = [key(row) for row in model.shown]
        assert len(keys) == 200
        assert keys == sorted(keys, reverse=order == Qt.SortOrder.DescendingOrder)  # type: ignore[type-var]


def test_the_selection_survives_another_order(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 5)
    select(cockpit, page, *chosen)
    page.table.sortByColumn(7, Qt.SortOrder.AscendingOrder)
    assert {row.path for row in page.rows} == {row.path for row in chosen}


@pytest.mark.parametrize("room", [300, 500, 700, 900, 1400])
def test_columns_never_need_more_room_than_there_is(room: int) -> None:
    shown = fitting(room, {})
    assert sum(COLUMNS[number].width for number in shown) <= room
    wanted = fitting(room, {"size": True, "picture": False})
    assert ("size" in [COLUMNS[number].name for number in wanted]) == (room >= 72)
    assert "picture" not in [COLUMNS[number].name for number in wanted]


def test_the_column_menu_shows_and_sorts(page: Any) -> None:
    menu = page.table.column_menu()
    switches = {action.text(): action for action in menu.actions() if action.isCheckable()}
    assert not switches["Size"].isChecked()
    switches["Size"].trigger()
    assert "size" in page.table.columns_shown
    by = {action.text(): action for action in menu.actions()[0].menu().actions()}
    by["Length"].trigger()
    lengths = [row.duration_s for row in page.list.model.shown]
    assert lengths == sorted(lengths)
    menu.deleteLater()


# --- changing and taking back ----------------------------------------------------------------------------------------


def test_s_f_and_u_label_what_is_selected_and_undo_takes_it_back(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 2, outcome="success")
    select(cockpit, page, *chosen)
    press(cockpit, Qt.Key.Key_F)
    assert [row(cockpit, episode.number).outcome for episode in chosen] == ["failure", "failure"]
    assert page.list.said.text() == "Labelled 2 episodes failure."
    press(cockpit, Qt.Key.Key_U)
    assert [row(cockpit, episode.number).outcome for episode in chosen] == ["unrated", "unrated"]
    press(cockpit, Qt.Key.Key_Z, CTRL)
    press(cockpit, Qt.Key.Key_Z, CTRL)
    assert [row(cockpit, episode.number).outcome for episode in chosen] == ["success", "success"]
    press(cockpit, Qt.Key.Key_Z, CTRL | SHIFT)
    assert [row(cockpit, episode.number).outcome for episode in chosen] == ["failure", "failure"]
    assert {row.path for row in page.rows} == {episode.path for episode in chosen}


def test_while_a_take_runs_s_keeps_the_take_and_labels_nothing(cockpit: Cockpit, page: Any) -> None:
    select(cockpit, page, usable(cockpit, 1)[0])
    cockpit.goto(State.RECORDING)
    press(cockpit, Qt.Key.Key_F)
    assert cockpit.studio.calls == [("accept", "failure")]


def test_on_other_pages_s_labels_the_newest_again(cockpit: Cockpit, page: Any) -> None:
    select(cockpit, page, *usable(cockpit, 3)[1:])
    cockpit.window.show_page("train")
    QTest.keyClick(cockpit.window, Qt.Key.Key_F)
    assert cockpit.studio.calls == [("label", cockpit.studio.rows[-1].path, "failure")]


def test_a_label_of_many_is_undone_to_what_each_one_was(cockpit: Cockpit, page: Any) -> None:
    before = {row.path: row.outcome for row in cockpit.studio.rows}
    page.table.selectAll()
    press(cockpit, Qt.Key.Key_S)
    while page.edits.busy:
        cockpit.refresh()
    assert {row.outcome for row in cockpit.studio.rows if not row.problem} == {"success"}
    press(cockpit, Qt.Key.Key_Z, CTRL)
    while page.edits.busy:
        cockpit.refresh()
    assert {row.path: row.outcome for row in cockpit.studio.rows} == before


def test_a_tag_is_typed_taken_off_by_its_button_and_put_back_by_undo(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 2, tags=())
    select(cockpit, page, *chosen)
    press(cockpit, Qt.Key.Key_G)
    write(cockpit, "shaky")
    press(cockpit, Qt.Key.Key_Return)
    assert [row(cockpit, episode.number).tags for episode in chosen] == [("shaky",), ("shaky",)]
    select(cockpit, page, chosen[0])
    off = page.selection.tags.findChild(QPushButton, "tag_shaky")
    QTest.mouseClick(off, Qt.MouseButton.LeftButton)
    cockpit.refresh()
    assert row(cockpit, chosen[0].number).tags == ()
    press(cockpit, Qt.Key.Key_Z, CTRL)
    assert row(cockpit, chosen[0].number).tags == ("shaky",)
    assert "shaky" in [page.list.filters.tag.itemData(i) for i in range(page.list.filters.tag.count())]


def test_a_note_belongs_to_the_episode_it_was_written_for(cockpit: Cockpit, page: Any) -> None:
    first, second = usable(cockpit, 2, note="")
    select(cockpit, page, first)
    press(cockpit, Qt.Key.Key_N, CTRL)
    write(cockpit, "Space for the lid, F for the fork")
    page.table.select([second.path])
    assert row(cockpit, first.number).note == "Space for the lid, F for the fork"
    assert row(cockpit, second.number).note == ""
    assert page.selection.note.toPlainText() == ""
    assert cockpit.verbs == ["set_note"]


def test_a_note_being_written_is_not_lost_when_the_list_is_read_again(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 1, note="")[0]
    select(cockpit, page, chosen)
    press(cockpit, Qt.Key.Key_N, CTRL)
    write(cockpit, "half a sen")
    cockpit.studio.rows.append(cockpit.studio._episode(301, "human"))
    refresh_until(cockpit, lambda: len(page.list.model.rows) == 301)
    assert page.selection.note.toPlainText() == "half a sen"


def test_h_holds_out_and_the_choice_box_does_the_same(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 1, split="")[0]
    select(cockpit, page, chosen)
    press(cockpit, Qt.Key.Key_H)
    assert row(cockpit, chosen.number).split == "held_out"
    press(cockpit, Qt.Key.Key_H, SHIFT)
    assert row(cockpit, chosen.number).split == "train"
    page.selection.split.activated.emit(page.selection.split.findData(""))
    page.set_split("")
    assert row(cockpit, chosen.number).split == ""


def test_del_moves_to_the_bin_and_undo_or_restore_bring_back(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 2)
    select(cockpit, page, *chosen)
    press(cockpit, Qt.Key.Key_Delete)
    assert len(cockpit.studio.rows) == 298
    press(cockpit, Qt.Key.Key_Z, CTRL)
    assert len(cockpit.studio.rows) == 300
    select(cockpit, page, *chosen)
    press(cockpit, Qt.Key.Key_Delete)
    press(cockpit, Qt.Key.Key_B, CTRL)
    assert [row.number for row in page.list.model.shown] == [episode.number for episode in chosen]
    press(cockpit, Qt.Key.Key_A, CTRL)
    assert not page.selection.editor.isVisible()
    press(cockpit, Qt.Key.Key_R, CTRL)
    assert len(cockpit.studio.rows) == 300
    assert page.list.model.shown == []


def test_a_change_that_is_refused_is_told_and_not_undone(cockpit: Cockpit, page: Any) -> None:
    good, bad = usable(cockpit, 2, outcome="success")
    real = cockpit.studio.library.label

    def refusing(path: Path, outcome: str) -> None:
        if path == bad.path:
            raise StudioError("The disk is full. Free 2 GB.")
        real(path, outcome)

    cockpit.studio.library.label = refusing  # type: ignore[method-assign]
    select(cockpit, page, good, bad)
    press(cockpit, Qt.Key.Key_F)
    assert cockpit.notices[-1][1:] == ("The disk is full.", "Free 2 GB.")
    assert page.list.said.text() == "Labelled 2 episodes failure. 1 of 2 could not be changed."
    cockpit.studio.calls.clear()
    press(cockpit, Qt.Key.Key_Z, CTRL)
    assert cockpit.studio.calls == [("label", good.path, "success")]


# --- trimming --------------------------------------------------------------------------------------------------------


def drag(cockpit: Cockpit, timeline: QWidget, from_s: float, to_s: float) -> None:
    """From the lower half of the line, where the handles are."""
    start, end = (QPoint(round(timeline.x_of(at)), 22) for at in (from_s, to_s))  # type: ignore[attr-defined]
    QTest.mousePress(timeline, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(timeline, end)
    QTest.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=end)
    cockpit.refresh()


def test_handles_are_dragged_and_x_keeps_what_lies_between(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 1)[0]
    select(cockpit, page, chosen)
    cockpit.refresh(6)
    timeline = page.selection.preview.timeline
    drag(cockpit, timeline, 0.0, 1.5)
    drag(cockpit, timeline, timeline.end_s, timeline.end_s - 1.0)
    start_s, end_s = timeline.kept
    assert start_s == pytest.approx(1.5, abs=0.05)
    assert end_s == pytest.approx(timeline.end_s - 1.0, abs=0.05)
    assert timeline.time_s == pytest.approx(end_s, abs=0.05)  # the picture follows the handle
    press(cockpit, Qt.Key.Key_X)
    assert cockpit.studio.calls == [("trim", chosen.path, start_s, end_s)]
    assert page.list.quiet.text() == "trimming 1 episode…"
    cockpit.studio.library.finish_trim(chosen.path, start_s, end_s)
    refresh_until(cockpit, lambda: chosen.path not in [row.path for row in page.list.model.rows])
    assert cockpit.studio.opened[0].closed
    assert max(row.number for row in page.list.model.rows) == 301


def test_brackets_set_the_handles_at_the_play_head(cockpit: Cockpit, page: Any) -> None:
    select(cockpit, page, usable(cockpit, 1)[0])
    cockpit.refresh(6)
    timeline = page.selection.preview.timeline
    timeline.set_time(1.0)
    press(cockpit, Qt.Key.Key_BracketLeft)
    timeline.set_time(2.5)
    press(cockpit, Qt.Key.Key_BracketRight)
    assert timeline.kept == (1.0, 2.5)
    assert page.selection.preview.trim.text() == "Keep 1.5 s"


def test_the_handles_keep_a_distance_and_stay_inside(page: Any, cockpit: Cockpit) -> None:
    select(cockpit, page, usable(cockpit, 1)[0])
    timeline = page.selection.preview.timeline
    timeline.set_kept(-3.0, 100.0)
    assert timeline.kept == (0.0, timeline.end_s)
    timeline.set_kept(2.0, 1.0)
    assert timeline.kept == pytest.approx((2.0, 2.2))


def test_the_idle_start_goes_with_one_click_or_is_left(cockpit: Cockpit, page: Any) -> None:
    idle = next(row for row in reversed(cockpit.studio.rows) if row.idle_start_s > 0)
    select(cockpit, page, idle)
    cockpit.refresh(6)
    preview = page.selection.preview
    assert preview.idle.text() == "Nothing moves in the first 1.8 s: trim"
    QTest.mouseClick(preview.idle, Qt.MouseButton.LeftButton)
    assert cockpit.studio.calls[-1] == ("trim", idle.path, 1.8, preview.timeline.end_s)
    QTest.mouseClick(preview.leave_idle, Qt.MouseButton.LeftButton)
    cockpit.refresh()
    assert cockpit.verbs[-1] == "dismiss_trim"
    assert not preview.suggestion.isVisible()


def test_without_a_moved_handle_there_is_nothing_to_trim(cockpit: Cockpit, page: Any) -> None:
    select(cockpit, page, usable(cockpit, 1)[0])
    press(cockpit, Qt.Key.Key_X)
    assert cockpit.verbs == []
    assert cockpit.notices[-1][1] == "Nothing is to be trimmed."


# --- handing on ------------------------------------------------------------------------------------------------------


def dialog_of(cockpit: Cockpit, kind: type[Any]) -> Any:
    return cockpit.window.findChild(kind)


def test_the_export_dialog_starts_the_task_and_the_job_bar_follows_it(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 2)
    select(cockpit, page, *chosen)
    press(cockpit, Qt.Key.Key_E, CTRL)
    dialog = dialog_of(cockpit, ExportDialog)
    said = {label.text() for label in dialog.findChildren(QLabel)}
    assert {"Export 2 episodes", "Install it with `pip install zarr` first."} <= said
    assert not dialog.formats.group.button(3).isEnabled()
    dialog.formats.choose("plain")
    folder = cockpit.studio.workspace.root / "exports" / f"plain-{datetime.now():%Y-%m-%d}"
    assert dialog.out.text() == str(folder)
    dialog.rate.setValue(15)
    QTest.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    cockpit.refresh()
    assert cockpit.studio.calls == [("export", "plain", tuple(row.path for row in chosen), folder, 15)]
    assert page.list.job.isVisible()
    assert page.list.job.detail.text() == "0001.h5"
    page.keys["episodes_export"].trigger()
    assert cockpit.notices[-1][1] == "A task is running."
    cockpit.studio.job = JobStatus("Exporting 2 episodes", 2, 2, "2 episodes are in x.", finished=True, takes=False)
    cockpit.refresh()
    assert page.list.job.detail.text() == "2 episodes are in x."
    QTest.mouseClick(page.list.job.close_button, Qt.MouseButton.LeftButton)
    cockpit.refresh()
    assert not page.list.job.isVisible()


def test_a_folder_that_was_typed_is_not_replaced_by_a_suggestion(cockpit: Cockpit, page: Any) -> None:
    select(cockpit, page, usable(cockpit, 1)[0])
    press(cockpit, Qt.Key.Key_E, CTRL)
    dialog = dialog_of(cockpit, ExportDialog)
    dialog.out.clear()
    QTest.keyClicks(dialog.out, "/data/mine")
    dialog.formats.choose("robomimic")
    assert dialog.out.text() == "/data/mine"
    dialog.reject()


def test_the_import_dialog_wants_a_source_and_starts_the_task(cockpit: Cockpit, page: Any, tmp_path: Path) -> None:
    press(cockpit, Qt.Key.Key_I, CTRL)
    dialog = dialog_of(cockpit, ImportDialog)
    assert not dialog.start.isEnabled()
    dialog.source.setText(str(tmp_path))
    dialog.formats.choose("robomimic")
    QTest.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    assert cockpit.studio.calls == [("import_episodes", "robomimic", tmp_path)]


def test_a_suggested_folder_is_never_one_that_exists(tmp_path: Path) -> None:
    now = datetime(2026, 11, 25)
    (tmp_path / "plain-2026-11-25").mkdir()
    (tmp_path / "plain-2026-11-25-2").mkdir()
    assert fresh_folder(tmp_path, "plain", now) == tmp_path / "plain-2026-11-25-3"


def test_c_takes_the_episode_to_the_compare_page(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 5)[4]
    select(cockpit, page, chosen)
    press(cockpit, Qt.Key.Key_C)
    assert cockpit.window.page_name == "compare"
    compare: Any = cockpit.window.pages["compare"].replay  # type: ignore[attr-defined]
    assert compare.human.view.row.path == chosen.path
    assert compare.human.choice.currentData() == chosen.path


def test_a_trial_is_opened_on_the_policys_side(cockpit: Cockpit, page: Any) -> None:
    page.list.filters.show_collection("trials")
    trial = cockpit.studio.trial_rows[2]
    select(cockpit, page, trial)
    press(cockpit, Qt.Key.Key_C)
    assert cockpit.window.pages["compare"].replay.policy.view.row.path == trial.path  # type: ignore[attr-defined]


def test_replay_is_offered_where_the_session_allows_it(cockpit: Cockpit, page: Any) -> None:
    chosen = usable(cockpit, 1)[0]
    select(cockpit, page, chosen)
    press(cockpit, Qt.Key.Key_P, CTRL)
    assert cockpit.studio.calls == [("replay", chosen.path)]
    cockpit.goto(State.FAULT)
    assert not page.keys["episodes_replay"].isEnabled()
    assert not page.selection.buttons["replay"].isEnabled()


# --- keys ------------------------------------------------------------------------------------------------------------


def test_every_action_of_the_page_has_a_key_of_its_own(cockpit: Cockpit, page: Any) -> None:
    own = page.findChildren(QAction, options=Qt.FindChildOption.FindDirectChildrenOnly)
    mine = [action for action in own if action.objectName().startswith("episodes_")]
    assert [action.objectName() for action in mine] == [spec.name for spec in EPISODE_KEYS]
    keys = [action.shortcut().toString() for action in mine]
    everywhere = {action.shortcut().toString() for action in cockpit.window.actions_by_name.values()} | {"Esc"}
    assert len(set(keys)) == len(keys)
    assert not everywhere & set(keys)
    assert all(keys)
    assert all(action.toolTip() and action.text() for action in mine)
    assert len(KEYS) < len(everywhere)


def test_the_pages_keys_do_nothing_on_another_page(cockpit: Cockpit, page: Any) -> None:
    select(cockpit, page, usable(cockpit, 1)[0])
    cockpit.window.show_page("record")
    for key in (Qt.Key.Key_Delete, Qt.Key.Key_U, Qt.Key.Key_H, Qt.Key.Key_X):
        QTest.keyClick(cockpit.window, key)
    assert cockpit.verbs == []


def test_the_menu_of_the_table_offers_the_actions_by_name(cockpit: Cockpit, page: Any) -> None:
    select(cockpit, page, usable(cockpit, 1)[0])
    page.table.customContextMenuRequested.emit(QPoint(50, 50))
    QApplication.processEvents()
    menu = QApplication.activePopupWidget()
    assert menu is not None
    offered = {action.objectName() for action in menu.actions() if action.objectName()}
    assert {"episodes_bin", "episodes_tag", "episodes_export", "episodes_compare"} <= offered
    menu.close()


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        ("2026-11-25T14:32:10", "today 14:32"),
        ("2026-11-24T09:10:00", "yesterday 09:10"),
        ("2026-11-20T10:02:00", "Fri 10:02"),
        ("2026-11-02T10:02:00", "2 Nov 10:02"),
        ("2025-11-02T10:02:00", "2 Nov 2025"),
        ("unknown", "unknown"),
    ],
)
def test_times_are_told_as_people_tell_them(recorded: str, words: str) -> None:
    assert friendly_time(recorded, datetime(2026, 11, 25, 18, 0)) == words


def test_lengths_and_sizes() -> None:
    assert [long_duration(seconds) for seconds in (42, 60, 425, 4320)] == ["42 s", "1 min", "7 min 5 s", "1 h 12 min"]
    assert [size(megabytes) for megabytes in (0.82, 12.34, 4100)] == ["820 kB", "12.3 MB", "4.1 GB"]


def test_the_same_rows_reset_nothing(tmp_path: Path) -> None:
    model = EpisodeModel()
    rows = varied_rows(tmp_path, 20)
    assert model.show_rows(rows)
    assert not model.show_rows(rows)
    assert not model.show_rows(list(rows))
    model.set_filter(EpisodeFilter(hints=True))
    assert all(row.hints or row.problem for row in model.shown)


@pytest.mark.alone
def test_ten_thousand_rows_filter_and_sort_in_a_few_plain_passes(tmp_path: Path) -> None:
    """In this process's time on the CPU, beside a plain pass over the same rows; the benchmark has the figures."""
    few = varied_rows(tmp_path, 100)
    rows = [replace(few[n % 100], path=tmp_path / f"{n}.h5", number=n) for n in range(10_000)]
    model = EpisodeModel()
    model.show_rows(rows)

    def usual_time(run: Callable[[object], object], *each: object) -> float:
        times = []
        for argument in each * 3:
            began = process_time()
            run(argument)
            times.append(process_time() - began)
        return sorted(times)[len(times) // 2]

    reference = usual_time(lambda _: [f"{row.task}\n{row.operator}\n{row.note}".casefold() for row in rows], 1, 2, 3)
    searching = usual_time(
        lambda text: model.set_filter(EpisodeFilter(text=str(text))), "b", "bo", "sunlight bottle", ""
    )
    sorting = usual_time(lambda column: model.sort(int(str(column))), 3, 7, 9, 2)
    assert searching < 10 * reference
    assert sorting < 15 * reference
