import pytest
import torch

from teleop_studio.policies.encoders import ENCODERS, build_encoder
from teleop_studio.policies.encoders.resnet import ResnetEncoder


def spots(side_px: int) -> torch.Tensor:
    """One bright spot in a dark picture, left and right."""
    pictures = torch.full((2, 3, side_px, side_px), -1.0)
    fifth = side_px // 5
    pictures[0, :, 2 * fifth : 3 * fifth, :fifth] = 1.0
    pictures[1, :, 2 * fifth : 3 * fifth, -fifth:] = 1.0
    return pictures


@pytest.mark.parametrize("kind", ["cnn", "resnet18"])
def test_an_encoder_learns_where_a_spot_is(kind: str) -> None:
    torch.manual_seed(0)
    crop_px = 32
    encoder = build_encoder(kind, crop_px)
    pictures, side = spots(crop_px), torch.tensor([-1.0, 1.0])
    assert encoder(pictures).shape == (2, encoder.features)
    assert isinstance(encoder, torch.nn.Module)
    optimizer = torch.optim.Adam(encoder.parameters(), 1e-3)
    for _ in range(6):
        error = (encoder(pictures)[:, 0] - side).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    left, right = encoder(pictures)[:, 0].tolist()
    assert right > left + 0.3


@pytest.mark.parametrize(("crop_px", "side"), [(56, 7), (84, 11), (112, 7), (224, 7)])
def test_the_last_map_of_a_resnet_is_fine_enough_to_hold_positions(crop_px: int, side: int) -> None:
    encoder = ResnetEncoder(crop_px)
    assert len(encoder.positions.grid) == side
    assert encoder(spots(crop_px)[:1]).shape == (1, encoder.features)


def test_a_resnet_has_no_running_means() -> None:
    assert not [name for name in ResnetEncoder(56).state_dict() if "running" in name or "tracked" in name]


def test_an_unknown_encoder_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match=r"no encoder 'eyes'\. Known encoders: cnn, resnet18, frozen"):
        build_encoder("eyes", 56)


def test_a_backbone_is_only_taken_where_it_is_used() -> None:
    with pytest.raises(ValueError, match=r"'cnn' starts from nothing, but the backbone /models/dino is given"):
        build_encoder("cnn", 56, "/models/dino")


def test_every_encoder_is_described_for_the_operator() -> None:
    for kind in ENCODERS.values():
        assert kind.title
        assert kind.summary.endswith(".")
