"""The bridge: status to the window, errors and notices to the operator."""

import pytest

from teleop_studio.session import StudioError
from teleop_studio.status import State
from teleop_studio.workspace import WorkspaceError
from tests.ui.cockpit import Cockpit
from ui.bridge import added, split_message


def test_a_verb_that_is_refused_becomes_a_notice_with_title_and_detail(cockpit: Cockpit) -> None:
    cockpit.goto(State.STOPPED)
    cockpit.window.commands.record()
    level, title, detail = cockpit.notices[-1]
    assert level == "error"
    assert title == "Can not record while stopped."
    assert "Resume first" in detail
    assert cockpit.window.notices.cards[-1].title == title


def test_a_bad_workspace_name_is_the_operators_business_too(cockpit: Cockpit) -> None:
    def refuse() -> None:
        raise WorkspaceError("'a b' is no run name. Use letters.")

    assert cockpit.bridge.call(refuse) is None
    assert cockpit.notices == [("error", "'a b' is no run name.", "Use letters.")]


def test_other_exceptions_are_not_hidden(cockpit: Cockpit) -> None:
    with pytest.raises(ZeroDivisionError):
        cockpit.bridge.call(lambda: 1 / 0)


def test_a_poll_that_fails_again_and_again_is_told_once(cockpit: Cockpit) -> None:
    def fail() -> None:
        raise StudioError("The control process died. Restart it.")

    cockpit.studio.poll = fail  # type: ignore[assignment, method-assign]
    cockpit.refresh(5)
    assert cockpit.notices == [("error", "The control process died.", "Restart it.")]


def test_each_notice_of_the_studio_is_shown_once(cockpit: Cockpit) -> None:
    cockpit.studio.notices = ("The bus was silent. Check the cable.",)
    cockpit.refresh(3)
    cockpit.studio.notices = ("The bus was silent. Check the cable.", "Camera wrist is slow.")
    cockpit.refresh(3)
    assert [title for _, title, _ in cockpit.notices] == ["The bus was silent.", "Camera wrist is slow."]


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ((), ("a",), ("a",)),
        (("a",), ("a",), ()),
        (("a", "b"), ("b", "c", "d"), ("c", "d")),
        (("a",), ("a", "a"), ("a",)),
        (("a",), (), ()),
        (("a",), ("x", "y"), ("x", "y")),
    ],
)
def test_added_tells_what_was_appended(before: tuple[str, ...], now: tuple[str, ...], new: tuple[str, ...]) -> None:
    assert added(before, now) == new


def test_a_decimal_point_does_not_end_the_title() -> None:
    assert split_message("The loop is 1.5 ms late. Close other programs.") == (
        "The loop is 1.5 ms late.",
        "Close other programs.",
    )


def test_the_timer_polls_by_itself(cockpit: Cockpit, qtbot: object) -> None:
    before = cockpit.studio.polls
    cockpit.bridge.start()
    with qtbot.waitSignal(cockpit.bridge.polled, timeout=2000):  # type: ignore[attr-defined]
        pass
    cockpit.bridge.stop()
    assert cockpit.studio.polls > before
