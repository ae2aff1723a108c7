"""Folders of pretrained weights as LeRobot publishes them, tiny and random, made on the spot."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from teleop_studio.policies import build_policy
from tests.policies.toy_task import TOY

WORDS = ("lift", "push", "the", "bottle", "Task", "State", "Action", ":", ",", ";", "-")
SMOLVLA_FIELDS = {"num_vlm_layers": 2, "resize_imgs_with_padding": [32, 32], "max_state_dim": 8, "max_action_dim": 10}
PI_FIELDS = {"image_resolution": [32, 32], "max_state_dim": 8, "max_action_dim": 10}
# As a published config.json has them; none of them may reach the network here.
PUBLISHED = {"input_features": {}, "chunk_size": 50, "n_action_steps": 50, "optimizer_lr": 1.0, "device": "cuda"}


def write_language_model(folder: Path) -> None:
    """A tokenizer of a few words, and SmolVLA's language model in small."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, SmolVLMConfig

    words = ["[PAD]", "[UNK]", *WORDS, *map(str, range(256)), "<fake_token_around_image>", "<global-img>"]
    tokenizer = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    SmolVLMConfig(
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
        },
        text_config={
            "model_type": "llama",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "vocab_size": len(words),
            "pad_token_id": 0,
        },
        scale_factor=2,
        image_token_id=1,
    ).save_pretrained(folder)


def write_weights(folder: Path, name: str) -> Path:
    """A whole folder for the policy `name`, with random weights."""
    from teleop_studio.policies.lerobot_policies.task_text import tokenizer_file
    from teleop_studio.policies.lerobot_policies.vla_networks import language_config

    fields = SMOLVLA_FIELDS if name == "smolvla" else PI_FIELDS
    write_language_model(folder / "vlm")
    (folder / "config.json").write_text(json.dumps({"type": name, **PUBLISHED, **fields}))
    torch.manual_seed(5)
    bare = build_policy(
        name,
        TOY,
        {
            "network": {
                "fields": fields,
                "language": language_config(folder / "vlm") if name == "smolvla" else {},
                "tokenizer_bytes": len(tokenizer_file(folder / "vlm")),
            }
        },
    )
    save_file(bare.network.state_dict(), folder / "model.safetensors")  # type: ignore[attr-defined]
    return folder


def shrink_gemma(patch: pytest.MonkeyPatch) -> None:
    """LeRobot knows pi0 and pi0.5 in two sizes, both of thousands of millions of parameters: here are smaller ones."""
    from lerobot.policies.pi0 import modeling_pi0
    from lerobot.policies.pi05 import modeling_pi05

    for module in (modeling_pi0, modeling_pi05):
        patch.setattr(module, "get_gemma_config", _tiny_gemma(module.GemmaConfig))
        for built in ("PaliGemmaForConditionalGenerationWithPiGemma", "PiGemmaForCausalLM"):
            patch.setattr(module, built, _shrunk(getattr(module, built)))


def _tiny_gemma(gemma_config: Any) -> Any:
    return lambda _: gemma_config(width=32, depth=2, mlp_dim=64, num_heads=8, num_kv_heads=1, head_dim=8)


def _shrunk(build: Any) -> Any:
    def shrunk(config: Any) -> Any:
        text = getattr(config, "text_config", config)
        text.vocab_size, text.pad_token_id = 300, 0
        if text is not config:
            vision = config.vision_config
            vision.hidden_size, vision.intermediate_size, vision.projection_dim = 16, 32, 32
            vision.num_hidden_layers, vision.num_attention_heads, vision.patch_size = 1, 2, 16
            config.image_token_index = config.image_token_id = 299
        return build(config=config)

    return shrunk
