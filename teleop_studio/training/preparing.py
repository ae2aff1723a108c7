"""From a run's configuration to what each of its processes learns with: device, shards and data set."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.training.chunk_dataset import ChunkDataset, build_dataset
from teleop_studio.training.episodes import common_task, demonstrations
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.feature_cache import with_features
from teleop_studio.training.run_episodes import UsedEpisode
from teleop_studio.training.settings import TrainSettings

_CPU_SHARDS = 2


def with_shards(settings: TrainSettings, device: torch.device, launched: int) -> TrainSettings:
    """The settings with the parts that each batch is cut into, once and for all runs of this folder.

    `launched` processes of `accelerate launch`. On CPUs two parts, whatever computes them: so a run is the same on one
    and on two cores. Raises `TrainingError` for more processes than parts or cores.
    """
    fewest = min(_CPU_SHARDS, settings.batch) if device.type == "cpu" else 1
    settings = replace(settings, shards=settings.shards or max(fewest, launched, settings.processes))
    processes = max(launched, settings.processes)
    if processes > settings.shards or settings.shards > settings.batch:
        raise TrainingError(
            f"{processes} processes can not share batches of {settings.batch} moments in {settings.shards} shards: "
            f"each needs a shard, and a shard a moment. Use at most {min(settings.shards, settings.batch)} processes."
        )
    cores = usable_cores()
    if launched == 1 and settings.processes > 1 and device.type != "cpu":
        raise TrainingError(
            f"{settings.processes} processes on {device} have to be started by accelerate: accelerate launch "
            f"--num_processes {settings.processes} -m teleop_studio.processes.trainer_process --run RUN."
        )
    if launched == 1 and settings.processes > cores:
        raise TrainingError(f"processes = {settings.processes}, but this machine has {cores} cores to use. Use fewer.")
    return settings


def wanted_processes(settings: TrainSettings, device: torch.device) -> int:
    """How many shall share a batch on this machine, without `accelerate launch`."""
    if device.type != "cpu":
        return 1
    return settings.processes or min(settings.shards or 1, usable_cores())


def usable_cores() -> int:
    """Cores this process may use: a container or a batch queue often allows fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_dataset(
    settings: TrainSettings,
    paths: Sequence[Path],
    cache: Path,
    device: torch.device,
    on_episode: Callable[[int], None] = lambda count: None,
    earlier: Sequence[UsedEpisode] = (),
) -> ChunkDataset:
    """What is learnt from. Arguments and errors of `build_dataset`."""
    task = common_task(list(paths))
    config = _policy_config(task.config, settings)
    dataset = build_dataset(demonstrations(paths), config, task.tip_of, cache, on_episode, earlier)
    return with_features(dataset, settings, cache, str(device), on_episode)


def _policy_config(config: PolicyConfig, settings: TrainSettings) -> PolicyConfig:
    """The task's configuration as this run wants it. Raises `TrainingError` for what no policy can have."""
    try:
        return replace(config, **settings.config)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"The run's config {settings.config} does not fit: {error} Start a new run.") from error
