"""1-D UNet along the chunk's goals (Diffusion Policy, Chi et al. 2023): convolutions, each block steered by FiLM."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from teleop_studio.policies.networks.embedding import Embedding

_KERNEL = 5
_GROUPS = 8
_EMBEDDING = 256


class UNet(nn.Module):
    """chunk (B, H, D), embedding (B or 1, 256) -> (B, H, D).

    `width` channels at the full rate, doubled at each of the `blocks` - 1 halvings. A horizon that can not be halved
    that often is lengthened inside by repeating its last goal.
    """

    def __init__(self, condition: int, horizon: int, joints: int, width: int, blocks: int) -> None:
        super().__init__()
        channels = [width * 2**level for level in range(blocks)]
        self.embedding = Embedding(condition, _EMBEDDING)
        self.padding = -horizon % 2 ** (blocks - 1)
        self.down = nn.ModuleList(
            _Block(before, after) for before, after in zip([joints, *channels], channels, strict=False)
        )
        self.shorten = nn.ModuleList(nn.Conv1d(c, c, 3, stride=2, padding=1) for c in channels[:-1])
        self.middle = _Block(channels[-1], channels[-1])
        self.lengthen = nn.ModuleList(
            nn.ConvTranspose1d(2 * c, c, 4, stride=2, padding=1) for c in reversed(channels[:-1])
        )
        self.up = nn.ModuleList(_Block(2 * c, c) for c in reversed(channels[:-1]))
        self.output = nn.Conv1d(width, joints, 1)

    def forward(self, chunk: Tensor, embedding: Tensor) -> Tensor:
        embedding = functional.mish(embedding)
        hidden = chunk.transpose(1, 2)
        if self.padding:
            hidden = functional.pad(hidden, (0, self.padding), mode="replicate")
        skipped: list[Tensor] = []
        for level, block in enumerate(self.down):
            hidden = block(hidden, embedding)
            if level < len(self.shorten):
                skipped.append(hidden)
                hidden = self.shorten[level](hidden)
        hidden = self.middle(hidden, embedding)
        for lengthen, block in zip(self.lengthen, self.up, strict=True):
            hidden = block(torch.cat([lengthen(hidden), skipped.pop()], 1), embedding)
        answer: Tensor = self.output(hidden)[..., : chunk.shape[1]].transpose(1, 2)
        return answer


class _Block(nn.Module):
    """Two convolutions with a way past them; the embedding scales and shifts what the first one finds (FiLM)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(before, after), _convolution(after, after)
        self.film = nn.Linear(_EMBEDDING, 2 * after)
        self.past = nn.Conv1d(before, after, 1) if before != after else nn.Identity()

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.film(embedding)[..., None].chunk(2, dim=1)
        found: Tensor = self.second(self.first(hidden) * (1.0 + scale) + shift) + self.past(hidden)
        return found


def _convolution(before: int, after: int) -> nn.Sequential:
    convolution = nn.Conv1d(before, after, _KERNEL, padding=_KERNEL // 2)
    return nn.Sequential(convolution, nn.GroupNorm(_GROUPS, after), nn.Mish())
