"""What is learnt on top of a frozen backbone: its many numbers of each camera become 64."""

import torch
from torch import Tensor, nn

FEATURES = 64


class FrozenHeads(nn.Module):
    """(..., C, F) features of C cameras -> (..., C * 64), with weights of each camera's own.

    Backbones differ in scale, and some have few numbers that outweigh all others: each picture's are normalised.
    """

    def __init__(self, cameras: int, features: int) -> None:
        super().__init__()
        self.features = FEATURES
        self.heads = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(features), nn.Linear(features, FEATURES), nn.SiLU()) for _ in range(cameras)
        )

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([head(features[..., k, :]) for k, head in enumerate(self.heads)], -1)
