from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from teleop_studio.policies.picture_reduction import reduce_picture
from teleop_studio.training.chunk_dataset import build_dataset
from teleop_studio.training.demonstration import Demonstration
from teleop_studio.training.errors import StopRequested, TrainingError
from teleop_studio.training.run_episodes import UsedEpisode
from tests.training.shown_tasks import CAMERAS, GRIPPER, TOY, SpotPictures, shown, spot, tip_of, toy_dataset


def test_an_episode_is_learnt_from_or_measured_with_never_both(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path, count=25, seconds=0.5)
    length = len(dataset) // 25
    held_out = set((dataset.held_out // length).tolist())
    assert held_out == {0, 11, 22}  # of both sides, though sides alternate
    assert set((dataset.train // length).tolist()) == set(range(25)) - held_out
    assert len(dataset.train) + len(dataset.held_out) == len(dataset)


def test_what_the_operator_keeps_aside_is_held_out(tmp_path: Path) -> None:
    marked = [replace(shown(k), split="held_out" if k == 1 else "train") for k in range(3)]
    dataset = build_dataset(marked, TOY, tip_of, tmp_path)
    length = len(dataset) // 3
    assert set((dataset.held_out // length).tolist()) == {1}
    assert [episode.held_out for episode in dataset.episodes] == [False, True, False]


def test_a_dataset_says_what_it_was_made_of(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path, count=2)
    first = shown(0, 1.0)
    assert dataset.episodes[0] == UsedEpisode(
        first.name, first.uuid, 1, first.content_sha256, len(dataset) // 2, held_out=True
    )
    assert sorted(path.name for path in dataset.cached) == sorted(path.name for path in tmp_path.iterdir())


def test_a_run_that_goes_on_keeps_its_sides_whatever_the_operator_says_now(tmp_path: Path) -> None:
    began = toy_dataset(tmp_path, count=3)
    marked = [replace(shown(k, 1.0), split="held_out" if k == 2 else "train") for k in range(3)]
    again = build_dataset(marked, TOY, tip_of, tmp_path, earlier=began.episodes)
    assert again.episodes == began.episodes
    np.testing.assert_array_equal(again.train, began.train)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"content_sha256": "0" * 64}, r"the content of 000001\.h5 is another one"),
        ({"uuid": "somebody"}, r"000001\.h5 stands where 000001\.h5 was"),
        ({"by_human": np.arange(100) < 50}, r"000001\.h5 had \d+ moments and now has \d+"),
    ],
)
def test_a_run_does_not_go_on_with_other_recordings(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    began = toy_dataset(tmp_path, count=3)
    now = [replace(shown(k, 1.0), **change) if k == 1 else shown(k, 1.0) for k in range(3)]
    with pytest.raises(TrainingError, match=says):
        build_dataset(now, TOY, tip_of, tmp_path, earlier=began.episodes)
    with pytest.raises(TrainingError, match=r"there were 3 episodes and now there are 2"):
        build_dataset([shown(k, 1.0) for k in range(2)], TOY, tip_of, tmp_path, earlier=began.episodes)


def test_a_batch_holds_the_moments_it_was_asked_for(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path, count=4)
    length = len(dataset) // 4
    batch = dataset.batch(np.array([length + 2, 0]))
    pictures = batch.seen.pictures
    assert pictures is not None
    assert pictures.shape == (2, 1, 2, 16, 16, 3)
    assert pictures.dtype == torch.uint8
    np.testing.assert_array_equal(pictures[0, 0, 0].numpy(), reduce_picture(spot(48), 16))
    np.testing.assert_array_equal(pictures[1, 0, 1].numpy(), reduce_picture(spot(8), 16))
    assert float(batch.actions[0, -1, 0]) > 0.0 > float(batch.actions[1, -1, 0])
    assert batch.actions.dtype == torch.float32


def test_statistics_are_those_of_relative_chunks_over_real_goals(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path, count=4)
    statistics = dataset.statistics()
    train = torch.from_numpy(dataset.train)
    relative = dataset.actions[train] - dataset.state[train][:, None]
    real = dataset.valid[train] > 0
    torch.testing.assert_close(statistics.chunk_mean[0], relative[..., 0][real].mean())
    torch.testing.assert_close(statistics.chunk_mean[GRIPPER], dataset.actions[train][..., GRIPPER][real].mean())
    torch.testing.assert_close(statistics.chunk_std[1], torch.tensor(0.0), atol=1e-6, rtol=0)
    torch.testing.assert_close(statistics.chunk_mean[1], torch.tensor(0.01), atol=1e-6, rtol=0)  # the sag
    torch.testing.assert_close(statistics.state_mean, dataset.state[train].mean(0))


def test_pictures_are_decoded_once_for_any_grid_history_and_order_of_cameras(tmp_path: Path) -> None:
    demonstrations = [shown(k, 1.0) for k in range(3)]
    first = build_dataset(demonstrations, TOY, tip_of, tmp_path)
    counted = demonstrations[0].pictures["front"]
    assert isinstance(counted, SpotPictures)
    assert counted.looked_at == 30  # all of them
    second = build_dataset(demonstrations, TOY, tip_of, tmp_path)
    everything = np.arange(len(first))
    torch.testing.assert_close(first.seen(everything).pictures, second.seen(everything).pictures)
    finer = replace(TOY, chunk_dt_s=1 / 30, cameras=("wrist", "front"), observations=3)
    assert len(build_dataset(demonstrations, finer, tip_of, tmp_path)) > 1.8 * len(first)
    assert counted.looked_at == 30


def test_the_observations_before_a_moment_are_those_of_the_grid_and_the_first_is_repeated(tmp_path: Path) -> None:
    demonstration = shown(0, 1.0)
    numbered = replace(demonstration, pictures={name: NumberedPictures(demonstration) for name in CAMERAS})
    dataset = build_dataset([numbered, shown(1, 1.0)], replace(TOY, observations=3), tip_of, tmp_path)
    seen = dataset.seen(np.array([0, 1, 2, 5]))
    assert seen.pictures is not None
    assert seen.pictures.shape == (4, 3, 2, 16, 16, 3)
    assert seen.pictures[:, :, 0, 0, 0, 0].tolist() == [[0, 0, 0], [0, 0, 2], [0, 2, 4], [6, 8, 10]]
    assert torch.equal(seen.pictures[:, :, 0], seen.pictures[:, :, 1])
    torch.testing.assert_close(dataset.state[[0, 1, 2, 5]], seen.state[:, -1])
    # A step of the grid back: the reading nearest to 1/15 s before.
    reading = np.abs(demonstration.follower_ns - (demonstration.frame_ns[0] + 4 * 66_666_667)).argmin()
    np.testing.assert_allclose(seen.state[3, 1], demonstration.follower[reading], atol=1e-6)


class NumberedPictures:
    """Each picture is as bright as its number."""

    def __init__(self, demonstration: Demonstration) -> None:
        self.stamp_ns = demonstration.pictures["front"].stamp_ns

    def __getitem__(self, k: int) -> NDArray[np.uint8]:
        return np.full((48, 64, 3), k, np.uint8)


def test_episodes_of_an_arm_without_known_geometry_teach_no_landmark(tmp_path: Path) -> None:
    dataset = build_dataset([shown(0), shown(1)], TOY, None, tmp_path)
    assert not dataset.landmarks_valid.any()
    assert torch.isfinite(dataset.statistics().landmarks_std).all()


def test_one_episode_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"Only 1 of 2 episodes can be learnt from; at least 2"):
        build_dataset([shown(0), shown(1, by="policy")], TOY, tip_of, tmp_path)


def test_preparing_can_be_stopped_after_each_episode(tmp_path: Path) -> None:
    def stop(count: int) -> None:
        if count == 2:
            raise StopRequested

    demonstrations = (shown(k) for k in range(5))
    with pytest.raises(StopRequested):
        build_dataset(demonstrations, TOY, tip_of, tmp_path, stop)
    assert next(demonstrations).name == shown(2).name  # the third was not touched
