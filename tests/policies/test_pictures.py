import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from teleop_studio.policies.picture_reduction import reduce_picture
from teleop_studio.policies.pictures import augmented, centre_crops, random_crops, scaled


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


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def soft(batch: int = 40) -> torch.Tensor:
    """Pictures of two cameras without sharp edges: red rises to the right, green downwards, blue is even."""
    pictures = torch.full((batch, 2, 64, 64, 3), 60, dtype=torch.uint8)
    pictures[..., 0] = 30 + torch.arange(64)[None, :]
    pictures[..., 1] = 30 + torch.arange(64)[:, None]
    return pictures


def test_augmentation_of_strength_zero_is_the_random_crop_to_the_bit() -> None:
    noisy = torch.randint(0, 256, (8, 2, 64, 64, 3), generator=seeded()).to(torch.uint8)
    assert torch.equal(augmented(noisy, 56, 0.0, seeded(1)), scaled(random_crops(noisy, 56, seeded(1))))


def test_augmented_pictures_are_functions_of_the_seed_and_in_range() -> None:
    pictures = soft()
    first, again, other = (augmented(pictures, 56, 1.0, seeded(seed)) for seed in (3, 3, 4))
    assert first.shape == (40, 2, 3, 56, 56)
    assert first.dtype == torch.float32
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert -1.0 <= float(first.min()) <= float(first.max()) <= 1.0
    assert torch.equal(pictures, soft())  # what was given stays as it was


def test_each_picture_gets_a_light_of_its_own_within_what_strength_allows() -> None:
    grey = torch.full((200, 2, 32, 32, 3), 128, dtype=torch.uint8)

    def brightness(strength: float) -> torch.Tensor:
        return augmented(grey, 28, strength, seeded()).median(-1).values.median(-1).values  # past the patches

    weak, strong = brightness(0.2), brightness(1.0)
    assert float(strong.std(0).min()) > 3 * float(weak.std(0).min()) > 0.0
    assert float((strong[:, 0] - strong[:, 1]).abs().mean()) > 0.1  # cameras apart
    assert float((strong[..., 0] - strong[..., 2]).abs().mean()) > 0.03  # colours apart
    assert float(weak.abs().max()) < 0.25


def test_black_stays_dark_and_white_bright_in_any_light() -> None:
    black = augmented(torch.zeros(60, 1, 32, 32, 3, dtype=torch.uint8), 28, 1.0, seeded())
    white = augmented(torch.full((60, 1, 32, 32, 3), 255, dtype=torch.uint8), 28, 1.0, seeded())
    assert float(black.median(-1).values.median(-1).values.max()) < -0.8
    assert float(white.median(-1).values.median(-1).values.min()) > -0.4


def test_left_stays_left_and_up_stays_up() -> None:
    crops = augmented(soft(), 56, 1.0, seeded())
    columns = crops[:, :, 0].median(2).values
    rows = crops[:, :, 1].median(3).values
    assert (columns[..., -5] > columns[..., 5]).all()
    assert (rows[..., -5] > rows[..., 5]).all()


def test_half_of_the_pictures_are_turned_and_zoomed_a_little() -> None:
    crops = augmented(soft(200), 56, 1.0, seeded()).flatten(0, 1)
    red = crops[:, 0]
    across = (red[:, :, 1:] - red[:, :, :-1]).median(2).values.median(1).values
    down = (red[:, 1:] - red[:, :-1]).median(2).values.median(1).values
    turned = (down.abs() > 1e-3 * across.abs()).float().mean()
    assert 0.35 < float(turned) < 0.65
    assert float((down / across).abs().max()) < 0.06  # 3 degrees at most


def test_patches_bring_in_what_was_not_there() -> None:
    dark = torch.zeros(64, 1, 32, 32, 3, dtype=torch.uint8)
    crops = augmented(dark, 28, 1.0, seeded()).flatten(0, 1).max(1).values
    strange = (crops > -0.6).float().mean((1, 2))
    assert 0.15 < float((strange > 0).float().mean()) < 0.45
    assert 0.0 < float(strange.max()) < 0.25


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_strength_outside_zero_to_one_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match=r"augment = .*: the strength of augmentation lies between 0"):
        augmented(soft(1), 56, strength, seeded())
