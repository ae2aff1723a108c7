"""A training run as a folder: what was asked for, how far it is, its curves. Free of torch: the window reads it.

config.json       what the run was started with
episodes.json     what it learns from, to the byte, and which of it is held out; see `run_episodes`
environment.json  with which program, packages, machine and device; see `environment`
status.json       how far it is, and which process says so; replaced as a whole
metrics.jsonl     one line per measurement, appended; tensorboard/ the same for TensorBoard, see `curves`
checkpoints/      <step>/ weights and description; see `policies.checkpoint`
best.json         which of them is played, and why that one; see `best`
stop              its presence asks the trainer to save and end
pause             its presence asks the trainer to save and wait
trainer.log       what the process printed
remote.json       only of a run that another machine trains: which, and where; see `remote.assignment`
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from teleop_studio.policies.checkpoint_folder import newest_checkpoint
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.process_mark import is_alive, process_mark
from teleop_studio.training.settings import CONSTANT, TrainSettings

CONFIG, STATUS, METRICS, STOP, PAUSE = "config.json", "status.json", "metrics.jsonl", "stop", "pause"
REMOTE = "remote.json"

PREPARING, TRAINING, PAUSED, FINISHED, STOPPED, FAILED = (
    "preparing", "training", "paused", "finished", "stopped", "failed"
)  # fmt: skip
AT_WORK = (PREPARING, TRAINING, PAUSED)


@dataclass(frozen=True)
class RunConfig:
    """What a run was started with.

    `data` the folders and files that were named, `episodes` the files chosen from them: a resumed run uses the same
    again. `episodes` is empty until they have been chosen. `created_s` seconds since 1970.
    """

    settings: TrainSettings
    data: tuple[Path, ...]
    episodes: tuple[Path, ...]
    created_s: float


@dataclass(frozen=True)
class RunState:
    """How far a run is; `prepared` of its `episodes` have their pictures ready. `device` it runs on, in words.

    `note` what happens beside the steps, one sentence.
    `pid` and `pid_mark` tell the trainer from a later process with the same number, also after a reboot.
    """

    phase: str
    steps: int
    episodes: int
    step: int = 0
    loss: float | None = None
    held_out_error: float | None = None
    elapsed_s: float = 0.0
    eta_s: float | None = None
    steps_per_s: float = 0.0
    error: str = ""
    pid: int = 0
    pid_mark: str = ""
    prepared: int = 0
    device: str = ""
    note: str = ""


def begin_run(run: Path, settings: TrainSettings, data: Sequence[Path]) -> None:
    """Make the folder of a new run that learns from the episodes in `data`. Raises `TrainingError` when it is one."""
    if (run / CONFIG).exists():
        raise TrainingError(f"{run} exists already. Resume it, or choose another name.")
    write_config(run, RunConfig(settings, tuple(path.resolve() for path in data), (), now_s()))


def lengthen_run(run: Path, steps: int | None) -> RunConfig:
    """What a run goes on with: its own configuration, with more `steps` where they are more.

    Raises `TrainingError` for a run that is being trained, or has nothing left to do.
    """
    config, state = read_config(run), read_state(run)
    if state is not None and is_running(state):
        raise TrainingError(f"{run.name} is being trained already, by process {state.pid}. Stop it first.")
    saved = saved_step(run)
    settings = config.settings.lengthened(steps or 0, saved)
    if saved >= settings.steps:
        raise TrainingError(f"{run.name} has done all its {settings.steps} steps. Give more steps to train it further.")
    if settings != config.settings:
        config = replace(config, settings=settings)
        write_config(run, config)
    return config


def write_config(run: Path, config: RunConfig) -> None:
    """Make the run's folder and say in it what is asked for."""
    run.mkdir(parents=True, exist_ok=True)
    content = {
        "settings": asdict(config.settings),
        "data": [str(path) for path in config.data],
        "episodes": [str(path) for path in config.episodes],
        "created_s": config.created_s,
    }
    _replace(run / CONFIG, json.dumps(content, indent=1) + "\n")


def read_config(run: Path) -> RunConfig:
    """Raises `TrainingError` when `run` is no run of this program."""
    try:
        raw = json.loads((run / CONFIG).read_text())
        # A run of an older version: it learns on as it began.
        settings = {"schedule": CONSTANT, "shards": 1, **raw["settings"]}
        settings["betas"] = tuple(settings["betas"])
        data, episodes = (tuple(Path(path) for path in raw[name]) for name in ("data", "episodes"))
        return RunConfig(TrainSettings(**settings), data, episodes, float(raw["created_s"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{run} is no training run that can be read: {error!r}. Choose another run, or train anew."
        ) from error


def write_state(run: Path, state: RunState) -> None:
    """Replace status.json; the calling process is named as the trainer."""
    content = {**asdict(state), "pid": os.getpid(), "pid_mark": process_mark(os.getpid())}
    _replace(run / STATUS, json.dumps(content) + "\n")


def read_state(run: Path) -> RunState | None:
    """None before the trainer said anything."""
    try:
        raw = json.loads((run / STATUS).read_text())
    except (OSError, ValueError):
        return None
    return RunState(**{field.name: raw[field.name] for field in fields(RunState) if field.name in raw})


def is_running(state: RunState) -> bool:
    """Whether the process that wrote `state` lives and is still at work; a recycled process number does not count."""
    return state.phase in AT_WORK and is_alive(state.pid, state.pid_mark)


def request_stop(run: Path) -> None:
    """Ask the trainer to save a checkpoint and end; it obeys within a step."""
    (run / STOP).touch()


def stop_requested(run: Path) -> bool:
    return (run / STOP).exists()


def clear_stop(run: Path) -> None:
    (run / STOP).unlink(missing_ok=True)


def request_pause(run: Path) -> None:
    """Ask the trainer to save a checkpoint and wait until `clear_pause`; it obeys within a step."""
    (run / PAUSE).touch()


def pause_requested(run: Path) -> bool:
    return (run / PAUSE).exists()


def clear_pause(run: Path) -> None:
    (run / PAUSE).unlink(missing_ok=True)


def add_metrics(run: Path, step: int, **values: float) -> None:
    """Append one measurement."""
    with (run / METRICS).open("a") as file:
        file.write(json.dumps({"step": step, **values}) + "\n")


def forget_metrics_after(run: Path, step: int) -> None:
    """Drop what a run measured beyond the checkpoint it resumes from: it will measure it again."""
    path = run / METRICS
    if path.exists():
        lines = [line for line in path.read_text().splitlines() if _step_of(line) <= step]
        _replace(path, "".join(line + "\n" for line in lines))


def saved_step(run: Path) -> int:
    """Step of the newest checkpoint; 0 without one."""
    checkpoint = newest_checkpoint(run)
    return 0 if checkpoint is None else int(checkpoint.name)


def now_s() -> float:
    return time.time()


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # a line that was cut off by a crash


def _replace(path: Path, text: str) -> None:
    """A reader sees the old or the new file, never a part."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(text)
    unfinished.replace(path)
