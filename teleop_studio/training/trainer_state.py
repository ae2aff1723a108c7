"""What a trainer keeps beside a checkpoint to go on to the last bit: raw weights and optimiser, as safetensors."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.optim import Optimizer

from teleop_studio.policies.checkpoint import write_tensors
from teleop_studio.policies.checkpoint_folder import checkpoints
from teleop_studio.policies.policy import Policy
from teleop_studio.training.errors import TrainingError

TENSORS, NUMBERS = "trainer.safetensors", "trainer.json"


@dataclass(frozen=True)
class TrainerNumbers:
    """`moments` guards against recordings that changed since; batches are a function of seed, step and moments."""

    step: int
    moments: int
    elapsed_s: float


def save_trainer(folder: Path, policy: Policy, optimizer: Optimizer, numbers: TrainerNumbers) -> None:
    """Write both files into a checkpoint's folder."""
    tensors = {f"weights/{name}": tensor for name, tensor in policy.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": tensor for name, tensor in values.items()}
    write_tensors(folder / TENSORS, tensors)
    (folder / NUMBERS).write_text(json.dumps(vars(numbers)) + "\n")


def load_trainer(folder: Path, policy: Policy, optimizer: Optimizer) -> TrainerNumbers:
    """Put weights and optimiser back. Raises `TrainingError` when the checkpoint can only be played."""
    try:
        tensors = load_file(folder / TENSORS)
        numbers = TrainerNumbers(**json.loads((folder / NUMBERS).read_text()))
        policy.load_state_dict(_below("weights/", tensors))
        optimizer.load_state_dict(_optimizer_state(_below("optimizer/", tensors), optimizer))
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise TrainingError(
            f"Training can not go on from {folder}: {error}. "
            "The checkpoint can still be played; train anew to improve it."
        ) from error
    return numbers


def keep_only_newest(run: Path) -> None:
    """Remove the trainer's files from all checkpoints but the newest: they are three times as large as the policy."""
    for folder in checkpoints(run)[:-1]:
        (folder / TENSORS).unlink(missing_ok=True)
        (folder / NUMBERS).unlink(missing_ok=True)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _optimizer_state(flat: dict[str, Tensor], optimizer: Optimizer) -> dict[str, Any]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in flat.items():
        index, _, value = name.partition("/")
        state.setdefault(int(index), {})[value] = tensor
    return {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
