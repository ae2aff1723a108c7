"""Networks by name: chunk and embedding in, chunk out. To add one: a file with its class and an entry here."""

from typing import Any

from teleop_studio.policies.networks.dit import DiT
from teleop_studio.policies.networks.residual_mlp import ResidualMLP
from teleop_studio.policies.networks.unet import UNet

Network = ResidualMLP | UNet | DiT

# Class, and the width and number of blocks that a policy's settings leave open (0).
_NETWORKS: dict[str, tuple[Any, int, int]] = {
    "mlp": (ResidualMLP, 256, 4),
    "unet": (UNet, 64, 2),
    "dit": (DiT, 64, 3),
}


def network_size(kind: str, width: int = 0, blocks: int = 0) -> tuple[int, int]:
    """Width and number of blocks, the network's own where they are 0. Raises `ValueError` for an unknown network."""
    _, usual_width, usual_blocks = _known(kind)
    return width or usual_width, blocks or usual_blocks


def build_network(kind: str, condition: int, horizon: int, joints: int, width: int = 0, blocks: int = 0) -> Network:
    """chunk (B, horizon, joints), embedding (B or 1, W) -> (B, horizon, joints).

    `network.embedding` makes the embedding, of `condition` numbers and a time. Raises `ValueError` for an unknown
    network.
    """
    network: Network = _known(kind)[0](condition, horizon, joints, *network_size(kind, width, blocks))
    return network


def _known(kind: str) -> tuple[Any, int, int]:
    if kind not in _NETWORKS:
        raise ValueError(f"There is no network {kind!r}. Known networks: {', '.join(_NETWORKS)}.")
    return _NETWORKS[kind]
