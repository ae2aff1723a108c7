"""Time and condition as one row of numbers that enters every block of a network."""

import math

import torch
from torch import Tensor, nn

_TIME_FEATURES = 64


class Embedding(nn.Module):
    """Embeds both apart, to be added: all samples of one moment share its condition, so 32 cost little more than one.

    `width` numbers each.
    """

    def __init__(self, condition: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.condition = nn.Sequential(nn.Linear(condition, width), nn.SiLU(), nn.Linear(width, width))
        self.time = TimeEmbedding(width)

    def forward(self, tau: Tensor, condition: Tensor) -> Tensor:
        """tau (B,), condition (B, F) -> (B, width)."""
        both: Tensor = self.time(tau) + self.condition(condition)
        return both


class TimeEmbedding(nn.Module):
    """tau (B,) in 0..1 -> (B, width), by sine and cosine of 100 tau at 32 frequencies from 1 down to 1/1000."""

    frequencies: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        half = _TIME_FEATURES // 2
        frequencies = torch.exp(torch.arange(half) * (-math.log(1000.0) / (half - 1)))
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.layers = nn.Sequential(nn.Linear(_TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, tau: Tensor) -> Tensor:
        angle = 100.0 * tau[:, None] * self.frequencies
        embedding: Tensor = self.layers(torch.cat([angle.sin(), angle.cos()], -1))
        return embedding
