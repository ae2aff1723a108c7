"""The episodes of a folder at a glance: list them, label them, put them in the bin."""

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py

from recorders import schema
from recorders.catalog_cache import CatalogCache
from recorders.disk import sync_folder
from recorders.episode_file import damage_reported, number_of, opened
from recorders.errors import EpisodeMissing, RecorderError, disk_errors
from recorders.labels import add_label, read_labels

BIN = ".bin"


@dataclass(frozen=True)
class EpisodeInfo:
    """One episode without its arrays. `frames` control ticks, `images` pictures per camera, `gaps` holes in streams.

    `number` 0 for a file with a name of its own. `recovered` for a take that was cut off or whose journal was damaged.
    `problem` says in the operator's words why the file can not be used; then all but `path` and `number` is empty.
    """

    path: Path
    uuid: str
    number: int
    task: str
    source: str
    outcome: str
    recorded_at: str
    duration_s: float
    frames: int
    images: dict[str, int]
    gaps: int
    simulated: bool
    rig: str
    scene: str
    extra: dict[str, Any] = field(default_factory=dict)
    recovered: bool = False
    problem: str = ""


# An episode file never changes, it is only replaced: what it said once can be remembered.
_caches: dict[Path, CatalogCache] = {}


def list_episodes(folder: Path) -> list[EpisodeInfo]:
    """All episodes of `folder` in the order of their numbers; broken ones too, with their `problem`.

    Only files that are new or changed since they were last listed are opened. A folder that is not there has none.
    Raises `DiskError` when the folder can not be read.
    """
    if not folder.is_dir():
        return []
    labels = read_labels(folder)
    with disk_errors("list the episodes", folder), os.scandir(folder) as entries:
        stamps = {
            entry.name: (entry.stat().st_mtime_ns, entry.stat().st_size)
            for entry in entries
            if entry.name.endswith(schema.FILE_SUFFIX) and not entry.name.startswith(".")
        }
    cache = _caches.get(folder) or _caches.setdefault(folder, CatalogCache(folder))
    infos = [
        _remembered(folder / name, cache.said(name, stamp)) or _read(folder / name) for name, stamp in stamps.items()
    ]
    # A broken file may be repaired, or its permissions corrected, without a trace in its stamp.
    cache.replace({info.path.name: (stamps[info.path.name], _said(info)) for info in infos if not info.problem})
    return sorted((_labelled(info, labels) for info in infos), key=lambda info: (info.number, info.path.name))


def episode_info(path: Path) -> EpisodeInfo:
    """One episode with its newest label. Raises `RecorderError`."""
    with opened(path) as file:
        info = info_of(path, file)
    return with_label(info)


def with_label(info: EpisodeInfo) -> EpisodeInfo:
    """`info` with the newest label of its folder. Raises `DiskError`."""
    return _labelled(info, read_labels(info.path.parent))


def label(path: Path, outcome: str) -> None:
    """Gives an episode another outcome. The file stays as it was recorded; the label lies beside it, in its folder.

    Raises `ValueError` for an outcome that there is not, `RecorderError` when the episode can not be read.
    """
    with opened(path) as file:
        uuid = str(file.attrs[schema.UUID])
    add_label(path.parent, uuid, outcome)


def move_to_bin(path: Path) -> Path:
    """Moves an episode to the folder `.bin` beside it, where `list_episodes` does not see it. Returns the new path.

    Raises `EpisodeMissing`, `DiskError`.
    """
    if not path.is_file():
        raise EpisodeMissing(f"There is no episode file {path}. It may be in the bin already.")
    with disk_errors("move the episode to the bin", path):
        folder = path.parent / BIN
        folder.mkdir(exist_ok=True)
        target = _free_name(folder / path.name)
        os.rename(path, target)
        sync_folder(folder)
        sync_folder(path.parent)
    return target


def info_of(path: Path, file: h5py.File) -> EpisodeInfo:
    """What the attributes of an open file say. Raises `EpisodeCorrupt`."""
    with damage_reported(path):
        said = dict(file.attrs)
        cameras = [str(name) for name in said[schema.CAMERA_NAMES]]
        counts = [int(count) for count in said[schema.IMAGE_COUNTS]]
        return EpisodeInfo(
            path=path,
            uuid=str(said[schema.UUID]),
            number=number_of(path),
            task=str(said[schema.TASK]),
            source=str(said[schema.SOURCE]),
            outcome=str(said[schema.OUTCOME]),
            recorded_at=str(said[schema.RECORDED_AT]),
            duration_s=float(said[schema.DURATION_S]),
            frames=int(said[schema.FRAME_COUNT]),
            images=dict(zip(cameras, counts, strict=True)),
            gaps=int(said[schema.GAP_ROWS]),
            simulated=bool(said[schema.SIMULATED]),
            rig=str(said[schema.RIG]),
            scene=str(said[schema.SCENE]),
            extra=json.loads(said[schema.EXTRA]),
            recovered=bool(said[schema.RECOVERED]),
        )


def _remembered(path: Path, said: dict[str, Any] | None) -> EpisodeInfo | None:
    try:
        return None if said is None else EpisodeInfo(path=path, number=number_of(path), **said)
    except TypeError:  # remembered by another version of the app
        return None


def _read(path: Path) -> EpisodeInfo:
    try:
        with opened(path) as file:
            return info_of(path, file)
    except RecorderError as error:
        return _broken(path, str(error))


def _said(info: EpisodeInfo) -> dict[str, Any]:
    return {name: value for name, value in vars(info).items() if name not in ("path", "number", "problem")}


def _broken(path: Path, problem: str) -> EpisodeInfo:
    return EpisodeInfo(
        path=path,
        uuid="",
        number=number_of(path),
        task="",
        source="",
        outcome="unrated",
        recorded_at="",
        duration_s=0.0,
        frames=0,
        images={},
        gaps=0,
        simulated=False,
        rig="",
        scene="",
        problem=problem,
    )


def _labelled(info: EpisodeInfo, labels: dict[str, str]) -> EpisodeInfo:
    outcome = labels.get(info.uuid)
    return info if outcome is None else replace(info, outcome=outcome)


def _free_name(path: Path) -> Path:
    """`path`, or with a count when the bin has one of that name."""
    count = 2
    free = path
    while free.exists():
        free = path.with_name(f"{path.stem}-{count}{path.suffix}")
        count += 1
    return free
