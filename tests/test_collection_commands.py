"""`teleop-studio episodes`: the collection from the command line."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorders.catalog import Catalog, episode_info, list_episodes
from recorders.episode_builder import build_episode
from recorders.episode_writer import EpisodeWriter
from recorders.survey import look_through
from recorders.verify import verify
from teleop_studio.__main__ import main
from teleop_studio.workspace import Workspace
from tests.recorders.takes import description, frame, recorded


@pytest.fixture(autouse=True)
def _own_sigterm() -> Iterator[None]:
    """`main` takes the signal for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "workspace")


@pytest.fixture
def paths(workspace: Workspace) -> list[Path]:
    """Three episodes, of which the last stands still for 2 s before it moves for 1 s and rests for 1.5 s."""
    made = [build_episode(recorded(workspace.episodes, task=task)) for task in ("Pick up the bottle", "Open the box")]
    writer = EpisodeWriter(workspace.episodes, description(cameras=(), task="wait"))
    for k in range(450):
        position = frame(min(max(0, k - 200), 100)).follower.position
        tick = frame(k)
        writer.add_frame(replace(tick, follower=replace(tick.follower, position=position), action=position))
    return [*made, build_episode(writer.finish("success"))]


def surveyed(workspace: Workspace) -> None:
    catalog = Catalog(workspace.episodes)
    catalog.refresh()
    list(look_through(catalog, lambda info, positions: ""))


class Answer:
    """What a command wrote."""

    def __init__(self, code: int, said: str, error: str) -> None:
        self.code, self.said, self.error = code, said, error

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.said.splitlines()[-1])
        return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> Any:
    def call(*arguments: object) -> Answer:
        code = main(["episodes", *map(str, arguments)])
        return Answer(code, *capsys.readouterr())

    return call


def test_the_list_tells_what_looks_odd_and_what_is_still_to_be_looked_at(
    run: Any, workspace: Workspace, paths: list[Path]
) -> None:
    assert "3 episodes. 3 not looked through yet: `teleop-studio survey`." in (
        run("list", "--workspace", workspace.root).said
    )
    surveyed(workspace)
    answer = run("list", workspace.episodes, "--json")
    assert answer.code == 0
    assert run("--json", "list", workspace.episodes).json == answer.json
    assert answer.json["not_surveyed"] == 0
    assert "Idle start: nothing moves for the first 1.8 s. Trim them off." in answer.json["episodes"][2]["hints"]
    assert f"{paths[0].name}  Pick up the bottle, success, 1.0 s" in answer.error


def test_the_list_can_be_narrowed(run: Any, workspace: Workspace, paths: list[Path]) -> None:
    run("tag", "slow", paths[0], paths[1])
    run("label", "failure", paths[1])

    def listed(*wanted: str) -> list[int]:
        found = run("list", workspace.episodes, "--json", *wanted).json["episodes"]
        return [episode["number"] for episode in found]

    assert listed() == [1, 2, 3]
    assert listed("--task", "BOTTLE") == [1]
    assert listed("--outcome", "success", "--outcome", "stopped") == [1, 3]
    assert listed("--tag", "slow") == [1, 2]
    assert listed("--tag", "slow", "--tag", "other") == []
    assert listed("--odd") == []
    surveyed(workspace)
    assert 3 in listed("--odd")


def test_what_is_said_stands_beside_the_episodes(run: Any, workspace: Workspace, paths: list[Path]) -> None:
    before = paths[0].read_bytes()
    for words in (["label", "failure"], ["tag", "slow"], ["note", "look again"], ["split", "held_out"]):
        answer = run(*words, paths[0], "--who", "ada", "--json")
        assert (answer.code, answer.json) == (0, {"episodes": [str(paths[0])]})
    info = episode_info(paths[0])
    assert (info.outcome, info.tags, info.note, info.split) == ("failure", ("slow",), "look again", "held_out")
    run("tag", "slow", "--remove", paths[0])
    run("split", "none", paths[0])
    info = episode_info(paths[0])
    assert (info.tags, info.split) == ((), "")
    assert paths[0].read_bytes() == before


def test_what_can_not_be_said_is_a_sentence_and_exit_code_1(run: Any, paths: list[Path], tmp_path: Path) -> None:
    answer = run("tag", "two\nlines", paths[0])
    assert answer.code == 1
    assert "was left as it was: 'two\\nlines' is no tag: use 1 to 40 characters on one line." in answer.error
    answer = run("label", "failure", tmp_path / "gone.h5")
    assert answer.code == 1
    assert "There is no episode file" in answer.error
    answer = run("list", tmp_path / "nowhere")
    assert answer.code == 1
    assert "There is no folder" in answer.error


def test_the_bin_and_back(run: Any, workspace: Workspace, paths: list[Path]) -> None:
    binned = run("bin", paths[0], paths[1], "--json").json["episodes"]
    assert [info.number for info in list_episodes(workspace.episodes)] == [3]
    assert [one["path"] for one in run("list", workspace.episodes, "--bin", "--json").json["episodes"]] == binned
    assert run("restore", *binned, "--json").json["episodes"] == [str(path) for path in paths[:2]]
    assert [info.number for info in list_episodes(workspace.episodes)] == [1, 2, 3]


def test_a_trim_takes_the_suggestion_when_no_range_is_given(run: Any, workspace: Workspace, paths: list[Path]) -> None:
    answer = run("trim", paths[2])
    assert answer.code == 1
    assert "was not looked through yet, so there is no suggestion where to trim it" in answer.error
    surveyed(workspace)
    answer = run("trim", paths[2], "--json")
    assert answer.json["start_s"] == pytest.approx(1.8, abs=0.05)
    assert answer.json["end_s"] == pytest.approx(3.2, abs=0.05)
    info = episode_info(Path(answer.json["episode"]))
    assert info.duration_s == pytest.approx(answer.json["end_s"] - answer.json["start_s"], abs=0.011)
    assert verify(info.path) == []


def test_a_trim_takes_the_range_that_is_given(run: Any, paths: list[Path]) -> None:
    answer = run("trim", paths[0], "--start", 0.2, "--end", 5)
    assert answer.code == 1
    assert "was not trimmed. 0.20 to 5.00 s is not inside it" in answer.error
    answer = run("trim", paths[0], "--start", 0.2, "--end", 0.7, "--json")
    assert episode_info(Path(answer.json["episode"])).duration_s == pytest.approx(0.5)


def test_statistics_are_of_all_together(run: Any, workspace: Workspace, paths: list[Path]) -> None:
    surveyed(workspace)
    answer = run("statistics", workspace.episodes, "--json")
    assert answer.json["episodes"] == answer.json["looked_through"] == 3
    assert answer.json["frames"] == 100 + 100 + 450
    assert answer.json["tasks"] == {"Pick up the bottle": 1, "Open the box": 1, "wait": 1}
    assert np.shape(answer.json["state_mean"]) == (7,)
    assert "camera front: 60 pictures, 0 missing" in answer.error
