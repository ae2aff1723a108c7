"""Picture encoders by name. To add one: a file with its class, an entry here and a case in `build_encoder`.

Nothing here imports torch before an encoder is built: the window lists them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teleop_studio.policies.encoders.encoder import Encoder

FROZEN = "frozen"


@dataclass(frozen=True)
class EncoderKind:
    """An encoder as the window offers it: `title`, and in `summary` what it is good for and what it costs."""

    title: str
    summary: str


ENCODERS: dict[str, EncoderKind] = {
    "cnn": EncoderKind(
        "Small network",
        "Learns to see from the demonstrations alone, in minutes on an ordinary computer; the one to begin with.",
    ),
    "resnet18": EncoderKind(
        "ResNet-18",
        "Learns to see with a network three hundred times as large; for a GPU and many demonstrations.",
    ),
    FROZEN: EncoderKind(
        "Pretrained, frozen",
        "Looks through a pretrained model from a folder on this machine, which is not trained further. What it sees "
        "is computed once for each picture and kept, so pictures are neither cropped at random nor augmented.",
    ),
}


def build_encoder(kind: str, crop_px: int, backbone: str = "") -> "Encoder":
    """An encoder of one camera: (M, 3, crop, crop) in -1..1 -> (M, encoder.features).

    `backbone` the folder of a pretrained vision model, only for "frozen"; one such encoder serves all cameras.
    Raises `ValueError` for an unknown kind, a backbone that is not wanted or missing; `BackboneError`, a `ValueError`.
    """
    if kind not in ENCODERS:
        raise ValueError(f"There is no encoder {kind!r}. Known encoders: {', '.join(ENCODERS)}.")
    if kind != FROZEN and backbone:
        raise ValueError(
            f"The encoder {kind!r} starts from nothing, but the backbone {backbone} is given. "
            f"Leave the backbone out, or choose the encoder {FROZEN!r}."
        )
    if kind == FROZEN:
        from teleop_studio.policies.encoders.frozen import FrozenBackbone

        return FrozenBackbone(backbone)
    if kind == "resnet18":
        from teleop_studio.policies.encoders.resnet import ResnetEncoder

        return ResnetEncoder(crop_px)
    from teleop_studio.policies.encoders.cnn import PictureEncoder

    return PictureEncoder(crop_px)
