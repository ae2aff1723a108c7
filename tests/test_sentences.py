"""What the state bar says."""

import pytest

from teleop_studio.sentences import while_closed


@pytest.mark.parametrize(
    ("opening", "closing", "setting_up", "title"),
    [
        (False, False, False, "No rig open"),
        (True, False, False, "Opening the rig"),
        (False, True, False, "Closing the rig"),
        (False, False, True, "Setting up a rig"),
    ],
)
def test_while_no_rig_is_open_the_bar_says_who_has_the_ports(
    opening: bool, closing: bool, setting_up: bool, title: str
) -> None:
    said, detail = while_closed(opening, closing, setting_up)
    assert said == title
    assert detail.endswith(".")
