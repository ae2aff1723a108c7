"""Feature maps to positions: the mean image position of each map. A grasp needs to know *where* things are."""

import torch
from torch import Tensor, nn


class SpatialSoftmax(nn.Module):
    """(B, maps, side, side) -> (B, 2 maps): x of all maps, then y, in -1..1 (Finn et al. 2016), no temperature."""

    grid: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.register_buffer("grid", torch.linspace(-1.0, 1.0, side), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        attention = maps.flatten(2).softmax(-1).view_as(maps)
        x = (attention.sum(2) * self.grid).sum(-1)
        y = (attention.sum(3) * self.grid).sum(-1)
        return torch.cat([x, y], 1)
