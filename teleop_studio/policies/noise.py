"""Random numbers for policies: drawn on the CPU, so that a seed means the same on every device."""

import torch
from torch import Tensor


def normal(shape: tuple[int, ...] | torch.Size, generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal numbers on `device`."""
    return torch.randn(shape, generator=generator).to(device)


def uniform(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """(count,) numbers in 0..1 on `device`."""
    return torch.rand(count, generator=generator).to(device)


def whole_numbers(below: int, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """(count,) of 0..below - 1 on `device`."""
    return torch.randint(below, (count,), generator=generator).to(device)
