"""A ResNet-18 from scratch that keeps where things are (Chi et al. 2023, "Diffusion Policy", section 3.2)."""

import torch
from torch import Tensor, nn

from teleop_studio.policies.encoders.spatial_softmax import SpatialSoftmax

FEATURES = 64
_MAPS = 32
_LEAST_SIDE = 7


class ResnetEncoder(nn.Module):
    """(B, 3, crop, crop) in -1..1 -> (B, 64); 11.2 million parameters.

    GroupNorm in groups of 16 channels for BatchNorm, whose running means an averaged (EMA) network does not have.
    ResNet-18 makes 1/32 of a picture, 2x2 of a 56 px crop: positions would be lost. So strides are left out, the last
    first, until the map is 7x7 or larger: 1/8 of 56 and of 84 px.
    """

    def __init__(self, crop_px: int) -> None:
        super().__init__()
        self.features = FEATURES
        self.trunk = _trunk(_strides_left_out(crop_px))
        self.maps = nn.Conv2d(512, _MAPS, 1)
        self.output = nn.Linear(2 * _MAPS, FEATURES)
        with torch.no_grad():
            side = self.trunk(torch.zeros(1, 3, crop_px, crop_px)).shape[-1]
        self.positions = SpatialSoftmax(side)

    def forward(self, pictures: Tensor) -> Tensor:
        features: Tensor = self.output(self.positions(self.maps(self.trunk(pictures))))
        return features


def _strides_left_out(crop_px: int) -> int:
    """How many of four: `layer4`, the pooling, `layer3`, `layer2`."""
    return next((count for count in range(4) if crop_px / (32 >> count) >= _LEAST_SIDE), 4)


def _trunk(left_out: int) -> nn.Sequential:
    from torchvision.models import resnet18

    net = resnet18(weights=None, norm_layer=_group_norm)
    for layer in [net.layer4, None, net.layer3, net.layer2][:left_out]:
        if layer is not None:
            for convolution in (layer[0].conv1, layer[0].downsample[0]):
                convolution.stride = (1, 1)
    pooling = net.maxpool if left_out < 2 else nn.Identity()
    return nn.Sequential(net.conv1, net.bn1, net.relu, pooling, net.layer1, net.layer2, net.layer3, net.layer4)


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(channels // 16, channels)
