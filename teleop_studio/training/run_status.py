"""What the window shows of a run. Cheap enough for 2 Hz: only new lines of the curves are read."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teleop_studio.policies.checkpoint_folder import checkpoints, read_best
from teleop_studio.status import RunInfo, TrainingStatus
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.run_folder import (
    AT_WORK,
    CONFIG,
    FINISHED,
    METRICS,
    PAUSED,
    REMOTE,
    RunState,
    is_running,
    read_config,
    read_state,
    saved_step,
    stop_requested,
)


@dataclass
class _Curves:
    """What has been read of one metrics file so far."""

    inode: int = 0
    offset: int = 0
    loss: list[tuple[float, float]] = field(default_factory=list)
    held_out: list[tuple[float, float]] = field(default_factory=list)


_known: dict[Path, _Curves] = {}


def read_status(run: Path) -> TrainingStatus:
    """A run as its folder tells it; all zero before its trainer has begun.

    A run whose trainer died says so in `error`. Raises `TrainingError` for a folder that is no run of this program.
    """
    settings = read_config(run).settings if (run / CONFIG).exists() else None
    state = read_state(run) or RunState("", settings.steps if settings else 0, 0)
    running = is_running(state)
    curves, best = _curves(run), read_best(run)
    return TrainingStatus(
        run=run,
        policy=settings.policy if settings else "",
        running=running,
        finished=state.phase == FINISHED,
        stopping=running and stop_requested(run),
        error=state.error or _silent_death(run, state, running),
        step=state.step,
        steps=state.steps,
        loss=_number(state.loss),
        held_out_error=_number(state.held_out_error),
        elapsed_s=state.elapsed_s,
        eta_s=_number(state.eta_s) if running else 0.0,
        steps_per_s=state.steps_per_s if running else 0.0,
        episodes=state.episodes,
        loss_curve=_rows(curves.loss),
        held_out_curve=_rows(curves.held_out),
        prepared=state.prepared,
        paused=running and state.phase == PAUSED,
        device=state.device,
        note=state.note if running else "",
        checkpoint_step=saved_step(run),
        best_step=0 if best is None else best.step,
        best_by="" if best is None else best.by,
    )


def was_interrupted(run: Path) -> bool:
    """Whether its trainer was ended in the middle of its work: killed, or the machine was switched off."""
    state = read_state(run)
    return state is not None and state.phase in AT_WORK and not is_running(state)


def list_runs(folder: Path) -> list[RunInfo]:
    """All runs of a folder, newest first. `step` is that of the newest checkpoint: what can be played or resumed."""
    if not folder.is_dir():
        return []
    found = []
    for run in folder.iterdir():
        if run.name.startswith(".") or not (run / CONFIG).is_file():
            continue
        try:
            config = read_config(run)
        except TrainingError:
            continue  # written by another version; opening it says why
        found.append((config.created_s, _info(run, config.settings.policy, config.settings.steps)))
    return [info for _, info in sorted(found, key=lambda pair: (-pair[0], pair[1].name))]


def _info(run: Path, policy: str, steps: int) -> RunInfo:
    state, best = read_state(run) or RunState("", steps, 0), read_best(run)
    return RunInfo(
        path=run,
        name=run.name,
        policy=policy,
        step=saved_step(run),
        steps=state.steps,
        held_out_error=_number(state.held_out_error),
        episodes=state.episodes,
        finished=state.phase == FINISHED,
        checkpoints=tuple(int(folder.name) for folder in checkpoints(run)),
        best_step=0 if best is None else best.step,
        best_by="" if best is None else best.by,
        interrupted=state.phase in AT_WORK and not is_running(state),
        paused=state.phase == PAUSED and is_running(state),
    )


def _silent_death(run: Path, state: RunState, running: bool) -> str:
    if running or not state.pid or state.phase not in AT_WORK:
        return ""
    if (run / REMOTE).exists():
        return (
            "Nobody here follows this training any more: its process here ended unexpectedly. The training itself goes "
            "on on its host. Resume the run to follow it again."
        )
    saved = saved_step(run)
    advice = f"Resume it: it goes on from step {saved}." if saved else "Start it again: no checkpoint was saved yet."
    return f"The training process ended unexpectedly at step {state.step}. {advice}"


def _curves(run: Path) -> _Curves:
    path = run / METRICS
    try:
        stat = path.stat()
    except OSError:
        _known.pop(run, None)
        return _Curves()
    known = _known.get(run)
    # Resuming replaces the file by a shorter one.
    if known is None or known.inode != stat.st_ino or stat.st_size < known.offset:
        known = _known[run] = _Curves(inode=stat.st_ino)
    if stat.st_size > known.offset:
        _read_on(path, known)
    return known


def _read_on(path: Path, curves: _Curves) -> None:
    with path.open("rb") as file:
        file.seek(curves.offset)
        new = file.read()
    whole = new[: new.rfind(b"\n") + 1]  # the last line may still be being written
    curves.offset += len(whole)
    for line in whole.splitlines():
        row = json.loads(line)
        if "loss" in row:
            curves.loss.append((row["step"], row["loss"]))
        if "held_out_error" in row:
            curves.held_out.append((row["step"], row["held_out_error"]))


def _rows(rows: list[tuple[float, float]]) -> NDArray[np.float64]:
    return np.array(rows, np.float64).reshape(-1, 2)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
