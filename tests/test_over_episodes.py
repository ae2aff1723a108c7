"""The commands over many episodes, on two processes."""

import json
from pathlib import Path
from typing import Any

import pytest

from recorders.catalog import Catalog, label
from teleop_studio.__main__ import main
from teleop_studio.training.chunk_dataset import build_dataset
from teleop_studio.training.episodes import common_task, demonstrations
from tests.training.shown_tasks import recorded

pytestmark = pytest.mark.alone


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for number in range(3):
        recorded(tmp_path / "episodes", number, enlarged=2, seconds=0.5)
    return tmp_path


def ran(capsys: pytest.CaptureFixture[str], workspace: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the answer on stdout and what was said beside it."""
    code = main([arguments[0], "--json", "--workspace", str(workspace), "--workers", "2", *arguments[1:]])
    said = capsys.readouterr()
    answer: dict[str, Any] = json.loads(said.out)
    return code, answer, said.err


def test_a_training_finds_its_pictures_prepared(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer, _ = ran(capsys, workspace, "cache")
    assert (code, answer["episodes"], answer["built"], answer["failures"]) == (0, 3, 3, [])
    files = {path.name: path.stat().st_ino for path in Path(answer["cache"]).iterdir()}
    assert answer["size_mb"] == round(sum(path.stat().st_size for path in Path(answer["cache"]).iterdir()) / 1e6, 1)
    paths = sorted((workspace / "episodes").glob("*.h5"))
    task = common_task(paths)
    build_dataset(demonstrations(paths), task.config, task.tip_of, Path(answer["cache"]))
    assert {path.name: path.stat().st_ino for path in Path(answer["cache"]).iterdir()} == files
    assert ran(capsys, workspace, "cache")[1]["built"] == 0


def test_what_can_not_be_cached_is_named_and_the_rest_is_done(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = recorded(workspace / "episodes", 3, seconds=0.2)  # 64 x 48
    code, answer, said = ran(capsys, workspace, "cache")
    assert (code, answer["failed"], answer["built"]) == (1, True, 3)
    assert [failure["episode"] for failure in answer["failures"]] == [str(small)]
    assert "64x48 is smaller than the 64x64" in said


def test_a_cache_that_would_grow_too_large_says_so(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEOP_STUDIO_CACHE_GB", "0.0005")
    _, answer, said = ran(capsys, workspace, "cache")
    assert "Set TELEOP_STUDIO_CACHE_GB to more than" in said
    assert sum(path.stat().st_size for path in Path(answer["cache"]).iterdir()) <= 500_000


def test_episodes_are_looked_through_as_the_window_does(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer, _ = ran(capsys, workspace, "survey")
    assert (code, answer["episodes"]) == (0, 3)
    catalog = Catalog(workspace / "episodes")
    catalog.refresh()
    assert [info.surveyed for info in catalog.infos] == [True, True, True]
    assert ran(capsys, workspace, "survey")[1]["episodes"] == 0


def test_each_episode_becomes_a_dataset_of_its_own(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failure = sorted((workspace / "episodes").glob("*.h5"))[0]
    label(failure, "failure")
    out = workspace / "out"
    code, answer, _ = ran(capsys, workspace, "convert", "--format", "act", "--out", str(out))
    assert (code, answer["episodes"]) == (0, 2)
    stems = sorted(path.stem for path in (workspace / "episodes").glob("*.h5") if path != failure)
    assert sorted(path.name for path in out.iterdir()) == stems
    code, answer, said = ran(capsys, workspace, "convert", "--format", "act", "--out", str(out))
    assert (code, len(answer["failures"])) == (1, 2)
    assert "already" in said


def test_a_format_or_folder_that_there_is_not_is_refused(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer, _ = ran(capsys, workspace, "convert", "--format", "zarr", "--out", str(workspace / "out"))
    assert code == 1
    assert answer["error"].startswith("There is no export format 'zarr'.")
    code, answer, _ = ran(capsys, workspace, "survey", "--data", str(workspace / "nowhere"))
    assert code == 1
    assert "is no folder" in answer["error"]
