"""The operator's name outlives a session, and never keeps one from starting."""

from pathlib import Path

import pytest

from teleop_studio.remembered import read_operator, remember_operator
from teleop_studio.rig import RigConfig
from teleop_studio.session import StudioError
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace


def test_the_next_session_knows_the_operator(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    first = Studio(RigConfig(), workspace)
    assert first.operator == ""
    first.operator = "Ada"
    assert Studio(RigConfig(), workspace).operator == "Ada"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  Ada  Lovelace ", "Ada Lovelace"), ("a\nb\tc\x00", "a b c"), ("é名", "é名"), ("x" * 100, "x" * 64), (" ", "")],
)
def test_a_name_is_one_line(tmp_path: Path, typed: str, kept: str) -> None:
    assert remember_operator(tmp_path, typed) == kept
    assert read_operator(tmp_path) == kept


@pytest.mark.parametrize("content", ["", "[]", '{"operator": 3}', "\x00", '{"operator'])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, content: str) -> None:
    (tmp_path / "remembered.json").write_text(content)
    assert read_operator(tmp_path) == ""


def test_a_folder_that_can_not_be_written_forgets(tmp_path: Path) -> None:
    assert remember_operator(tmp_path / "gone", "Ada") == "Ada"
    assert read_operator(tmp_path / "gone") == ""


def test_a_bookmark_needs_a_rig(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="No rig is open"):
        Studio(RigConfig(), Workspace.create(tmp_path)).bookmark("here")
