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
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.training.episodes import choose_episodes, common_task, demonstrations
from teleop_studio.training.errors import StopRequested, TrainingError
from teleop_studio.training.run_episodes import UsedEpisode, read_episodes, write_episodes
from teleop_studio.training.run_folder import (
    FAILED,
    FINISHED,
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
    from teleop_studio.training.trainer import TrainProgress

LOWEST_PRIORITY = 19
_CACHE = ".pictures"  # beside the run, for one that stands outside a workspace
_TELL_EVERY_S = 0.5


def run_training(run: Path, cache: Path | None = None, niceness: int = LOWEST_PRIORITY) -> int:
    """Train the run in the folder `run` as its config.json says, at low priority. Returns an exit code.

    It goes on from the newest checkpoint; SIGTERM stops it as the stop file does: it saves a checkpoint first. Every
    failure is written where the window reads it. `cache` the folder of reduced pictures that runs share; `.pictures`
    beside the run when left out.
    """
    os.nice(max(0, niceness - os.nice(0)))  # an arm may be live beside it
    # Two torch threads on a loaded machine are many times slower; numpy's and torch's pools read this when imported.
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        config = lengthen_run(run, None)
        clear_stop(run)
    except (TrainingError, OSError) as error:
        print(f"Training can not start. {error}", file=sys.stderr)
        return 1
    with _stopped_by_signal(run):
        return _reported(run, config, cache or run.parent / _CACHE)


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

    from teleop_studio.training.chunk_dataset import build_dataset
    from teleop_studio.training.picture_cache import cache_limit_bytes, make_room
    from teleop_studio.training.trainer import train

    torch.set_num_threads(1)
    limit_bytes = cache_limit_bytes()
    earlier = _earlier(run)
    paths = config.episodes or tuple(choose_episodes(config.data))
    write_config(run, replace(config, episodes=paths))
    task = common_task(list(paths))
    state = replace(state, episodes=len(paths))
    yield state
    dataset = build_dataset(
        demonstrations(paths),
        _policy_config(task.config, config.settings),
        task.tip_of,
        cache,
        _preparing(run, state),
        earlier=earlier,
    )
    write_episodes(run, dataset.episodes)
    make_room(cache, limit_bytes, dataset.cached)
    state = replace(state, prepared=len(paths))
    for progress in train(config.settings, run, dataset):
        state = _after(state, progress)
        yield state
    yield replace(state, phase=STOPPED if progress.stopped else FINISHED)


def _policy_config(config: PolicyConfig, settings: TrainSettings) -> PolicyConfig:
    """The task's configuration as this run wants it. Raises `TrainingError` for what no policy can have."""
    try:
        return replace(config, **settings.config)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"The run's config {settings.config} does not fit: {error} Start a new run.") from error


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
        phase=TRAINING,
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
