"""One camera's picture to 64 numbers: a small convolutional net that keeps *where* things are."""

import torch
from torch import Tensor, nn

from teleop_studio.policies.encoders.spatial_softmax import SpatialSoftmax

FEATURES = 64
_MAPS = 32


class PictureEncoder(nn.Module):
    """(B, 3, crop, crop) in -1..1 -> (B, 64).

    Ends in a spatial softmax over 32 feature maps: positions need few parameters (36,640 in all).
    """

    def __init__(self, crop_px: int) -> None:
        super().__init__()
        self.features = FEATURES
        self.convolutions = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, 32, 3, padding=1),
            nn.GroupNorm(4, 32),
            nn.SiLU(),
            nn.Conv2d(32, 32, 3, stride=2, padding=1),
            nn.GroupNorm(4, 32),
            nn.SiLU(),
            nn.Conv2d(32, _MAPS, 3, padding=1),
        )
        self.output = nn.Linear(2 * _MAPS, FEATURES)
        with torch.no_grad():
            side = self.convolutions(torch.zeros(1, 3, crop_px, crop_px)).shape[-1]
        self.positions = SpatialSoftmax(side)

    def forward(self, pictures: Tensor) -> Tensor:
        features: Tensor = self.output(self.positions(self.convolutions(pictures)))
        return features
