"""Looks through one episode once, and keeps what lists, hints and statistics need of it."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Set
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorders.catalog import Catalog
from recorders.checksum import array_sha256
from recorders.episode_info import EpisodeInfo
from recorders.episode_reader import EpisodeReader
from recorders.errors import DiskError, EpisodeCorrupt, RecorderError
from recorders.hints import Hint, Motion, black_hints, frozen_hints, idle_times, motion_hints, path_length, take_hints
from recorders.index import INDEX_FOLDER, Figures, Index, Key, Survey, use_index
from recorders.statistics import Moments
from recorders.thumbnails import thumbnail

_KEEP_S = 1.0  # so long what was found may wait: one write for several episodes
_LOOKED_AT = 9  # pictures of each camera; the first, the middle and the last are in the thumbnail

SideOf = Callable[[EpisodeInfo, NDArray[np.float64]], str]
"""From an episode and the follower's positions (T, D): which way round the gripper went."""


def survey(path: Path, side_of: SideOf) -> Survey:
    """Of the episode at `path`. What can not be read becomes its problem; nothing is raised for a bad file."""
    try:
        with EpisodeReader(path) as reader:
            return _looked_through(reader, side_of)
    except EpisodeCorrupt as error:
        return Survey(Figures(problem=str(error)))
    except (RecorderError, OSError, ValueError, LookupError, TypeError, ArithmeticError, MemoryError) as error:
        # One file that nobody foresaw must not keep the others from being looked through.
        return Survey(Figures(hints=(("unread", f"It could not be looked through. {error}"),)))


def look_through(catalog: Catalog, side_of: SideOf, skipped: Set[Path] = frozenset()) -> Iterator[Path]:
    """Surveys what nobody has surveyed yet, but `skipped`, and keeps what it finds in the index of the folder.

    Gives each path before it is looked at. Raises `DiskError` when the index can not be written.
    """
    found: dict[Key, Survey] = {}
    since_s = time.monotonic()
    for info in catalog.unsurveyed():
        if info.path not in skipped:
            yield info.path
            found[catalog.key(info)] = survey(info.path, side_of)
        if time.monotonic() - since_s > _KEEP_S:
            _keep(catalog.folder, found)
            found, since_s = {}, time.monotonic()
    _keep(catalog.folder, found)


def _keep(folder: Path, found: dict[Key, Survey]) -> None:
    def keep(index: Index) -> bool:
        index.put_surveys(found)
        return index.kept

    if found and not use_index(folder, keep):
        raise DiskError(
            f"Episodes can not be looked through. Nothing can be kept in {folder / INDEX_FOLDER}, so hints, thumbnails "
            "and statistics are missing. Correct the permissions of the folder, or free some space."
        )


def _looked_through(reader: EpisodeReader, side_of: SideOf) -> Survey:
    frames = reader.frames
    if not len(frames):
        raise EpisodeCorrupt(f"The episode {reader.path.name} holds no control tick. Move it to the bin.")
    for name, values in (("positions", frames.follower_position), ("actions", frames.action)):
        if not np.all(np.isfinite(values)):
            raise EpisodeCorrupt(
                f"The {name} of {reader.path.name} hold values that are no numbers. Move it to the bin."
            )
    motion = Motion(frames.stamp_ns, frames.follower_position, frames.action, reader.joint_names)
    idle_start_s, idle_end_s = idle_times(motion)
    missing: Counter[str] = Counter()
    for gap in reader.gaps():
        missing[gap.stream] += gap.count
    hints: list[Hint] = [*take_hints(reader.info, missing), *motion_hints(motion, idle_start_s, idle_end_s)]
    moments: list[NDArray[np.uint8]] = []
    for camera in reader.cameras:
        stream = reader.images(camera)
        pictures = [stream[index] for index in _spread(len(stream), _LOOKED_AT)]
        hints += [*frozen_hints(camera, stream.stamp_ns, stream.crc32), *black_hints(camera, pictures)]
        moments = moments or [pictures[index] for index in _spread(len(pictures), 3)]
    figures = Figures(
        hints=tuple(hints),
        idle_start_s=idle_start_s,
        idle_end_s=idle_end_s,
        path_length=path_length(motion),
        motion=_same_for_same(motion),
        missing=dict(missing),
        side=_side(reader.info, motion, side_of),
    )
    return Survey(
        figures,
        reader.joint_names,
        Moments.of(motion.follower).to_bytes(),
        Moments.of(motion.action).to_bytes(),
        thumbnail(moments),
    )


def _side(info: EpisodeInfo, motion: Motion, side_of: SideOf) -> str:
    try:
        return side_of(info, motion.follower)
    except ValueError:  # recorded with an arm that this installation does not know
        return ""


def _same_for_same(motion: Motion) -> str:
    """Equal for episodes with the same motion, bit by bit, whenever it was recorded."""
    both = array_sha256(motion.follower) + array_sha256(motion.action)
    return hashlib.sha256(both.encode()).hexdigest()[:32]


def _spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` indices of `count`, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, wanted)}) if count else []
