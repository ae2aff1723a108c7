"""Pretrained models as folders, made on the spot with random weights: two layers, 16 wide."""

import json
from pathlib import Path
from typing import Any

import torch

_SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
FEATURES = 16 + 9 * 16


def dinov2(folder: Path, seed: int = 0) -> Path:
    """Trained on 56 px, prepared for 42 px: nine patches, each at a place that must be interpolated."""
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(seed)
    return _saved(Dinov2Model(Dinov2Config(**_SMALL, image_size=56, patch_size=14)), folder, 42)


def clip(folder: Path) -> Path:
    """Eyes and words, as such models are handed out."""
    from transformers import CLIPConfig, CLIPModel

    words, eyes = {**_SMALL, "vocab_size": 60}, {**_SMALL, "image_size": 32, "patch_size": 8}
    return _saved(CLIPModel(CLIPConfig(text_config=words, vision_config=eyes, projection_dim=16)), folder, 32)


def vit_without_pooler(folder: Path) -> Path:
    from transformers import ViTConfig, ViTForImageClassification

    return _saved(ViTForImageClassification(ViTConfig(**_SMALL, image_size=32, patch_size=8)), folder, 32)


def resnet(folder: Path) -> Path:
    """Gives maps, no tokens."""
    from transformers import ResNetConfig, ResNetModel

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    return _saved(ResNetModel(config), folder, 64)


def bert(folder: Path) -> Path:
    """Reads texts only."""
    from transformers import BertConfig, BertModel

    return _saved(BertModel(BertConfig(**_SMALL, vocab_size=60)), folder, 32)


def _saved(model: Any, folder: Path, side_px: int) -> Path:
    model.save_pretrained(folder)
    prepared = {
        "size": {"shortest_edge": side_px + 8},
        "crop_size": {"height": side_px, "width": side_px},
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.2, 0.25, 0.3],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared))
    return folder
