"""Every format: what goes out comes back, says where it came from, and stands in the registries like the others."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.exporters import EXPORTERS
from recorders.exporters.export import Exported, export
from recorders.exporters.export_file import EXPORT_FILE
from recorders.importers import IMPORTERS
from recorders.importers.importing import import_episodes
from recorders.resample import chosen_pictures, on_grid
from recorders.verify import verify
from tests.recorders.takes import recorded

# lerobot runs in two processes of its own, which load torch.
HEAVY = {"lerobot": (pytest.mark.slow, pytest.mark.alone)}
ONE_WAY = {"plain"}  # its own test opens it as other programs do
FPS = 30


@dataclass(frozen=True)
class Outing:
    """Two episodes and their export."""

    name: str
    episodes: list[Path]
    done: Exported
    said: list[tuple[int, int, str]]


@pytest.fixture(scope="module", params=[pytest.param(name, marks=HEAVY.get(name, ())) for name in EXPORTERS])
def outing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outing:
    folder = tmp_path_factory.mktemp(f"export-{request.param}")
    episodes = [
        build_episode(recorded(folder / "episodes", 1, extra={"seed": 7, "follower": {"arm": "studio"}})),
        build_episode(recorded(folder / "episodes", 2, "unrated", task="öffne die Dose", source="scripted")),
    ]
    said: list[tuple[int, int, str]] = []
    done = export(request.param, episodes, folder / "out", progress=lambda *news: said.append(news))
    return Outing(request.param, episodes, done, said)


def test_an_export_says_what_it_was_made_of_how_and_what_was_lost(outing: Outing) -> None:
    content = json.loads((outing.done.folder / EXPORT_FILE).read_bytes())
    assert (content["kind"], content["fps"]) == (outing.name, outing.done.fps)
    assert outing.done.fps == (FPS if "grid" in content["resampling"] else 0)
    assert all(content["resampling"].values())
    assert content["lost"]
    for path, entry in zip(outing.episodes, content["episodes"], strict=True):
        with EpisodeReader(path) as reader:
            assert entry["uuid"] == reader.info.uuid
            assert entry["content_sha256"] == reader.info.content_sha256 != ""
            assert (entry["task"], entry["outcome"]) == (reader.info.task, reader.info.outcome)
    assert outing.done.rows == sum(entry["rows"] for entry in content["episodes"])


def test_an_export_tells_its_progress_and_leaves_nothing_beside_itself(outing: Outing) -> None:
    assert outing.said[0][:2] == (0, 2)
    assert outing.said[-1][:2] == (2, 2)
    assert [done for done, _, _ in outing.said] == sorted(done for done, _, _ in outing.said)
    assert all(detail for _, _, detail in outing.said)
    assert sorted(path.name for path in outing.done.folder.parent.iterdir()) == ["episodes", "out"]


def test_what_went_out_comes_back(outing: Outing, tmp_path: Path) -> None:
    importer = EXPORTERS[outing.name].read_back
    assert bool(importer) is (outing.name not in ONE_WAY)
    if not importer:
        return
    done = import_episodes(importer, outing.done.folder, tmp_path / "back")
    assert done.refused == ()
    for before, after in zip(outing.episodes, done.episodes, strict=True):
        assert verify(after) == []
        with EpisodeReader(before) as source, EpisodeReader(after) as back:
            _compare(source, back)
    assert not [path.name for path in (tmp_path / "back").iterdir() if path.name == ".importing"]


def _compare(source: EpisodeReader, back: EpisodeReader) -> None:
    rows, frames = on_grid(source, FPS), back.frames
    np.testing.assert_allclose(frames.follower_position, rows.state, rtol=0, atol=1e-6)
    np.testing.assert_allclose(frames.action, rows.action, rtol=0, atol=1e-6)
    np.testing.assert_allclose(frames.follower_velocity, rows.velocity, rtol=0, atol=1e-6)
    np.testing.assert_allclose(frames.follower_effort, rows.effort, rtol=0, atol=1e-6)
    assert np.abs(np.diff(frames.stamp_ns) - 1e9 / FPS).max() <= 1
    assert set(frames.source) == {"leader"}
    for camera in source.cameras:
        stream = back.images(camera)
        assert len(stream) == len(rows)
        for index, wanted in enumerate(chosen_pictures(source, camera, rows)):
            assert np.abs(stream[index].astype(int) - wanted).max() <= 4
    info, said = back.info, back.description
    assert (info.task, info.outcome, info.source) == (source.info.task, source.info.outcome, source.info.source)
    assert (info.rig, info.scene, info.recorded_at) == (source.info.rig, source.info.scene, source.info.recorded_at)
    assert (said.joint_names, said.position_unit) == (source.joint_names, "rad")
    assert said.effort_units == source.description.effort_units
    assert said.derived_from == source.info.uuid
    assert info.extra.items() >= source.info.extra.items()
    assert info.extra["imported"]["stamps"].startswith("made up")


def test_both_registries_describe_their_formats_for_the_operator() -> None:
    for name, entry in {**EXPORTERS, **IMPORTERS}.items():
        assert entry.title, name
        assert entry.description.endswith("."), name
        assert entry.missing() == "", f"{name}: the development environment has everything"
    assert {entry.read_back for entry in EXPORTERS.values()} - {""} <= set(IMPORTERS)
