"""A training run as a process of its own: survives the window, and says in the run's folder how it fares."""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recorders.errors import RecorderError
from teleop_studio.training.environment import add_environment
from teleop_studio.training.episodes import choose_episodes
from teleop_studio.training.errors import StopRequested, TrainingError
from teleop_studio.training.priority import LOWEST_PRIORITY, step_back
from teleop_studio.training.run_episodes import UsedEpisode, read_episodes, write_episodes
from teleop_studio.training.run_folder import (
    FAILED,
    FINISHED,
    PAUSED,
    PREPARING,
    STOPPED,
    TRAINING,
    RunConfig,
    RunState,
    clear_stop,
    lengthen_run,
    read_state,
    request_stop,
    saved_step,
    stop_requested,
    write_config,
    write_state,
)
from teleop_studio.training.settings import TrainSettings

if TYPE_CHECKING:
    import torch

    from teleop_studio.training.sharing import Sharing
    from teleop_studio.training.training_loop import TrainProgress

_CACHE = ".pictures"  # beside the run, for one that stands outside a workspace
_TELL_EVERY_S = 0.5


def run_training(run: Path, cache: Path | None = None, niceness: int = LOWEST_PRIORITY, helper: bool = False) -> int:
    """Train the run in the folder `run` as its config.json says, at low priority. Returns an exit code.

    It goes on from the newest checkpoint; SIGTERM stops it as the stop file does: it saves a checkpoint first. Every
    failure is written where the window reads it. `cache` the folder of reduced pictures that runs share; `.pictures`
    beside the run when left out. `helper`: another process trains this run and has started this one to share batches.
    """
    if not helper:  # it has its priority from the one that started it
        step_back(niceness)
    # Two torch threads on a loaded machine are many times slower; numpy's and torch's pools read this when imported.
    os.environ["OMP_NUM_THREADS"] = "1"
    cache = cache or run.parent / _CACHE
    if helper or os.environ.get("RANK", "0") != "0":
        from teleop_studio.training.teammate import take_part

        return take_part(run, cache, helper)
    try:
        config = lengthen_run(run, None)
        clear_stop(run)
    except (TrainingError, OSError) as error:
        print(f"Training can not start. {error}", file=sys.stderr)
        return 1
    with _stopped_by_signal(run):
        return _reported(run, config, cache)


def _reported(run: Path, config: RunConfig, cache: Path) -> int:
    state = replace(
        read_state(run) or RunState(PREPARING, 0, 0),
        phase=PREPARING,
        steps=config.settings.steps,
        step=saved_step(run),
        error="",
        prepared=0,
    )
    try:
        write_state(run, state)
        for changed in _states(run, config, state, cache):
            state = changed
            write_state(run, state)
    except StopRequested:
        write_state(run, replace(state, phase=STOPPED))
    except Exception as error:  # whatever it was: the window shows it, the log has the trace
        traceback.print_exc()
        with contextlib.suppress(OSError):  # a full disk may have been the reason
            write_state(run, replace(state, phase=FAILED, error=_told(error)))
        return 1
    finally:
        clear_stop(run)
    return 0


def _states(run: Path, config: RunConfig, state: RunState, cache: Path) -> Iterator[RunState]:
    """Prepare and train; yields the run's state whenever it changes."""
    import torch

    from teleop_studio.training.devices import choose_device, device_title
    from teleop_studio.training.picture_cache import cache_limit_bytes, make_room
    from teleop_studio.training.preparing import load_dataset, with_shards
    from teleop_studio.training.training_loop import train

    torch.set_num_threads(1)
    limit_bytes = cache_limit_bytes()
    device = choose_device(config.settings.device)
    settings = with_shards(config.settings, device, launched_size())
    sharing, device = _sharing(run, settings, cache, device)
    earlier = _earlier(run)
    paths = config.episodes or tuple(choose_episodes(config.data))
    write_config(run, replace(config, settings=settings, episodes=paths))
    state = replace(state, episodes=len(paths), device=device_title(device, sharing.processes))
    add_environment(run, state.step, state.device, sharing.processes, settings)
    print(f"Training {run.name} on {state.device}.", flush=True)
    yield state
    dataset = load_dataset(settings, paths, cache, device, _preparing(run, state), earlier)
    write_episodes(run, dataset.episodes)
    make_room(cache, limit_bytes, dataset.cached)
    sharing.prepared()
    state = replace(state, prepared=len(paths))
    for progress in train(settings, run, dataset, device, sharing):
        state = replace(_after(state, progress), device=device_title(device, progress.processes))
        yield state
    yield replace(state, phase=STOPPED if progress.stopped else FINISHED)


def _sharing(
    run: Path, settings: TrainSettings, cache: Path, device: "torch.device"
) -> tuple["Sharing", "torch.device"]:
    """Who shares the batches, and the device of this process."""
    from teleop_studio.training.helper_processes import Helpers, helper_arguments
    from teleop_studio.training.preparing import wanted_processes
    from teleop_studio.training.sharing import Sharing
    from teleop_studio.training.team import Team

    if launched_size() > 1:
        team = Team.join(cpu=device.type == "cpu")
        return Sharing.launched(team), team.device
    processes = wanted_processes(settings, device)
    arguments = helper_arguments(run, cache)
    return Sharing(processes, lambda: Helpers(arguments, processes - 1), wait=settings.processes > 1), device


def _earlier(run: Path) -> tuple[UsedEpisode, ...]:
    """The episodes that the run's checkpoint was made from; empty for a run without one.

    Raises `TrainingError` when nobody wrote them down: which of them were held out is then not known.
    """
    if not saved_step(run):
        return ()
    earlier = read_episodes(run)
    if not earlier:
        raise TrainingError(
            f"{run.name} was begun by an older version, which did not write down the episodes it held out. "
            "Its policy can still be deployed; train a new run to go on."
        )
    return earlier


def _preparing(run: Path, state: RunState) -> Callable[[int], None]:
    """Called after each episode: tells how many pictures are ready, and ends the run when that is wished."""
    told_s = time.monotonic()

    def on_episode(count: int) -> None:
        nonlocal told_s
        if stop_requested(run):
            raise StopRequested
        if time.monotonic() - told_s >= _TELL_EVERY_S:
            told_s = time.monotonic()
            write_state(run, replace(state, prepared=count))

    return on_episode


def _after(state: RunState, progress: "TrainProgress") -> RunState:
    return replace(
        state,
        phase=PAUSED if progress.paused else TRAINING,
        step=progress.step,
        loss=state.loss if progress.loss is None else progress.loss,
        held_out_error=state.held_out_error if progress.held_out_error is None else progress.held_out_error,
        elapsed_s=progress.elapsed_s,
        steps_per_s=progress.steps_per_s,
        eta_s=progress.eta_s,
    )


def _told(error: Exception) -> str:
    """Our own errors are sentences; others get a title and the way to the details."""
    from teleop_studio.policies.checkpoint import CheckpointError

    if isinstance(error, TrainingError | CheckpointError | RecorderError):
        return str(error)
    if isinstance(error, OSError):
        return f"The run's folder or the recordings could not be used: {error}. Check the disk, then resume the run."
    return f"Training failed: {type(error).__name__}: {error}. The log has the details; the run can be resumed."


def launched_size() -> int:
    """How many processes `accelerate launch` started for this run; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextlib.contextmanager
def _stopped_by_signal(run: Path) -> Iterator[None]:
    """While inside, SIGTERM asks the run to stop instead of ending it unsaved."""

    def stop(_: int, __: Any) -> None:
        request_stop(run)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
