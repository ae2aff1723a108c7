import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from teleop_studio.policies.picture_reduction import reduce_picture
from teleop_studio.policies.pictures import centre_crops, random_crops, scaled


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_reducing_by_a_whole_factor_takes_the_mean_of_each_block() -> None:
    rgb = noise(128, 256)
    blocks = rgb.reshape(64, 2, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(reduce_picture(rgb, 64) - blocks).max() <= 0.51


def test_reducing_a_camera_picture_weights_split_pixels_by_their_share() -> None:
    rgb = noise(240, 320)
    # 240 rows to 64 is 3.75 each: four times finer rows make it 15 whole ones.
    fine = np.repeat(rgb, 4, axis=0).reshape(64, 15, 64, 5, 3).mean(axis=(1, 3))
    assert np.abs(reduce_picture(rgb, 64) - fine).max() <= 0.51


def test_a_picture_of_the_right_size_stays_as_it_is() -> None:
    rgb = noise(64, 64)
    np.testing.assert_array_equal(reduce_picture(rgb, 64), rgb)


def test_a_white_picture_stays_white() -> None:
    assert (reduce_picture(np.full((240, 320, 3), 255, np.uint8), 64) == 255).all()


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (np.zeros((240, 320, 3), np.float32), r"float32"),
        (np.zeros((240, 320), np.uint8), r"\(240, 320\)"),
        (np.zeros((32, 320, 3), np.uint8), r"320x32 is smaller than the 64x64"),
    ],
)
def test_what_is_no_picture_is_refused(picture: NDArray[np.uint8], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        reduce_picture(picture, 64)


def marked(batch: int = 40) -> torch.Tensor:
    """Pictures whose red is the row, green the column and blue the camera."""
    pictures = torch.zeros(batch, 2, 64, 64, 3, dtype=torch.uint8)
    pictures[..., 0] = torch.arange(64)[:, None]
    pictures[..., 1] = torch.arange(64)[None, :]
    pictures[:, 1, ..., 2] = 1
    return pictures


def test_random_crops_are_whole_windows_at_offsets_of_their_own() -> None:
    crops = random_crops(marked(), 56, torch.Generator().manual_seed(0))
    assert crops.shape == (40, 2, 3, 56, 56)
    top, left = crops[:, :, 0, 0, 0].int(), crops[:, :, 1, 0, 0].int()
    assert set(top.flatten().tolist()) == set(range(9)) == set(left.flatten().tolist())
    assert not torch.equal(top[:, 0], top[:, 1])  # cameras apart
    assert not torch.equal(top, left)
    rows = crops[:, :, 0].int() - top[..., None, None]
    columns = crops[:, :, 1].int() - left[..., None, None]
    assert (rows == torch.arange(56)[:, None]).all()
    assert (columns == torch.arange(56)[None, :]).all()
    assert (crops[:, 0, 2] == 0).all()
    assert (crops[:, 1, 2] == 1).all()


def test_the_crop_at_play_comes_from_the_middle() -> None:
    crops = centre_crops(marked(1), 56)
    assert crops.shape == (1, 2, 3, 56, 56)
    assert (int(crops[0, 0, 0, 0, 0]), int(crops[0, 0, 1, 0, 0])) == (4, 4)
    assert (int(crops[0, 0, 0, -1, 0]), int(crops[0, 0, 1, 0, -1])) == (59, 59)


def test_pixels_are_scaled_to_minus_one_to_one() -> None:
    torch.testing.assert_close(scaled(torch.tensor([0, 255], dtype=torch.uint8)), torch.tensor([-1.0, 1.0]))
