"""Residual MLP on the flattened chunk: the cheapest network, and the default on a CPU."""

from torch import Tensor, nn
from torch.nn import functional

from teleop_studio.policies.networks.embedding import Embedding


class ResidualMLP(nn.Module):
    """chunk (B, H, D), embedding (B or 1, width) -> (B, H, D). The embedding enters every block."""

    def __init__(self, condition: int, horizon: int, joints: int, width: int, blocks: int) -> None:
        super().__init__()
        self.input = nn.Linear(horizon * joints, width)
        self.embedding = Embedding(condition, width)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(blocks))
        self.output = nn.Linear(width, horizon * joints)

    def forward(self, chunk: Tensor, embedding: Tensor) -> Tensor:
        hidden = self.input(chunk.flatten(1)) + embedding
        embedding = functional.silu(embedding)
        for block in self.blocks:
            hidden = block(hidden, embedding)
        answer: Tensor = self.output(hidden).view_as(chunk)
        return answer


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner, self.condition, self.outer = (nn.Linear(width, width) for _ in range(3))

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        step: Tensor = self.outer(functional.silu(self.inner(self.norm(hidden)) + self.condition(embedding)))
        return hidden + step
