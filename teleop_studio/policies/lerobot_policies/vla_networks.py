"""LeRobot's three vision-language-action networks, and where they differ: how built, what they are told, how they flow.

All of them are a language model that has seen pictures, and a smaller "expert" beside it that turns noise into a chunk.
Their time t runs from 1 (noise) to 0 (action) and their velocity is noise minus action: ours is tau = 1 - t.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from teleop_studio.policies.lerobot_policies.pretrained import Source

# (network, what the language model kept of what was seen) -> velocity(x_t, t)
Velocity = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Prefix:
    """What the language model keeps of B moments: `cache` keys and values, `real` (B, L), `state` (B, padded D)."""

    cache: Any
    real: Tensor
    state: Tensor

    def repeated(self, n: int) -> "Prefix":
        """N times the one moment, or B = N moments as they are; a copy, since the sampler writes into the cache."""
        cache, batch = copy.deepcopy(self.cache), len(self.real)
        if batch == n:
            return Prefix(cache, self.real, self.state)
        cache.batch_repeat_interleave(n)
        return Prefix(cache, self.real.expand(n, -1), self.state.expand(n, -1))


@dataclass(frozen=True)
class VlaKind:
    """One of LeRobot's. `prompt` makes the text of a task and the normalised state; `tells_state`: as a vector too.

    `by_percentile`: what lies between the 1st and 99th percentile becomes -1..1, else mean 0 and spread 1.
    """

    source: Source
    prompt: Callable[[str, Tensor], str]
    by_percentile: bool = False
    tells_state: bool = True
    needs_language_config: bool = False


def _with_newline(task: str, _: Tensor) -> str:
    return task if task.endswith("\n") else f"{task}\n"


def _with_state(task: str, state: Tensor) -> str:
    """pi0.5 reads the state as words: each joint's place among 256 between -1 and 1 (openpi `PaligemmaTokenizer`)."""
    places = np.digitize(state.cpu().numpy(), np.linspace(-1.0, 1.0, 257)[:-1]) - 1
    words = task.strip().replace("_", " ").replace("\n", " ")
    return f"Task: {words}, State: {' '.join(map(str, places))};\nAction: "


_PALIGEMMA = "google/paligemma-3b-pt-224"
VLA_KINDS: dict[str, VlaKind] = {
    "smolvla": VlaKind(
        Source("SmolVLA", "lerobot/smolvla_base", "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"),
        _with_newline,
        needs_language_config=True,
    ),
    "pi0": VlaKind(Source("pi0", "lerobot/pi0_base", _PALIGEMMA), _with_newline),
    "pi05": VlaKind(
        Source("pi0.5", "lerobot/pi05_base", _PALIGEMMA), _with_state, by_percentile=True, tells_state=False
    ),
}


def config_class(name: str) -> Any:
    """LeRobot's configuration class of a policy."""
    from lerobot.policies.pi0.configuration_pi0 import PI0Config
    from lerobot.policies.pi05.configuration_pi05 import PI05Config
    from lerobot.policies.smolvla.configuration_smolvla import SmolVLAConfig

    return {"smolvla": SmolVLAConfig, "pi0": PI0Config, "pi05": PI05Config}[name]


def build_network(name: str, config: Any, language: Mapping[str, Any]) -> Any:
    """LeRobot's policy with random weights. `language` the configuration of SmolVLA's language model."""
    from lerobot.policies.pi0.modeling_pi0 import PI0Policy
    from lerobot.policies.pi05.modeling_pi05 import PI05Policy
    from lerobot.policies.smolvla.modeling_smolvla import SmolVLAPolicy

    if name != "smolvla":
        return {"pi0": PI0Policy, "pi05": PI05Policy}[name](config)
    with _given_language(language):
        return SmolVLAPolicy(config)


def language_config(folder: Path) -> dict[str, Any]:
    """The configuration of SmolVLA's language model, and its two token numbers. Raises `ValueError`."""
    from transformers import AutoConfig, AutoTokenizer

    try:
        values: dict[str, Any] = AutoConfig.from_pretrained(folder, local_files_only=True).to_dict()
    except Exception as error:  # a missing or damaged file shows in many ways
        raise ValueError(
            f"There is no usable configuration of a language model in {folder}: "
            f"{str(error).strip().partition(chr(10))[0]} Its config.json must be there."
        ) from error
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    names = ("<fake_token_around_image>", "<global-img>")
    values["image_tokens"] = [int(tokenizer.convert_tokens_to_ids(name) or 0) for name in names]
    return values


