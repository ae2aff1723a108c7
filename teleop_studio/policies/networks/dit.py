"""Small diffusion transformer: a token for each goal of the chunk, conditioned by adaLN-zero (Peebles and Xie 2022)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from teleop_studio.policies.networks.embedding import Embedding

_HEADS = 4


class DiT(nn.Module):
    """chunk (B, H, D), embedding (B or 1, width) -> (B, H, D)."""

    def __init__(self, condition: int, horizon: int, joints: int, width: int, blocks: int) -> None:
        super().__init__()
        self.input = nn.Linear(joints, width)
        self.positions = nn.Parameter(0.02 * torch.randn(horizon, width))
        self.embedding = Embedding(condition, width)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = _zeroed(nn.Linear(width, 2 * width))
        self.output = _zeroed(nn.Linear(width, joints))

    def forward(self, chunk: Tensor, embedding: Tensor) -> Tensor:
        embedding = functional.silu(embedding)
        tokens = self.input(chunk) + self.positions
        for block in self.blocks:
            tokens = block(tokens, embedding)
        shift, scale = self.modulation(embedding)[:, None].chunk(2, dim=-1)
        answer: Tensor = self.output(self.norm(tokens) * (1.0 + scale) + shift)
        return answer


class _Block(nn.Module):
    """Attention and an MLP, each shifted, scaled and gated by the embedding; at first both gates are shut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.modulation = _zeroed(nn.Linear(width, 6 * width))
        self.attention_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.mlp_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor, embedding: Tensor) -> Tensor:
        modulation = self.modulation(embedding)[:, None].chunk(6, dim=-1)
        attention_shift, attention_scale, attention_gate, mlp_shift, mlp_scale, mlp_gate = modulation
        looked = self.attention_norm(tokens) * (1.0 + attention_scale) + attention_shift
        tokens = tokens + attention_gate * self._attend(looked)
        thought: Tensor = self.mlp(self.mlp_norm(tokens) * (1.0 + mlp_scale) + mlp_shift)
        return torch.addcmul(tokens, mlp_gate, thought)

    def _attend(self, tokens: Tensor) -> Tensor:
        query, key, value = self.query_key_value(tokens).unflatten(-1, (3, _HEADS, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        answer: Tensor = self.attended(mixed.transpose(1, 2).flatten(2))
        return answer


def _zeroed(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
