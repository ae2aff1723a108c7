"""What a policy knows of an encoder."""

from typing import Protocol

from torch import Tensor


class Encoder(Protocol):
    """(M, 3, crop, crop) in -1..1 -> (M, features). Satisfied by an `nn.Module` with this attribute."""

    features: int

    def __call__(self, pictures: Tensor) -> Tensor: ...
