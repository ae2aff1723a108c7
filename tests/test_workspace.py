"""The operator's folder and the names of what lies in it."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_studio.workspace import Workspace, WorkspaceError, default_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "a" / "studio")


def test_its_folders_are_made(workspace: Workspace) -> None:
    made = {path.name for path in workspace.root.iterdir()}
    assert made == {"rigs", "episodes", "trials", "runs", "logs"}


def test_making_it_again_leaves_what_is_there(workspace: Workspace) -> None:
    (workspace.episodes / "take.hdf5").write_text("kept")
    again = Workspace.create(workspace.root)
    assert again == workspace
    assert (again.episodes / "take.hdf5").read_text() == "kept"


def test_a_relative_root_does_not_move_with_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.create(Path("here"))
    monkeypatch.chdir("/")
    assert workspace.root == tmp_path.resolve() / "here"


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "studio").write_text("")
    with pytest.raises(WorkspaceError, match=r"studio can not be written: .*Choose another folder with --workspace"):
        Workspace.create(tmp_path / "studio")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WorkspaceError, match="Permission denied"):
        Workspace.create(tmp_path / "studio")


def test_the_home_of_a_user_nobody_knows_is_told() -> None:
    with pytest.raises(WorkspaceError, match="no-such-user"):
        Workspace.create(Path("~no-such-user/studio"))


def test_runs_without_a_name_are_numbered_and_a_gap_is_filled(workspace: Workspace) -> None:
    assert workspace.new_run(None, "flow-matching").name == "flow-matching-001"
    for taken in ("flow-matching-001", "flow-matching-003", "diffusion-002"):
        (workspace.runs / taken).mkdir()
    assert workspace.new_run(None, "flow-matching").name == "flow-matching-002"
    assert workspace.new_run(None, "diffusion").name == "diffusion-001"


def test_a_new_run_is_not_made_yet(workspace: Workspace) -> None:
    assert not workspace.new_run("first", "flow-matching").exists()


def test_a_taken_name_is_told(workspace: Workspace) -> None:
    (workspace.runs / "first").mkdir()
    with pytest.raises(WorkspaceError, match=r"run 'first' exists already\. Choose another name, or resume it"):
        workspace.new_run("first", "flow-matching")


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../up", "/root", "a b", "a\n", "a" * 65, "-x"])
def test_what_is_no_folder_name_is_told(workspace: Workspace, name: str) -> None:
    with pytest.raises(WorkspaceError, match=r"is no run name\. Use letters"):
        workspace.new_run(name, "flow-matching")


@given(name=st.text(max_size=70))
def test_no_name_leads_out_of_the_runs(name: str) -> None:
    workspace = Workspace(Path("/nowhere/studio"))
    try:
        path = workspace.new_run(name, "flow-matching")
    except WorkspaceError:
        return
    assert path.parent == workspace.runs
    assert path.name == name


def test_the_environment_chooses_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEOP_STUDIO_WORKSPACE", "~/elsewhere")
    assert default_workspace() == Path.home() / "elsewhere"
    monkeypatch.delenv("TELEOP_STUDIO_WORKSPACE")
    assert default_workspace() == Path.home() / "teleop-studio"


def test_demonstrations_may_lie_elsewhere(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "studio", episodes=tmp_path / "disk" / "takes")
    assert workspace.episodes == tmp_path.resolve() / "disk" / "takes"
    assert workspace.episodes.is_dir()
    assert not (workspace.root / "episodes").exists()
