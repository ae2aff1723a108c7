"""Commands that move an arm: record, rollout."""

import argparse
import select
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from teleop_studio import jobs
from teleop_studio.commands.driving import CommandFailed, named_rig, opened, run_script, say, until_job_ends
from teleop_studio.evaluation.trials import TrialResult
from teleop_studio.learning_status import PairPrompt
from teleop_studio.script import Say, Step, Wait
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace


def record(options: argparse.Namespace) -> dict[str, Any]:
    """Record `--episodes` demonstrations into `--out`."""
    workspace = Workspace.create(options.workspace, options.out)
    rig = named_rig(options.rig, workspace)
    if options.fast and not options.scripted:
        raise CommandFailed("--fast records in lock-step, which a hand can not. Add --scripted, or leave out --fast.")
    if options.scripted and not rig.simulated:
        raise CommandFailed(f"{rig.name} is a real rig: the scripted operator moves only the simulated leader.")
    studio = Studio(rig, workspace, options.seed)
    if options.operator is not None:
        studio.operator = options.operator
    try:
        run_script(studio, _recording(studio, options))
        rows = studio.episodes()[-_takes(options) :]
    finally:
        studio.close()
    return {
        "episodes": [str(row.path) for row in rows],
        "frames": sum(row.frames for row in rows),
        "gaps": sum(row.gaps for row in rows),
    }


def _recording(studio: Studio, options: argparse.Namespace) -> Iterator[Step]:
    takes, paired = _takes(options), options.pairs is not None
    if options.fast:
        studio.record_scripted(takes, fast=True, seed=options.seed, task=options.task, paired=paired)
        yield from until_job_ends(studio)
        return
    yield from opened(studio)
    if options.scripted:
        studio.record_scripted(takes, seed=options.seed, task=options.task, paired=paired)
        yield from until_job_ends(studio)
        return
    if paired:
        studio.start_pairs(options.pairs, options.seed)
        while studio.rig.simulated and not studio.scene_ready:
            yield Wait()
    yield from _by_hand(studio, takes, options.task)


def _takes(options: argparse.Namespace) -> int:
    count: int = options.episodes if options.pairs is None else 2 * options.pairs
    return count


def _by_hand(studio: Studio, episodes: int, task: str) -> Iterator[Step]:
    kept = 0
    yield Say("The follower copies the leader. Enter starts a take, Enter keeps it, d and Enter discards it.")
    while kept < episodes:
        yield from _following(studio)
        if studio.pair is not None:
            yield Say(_prompt(studio.pair))
        yield from _line()
        studio.record(task)
        yield Say(f"Recording take {kept + 1} of {episodes}.")
        answer = yield from _line()
        if answer.strip().lower() == "d":
            studio.discard()
            yield Say("Discarded.")
            continue
        saved = studio.newest_saved
        studio.accept()
        yield from _until_saved(studio, saved)
        if studio.newest_saved == saved:
            yield Say([*studio.status.notices, "The take was not kept."][-1])
            continue
        kept += 1
        yield Say(f"Kept {studio.newest_saved}.")


def _prompt(pair: PairPrompt) -> str:
    todo = pair.todo.replace("Space", "Enter")
    return f"Layout {pair.layout} of {pair.layouts}, now from the {pair.side.upper()}. {todo}"


def _following(studio: Studio) -> Iterator[Step]:
    """Let the follower copy the leader, also after the simulated scene was put back."""
    yield Wait()  # the status is still that of the moment before
    while studio.rig.simulated and not studio.scene_ready:
        yield Wait()
    if studio.status.state is State.IDLE:
        studio.teleop()
        yield Wait()


def _until_saved(studio: Studio, saved: Path | None) -> Iterator[Step]:
    """Wait for a newer episode file than `saved`, or until it is clear that none will come."""
    yield Wait()  # the status is still that of the moment before
    while studio.newest_saved == saved:
        recorder = studio.status.recorder
        if studio.status.state is State.FAULT:
            raise CommandFailed(studio.status.notices[-1])
        if not recorder.recording and recorder.building == 0:
            return
        yield Wait()


def _line() -> Generator[Step, None, str]:
    """Wait for a line on stdin without keeping the studio waiting; returns it."""
    while not select.select([sys.stdin], [], [], 0)[0]:
        yield Wait()
    text = sys.stdin.readline()
    if not text:
        raise CommandFailed("The input ended before all episodes were recorded. What was kept is on disk.")
    return text


def rollout(options: argparse.Namespace) -> dict[str, Any]:
    """Let a run drive once; on the simulated rig the trial is scored, on a real one the operator ends it."""
    workspace = Workspace.create(options.workspace)
    rig = named_rig(options.rig, workspace)
    studio = Studio(rig, workspace, options.seed)
    results: list[TrialResult] = []
    try:
        run_script(studio, _rollout(studio, options.run, options.seed, results))
    finally:
        studio.close()
    result = results[0]
    say(f"{'Success' if result.success else 'Failure: ' + result.failed}, {result.duration_s:.1f} s.")
    return {
        "run": str(options.run),
        "success": result.success,
        "why": result.failed,
        "side": result.side,
        "duration_s": round(result.duration_s, 2),
        "episode": str(result.episode),
    }


def _rollout(studio: Studio, run: Path, seed: int, results: list[TrialResult]) -> Iterator[Step]:
    yield from opened(studio)
    if studio.rig.simulated:
        studio.new_scene(seed)
        while not studio.scene_ready:
            yield Wait()
    trial = jobs.one_trial(studio, run, seed)
    try:
        while True:
            next(trial)
            yield Wait()
    except StopIteration as end:
        results.append(end.value)
    except jobs.JobFailed as error:
        raise CommandFailed(str(error)) from error
