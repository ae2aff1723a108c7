"""Commands over many episodes, on several processes or a cluster: cache, survey, convert."""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from recorders.catalog import Catalog
from recorders.errors import DiskError
from recorders.exporters import EXPORTERS
from recorders.index import Index, Key, Survey, use_index
from teleop_studio.commands.driving import CommandFailed, say
from teleop_studio.processes.episode_map import EpisodeResult, map_episodes
from teleop_studio.processes.episode_tasks import CachedEpisode, cache_episode, convert_episode, survey_episode
from teleop_studio.training.episodes import choose_episodes
from teleop_studio.training.picture_cache import CACHE_GB_VARIABLE, cache_limit_bytes, make_room
from teleop_studio.workspace import Workspace

_TELL_S = 2.0
_KEPT_AT_ONCE = 100


def cache(options: argparse.Namespace) -> dict[str, Any]:
    """Reduce the pictures of all episodes that a training would learn from; exit code 1 when one can not be read."""
    workspace = Workspace.create(options.workspace)
    limit = cache_limit_bytes()
    paths = choose_episodes(options.data or [workspace.episodes])
    built: list[CachedEpisode] = []

    def count(result: EpisodeResult[CachedEpisode]) -> None:
        if result.value is not None:
            built.append(result.value)

    task = partial(cache_episode, folder=workspace.pictures, side_px=options.picture_px)
    told = _mapped(options, "Pictures of", task, paths, count)
    size = sum(one.size_bytes for one in built)
    if size > limit:
        say(
            f"These pictures take {size / 1e9:.1f} GB, the cache may have {limit / 1e9:.1f} GB: those not used for "
            f"longest go again. Set {CACHE_GB_VARIABLE} to more than {size / 1e9:.0f} for this and for training."
        )
    make_room(workspace.pictures, limit)
    return {
        "cache": str(workspace.pictures),
        "built": sum(one.built > 0 for one in built),
        "pictures": sum(one.pictures for one in built),
        "size_mb": round(size / 1e6, 1),
        **told,
    }


def survey(options: argparse.Namespace) -> dict[str, Any]:
    """Look through all episodes that nobody has looked through; what is found goes into each folder's index."""
    waiting: dict[Path, Key] = {}
    for folder in options.data or [Workspace.create(options.workspace).episodes]:
        if not folder.is_dir():
            raise CommandFailed(f"{folder} is no folder. Give folders of episodes: what is found is kept beside them.")
        catalog = Catalog(folder)
        catalog.refresh()
        waiting |= {info.path: catalog.key(info) for info in catalog.unsurveyed()}
    found: dict[Path, Survey] = {}

    def keep(result: EpisodeResult[Survey]) -> None:
        if result.value is not None:
            found[result.path] = result.value
        if len(found) >= _KEPT_AT_ONCE:
            _keep(found, waiting)

    try:
        return _mapped(options, "Looking through", survey_episode, list(waiting), keep)
    finally:
        _keep(found, waiting)


def convert(options: argparse.Namespace) -> dict[str, Any]:
    """Each episode that a training would learn from as a dataset of its own; exit code 1 when one can not be."""
    if options.format not in EXPORTERS:
        raise CommandFailed(f"There is no export format {options.format!r}. Known formats: {', '.join(EXPORTERS)}.")
    missing = EXPORTERS[options.format].missing()
    if missing:
        raise CommandFailed(f"The format {options.format} can not be written on this machine. {missing}.")
    paths = choose_episodes(options.data or [options.workspace.expanduser() / "episodes"])
    out = options.out.absolute()
    task = partial(convert_episode, name=options.format, out=out, fps=options.fps)
    return {"format": options.format, "out": str(out), **_mapped(options, "Converting", task, paths)}


def _mapped[R](
    options: argparse.Namespace,
    doing: str,
    task: Callable[[Path], R],
    paths: Sequence[Path],
    on_done: Callable[[EpisodeResult[R]], None] = lambda result: None,
) -> dict[str, Any]:
    """Do it, tell how far it is, and say what came of it for the command's result."""
    began_s = told_s = time.monotonic()
    count = 0

    def done(result: EpisodeResult[R]) -> None:
        nonlocal count, told_s
        count += 1
        on_done(result)
        if result.error:
            say(f"{result.path.name}: {result.error}")
        if time.monotonic() - told_s >= _TELL_S:
            told_s = time.monotonic()
            say(f"{doing} {count} of {len(paths)} episodes.")

    results = map_episodes(
        task, paths, engine=options.engine, workers=options.workers, address=options.address, on_done=done
    )
    failures = [{"episode": str(result.path), "why": result.error} for result in results if result.error]
    say(f"{doing} {len(paths)} episodes: done, {len(failures)} failed, {time.monotonic() - began_s:.1f} s.")
    return {
        "episodes": len(paths),
        "failures": failures,
        "elapsed_s": round(time.monotonic() - began_s, 2),
        "failed": bool(failures),
    }


def _keep(found: dict[Path, Survey], keys: dict[Path, Key]) -> None:
    """Move what was found into the index of each folder."""
    for folder in {path.parent for path in found}:
        surveys = {keys[path]: one for path, one in found.items() if path.parent == folder}

        def keep(index: Index, surveys: dict[Key, Survey] = surveys) -> bool:
            index.put_surveys(surveys)
            return index.kept

        if not use_index(folder, keep):
            raise DiskError(f"What was found can not be kept in {folder}. Correct its permissions, or free some space.")
    found.clear()
