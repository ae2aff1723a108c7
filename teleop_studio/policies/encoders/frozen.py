"""Seeing through a pretrained model that is not trained further: DINOv2, CLIP, ViT, ResNet ... from a local folder."""

from collections.abc import Callable
from math import isqrt
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from teleop_studio.policies.encoders.backbone_folder import (
    BackboneError,
    check_folder,
    fingerprint,
    read_preprocessing,
)

# Means over a grid of the picture beside the summary: one mean of all patches forgets where things are.
_GRID = 3
# What the features do not need, and some folders therefore lack.
_UNUSED = ("pooler.", "visual_projection.")


class FrozenBackbone(nn.Module):
    """(B, 3, side, side) in -1..1 -> (B, features): the model's summary, then the means of 3x3 parts of the picture.

    The summary is the class token, else the mean of all patches. The weights are no part of `parameters()` and
    `state_dict()`: a checkpoint keeps only their fingerprint, and refuses other ones. They follow `to(device)`.
    Raises `BackboneError`.
    """

    fingerprint: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, folder: str) -> None:
        super().__init__()
        path = check_folder(folder)
        prepared = read_preprocessing(path)
        self._folder, self._side_px = path, prepared.side_px
        self._hidden = [_load(path)]  # in a list: torch does not look into it
        self.register_buffer("fingerprint", torch.tensor(list(fingerprint(folder)), dtype=torch.uint8))
        self.register_buffer("mean", torch.tensor(prepared.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(prepared.std)[:, None, None], persistent=False)
        self.features = self._probe()

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        side = (self._side_px, self._side_px)
        if pictures.shape[-2:] != side:
            pictures = functional.interpolate(pictures, side, mode="bilinear", antialias=True, align_corners=False)
        prepared = ((pictures + 1.0) / 2.0 - self.mean) / self.std
        return self._pooled(self._hidden[0](pixel_values=prepared).last_hidden_state)

    def _pooled(self, hidden: Tensor) -> Tensor:
        """Maps (B, W, h, w) or tokens (B, T, W) -> (B, 10 W)."""
        if hidden.ndim == 4:
            maps, summary = hidden, hidden.mean((2, 3))
        else:
            special = hidden.shape[1] - self._patches(hidden.shape[1])
            patches = hidden[:, special:]
            side = isqrt(patches.shape[1])
            maps = patches.transpose(1, 2).reshape(len(hidden), -1, side, side)
            summary = hidden[:, 0] if special else patches.mean(1)
        parts = functional.adaptive_avg_pool2d(maps, min(_GRID, maps.shape[-1]))
        return torch.cat([summary, parts.flatten(1)], 1)

    def _patches(self, tokens: int) -> int:
        """How many of the tokens are parts of the picture; class and register tokens stand before them."""
        patch_px = getattr(self._hidden[0].config, "patch_size", 0)
        side = self._side_px // patch_px if isinstance(patch_px, int) and patch_px > 0 else 0
        if not 0 < side * side <= tokens:  # a model that joins patches on the way
            side = isqrt(tokens)
        if side * side != tokens and tokens - side * side > 16:
            raise ValueError(f"{tokens} tokens are no square of patches")
        return side * side

    def _probe(self) -> int:
        try:
            return int(self(torch.zeros(1, 3, self._side_px, self._side_px)).shape[1])
        except (ValueError, RuntimeError, AttributeError, TypeError) as error:
            raise BackboneError(
                f"The model in {self._folder} gives no features of a picture of {self._side_px} px: {error}. "
                "Use another vision model (DINOv2, CLIP, ViT, ResNet ...)."
            ) from error

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._hidden[0]._apply(fn, recurse)
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        trained_with = state_dict.get(prefix + "fingerprint")
        if trained_with is not None and not torch.equal(trained_with.cpu(), self.fingerprint.cpu()):
            raise BackboneError(
                f"The pretrained model in {self._folder} is not the one that the policy was trained with "
                f"({bytes(self.fingerprint.tolist()).hex()[:12]} here, {bytes(trained_with.tolist()).hex()[:12]} "
                "then). Bring that model back into the folder"
            )
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _load(path: Path) -> Any:
    """The model in evaluation mode, without gradients, from files of `path` alone."""
    try:
        from transformers import AutoConfig, AutoModel
        from transformers.utils import logging
    except ImportError as error:
        raise BackboneError(
            "A frozen backbone needs transformers, which is not installed. "
            "Install it with: pip install 'teleop-studio[lerobot-policies]'."
        ) from error
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # its report on weights that are not used here reads like a failure
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(path, **local)
        config = getattr(config, "vision_config", config)  # of a model of pictures and texts, its eyes
        model, loaded = AutoModel.from_pretrained(
            path, config=config, use_safetensors=True, output_loading_info=True, **local
        )
    except Exception as error:  # transformers raises many kinds: the operator needs one sentence
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BackboneError(f"The model in {path} can not be loaded: {first} Use another vision model.") from error
    if getattr(model, "main_input_name", "") != "pixel_values":
        raise BackboneError(
            f"The model in {path} ({config.model_type}) does not take pictures. Use a vision model (DINOv2, CLIP, ViT, "
            "ResNet ...)."
        )
    missing = [name for name in loaded["missing_keys"] if not name.startswith(_UNUSED)]
    if missing:
        raise BackboneError(
            f"The weights in {path} are not complete: {len(missing)} are missing, the first is {sorted(missing)[0]}. "
            "Copy the model again."
        )
    return model.float().eval().requires_grad_(False)
