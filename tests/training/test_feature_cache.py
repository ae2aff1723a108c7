from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from teleop_studio.policies import build_policy
from teleop_studio.policies.policy import Seen
from teleop_studio.training.chunk_dataset import ChunkDataset
from teleop_studio.training.errors import StopRequested, TrainingError
from teleop_studio.training.feature_cache import with_features
from teleop_studio.training.picture_cache import make_room
from teleop_studio.training.settings import TrainSettings
from tests.policies import backbones
from tests.training.shown_tasks import SMALL, toy_dataset


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backbones.dinov2(tmp_path_factory.mktemp("dinov2"))


def frozen(backbone: Path) -> TrainSettings:
    chosen = {"encoder": "frozen", "backbone": str(backbone)}
    return replace(SMALL, policy_settings={**SMALL.policy_settings, **chosen})


def files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir() if path.suffix == ".features"}


def test_a_policy_that_learns_to_see_keeps_its_pictures(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path)
    assert with_features(dataset, SMALL, tmp_path) is dataset


def test_what_is_kept_is_what_the_policy_sees_live_to_the_precision_of_float16(tmp_path: Path, dinov2: Path) -> None:
    pictures = toy_dataset(tmp_path, count=3)
    settings = frozen(dinov2)
    dataset = with_features(pictures, settings, tmp_path)
    moments = np.array([0, 7, len(dataset) // 2])
    kept, live = dataset.seen(moments), pictures.seen(moments)
    assert kept.pictures is None
    assert kept.features is not None
    assert kept.features.shape == (3, 1, 2, backbones.FEATURES)
    torch.manual_seed(0)
    policy = build_policy(settings.policy, dataset.config, settings.policy_settings)
    assert live.pictures is not None
    seen = policy.picture_features(live.pictures.flatten(0, 2))
    assert seen is not None
    torch.testing.assert_close(kept.features.flatten(0, 2), seen, rtol=1e-3, atol=1e-3)
    assert float((seen[0] - seen[4]).abs().max()) > 0.01  # moments of two sides, not equal by chance
    policy.train(False)
    by_features, by_pictures = policy.encode(kept).features, policy.encode(live).features
    torch.testing.assert_close(by_features, by_pictures, rtol=1e-3, atol=1e-3)


def test_features_are_computed_once_for_all_runs(tmp_path: Path, dinov2: Path) -> None:
    first = with_features(toy_dataset(tmp_path), frozen(dinov2), tmp_path)
    made = files(tmp_path)
    assert len(made) == 4 * 2
    assert {path.name for path in first.cached} == {path.name for path in tmp_path.iterdir()}
    again = with_features(toy_dataset(tmp_path), replace(frozen(dinov2), seed=5), tmp_path)
    assert files(tmp_path) == made
    assert torch.equal(first.seen(first.train).features, again.seen(again.train).features)


def test_another_backbone_has_files_of_its_own(tmp_path: Path, dinov2: Path) -> None:
    with_features(toy_dataset(tmp_path / "cache"), frozen(dinov2), tmp_path / "cache")
    other = backbones.dinov2(tmp_path / "other", seed=1)
    with_features(toy_dataset(tmp_path / "cache"), frozen(other), tmp_path / "cache")
    assert len(files(tmp_path / "cache")) == 2 * 4 * 2


def test_damaged_features_are_computed_anew(tmp_path: Path, dinov2: Path) -> None:
    dataset = with_features(toy_dataset(tmp_path), frozen(dinov2), tmp_path)
    whole = dataset.seen(dataset.train).features
    path = dataset.cached[-1]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    again = with_features(toy_dataset(tmp_path), frozen(dinov2), tmp_path)
    assert torch.equal(again.seen(again.train).features, whole)


def test_computing_can_be_stopped_after_any_few_pictures_and_goes_on_from_there(tmp_path: Path, dinov2: Path) -> None:
    told: list[int] = []

    def stop(episodes: int) -> None:
        told.append(episodes)
        if episodes == 2:
            raise StopRequested

    with pytest.raises(StopRequested):
        with_features(toy_dataset(tmp_path, seconds=2.0), frozen(dinov2), tmp_path, on_batch=stop)
    assert told == [0, 0, 0, 0, 1, 1, 1, 1, 2]  # two cameras, 60 pictures each: two batches
    assert len(files(tmp_path)) == 2 * 2
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    told.clear()
    with_features(toy_dataset(tmp_path, seconds=2.0), frozen(dinov2), tmp_path, on_batch=told.append)
    assert told == [2, 2, 2, 2, 3, 3, 3, 3]


def test_room_is_made_of_features_too_but_not_of_those_in_use(tmp_path: Path, dinov2: Path) -> None:
    dataset = with_features(toy_dataset(tmp_path), frozen(dinov2), tmp_path)
    make_room(tmp_path, 0, keep=dataset.cached)
    assert len(files(tmp_path)) == 4 * 2
    make_room(tmp_path, 0, keep=[])
    assert files(tmp_path) == {}
    assert torch.isfinite(_features(dataset, 0)).all()  # what is mapped stays readable


def _features(dataset: ChunkDataset, moment: int) -> torch.Tensor:
    seen: Seen = dataset.seen(np.array([moment]))
    assert seen.features is not None
    return seen.features


def test_a_backbone_that_is_not_there_stops_the_training_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"There is no folder .*nowhere"):
        with_features(toy_dataset(tmp_path), frozen(tmp_path / "nowhere"), tmp_path)
