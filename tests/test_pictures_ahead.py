"""Pictures reduced beside the window: what is new is found in the cache afterwards, and nothing is done twice."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recorders import catalog
from recorders.episode_builder import build_episode
from recorders.episode_writer import CameraDescription, EpisodeWriter
from teleop_studio.pictures_ahead import PicturesAhead
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.training.cache_building import not_cached
from teleop_studio.workspace import Workspace
from tests.recorders.takes import add_second, description

PATIENCE_S = 120.0
SIDE_PX = PolicyConfig.picture_px
CAMERAS = (CameraDescription("front", 80, 64, 30.0), CameraDescription("wrist", 64, 64, 30.0))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "workspace")


@pytest.fixture
def ahead(workspace: Workspace) -> Iterator[PicturesAhead]:
    ahead = PicturesAhead(workspace)
    yield ahead
    ahead.close()


def take(folder: Path) -> Path:
    """A finished take's journal, its pictures large enough to be reduced."""
    writer = EpisodeWriter(folder, description(cameras=CAMERAS))
    add_second(writer, 0, CAMERAS)
    return writer.finish("success")


def polled_until(done: Callable[[], bool], ahead: PicturesAhead, count: int) -> list[str]:
    """What was said until then."""
    said: list[str] = []
    until_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < until_s
        said += ahead.poll(count, may_start=True)
        time.sleep(0.02)
    return said


def test_what_the_cache_lacks_is_told_by_names_and_only_of_what_is_learnt_from(workspace: Workspace) -> None:
    kept, failed = (build_episode(take(workspace.episodes)) for _ in range(2))
    catalog.label(failed, "failure")
    assert not_cached(workspace.episodes, workspace.pictures, SIDE_PX) == [kept]


@pytest.mark.alone
def test_new_demonstrations_are_in_the_cache_after_a_while_and_damaged_ones_do_not_stop_it(
    workspace: Workspace, ahead: PicturesAhead
) -> None:
    first, second = (build_episode(take(workspace.episodes)) for _ in range(2))
    assert ahead.poll(2, may_start=False) == []
    assert ahead._child is None

    said = polled_until(lambda: not_cached(workspace.episodes, workspace.pictures, SIDE_PX) == [], ahead, 2)
    assert said == []
    polled_until(lambda: ahead._child is None, ahead, 2)
    assert ahead.progress == (0, 0)

    made = {path.name for path in workspace.pictures.iterdir()}
    assert len(made) == 4  # two cameras each
    second.write_bytes(first.read_bytes()[:5000])
    third = build_episode(take(workspace.episodes))
    said = polled_until(lambda: third not in not_cached(workspace.episodes, workspace.pictures, SIDE_PX), ahead, 3)
    assert said == []
    assert {path.name for path in workspace.pictures.iterdir()} > made


@pytest.mark.alone
def test_a_cache_that_can_not_be_written_is_said_once(workspace: Workspace, ahead: PicturesAhead) -> None:
    build_episode(take(workspace.episodes))
    workspace.pictures.parent.mkdir(parents=True, exist_ok=True)
    workspace.pictures.write_text("no folder")
    said: list[str] = []

    def told() -> bool:
        return bool(said) and ahead._child is None

    until_s = time.monotonic() + PATIENCE_S
    while not told():
        assert time.monotonic() < until_s
        said += ahead.poll(1, may_start=True)
        time.sleep(0.02)
    assert len(said) == 1
    assert "the next training will do it itself" in said[0]
    assert "disk refused" in said[0].lower()
