from pathlib import Path

import numpy as np
import pytest
import torch

from teleop_studio.policies.pictures import reduce_picture
from teleop_studio.training.chunk_dataset import build_dataset
from teleop_studio.training.errors import StopRequested, TrainingError
from tests.training.shown_tasks import GRIPPER, TOY, SpotPictures, shown, spot, tip_of, toy_dataset


def test_an_episode_is_learnt_from_or_measured_with_never_both(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path, count=25, seconds=0.5)
    length = len(dataset) // 25
    held_out = set((dataset.held_out // length).tolist())
    assert held_out == {10, 21}  # one of each side, though sides alternate
    assert set((dataset.train // length).tolist()) == set(range(25)) - held_out
    assert len(dataset.train) + len(dataset.held_out) == len(dataset)


def test_of_few_episodes_the_last_is_held_out(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path, count=3)
    length = len(dataset) // 3
    assert set((dataset.held_out // length).tolist()) == {2}


def test_a_batch_holds_the_moments_it_was_asked_for(tmp_path: Path) -> None:
    dataset = toy_dataset(tmp_path, count=4)
    length = len(dataset) // 4
    batch = dataset.batch(np.array([length + 2, 0]))
    assert batch.pictures.shape == (2, 2, 16, 16, 3)
    assert batch.pictures.dtype == torch.uint8
    np.testing.assert_array_equal(batch.pictures[0, 0].numpy(), reduce_picture(spot(48), 16))
    np.testing.assert_array_equal(batch.pictures[1, 1].numpy(), reduce_picture(spot(8), 16))
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


def test_pictures_are_decoded_once(tmp_path: Path) -> None:
    demonstrations = [shown(k, 1.0) for k in range(3)]
    first = build_dataset(demonstrations, TOY, tip_of, tmp_path)
    counted = demonstrations[0].pictures["front"]
    assert isinstance(counted, SpotPictures)
    looked_at = counted.looked_at
    assert looked_at == len(first) // 3
    second = build_dataset(demonstrations, TOY, tip_of, tmp_path)
    assert counted.looked_at == looked_at
    everything = np.arange(len(first))
    torch.testing.assert_close(first.batch(everything).pictures, second.batch(everything).pictures)


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
