"""A pretrained vision model as a folder on this machine: what must lie in it, and what it says about pictures.

Free of torch. The folder is what `transformers` saves and hubs hand out: `config.json`, `preprocessor_config.json` and
weights as safetensors. Nothing is ever downloaded, nothing pickled is read, and no code in it is run.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
_WEIGHTS = "*.safetensors"
_BYTE_RANGE = 1.0 / 255.0


class BackboneError(ValueError):
    """A folder can not be used as a backbone; says why and what to do."""


@dataclass(frozen=True)
class Preprocessing:
    """Pictures as the model was trained on: squares of `side_px`, (x - mean) / std for x in 0..1, red green blue."""

    side_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def check_folder(folder: str) -> Path:
    """The folder, when it holds what a backbone needs. Raises `BackboneError` with what is missing."""
    path = Path(folder).expanduser()
    if not folder:
        raise BackboneError(
            "The frozen encoder needs a pretrained model, and no folder is named. Name the folder of a vision model "
            "(DINOv2, CLIP, ViT, ResNet ...) as transformers saves it."
        )
    if not path.is_dir():
        raise BackboneError(
            f"There is no folder {path} with a pretrained model on this machine. Copy the model there, or name another "
            "folder; nothing is downloaded by itself."
        )
    for name in (CONFIG, PREPROCESSOR):
        if not (path / name).is_file():
            raise BackboneError(
                f"The folder {path} has no {name}, so it is no pretrained vision model as transformers saves it. "
                "Name the folder in which config.json, preprocessor_config.json and the weights lie together."
            )
    if not any(path.glob(_WEIGHTS)):
        raise BackboneError(
            f"The folder {path} has no weights as safetensors. Other files of weights can run code when they are "
            "read, so they are not. Get the model's model.safetensors, or convert it."
        )
    return path


def fingerprint(folder: str) -> bytes:
    """SHA-256 (32 bytes) of configuration, preprocessing and weights. Raises `BackboneError`."""
    path = check_folder(folder)
    total = hashlib.sha256()
    for file in [path / CONFIG, path / PREPROCESSOR, *sorted(path.glob(_WEIGHTS))]:
        try:
            with file.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as error:
            raise BackboneError(f"{file} can not be read: {error.strerror}. Correct it, or copy it again.") from error
    return total.digest()


def read_preprocessing(path: Path) -> Preprocessing:
    """What `preprocessor_config.json` in the folder `path` says. Raises `BackboneError`."""
    try:
        said: Mapping[str, Any] = json.loads((path / PREPROCESSOR).read_text(encoding="utf-8"))
        side_px = _side_px(said.get("crop_size") or said["size"])
        normalised = said.get("do_normalize", True)
        mean = _three(said["image_mean"] if normalised else (0.0, 0.0, 0.0))
        std = _three(said["image_std"] if normalised else (1.0, 1.0, 1.0))
        scale = float(said.get("rescale_factor", _BYTE_RANGE))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackboneError(
            f"{path / PREPROCESSOR} does not say how pictures are prepared ({error!r}): size, image_mean and "
            "image_std are needed. Take the file that belongs to the model."
        ) from error
    if abs(scale - _BYTE_RANGE) > 1e-6 or min(std) <= 0.0 or not 1 <= side_px <= 4096:
        raise BackboneError(
            f"{path / PREPROCESSOR} asks for pictures of {side_px} px, bytes times {scale:g} and the deviation {std}; "
            "only bytes / 255, 1 to 4096 px and deviations above 0 are known here. Use another model."
        )
    return Preprocessing(side_px, mean, std)


def _side_px(size: Any) -> int:
    """Of a number, {"shortest_edge": n} or {"height": n, "width": n}; the model's pictures are squares."""
    if isinstance(size, int):
        return size
    if "shortest_edge" in size:
        return int(size["shortest_edge"])
    if size["height"] != size["width"]:
        raise ValueError(f"pictures of {size['width']}x{size['height']} are no squares")
    return int(size["height"])


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
