"""A process that shares the batches of a training and nothing else: it writes nothing and decides nothing."""

import sys
import traceback
from pathlib import Path

import torch

from teleop_studio.policies.checkpoint_folder import newest_checkpoint
from teleop_studio.training.devices import choose_device
from teleop_studio.training.helper_processes import end_with_the_main_process, say_ready
from teleop_studio.training.preparing import load_dataset
from teleop_studio.training.run_episodes import read_episodes
from teleop_studio.training.run_folder import read_config
from teleop_studio.training.team import Team, TeamLost
from teleop_studio.training.trainer import Trainer
from teleop_studio.training.training_loop import follow


def take_part(run: Path, cache: Path, helper: bool) -> int:
    """Do each step that the main process announces, until it says that it is over. Returns an exit code.

    A `helper` was started by the main process when there was something to share, and joins it once it is ready; the
    others, of `accelerate launch`, meet first and begin together.
    """
    torch.set_num_threads(1)
    try:
        if helper:
            end_with_the_main_process()
            trainer = _trainer(run, cache, torch.device("cpu"))
            say_ready()
            team = Team.join(cpu=True)
        else:
            device = choose_device(read_config(run).settings.device)
            team = Team.join(cpu=device.type == "cpu")
            team.told()  # that everything is prepared
            trainer = _trainer(run, cache, team.device)
            checkpoint = newest_checkpoint(run)
            if checkpoint is not None:
                trainer.resume(checkpoint)
        follow(trainer, team)
        team.leave()
    except TeamLost as lost:
        print(f"The training process that this one helped has ended: {lost}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _trainer(run: Path, cache: Path, device: torch.device) -> Trainer:
    config = read_config(run)
    dataset = load_dataset(config.settings, config.episodes, cache, device, earlier=read_episodes(run))
    return Trainer(config.settings, dataset, device)