def drop_heads(network: Any) -> None:
    """The layers that would say words are never used; of pi0 they are a gigabyte, and share weights that are saved."""
    model = network.model
    if hasattr(model, "vlm_with_expert"):
        model.vlm_with_expert.vlm.lm_head = nn.Identity()
    else:
        model.paligemma_with_expert.paligemma.lm_head = nn.Identity()
        model.paligemma_with_expert.gemma_expert.lm_head = nn.Identity()


def prepared_pictures(network: Any, pictures: Mapping[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Pictures (B, 3, px, px) in 0..1 by LeRobot's names -> as the network wants them, and which of them are there."""
    prepare = network.prepare_images if hasattr(network, "prepare_images") else network._preprocess_images
    prepared: tuple[list[Tensor], list[Tensor]] = prepare(pictures)
    return prepared


def losses(kind: VlaKind, network: Any, seen: Sequence[Any], state: Tensor, *drawn: Tensor) -> Tensor:
    """(B, H, padded D) squared error of the velocity. `drawn` the padded chunk, the noise and the time."""
    told = (state,) if kind.tells_state else ()
    result: Tensor = network.model.forward(*seen, *told, *drawn)
    return result


def prefix(kind: VlaKind, network: Any, seen: Sequence[Any], state: Tensor) -> Prefix:
    """What the language model makes of pictures and words: the part that all samples of a moment share."""
    from lerobot.policies.common.vla_utils import make_att_2d_masks, prepare_attention_masks_4d

    model = network.model
    small = kind.needs_language_config
    embedded, real, attends = model.embed_prefix(*seen, state=state) if small else model.embed_prefix(*seen)
    mask = make_att_2d_masks(real, attends)
    given = {
        "position_ids": torch.cumsum(real, dim=1) - 1,
        "past_key_values": None,
        "inputs_embeds": [embedded, None],
        "use_cache": True,
    }
    if small:
        _, cache = model.vlm_with_expert.forward(attention_mask=mask, **given)
    else:
        model.paligemma_with_expert.paligemma.model.language_model.config._attn_implementation = "eager"
        _, cache = model.paligemma_with_expert.forward(attention_mask=prepare_attention_masks_4d(mask), **given)
    return Prefix(cache, real, state)


def velocity(kind: VlaKind, network: Any, seen: Prefix) -> Velocity:
    """The expert's answer: LeRobot's velocity at x_t, t."""
    told = {"state": seen.state} if kind.tells_state and not kind.needs_language_config else {}

    def at(x_t: Tensor, t: Tensor) -> Tensor:
        result: Tensor = network.model.denoise_step(
            prefix_pad_masks=seen.real, past_key_values=seen.cache, x_t=x_t, timestep=t, **told
        )
        return result

    return at


@contextmanager
def _given_language(language: Mapping[str, Any]) -> Iterator[None]:
    """SmolVLA asks the hub for its language model's configuration and processor: inside, it is given them.

    Of the processor it wants two token numbers alone.
    """
    from lerobot.policies.smolvla import smolvlm_with_expert
    from transformers import AutoConfig

    values = dict(language)
    fake, overall = values.pop("image_tokens")
    config = AutoConfig.for_model(values.pop("model_type"), **values)
    tokenizer = SimpleNamespace(fake_image_token_id=fake, global_image_token_id=overall)
    stand_ins = {
        "AutoConfig": SimpleNamespace(from_pretrained=lambda _: config),
        "AutoProcessor": SimpleNamespace(from_pretrained=lambda _: SimpleNamespace(tokenizer=tokenizer)),
    }
    before = {name: getattr(smolvlm_with_expert, name) for name in stand_ins}
    vars(smolvlm_with_expert).update(stand_ins)
    try:
        yield
    finally:
        vars(smolvlm_with_expert).update(before)
