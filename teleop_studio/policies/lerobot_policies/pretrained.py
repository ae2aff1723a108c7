"""Pretrained weights from a local folder or from the hub, with messages for the operator where there are none.

A folder is what LeRobot saves and publishes: `config.json` and `model.safetensors`. Nothing in it is ever executed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

CONFIG, WEIGHTS, LANGUAGE_FOLDER = "config.json", "model.safetensors", "vlm"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
# What describes the training data, the run or the machine, and not the network.
_NOT_OF_THE_NETWORK = re.compile(
    r"type|input_features|output_features|normalization_mapping|device|dtype|use_amp|use_peft|n_obs_steps|chunk_size"
    r"|n_action_steps|push_to_hub|repo_id|private|tags|license|pretrained_path|rtc_config|compile_.*|optimizer_.*"
    r"|scheduler_.*|empty_cameras|vlm_model_name|load_vlm_weights|freeze_vision_encoder|train_expert_only"
    r"|train_state_proj|use_relative_actions|relative_exclude_joints|action_feature_names"
)


@dataclass(frozen=True)
class Source:
    """Where a policy's weights come from.

    `title` for the operator. `weights` its usual name on the hub; `language` that of the model whose tokenizer it uses.
    """

    title: str
    weights: str
    language: str


def weights_folder(source: Source, weights: str) -> Path:
    """The folder `weights`, or what the hub has under that name, fetched once into its own cache.

    Raises `ValueError` that says what is expected and how to get it.
    """
    if not weights:
        raise ValueError(f"{source.title} starts from pretrained weights, and none are chosen. {_how_to_get(source)}")
    folder = _folder(source, weights, [CONFIG, WEIGHTS])
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} has no {' and no '.join(missing)}. {_how_to_get(source)}")
    return folder


def language_folder(source: Source, weights: Path, chosen: str) -> Path:
    """Where the language model's configuration and tokenizer are: `chosen`, else `vlm` in the folder of the weights.

    Without either, the hub is asked. Raises `ValueError` as `weights_folder` does.
    """
    if not chosen and (weights / LANGUAGE_FOLDER).is_dir():
        return weights / LANGUAGE_FOLDER
    return _folder(source, chosen or source.language, ["*.json", "tokenizer.model"])


def network_fields(folder: Path, config_class: Any) -> dict[str, Any]:
    """What `config.json` says about the network, as fields of LeRobot's `config_class`. Raises `ValueError`."""
    path = folder / CONFIG
    try:
        raw = json.loads(path.read_text())
        kind = raw["type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} can not be read as a configuration of LeRobot's: {error!r}.") from error
    wanted = config_class.get_choice_name(config_class)
    if kind != wanted:
        raise ValueError(f"{path} is of a policy {kind!r}, not {wanted!r}. Choose that policy, or another folder.")
    known = {field.name for field in fields(config_class)}
    return {name: value for name, value in raw.items() if name in known and not _NOT_OF_THE_NETWORK.fullmatch(name)}


def load_weights(network: Any, folder: Path) -> None:
    """The folder's weights into LeRobot's policy `network`. Raises `ValueError` when they are not all there."""
    path = folder / WEIGHTS
    try:
        tensors: Mapping[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path} can not be read: {error}. Fetch it again.") from error
    if hasattr(network, "_fix_pytorch_state_dict_keys"):
        tensors = network._fix_pytorch_state_dict_keys(tensors, network.config)
    named = {name if name.startswith("model.") else f"model.{name}": tensor for name, tensor in tensors.items()}
    try:
        missing, _ = network.load_state_dict(named, strict=False)
    except RuntimeError as error:
        raise ValueError(f"The weights in {path} have other shapes than its {CONFIG} says: {error}") from error
    # The heads that would say words are never used here; some folders have them, some do not.
    lacking = [name for name in missing if "lm_head" not in name]
    if lacking:
        raise ValueError(
            f"{path} has no weights for {len(lacking)} parts of the network, {lacking[0]} among them. "
            "It may be of another version of LeRobot; take another folder."
        )


def load_backbone(backbone: nn.Module, folder: Path) -> None:
    """A ResNet's weights in torchvision's names, as the hub's `timm/resnet18.tv_in1k` has them. Raises `ValueError`."""
    path = folder / WEIGHTS
    how = f"Where the hub can be reached: `hf download timm/resnet18.tv_in1k {WEIGHTS} --local-dir FOLDER`."
    try:
        missing, _ = backbone.load_state_dict(load_file(path), strict=False)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} can not be used as a pretrained ResNet: {error}. {how}") from error
    if missing:
        raise ValueError(f"{path} has no weights for {missing[0]} and {len(missing) - 1} other parts. {how}")


def _folder(source: Source, name: str, patterns: list[str]) -> Path:
    if Path(name).is_dir():
        return Path(name)
    if not _HUB_NAME.fullmatch(name):
        raise ValueError(f"There is no folder {name}. {_how_to_get(source)}")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # offline, no such name, no right to it: each has a class of its own, of three libraries
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"{name} can not be fetched from the hub: {reason} {_how_to_get(source)}") from error


def _how_to_get(source: Source) -> str:
    return (
        f"Where the hub can be reached: `hf download {source.weights} --local-dir FOLDER` and `hf download "
        f"{source.language} --include '*.json' 'tokenizer.model' --local-dir FOLDER/{LANGUAGE_FOLDER}`; then give "
        f"FOLDER as the policy's setting `weights`. It must hold {CONFIG} and {WEIGHTS}."
    )
