"""Small tasks and batches for the tests of policies: pictures of 16 px, networks that train in seconds."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.policy import Batch, Policy, Seen, Spread, Statistics

JOINTS = ("waist", "shoulder", "elbow", "wrist_pitch", "wrist_yaw", "wrist_roll", "gripper")
CAMERAS = ("front", "wrist")
TOY = PolicyConfig(JOINTS, CAMERAS, picture_px=16, crop_px=16)
GRIPPER = 6


def unit_statistics() -> Statistics:
    zeros, ones = torch.zeros(7), torch.ones(7)
    spread = Spread(zeros, ones, -4.0 * ones, 4.0 * ones, -3.0 * ones, 3.0 * ones)
    return Statistics(zeros, ones, zeros, ones, torch.zeros(6), torch.ones(6), spread, spread)


def random_batch(size: int, config: PolicyConfig = TOY, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    side = config.picture_px
    pictures = torch.randint(0, 256, (size, 1, 2, side, side, 3), generator=generator).to(torch.uint8)
    ones = torch.ones(size, config.horizon), torch.ones(size, 6)
    seen = Seen(pictures, normal(size, 1, 7), ("",) * size)
    return Batch(seen, normal(size, config.horizon, 7), ones[0], normal(size, 6), ones[1])


def fit(policy: Policy, batch: Batch, steps: int, learning_rate: float = 2e-3) -> float:
    """Train on one batch again and again; returns the mean chunk loss of the last tenth of the steps."""
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(policy.parameters(), learning_rate)
    losses = []
    for _ in range(steps):
        loss, parts = policy.loss(batch, generator)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(parts["chunk"]))
    last = losses[-max(1, steps // 10) :]
    return sum(last) / len(last)


def two_ways(size: int = 32, left: float = 0.5) -> Batch:
    """One and the same view, a share `left` of it to the left: each joint goes to -1 or to 1 of where it is."""
    same = random_batch(1)
    assert same.seen.pictures is not None
    so_far = torch.ceil(left * torch.arange(size + 1) - 1e-4)  # to the left; in turns, as far as the share allows
    side = 1.0 - 2.0 * so_far.diff()
    way = side[:, None, None] * torch.linspace(0, 1, 16)[None, :, None].expand(1, 16, 7)
    # The gripper is absolute: its goal starts at the measured one as well.
    return replace(
        random_batch(size),
        seen=Seen(
            same.seen.pictures.expand(size, -1, -1, -1, -1, -1), same.seen.state.expand(size, -1, -1), ("",) * size
        ),
        actions=same.seen.state + way,
    )


@torch.no_grad()
def sampled_ends(policy: Policy, count: int, solver_steps: int, seed: int = 1, task: str = "") -> Tensor:
    """(count,) where chunks for the view of `two_ways` take the first joint, relative to where it is."""
    seen = replace(random_batch(1).seen, task=(task,))
    generator = torch.Generator().manual_seed(seed)
    chunks = policy.sample_chunks(policy.encode(seen), count, solver_steps, generator).chunks
    return chunks[:, -1, 0] - seen.state[0, -1, 0]


class Oracle(nn.Module):
    """Knows the answer, whatever it is asked; embeds as the network `like` it."""

    def __init__(self, truth: Tensor, like: nn.Module) -> None:
        super().__init__()
        self.truth, self.embedding = truth, like.embedding

    def forward(self, chunk: Tensor, embedding: Tensor) -> Tensor:
        return self.truth.expand_as(chunk)
