"""Commands about the collection of episodes: list, statistics, label, tag, note, split, bin, restore, trim."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from recorders import catalog
from recorders.catalog import EpisodeInfo
from recorders.trim import suggested_range, trim
from teleop_studio.commands.driving import CommandFailed, say
from teleop_studio.shelf import Shelf


def episodes(options: argparse.Namespace) -> dict[str, Any]:
    """What the chosen action gives."""
    result: dict[str, Any] = _ACTIONS[options.action](options)
    return result


def _list(options: argparse.Namespace) -> dict[str, Any]:
    tell = _telling(options)
    infos = [info for info in catalog.list_episodes(_folder(options), binned=options.bin) if _is_wanted(info, options)]
    for info in infos:
        about = (info.task, info.outcome, f"{info.duration_s:.1f} s", info.split, *(f"#{tag}" for tag in info.tags))
        tell(f"{info.path.name}  {', '.join(text for text in about if text)}")
        for text in filter(None, (info.problem, info.note, *info.hints)):
            tell(f"    {text}")
    waiting = sum(not info.surveyed and not info.problem for info in infos)
    tell(
        f"{_episodes(len(infos))}." + (f" {waiting} not looked through yet: `teleop-studio survey`." if waiting else "")
    )
    return {"episodes": [asdict(info) for info in infos], "not_surveyed": waiting}


def _statistics(options: argparse.Namespace) -> dict[str, Any]:
    tell = _telling(options)
    shelf = Shelf(_folder(options))
    shelf.rows(whole=True)
    found = shelf.statistics()
    tell(
        f"{_episodes(found.episodes)}, {found.duration_s / 60:.1f} min, {found.frames} control ticks, "
        f"{found.size_mb:.0f} MB. {found.looked_through} went into the joint values."
    )
    for what, counts in (("outcome", found.outcomes), ("task", found.tasks), ("operator", found.operators)):
        for name, count in counts.items():
            tell(f"{what} {name}: {count}")
    for camera, (written, missing) in found.pictures.items():
        tell(f"camera {camera}: {written} pictures, {missing} missing")
    for k, joint in enumerate(found.joint_names):
        tell(
            f"{joint}: mean {found.state_mean[k]:.3f}, deviation {found.state_std[k]:.3f}, "
            f"{found.state_min[k]:.3f} to {found.state_max[k]:.3f}"
        )
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(found).items()}


def _label(options: argparse.Namespace) -> dict[str, Any]:
    return _said(options, outcome=options.outcome)


def _tag(options: argparse.Namespace) -> dict[str, Any]:
    return _said(options, **{"remove_tags" if options.remove else "add_tags": [options.tag]})


def _note(options: argparse.Namespace) -> dict[str, Any]:
    return _said(options, note=options.text)


def _split(options: argparse.Namespace) -> dict[str, Any]:
    return _said(options, split="" if options.split == "none" else options.split)


def _bin(options: argparse.Namespace) -> dict[str, Any]:
    return _moved(options, catalog.move_to_bin)


def _restore(options: argparse.Namespace) -> dict[str, Any]:
    return _moved(options, catalog.restore)


def _trim(options: argparse.Namespace) -> dict[str, Any]:
    path = _episode(options.path)
    start_s, end_s = options.start, options.end
    if start_s is None or end_s is None:
        idle_start_s, idle_end_s = _suggested(path)
        start_s, end_s = idle_start_s if start_s is None else start_s, idle_end_s if end_s is None else end_s
    try:
        new = trim(path, start_s, end_s)
    except ValueError as error:
        raise CommandFailed(f"The episode {path.name} was not trimmed. {error}") from error
    say(f"{new}: {start_s:.2f} to {end_s:.2f} s of {path.name}, which lies in the bin now.")
    return {"episode": str(new), "start_s": start_s, "end_s": end_s}


def _suggested(path: Path) -> tuple[float, float]:
    """The whole episode but for the time in which nothing moves."""
    found = catalog.Catalog(catalog.folder_of(path), binned=path.parent.name == catalog.BIN)
    found.refresh()
    info = found.find(path)
    figures = None if info is None else found.figures(info)
    if info is None or figures is None:
        raise CommandFailed(
            f"The episode {path.name} was not looked through yet, so there is no suggestion where to trim it. "
            "Give --start and --end, or run `teleop-studio survey` first."
        )
    return suggested_range(info, figures.idle_start_s, figures.idle_end_s)


def _said(options: argparse.Namespace, **said: Any) -> dict[str, Any]:
    for path in map(_episode, options.paths):
        try:
            catalog.say(path, options.who, **said)
        except ValueError as error:
            raise CommandFailed(f"The episode {path.name} was left as it was: {error}.") from error
    say(f"{_episodes(len(options.paths))} changed.")
    return {"episodes": [str(path) for path in options.paths]}


def _moved(options: argparse.Namespace, move: Callable[[Path], Path]) -> dict[str, Any]:
    moved = [move(_episode(path)) for path in options.paths]
    for path in moved:
        say(str(path))
    return {"episodes": [str(path) for path in moved]}


def _telling(options: argparse.Namespace) -> Callable[[str], None]:
    """What was asked for goes to stdout, unless its last line shall be JSON."""
    return say if options.json else print


def _episodes(count: int) -> str:
    return f"{count} episode{'' if count == 1 else 's'}"


def _folder(options: argparse.Namespace) -> Path:
    folder: Path = options.folder or options.workspace.expanduser() / "episodes"
    if not folder.is_dir():
        raise CommandFailed(f"There is no folder {folder}. Give a folder of episodes, or --workspace.")
    return folder.absolute()


def _episode(path: Path) -> Path:
    if not path.is_file():
        raise CommandFailed(f"There is no episode file {path}. `teleop-studio episodes list` names all there are.")
    return path.absolute()


def _is_wanted(info: EpisodeInfo, options: argparse.Namespace) -> bool:
    return (
        (options.task is None or options.task.casefold() in info.task.casefold())
        and (not options.outcome or info.outcome in options.outcome)
        and all(tag in info.tags for tag in options.tag)
        and (not options.odd or bool(info.hints or info.problem))
    )


_ACTIONS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "list": _list,
    "statistics": _statistics,
    "label": _label,
    "tag": _tag,
    "note": _note,
    "split": _split,
    "bin": _bin,
    "restore": _restore,
    "trim": _trim,
}
