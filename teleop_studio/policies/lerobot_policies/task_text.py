"""Task texts to token numbers. The tokenizer travels with the weights, as bytes, so that a checkpoint needs no hub."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class TaskText(nn.Module):
    """A tokenizer whose file is a buffer: it is saved, loaded and copied like a weight, and nothing is executed."""

    file: Tensor

    def __init__(self, file_bytes: int) -> None:
        super().__init__()
        self.register_buffer("file", torch.zeros(file_bytes, dtype=torch.uint8))
        self._tokenizer: Any = None

    def forward(self, texts: Sequence[str], most: int) -> tuple[Tensor, Tensor]:
        """B texts -> token numbers (B, L) and which of them are real (B, L), on the buffer's device.

        Raises `ValueError` for a text of more than `most` tokens.
        """
        if self._tokenizer is None:
            from tokenizers import Tokenizer  # type: ignore[import-untyped]

            self._tokenizer = Tokenizer.from_str(bytes(self.file.cpu().numpy()).decode())
            self._tokenizer.no_truncation()
            self._tokenizer.enable_padding(direction="right")
        encoded = self._tokenizer.encode_batch(list(texts))
        for text, one in zip(texts, encoded, strict=True):
            if sum(one.attention_mask) > most:
                raise ValueError(
                    f"The task {text.strip()!r} is {sum(one.attention_mask)} tokens long; the policy reads {most}. "
                    "Say it in fewer words."
                )
        numbers = torch.tensor([one.ids for one in encoded], dtype=torch.long, device=self.file.device)
        real = torch.tensor([one.attention_mask for one in encoded], device=self.file.device)
        return numbers, real > 0


def tokenizer_file(folder: Path) -> bytes:
    """The folder's tokenizer as one JSON file, as LeRobot would use it. Raises `ValueError` when there is none."""
    from transformers import AutoTokenizer

    files = ("tokenizer.json", "tokenizer.model")
    try:
        if not any((folder / name).is_file() for name in files):
            raise FileNotFoundError(f"neither {' nor '.join(files)} is there.")
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        text: str = tokenizer.backend_tokenizer.to_str()
    except Exception as error:  # a missing or damaged file shows in many ways
        raise ValueError(
            f"There is no usable tokenizer in {folder}: {str(error).strip().partition(chr(10))[0]} "
            "Its tokenizer.json and tokenizer_config.json must be there."
        ) from error
    return text.encode()
