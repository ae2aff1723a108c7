"""A trained policy on disk: weights as safetensors, everything else as JSON. Nothing is ever pickled."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from teleop_studio.policies import build_policy
from teleop_studio.policies.checkpoint_folder import DESCRIPTION, WEIGHTS
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.policies.policy import Policy

FORMAT = "teleop-studio/checkpoint"
FORMAT_VERSION = 1


class CheckpointError(Exception):
    """A checkpoint can not be used; says why and what to do."""


@dataclass(frozen=True)
class CheckpointInfo:
    """What `checkpoint.json` says. `name` of `POLICIES`, `settings` the policy's own."""

    name: str
    step: int
    config: PolicyConfig
    settings: dict[str, Any]

    def require(self, rig: "RigShape") -> None:
        """Raises `CheckpointError`, which names every difference, unless the policy fits the rig."""
        differences = rig.differences(self.config)
        if differences:
            raise CheckpointError(
                " ".join(differences) + " Use a rig like the one it was trained on, or train on recordings of this one."
            )


@dataclass(frozen=True)
class RigShape:
    """What a policy must fit. `cameras` and `joint_names` in order.

    `picture_px` the shorter side of each camera's pictures, `control_hz` how often the arm is given a goal; None where
    there is no rig yet, as in training.
    """

    cameras: tuple[str, ...]
    joint_names: tuple[str, ...]
    picture_px: Mapping[str, int] = field(default_factory=dict)
    control_hz: float | None = None

    def differences(self, config: PolicyConfig) -> list[str]:
        """A sentence for each reason why a policy with this configuration does not fit; none when it does."""
        found = []
        if self.cameras != config.cameras:
            found.append(
                f"The policy was trained with the cameras {', '.join(config.cameras)}; here they are "
                f"{', '.join(self.cameras) or 'none'}."
            )
        if self.joint_names != config.joint_names:
            found.append(
                f"The policy drives the joints {', '.join(config.joint_names)}; this arm has "
                f"{', '.join(self.joint_names)}."
            )
        for camera, side_px in self.picture_px.items():
            if camera in config.cameras and side_px < config.picture_px:
                found.append(
                    f"The policy looks at pictures of {config.picture_px}x{config.picture_px}; those of the camera "
                    f"{camera} have only {side_px} pixels on their shorter side."
                )
        if self.control_hz is not None and config.chunk_dt_s * self.control_hz < 1.0:
            found.append(
                f"The policy gives {1.0 / config.chunk_dt_s:.0f} goals a second; this arm is given only "
                f"{self.control_hz:.0f}."
            )
        return found


def save_checkpoint(
    folder: Path,
    info: CheckpointInfo,
    weights: dict[str, Tensor],
    write_more: Callable[[Path], None] | None = None,
) -> None:
    """Write a checkpoint so that `folder` either is whole or does not exist.

    `write_more(folder)` may add files before the folder gets its name. Raises `CheckpointError` when the disk refuses.
    """
    unfinished = folder.with_name(folder.name + ".unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        write_tensors(unfinished / WEIGHTS, weights)
        if write_more is not None:
            write_more(unfinished)
        description = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(info)}
        (unfinished / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n")
        for path in unfinished.iterdir():
            _sync(path)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
        _sync(folder.parent)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"The checkpoint {folder} could not be written: {error}. Free space or correct the folder's permissions; "
            "the run can be resumed from its last checkpoint."
        ) from error


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a safetensors file with the usual permissions; the library's own writer hides it from the group."""
    path.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))


def read_info(folder: Path) -> CheckpointInfo:
    """What the checkpoint says about itself. Raises `CheckpointError` when it is not one or is of another version."""
    path = folder / DESCRIPTION
    try:
        raw = json.loads(path.read_text())
        if raw["format"] != FORMAT or raw["format_version"] != FORMAT_VERSION:
            raise CheckpointError(
                f"{path} is {raw['format']} version {raw['format_version']}; this program reads {FORMAT} version "
                f"{FORMAT_VERSION}. Use the program version that wrote it, or train again."
            )
        return CheckpointInfo(raw["name"], int(raw["step"]), _config(raw["config"]), raw["settings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} can not be read as a checkpoint: {error!r}. Choose another one.") from error


def load_policy(folder: Path) -> tuple[Policy, CheckpointInfo]:
    """The policy as it was saved, ready to play. Raises `CheckpointError`."""
    info = read_info(folder)
    try:
        policy = build_policy(info.name, info.config, info.settings)
        policy.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{folder / WEIGHTS} does not hold the weights of a {info.name!r} policy: {error}. "
            "Choose another checkpoint."
        ) from error
    policy.train(False)
    return policy, info


def _config(raw: dict[str, Any]) -> PolicyConfig:
    unknown = set(raw) - {known.name for known in fields(PolicyConfig)}
    if unknown:
        raise ValueError(f"unknown settings {sorted(unknown)}")
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
    return PolicyConfig(**values)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
