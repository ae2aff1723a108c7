"""Which program made a file: the commit is read from git's own files, whichever way they say it."""

import json
import subprocess
from pathlib import Path

import h5py
import pytest

from recorders.episode_builder import build_episode
from recorders.software import git_commit, software
from tests.recorders.takes import recorded


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    command = ["git", *who, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    git(folder, "commit", "--allow-empty", "-m", "first")
    return folder


def test_the_commit_of_a_branch_is_found(checkout: Path) -> None:
    assert git_commit(checkout) == git(checkout, "rev-parse", "HEAD")


def test_the_commit_of_a_packed_branch_is_found(checkout: Path) -> None:
    git(checkout, "pack-refs", "--all")
    assert git_commit(checkout) == git(checkout, "rev-parse", "HEAD")


def test_the_commit_of_a_detached_head_is_found(checkout: Path) -> None:
    git(checkout, "checkout", "--detach")
    assert git_commit(checkout) == git(checkout, "rev-parse", "HEAD")


def test_the_commit_of_a_worktree_is_found(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(checkout, "worktree", "add", "-b", "topic", str(other))
    git(other, "commit", "--allow-empty", "-m", "second")
    assert git_commit(other) == git(other, "rev-parse", "HEAD") != git_commit(checkout)


def test_an_installed_program_has_no_commit(tmp_path: Path) -> None:
    assert git_commit(tmp_path) == ""


def test_a_file_says_which_versions_made_it(tmp_path: Path) -> None:
    with h5py.File(build_episode(recorded(tmp_path))) as file:
        said = json.loads(file.attrs["software"])
    assert said == software()
    assert {"teleop-studio", "python", "h5py", "hdf5"} <= set(said)
